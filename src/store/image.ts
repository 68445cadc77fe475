/** An image as its objects tell it: commit, the two entries below it, and every path with all its attributes. */
import { createHash } from 'node:crypto';
import {
  type AttributesMap,
  type FullAttributes,
  fullAttributes,
  MAX_ATTRIBUTES_BYTES,
  parseAttributes,
} from '../core/attributes';
import { type ByteString, fromBuffer } from '../core/bytes';
import { type ImageCommit, parseCommit } from '../core/commit';
import { walkLists } from '../core/diff';
import { PassItOnError } from '../core/errors';
import { manifestHeader, manifestLine } from '../core/manifest';
import type { Oid } from '../core/object';
import { MODE, parseTree, type TreeEntry } from '../core/tree';
import type { Blobs } from './blobs';
import type { ObjectReader } from './objects';
import { breathe, isOutOfBreath, stopIfAsked } from './pace';
import type { CheckOptions } from './types';

/** PATH_MAX of linux/limits.h. Bytes. */
export const MAX_LINK = 4095;

/** A commit and what it names; the objects below are not looked at. */
export interface ImageHead {
  commit: Oid;
  /** The commit's own bytes. */
  data: Buffer;
  info: ImageCommit;
  root: Oid;
  attributes: Oid;
}

function badImage(message: string): PassItOnError {
  return new PassItOnError('bad-data', message, 'Get the image from another laptop.');
}

/** Throws 'damaged' when the commit's tree is missing, 'bad-data' when they are not those of an image. */
export function readHead(commit: Oid, data: Buffer, objects: ObjectReader): ImageHead {
  const info = parseCommit(data);
  const entries = parseTree(objects.need(info.tree, 'tree', 'tree of the image'));
  const [attributes, root] = entries;
  const fits =
    entries.length === 2 &&
    attributes?.name === 'attributes' &&
    attributes.mode === MODE.file &&
    root?.name === 'root' &&
    root.mode === MODE.dir;
  if (!fits) throw badImage(`The image ${info.name} ${info.version} does not consist of attributes and root.`);
  return { commit, data, info, root: root.oid, attributes: attributes.oid };
}

/** Checked by their SHA-256: 'bad-data' when they are not those that the commit means. */
export function readAttributes(head: ImageHead, objects: ObjectReader): AttributesMap {
  const data = objects.need(head.attributes, 'blob', 'list of attributes');
  if (data.length > MAX_ATTRIBUTES_BYTES) throw badImage('The list of attributes is too long.');
  if (createHash('sha256').update(data).digest('hex') !== head.info.attributesSha256) {
    throw badImage(`The attributes are not those of the image ${head.info.name} ${head.info.version}.`);
  }
  return parseAttributes(data);
}

export interface ImagePath {
  path: ByteString;
  entry: TreeEntry;
  full: FullAttributes;
}

/** Every path but the root, folders before their contents, with defaults filled in; in lists, as core's walkLists. */
export async function* imageLists(
  head: ImageHead,
  attributes: AttributesMap,
  objects: ObjectReader,
): AsyncGenerator<ImagePath[]> {
  for await (const list of walkLists(head.root, objects.tree)) {
    yield list.map(({ path, entry }) => ({ path, entry, full: fullAttributes(entry, attributes.get(path)) }));
  }
}

/** The same one by one, for who has more to do with each than to wait for it. */
export async function* walkImage(
  head: ImageHead,
  attributes: AttributesMap,
  objects: ObjectReader,
): AsyncGenerator<ImagePath> {
  for await (const list of imageLists(head, attributes, objects)) yield* list;
}

/** The root of an image as if it were an entry of a folder. */
export function rootEntry(head: ImageHead): TreeEntry {
  return { mode: MODE.dir, name: '', oid: head.root };
}

/** What the manifest says of the content of a path. */
export type Content = { size: number; sha256: string } | { link: ByteString } | null;

/** Lines are hashed together: a call for each of 40,000 costs more than hashing. Characters. */
const HASHED_AT_ONCE = 16 << 10;

/** The manifest as it is made: only its SHA-256 is kept. */
export class ManifestHash {
  readonly #hash = createHash('sha256');
  #waiting = '';

  /** onLine: sees the header and every line, with their ends. */
  constructor(private readonly onLine: (line: string) => void = () => {}) {
    this.#say(manifestHeader());
  }

  add(path: ByteString, full: FullAttributes, content: Content): void {
    this.#say(manifestLine(path, full, content));
  }

  #say(line: string): void {
    this.#waiting += line;
    if (this.#waiting.length >= HASHED_AT_ONCE) this.#take();
    this.onLine(line);
  }

  #take(): void {
    this.#hash.update(this.#waiting, 'latin1');
    this.#waiting = '';
  }

  digest(): string {
    this.#take();
    return this.#hash.digest('hex');
  }
}

export interface Totals {
  /** All paths but the root. */
  paths: number;
  /** Those that are not folders. */
  files: number;
  /** Sum of the sizes of regular files. */
  bytes: number;
}

/** Content of a path that can be told at once; undefined where only `contentOf` can. byRecord: as in CheckOptions. */
export function contentAtHand({ entry, full }: ImagePath, blobs: Blobs, byRecord: boolean): Content | undefined {
  if (full.type === 'dir') return null;
  if (full.type === 'symlink') {
    const link = blobs.readSmall(entry.oid, MAX_LINK);
    return link === null ? undefined : { link: fromBuffer(link) };
  }
  const known = byRecord ? blobs.recorded(entry.oid) : blobs.glance(entry.oid);
  if (known === null) return undefined;
  return full.type === 'file' ? known : null;
}

/** Content of a path, from the blobs: throws 'damaged' when one is missing. */
export async function contentOf(item: ImagePath, blobs: Blobs, byRecord: boolean): Promise<Content> {
  const atHand = contentAtHand(item, blobs, byRecord);
  if (atHand !== undefined) return atHand;
  const { entry, full } = item;
  if (full.type === 'symlink') {
    const link = await blobs.read(entry.oid, MAX_LINK);
    if (link === null) throw missingBlob(entry.oid);
    return { link: fromBuffer(link) };
  }
  const found = await blobs.find(entry.oid);
  if (found === null) throw missingBlob(entry.oid);
  return full.type === 'file' ? found : null;
}

export function missingBlob(oid: Oid): PassItOnError {
  const message = `Some contents of the image (${oid.slice(0, 12)}) are missing or damaged.`;
  return new PassItOnError('damaged', message, 'Get the image again from another laptop.');
}

/**
 * Manifest-SHA256 and totals of an image whose blobs are all held; `lists`: all its paths. byRecord: as in CheckOptions.
 * Progress: paths, and bytes of their contents.
 */
export async function computeManifest(
  lists: AsyncIterable<readonly ImagePath[]>,
  blobs: Blobs,
  options: CheckOptions & { onLine?: (line: string) => void } = {},
): Promise<Totals & { sha256: string }> {
  const manifest = new ManifestHash(options.onLine);
  const { byRecord = false } = options;
  const totals: Totals = { paths: 0, files: 0, bytes: 0 };
  const tell = () => options.onProgress?.(totals.paths, 0, totals.bytes, 0);
  for await (const list of lists) {
    for (const item of list) {
      stopIfAsked(options.signal);
      // A promise, and a word on progress, for each of 40,000 paths would cost more than the path.
      if (isOutOfBreath()) {
        tell();
        await breathe();
      }
      const atHand = contentAtHand(item, blobs, byRecord);
      const content = atHand === undefined ? await contentOf(item, blobs, byRecord) : atHand;
      manifest.add(item.path, item.full, content);
      totals.paths += 1;
      if (item.full.type !== 'dir') totals.files += 1;
      if (content !== null && 'size' in content) totals.bytes += content.size;
    }
  }
  tell();
  return { ...totals, sha256: manifest.digest() };
}
