/** The two ways in which a blob comes in. Nothing of it can be seen before its hash was right. */
import { promises } from 'node:fs';
import { PassItOnError, toPassItOnError } from '../core/errors';
import { BlobHasher, type Oid } from '../core/object';
import type { Blobs } from './blobs';

/** Receives one blob; nothing of it can be seen before `commit`. */
export interface BlobWriter {
  write(chunk: Buffer): Promise<void>;
  /** Throws 'source-lied', keeping nothing, when the content is not what its oid says. */
  commit(): Promise<void>;
  /** Keeps nothing. Harmless after `commit` or a failure. */
  abort(): Promise<void>;
}

export function sourceLied(oid: Oid, cause?: unknown): PassItOnError {
  const message = `What was received is not the content that was asked for (${oid.slice(0, 12)}).`;
  return new PassItOnError('source-lied', message, 'Ask another laptop.', { cause });
}

/** Up to SMALL bytes: gathered in memory, written at once. */
export class SmallWriter implements BlobWriter {
  readonly #data: Buffer;
  #length = 0;

  constructor(
    private readonly blobs: Blobs,
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
      await this.blobs.keep(actual.oid, actual.sha256, this.#data);
    } catch (error) {
      throw toPassItOnError(error);
    }
  }

  async abort(): Promise<void> {}
}

/** Any size: through a temporary file, hashed on the way. */
export class LargeWriter implements BlobWriter {
  readonly #hasher: BlobHasher;
  #done = false;

  private constructor(
    private readonly blobs: Blobs,
    private readonly oid: Oid,
    size: number,
    private readonly temporary: string,
    private readonly handle: promises.FileHandle,
  ) {
    this.#hasher = new BlobHasher(size);
  }

  static async begin(blobs: Blobs, oid: Oid, size: number): Promise<BlobWriter> {
    const temporary = blobs.temporary();
    try {
      return new LargeWriter(blobs, oid, size, temporary, await promises.open(temporary, 'wx', 0o600));
    } catch (error) {
      throw toPassItOnError(error);
    }
  }

  async write(chunk: Buffer): Promise<void> {
    try {
      this.#hasher.update(chunk);
    } catch (error) {
      await this.abort();
      throw sourceLied(this.oid, error);
    }
    try {
      await this.handle.appendFile(chunk);
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
      await this.blobs.keepFile(actual.oid, actual.sha256, this.temporary, this.handle);
      this.#done = true;
      await this.handle.close();
    } catch (error) {
      await this.abort();
      throw toPassItOnError(error);
    }
  }

  async abort(): Promise<void> {
    if (this.#done) return;
    this.#done = true;
    await this.handle.close();
    await promises.rm(this.temporary, { force: true });
  }
}
