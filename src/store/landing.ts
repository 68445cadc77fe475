/**
 * Where blobs land that another thread takes in: it writes each into a file under `partial/`, hashes it, and tells the thread that owns
 * the store, which gives it its name. So there is one who knows what is held, and whatever the other thread does, nothing of it
 * counts before.
 */
import { constants, lstatSync, promises, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Oid } from '../core/object';
import {
  asBlob,
  type BlobPlace,
  type BlobWriter,
  type ClaimedFile,
  resume,
  SMALL,
  takeWhole,
  writerFor,
  writeSmall,
} from './blob-writer';
import { failedWith, readFileIf } from './disk';
import { type HashRecord, matches, recordOf } from './hashcache';

/** A blob that is held, as it was when it was hashed. Plain data: it goes from one thread to another, as all of these do. */
export type BlobFacts = Omit<HashRecord, 'sha256'> & { oid: Oid };

/** A whole blob that has no name yet. file: absolute path. */
export type Landed = HashRecord & { oid: Oid; file: string };

/** The owner's side. */
export interface LandingField {
  /** `blobs/`. */
  readonly dir: string;
  /** The name of a new file under `partial/`, or what names of new files can begin with. */
  temporary(): string;
  /** Null where nothing is recorded of it. */
  facts(oid: Oid): BlobFacts | null;
  /** Where to receive a large one: to be claimed before the other thread hears of it, released when that is done. */
  claim(oid: Oid): ClaimedFile;
  /** Gives it its name; where it is held already the file goes. */
  land(landed: Landed): void;
}

/** What the other thread needs to know for some blobs. */
export interface LandingPlan {
  /** `blobs/`. */
  dir: string;
  /** What names of new files begin with: absolute, and nobody else's. */
  temporary: string;
  /** Of blobs that help to make others. */
  bases: readonly BlobFacts[];
  /** Of large ones. */
  files: readonly (Omit<ClaimedFile, 'release'> & { oid: Oid })[];
}

/** The other thread's side, for one batch: a store as far as receiving needs one. */
export class Landing implements BlobPlace {
  readonly #bases: ReadonlyMap<Oid, BlobFacts>;
  readonly #files: ReadonlyMap<Oid, Omit<ClaimedFile, 'release'>>;
  #made = 0;

  constructor(
    private readonly plan: LandingPlan,
    private readonly landed: (one: Landed) => void,
  ) {
    this.#bases = new Map(plan.bases.map(facts => [facts.oid, facts]));
    this.#files = new Map(plan.files.map(({ oid, ...file }) => [oid, file]));
  }

  receiveBlob(oid: Oid, size: number): BlobWriter {
    return writerFor(this, oid, size);
  }

  resumeBlob(oid: Oid, size: number, from: number): Promise<BlobWriter> {
    return resume(this, oid, size, from);
  }

  receiveWhole(oid: Oid, data: Buffer): void {
    takeWhole(this, oid, data);
  }

  /** How many bytes came of a large blob before its receiving was broken off. */
  keptBytes(oid: Oid): number {
    const file = this.#files.get(oid);
    return file?.stays ? (lstatSync(file.path, { throwIfNoEntry: false })?.size ?? 0) : 0;
  }

  /** Null when it is not among the bases, or its file is not as it was. */
  async openBlob(oid: Oid): Promise<{ size: number; handle: promises.FileHandle } | null> {
    const facts = this.#bases.get(oid);
    if (facts === undefined) return null;
    const handle = await promises.open(this.#path(oid), constants.O_RDONLY | constants.O_NOFOLLOW).catch(error => {
      if (failedWith(error, 'ENOENT', 'ELOOP')) return null;
      throw error;
    });
    if (handle === null || matches(facts, await handle.stat())) return handle && { size: facts.size, handle };
    await handle.close();
    return null;
  }

  /** The same for a small one, at once. */
  readSmallBlob(oid: Oid): Buffer | null {
    const facts = this.#bases.get(oid);
    if (facts === undefined || facts.size > SMALL) return null;
    return readFileIf(this.#path(oid), facts.size, stat => matches(facts, stat));
  }

  claim(oid: Oid): ClaimedFile {
    const file = this.#files.get(oid) ?? { path: this.#temporary(), stays: false };
    return { ...file, release: () => {} };
  }

  keep(oid: Oid, sha256: string, data: Buffer): void {
    const file = this.#temporary();
    try {
      this.landed({ oid, file, ...recordOf(writeSmall(file, data), sha256) });
    } catch (error) {
      rmSync(file, { force: true });
      throw error;
    }
  }

  keepFile(oid: Oid, sha256: string, file: string, descriptor: number): void {
    this.landed({ oid, file, ...recordOf(asBlob(descriptor), sha256) });
  }

  #temporary(): string {
    return `${this.plan.temporary}.${this.#made++}`;
  }

  #path(oid: Oid): string {
    return join(this.plan.dir, oid.slice(0, 2), oid.slice(2));
  }
}
