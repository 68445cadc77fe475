/** The two ways in which a blob comes in. Nothing of it can be seen before its hash was right. */
import { closeSync, constants, fstatSync, futimesSync, openSync, promises, type Stats, writeSync } from 'node:fs';
import { PassItOnError, toPassItOnError } from '../core/errors';
import { BlobHasher, type Oid } from '../core/object';
import { CHUNK, withBuffer } from './buffers';
import { BLOB_TIME } from './intake';

/** Where the writers put what is whole, and what is not yet. */
export interface BlobPlace {
  /** Keeps content whose hashes are known to be right. */
  keep(oid: Oid, sha256: string, data: Buffer): Promise<unknown>;
  /** The same for what is in a file that was claimed. */
  keepFile(oid: Oid, sha256: string, path: string, handle: promises.FileHandle): Promise<unknown>;
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

/** Writes all of a small blob into a new file: synchronously, for the ways to other threads and back cost more than making it. */
export function writeSmall(file: string, data: Buffer): Stats {
  const fd = openSync(file, 'wx', 0o600);
  try {
    for (let at = 0; at < data.length; ) at += writeSync(fd, data, at);
    futimesSync(fd, BLOB_TIME, BLOB_TIME);
    return fstatSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** from: how many bytes of what was kept of a large one to begin with. */
export async function writerFor(place: BlobPlace, oid: Oid, size: number, from: number): Promise<BlobWriter> {
  return size <= SMALL ? new SmallWriter(place, oid, size) : LargeWriter.begin(place, oid, size, from);
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
    const hasher = new BlobHasher(this.#data.length);
    hasher.update(this.#data);
    const actual = hasher.digest();
    if (actual.oid !== this.oid) throw sourceLied(this.oid);
    try {
      await this.place.keep(actual.oid, actual.sha256, this.#data);
    } catch (error) {
      throw toPassItOnError(error);
    }
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
    private readonly handle: promises.FileHandle,
  ) {
    this.#hasher = new BlobHasher(size);
  }

  /** from: how many bytes of what was kept to begin with. Throws 'damaged' when there are fewer. */
  static async begin(place: BlobPlace, oid: Oid, size: number, from: number): Promise<BlobWriter> {
    const file = place.claim(oid);
    let handle: promises.FileHandle | null = null;
    try {
      handle = await promises.open(file.path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
      await handle.truncate(Math.min(from, (await handle.stat()).size));
      const writer = new LargeWriter(place, oid, size, file, handle);
      await writer.#recall(from);
      return writer;
    } catch (error) {
      await handle?.close();
      file.release();
      throw toPassItOnError(error);
    }
  }

  /** Hashes what is there already. */
  async #recall(from: number): Promise<void> {
    await withBuffer(async buffer => {
      while (this.#written < from) {
        const most = Math.min(buffer.length, from - this.#written);
        const { bytesRead } = await this.handle.read(buffer, 0, most, this.#written);
        if (bytesRead === 0) throw new PassItOnError('damaged', 'What was kept of a file is gone.', 'Start again.');
        this.#hasher.update(buffer.subarray(0, bytesRead));
        this.#written += bytesRead;
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
        const { bytesWritten } = await this.handle.write(chunk, at, chunk.length - at, this.#written);
        at += bytesWritten;
        this.#written += bytesWritten;
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
      await this.place.keepFile(actual.oid, actual.sha256, this.file.path, this.handle);
      this.#done = true;
      this.file.release();
      await this.handle.close();
    } catch (error) {
      await this.abort();
      throw toPassItOnError(error);
    }
  }

  async abort(): Promise<void> {
    await this.#end(false);
  }

  async suspend(): Promise<void> {
    await this.#end(this.#written > 0);
  }

  async #end(keep: boolean): Promise<void> {
    if (this.#done) return;
    this.#done = true;
    await this.handle.close();
    if (!keep || !this.file.stays) await promises.rm(this.file.path, { force: true });
    this.file.release();
  }
}
