/**
 * The two ways in which a blob comes in. Nothing of it can be seen before its hash was right. All is done by synchronous calls: the
 * kernel takes 64 kB into its memory sooner than another thread is woken to hand them over, and a promise for each of thousands of
 * small files costs as much as to write it.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  futimesSync,
  openSync,
  readSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { PassItOnError, toPassItOnError } from '../core/errors';
import { BlobHasher, type Oid } from '../core/object';
import { CHUNK, withBuffer } from './buffers';
import { BLOB_TIME } from './intake';
import { breathe } from './pace';

/** Where the writers put what is whole, and what is not yet. */
export interface BlobPlace {
  /** Keeps content whose hashes are known to be right. */
  keep(oid: Oid, sha256: string, data: Buffer): unknown;
  /** The same for what is in a file that was claimed. descriptor: of it, open for writing. */
  keepFile(oid: Oid, sha256: string, path: string, descriptor: number): unknown;
  claim(oid: Oid): ClaimedFile;
}

/** A file to receive a blob into; release: nobody writes to it any more. */
export interface ClaimedFile {
  path: string;
  /** What has come of it is found here after a stop. */
  stays: boolean;
  release(): void;
}

/** Receives one blob; nothing of it can be seen before `commit`. */
export interface BlobWriter {
  write(chunk: Buffer): void;
  /** Throws 'source-lied', keeping nothing, when the content is not what its oid says. */
  commit(): void;
  /** Keeps nothing. Harmless after `commit` or a failure. */
  abort(): void;
  /** Stops in the middle, and keeps what came of a large one, to go on with (`keptBytes`). Harmless like `abort`. */
  suspend(): void;
}

export function sourceLied(oid: Oid, cause?: unknown): PassItOnError {
  const message = `What was received is not the content that was asked for (${oid.slice(0, 12)}).`;
  return new PassItOnError('source-lied', message, 'Ask another laptop.', { cause });
}

/** Blobs up to here are held in memory until they are whole, and written at once. Bytes. */
export const SMALL = CHUNK;

/** Writes all of a small blob into a new file. */
export function writeSmall(file: string, data: Buffer): Stats {
  const fd = openSync(file, 'wx', 0o600);
  try {
    for (let at = 0; at < data.length; ) at += writeSync(fd, data, at);
    return asBlob(fd);
  } finally {
    closeSync(fd);
  }
}

/** Gives an open file what all blobs have in common, and tells what it is then. */
export function asBlob(descriptor: number): Stats {
  futimesSync(descriptor, BLOB_TIME, BLOB_TIME);
  return fstatSync(descriptor);
}

export function writerFor(place: BlobPlace, oid: Oid, size: number): BlobWriter {
  return size <= SMALL ? new SmallWriter(place, oid, size) : new LargeWriter(place, oid, size, 0);
}

/** Goes on with the first `from` bytes of what was kept of a large one. Throws 'damaged' when there are fewer. */
export async function resume(place: BlobPlace, oid: Oid, size: number, from: number): Promise<BlobWriter> {
  if (from === 0) return writerFor(place, oid, size);
  const writer = new LargeWriter(place, oid, size, from);
  await writer.recall(from);
  return writer;
}

/** A blob that has come in one piece. Throws as a writer's `commit`; `data` may be used for something else afterwards. */
export function takeWhole(place: BlobPlace, oid: Oid, data: Buffer): void {
  const hasher = new BlobHasher(data.length);
  hasher.update(data);
  const actual = hasher.digest();
  if (actual.oid !== oid) throw sourceLied(oid);
  try {
    place.keep(oid, actual.sha256, data);
  } catch (error) {
    throw toPassItOnError(error);
  }
}

/** Up to SMALL bytes: gathered in memory, written at once. */
class SmallWriter implements BlobWriter {
  readonly #data: Buffer;
  #length = 0;

  constructor(
    private readonly place: BlobPlace,
    private readonly oid: Oid,
    size: number,
  ) {
    this.#data = Buffer.allocUnsafe(size);
  }

  write(chunk: Buffer): void {
    if (this.#length + chunk.length > this.#data.length) throw sourceLied(this.oid);
    chunk.copy(this.#data, this.#length);
    this.#length += chunk.length;
  }

  commit(): void {
    if (this.#length !== this.#data.length) throw sourceLied(this.oid);
    takeWhole(this.place, this.oid, this.#data);
  }

  abort(): void {}

  suspend(): void {}
}

/**
 * Any size: through a file under `partial/`, hashed on the way. It has the blob's name, so that what came can be gone on
 * with after a stop, or a crash; unless somebody else is receiving the same blob, whose file that is.
 */
class LargeWriter implements BlobWriter {
  readonly #hasher: BlobHasher;
  readonly #file: ClaimedFile;
  readonly #descriptor: number;
  #written = 0;
  #done = false;

  /** keeping: how many bytes of what was kept are to stay; see `recall`. */
  constructor(
    private readonly place: BlobPlace,
    private readonly oid: Oid,
    size: number,
    keeping: number,
  ) {
    this.#hasher = new BlobHasher(size);
    this.#file = place.claim(oid);
    let descriptor: number | null = null;
    try {
      descriptor = openSync(this.#file.path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
      ftruncateSync(descriptor, Math.min(keeping, fstatSync(descriptor).size));
    } catch (error) {
      if (descriptor !== null) closeSync(descriptor);
      this.#file.release();
      throw toPassItOnError(error);
    }
    this.#descriptor = descriptor;
  }

  /** Hashes what is there already: so many bytes. */
  async recall(from: number): Promise<void> {
    try {
      await withBuffer(async buffer => {
        while (this.#written < from) {
          await breathe();
          const most = Math.min(buffer.length, from - this.#written);
          const bytes = readSync(this.#descriptor, buffer, 0, most, this.#written);
          if (bytes === 0) throw new PassItOnError('damaged', 'What was kept of a file is gone.', 'Start again.');
          this.#hasher.update(buffer.subarray(0, bytes));
          this.#written += bytes;
        }
      });
    } catch (error) {
      this.suspend();
      throw toPassItOnError(error);
    }
  }

  write(chunk: Buffer): void {
    try {
      this.#hasher.update(chunk);
    } catch (error) {
      this.abort();
      throw sourceLied(this.oid, error);
    }
    try {
      for (let at = 0; at < chunk.length; ) {
        const bytes = writeSync(this.#descriptor, chunk, at, chunk.length - at, this.#written);
        at += bytes;
        this.#written += bytes;
      }
    } catch (error) {
      this.abort();
      throw toPassItOnError(error);
    }
  }

  commit(): void {
    try {
      let actual: { oid: Oid; sha256: string };
      try {
        actual = this.#hasher.digest();
      } catch (error) {
        throw sourceLied(this.oid, error);
      }
      if (actual.oid !== this.oid) throw sourceLied(this.oid);
      this.place.keepFile(actual.oid, actual.sha256, this.#file.path, this.#descriptor);
      this.#done = true;
      this.#file.release();
      closeSync(this.#descriptor);
    } catch (error) {
      this.abort();
      throw toPassItOnError(error);
    }
  }

  abort(): void {
    this.#end(false);
  }

  suspend(): void {
    this.#end(this.#written > 0);
  }

  #end(keep: boolean): void {
    if (this.#done) return;
    this.#done = true;
    closeSync(this.#descriptor);
    if (!keep || !this.#file.stays) rmSync(this.#file.path, { force: true });
    this.#file.release();
  }
}
