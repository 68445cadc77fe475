/**
 * The two ways in which a blob comes in. Nothing of it can be seen before its hash was right. Both write by synchronous calls: the
 * kernel takes 64 kB into its memory sooner than another thread is woken to hand them over.
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
  keep(oid: Oid, sha256: string, data: Buffer): Promise<unknown>;
  /** The same for what is in a file that was claimed. descriptor: of it, open for writing. */
  keepFile(oid: Oid, sha256: string, path: string, descriptor: number): Promise<unknown>;
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
  write(chunk: Buffer): Promise<void>;
  /** Throws 'source-lied', keeping nothing, when the content is not what its oid says. */
  commit(): Promise<void>;
  /** Keeps nothing. Harmless after `commit` or a failure. */
  abort(): Promise<void>;
  /** Stops in the middle, and keeps what came of a large one, to go on with (`keptBytes`). Harmless like `abort`. */
  suspend(): Promise<void>;
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

/** from: how many bytes of what was kept of a large one to begin with. */
export async function writerFor(place: BlobPlace, oid: Oid, size: number, from: number): Promise<BlobWriter> {
  return size <= SMALL ? new SmallWriter(place, oid, size) : LargeWriter.begin(place, oid, size, from);
}

/** A blob that has come in one piece. Throws as a writer's `commit`; `data` may be used for something else afterwards. */
export async function takeWhole(place: BlobPlace, oid: Oid, data: Buffer): Promise<void> {
  const hasher = new BlobHasher(data.length);
  hasher.update(data);
  const actual = hasher.digest();
  if (actual.oid !== oid) throw sourceLied(oid);
  try {
    await place.keep(oid, actual.sha256, data);
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

  async write(chunk: Buffer): Promise<void> {
    if (this.#length + chunk.length > this.#data.length) throw sourceLied(this.oid);
    chunk.copy(this.#data, this.#length);
    this.#length += chunk.length;
  }

  async commit(): Promise<void> {
    if (this.#length !== this.#data.length) throw sourceLied(this.oid);
    await takeWhole(this.place, this.oid, this.#data);
  }

  async abort(): Promise<void> {}

  async suspend(): Promise<void> {}
}

/**
 * Any size: through a file under `partial/`, hashed on the way. It has the blob's name, so that what came can be gone on
 * with after a stop, or a crash; unless somebody else is receiving the same blob, whose file that is.
 */
class LargeWriter implements BlobWriter {
  readonly #hasher: BlobHasher;
  #written = 0;
  #done = false;

  private constructor(
    private readonly place: BlobPlace,
    private readonly oid: Oid,
    size: number,
    private readonly file: ClaimedFile,
    private readonly descriptor: number,
  ) {
    this.#hasher = new BlobHasher(size);
  }

  /** from: how many bytes of what was kept to begin with. Throws 'damaged' when there are fewer. */
  static async begin(place: BlobPlace, oid: Oid, size: number, from: number): Promise<BlobWriter> {
    const file = place.claim(oid);
    let descriptor: number | null = null;
    try {
      descriptor = openSync(file.path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
      ftruncateSync(descriptor, Math.min(from, fstatSync(descriptor).size));
      const writer = new LargeWriter(place, oid, size, file, descriptor);
      await writer.#recall(from);
      return writer;
    } catch (error) {
      if (descriptor !== null) closeSync(descriptor);
      file.release();
      throw toPassItOnError(error);
    }
  }

  /** Hashes what is there already. */
  async #recall(from: number): Promise<void> {
    await withBuffer(async buffer => {
      while (this.#written < from) {
        await breathe();
        const most = Math.min(buffer.length, from - this.#written);
        const bytes = readSync(this.descriptor, buffer, 0, most, this.#written);
        if (bytes === 0) throw new PassItOnError('damaged', 'What was kept of a file is gone.', 'Start again.');
        this.#hasher.update(buffer.subarray(0, bytes));
        this.#written += bytes;
      }
    });
  }

  async write(chunk: Buffer): Promise<void> {
    try {
      this.#hasher.update(chunk);
    } catch (error) {
      await this.abort();
      throw sourceLied(this.oid, error);
    }
    try {
      for (let at = 0; at < chunk.length; ) {
        const bytes = writeSync(this.descriptor, chunk, at, chunk.length - at, this.#written);
        at += bytes;
        this.#written += bytes;
      }
    } catch (error) {
      await this.abort();
      throw toPassItOnError(error);
    }
  }

  async commit(): Promise<void> {
    try {
      let actual: { oid: Oid; sha256: string };
      try {
        actual = this.#hasher.digest();
      } catch (error) {
        throw sourceLied(this.oid, error);
      }
      if (actual.oid !== this.oid) throw sourceLied(this.oid);
      await this.place.keepFile(actual.oid, actual.sha256, this.file.path, this.descriptor);
      this.#done = true;
      this.file.release();
      closeSync(this.descriptor);
    } catch (error) {
      await this.abort();
      throw toPassItOnError(error);
    }
  }

  async abort(): Promise<void> {
    this.#end(false);
  }

  async suspend(): Promise<void> {
    this.#end(this.#written > 0);
  }

  #end(keep: boolean): void {
    if (this.#done) return;
    this.#done = true;
    closeSync(this.descriptor);
    if (!keep || !this.file.stays) rmSync(this.file.path, { force: true });
    this.file.release();
  }
}
