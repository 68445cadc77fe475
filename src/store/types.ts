/** What the store tells others. Field names of the first three are those of the service contract. */
import type { Oid } from '../core/object';

export interface ImageInfo {
  name: string;
  version: string;
  /** 40 hex digits. */
  commit: Oid;
  /** ISO 8601, UTC. */
  releaseTime: string;
  /** Null here: whose signature it is, and whether to trust it, is judged by others (`commitData`). */
  signedBy: string | null;
  /** Sum of the sizes of all regular files, in bytes; a hard-linked file counts once for each of its paths. */
  bytes: number;
}

/** A complete image of this store. */
export interface HeldImage extends ImageInfo {
  /** The `root` tree: the file system as a git tree. */
  root: Oid;
  /** The `attributes` blob. */
  attributes: Oid;
  /** The complete root tree on disk, built of hard links: absolute path. Read it, never write into it. */
  dir: string;
}

export interface PublishResult {
  image: HeldImage;
  paths: number;
  bytes: number;
  /** Blobs that the store did not hold before. */
  newObjects: number;
  newBytes: number;
  /** Plain sentences a publisher should read before giving the image to anybody. */
  warnings: string[];
}

export interface Finding {
  /** For people: UTF-8, control characters escaped; the root of the image is `/`. */
  path: string;
  problem: string;
}

export interface VerifyReport {
  image: ImageInfo;
  paths: number;
  bytes: number;
  /** What differs from the manifest, and why. Empty: every path is as published. */
  problems: Finding[];
  /** What an ordinary user could not set (owners, device nodes): recorded, not damage. */
  notKept: Finding[];
}

/** Files include symlinks and nodes, not directories; totals are 0 while unknown. */
export type OnProgress = (filesDone: number, filesTotal: number, bytesDone: number, bytesTotal: number) => void;

export interface WorkOptions {
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

export interface CheckOptions extends WorkOptions {
  /** What is recorded of each blob is enough: for who stages next, where each is looked at when it is placed. */
  byRecord?: boolean;
}
