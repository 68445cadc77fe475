/**
 * Takes the content of one path of a tree into `blobs/`: read, hashed, and written once, with synchronous calls, which
 * cost a third of the asynchronous ones. It is made to run in several threads at once (intake-worker.ts), so it keeps
 * nothing in memory and vouches for nothing that was there before: the thread that owns the hash cache does.
 */
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type ByteString, toBuffer } from '../core/bytes';
import { BlobHasher, type Oid } from '../core/object';
import { CHUNK } from './buffers';
import { failedWith } from './disk';

/** Contents are shared across images and so are their times. Seconds. */
export const BLOB_TIME = 1;

/** States of the lock. */
const FREE = 0;
const TAKEN = 1;

/** Plain data, because it crosses to another thread. */
export interface Order {
  /** Absolute. */
  path: ByteString;
  type: 'file' | 'symlink';
  /** Of a file, in bytes, when it was found. */
  size: number;
  /** What `identity` said when it was found. */
  identity: string;
  /** Some blob has this size: then a large file is hashed before it is copied. */
  likelyHeld: boolean;
}

interface Content {
  oid: Oid;
  sha256: string;
  /** Bytes. */
  size: number;
}

export type Answer =
  /** A blob now; mtime in milliseconds. */
  | ({ kind: 'fresh'; inode: number; mtime: number } & Content)
  /** Something has this name already; whether it has the content is for the owner of the hash cache to say. */
  | ({ kind: 'there' } & Content)
  /** The file is not what it was when it was found. */
  | { kind: 'changed' }
  /** As a system call says it: ENOSPC… */
  | { kind: 'failed'; code: string | undefined; message: string };

/** Equal for two looks at one file that nobody wrote to in between. */
export function identity({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

export interface IntakePlace {
  /** The folder `blobs/`. */
  blobs: string;
  /** A folder on the same file system, in which nobody else makes names that begin with `prefix`. */
  temporary: string;
  prefix: string;
  /** Four bytes, 0 at first, shared by all who work on `blobs` at the same time. */
  lock: SharedArrayBuffer;
}

/** Thrown and caught in here. */
class Changed extends Error {}

export class Intake {
  /** Used again and again: tens of thousands of fresh ones would cost more than the reading itself. */
  readonly #buffer = Buffer.allocUnsafeSlow(CHUNK);
  #count = 0;

  readonly #lock: Int32Array;

  constructor(private readonly place: IntakePlace) {
    this.#lock = new Int32Array(place.lock);
  }

  /** Never throws. Nothing is left behind but whole blobs. */
  take(order: Order): Answer {
    try {
      return order.type === 'symlink' ? this.#takeLink(order) : this.#takeFile(order);
    } catch (error) {
      if (error instanceof Changed) return { kind: 'changed' };
      const { code, message } = error as NodeJS.ErrnoException;
      return { kind: 'failed', code, message };
    }
  }

  #takeLink({ path }: Order): Answer {
    const target = readlinkSync(toBuffer(path), { encoding: 'buffer' });
    return this.#keep(hash(target), target);
  }

  #takeFile(order: Order): Answer {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const fd = openSync(toBuffer(order.path), flags);
    try {
      // After reading: it tells as well whether this is the file that was found at all.
      const stillSame = (): void => {
        if (identity(fstatSync(fd, { bigint: true })) !== order.identity) throw new Changed();
      };
      if (order.size <= CHUNK) {
        const data = this.#buffer.subarray(0, readUpTo(fd, this.#buffer, order.size));
        stillSame();
        return this.#keep(hash(data), data);
      }
      if (order.likelyHeld) {
        const content = this.#pass(fd, order.size, () => {});
        stillSame();
        if (isThere(this.#path(content.oid))) return { kind: 'there', ...content };
      }
      return this.#copy(fd, order.size, stillSame);
    } finally {
      closeSync(fd);
    }
  }

  /** Reads all of an open file, hashing it. */
  #pass(fd: number, size: number, also: (chunk: Buffer) => void): Content {
    const hasher = new BlobHasher(size);
    for (let position = 0; position < size; ) {
      const bytes = readSync(fd, this.#buffer, 0, Math.min(CHUNK, size - position), position);
      if (bytes === 0) throw new Changed();
      position += bytes;
      const chunk = this.#buffer.subarray(0, bytes);
      hasher.update(chunk);
      also(chunk);
    }
    return { ...hasher.digest(), size };
  }

  #keep(content: Content, data: Buffer): Answer {
    if (isThere(this.#path(content.oid))) return { kind: 'there', ...content };
    return this.#write(fd => {
      writeAll(fd, data);
      return content;
    });
  }

  #copy(from: number, size: number, stillSame: () => void): Answer {
    return this.#write(fd => {
      const content = this.#pass(from, size, chunk => writeAll(fd, chunk));
      stillSame();
      return content;
    });
  }

  /** A temporary file that gets the name of its content when it is whole. */
  #write(fill: (fd: number) => Content): Answer {
    const temporary = join(this.place.temporary, `${this.place.prefix}-${this.#count++}`);
    let content: Content;
    let kept: { inode: number; mtime: number };
    try {
      const fd = openSync(temporary, 'wx', 0o600);
      try {
        content = fill(fd);
        futimesSync(fd, BLOB_TIME, BLOB_TIME);
        const { ino: inode, mtimeMs: mtime } = fstatSync(fd);
        kept = { inode, mtime };
      } finally {
        closeSync(fd);
      }
      if (this.#name(temporary, content.oid)) return { kind: 'fresh', ...kept, ...content };
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    unlinkSync(temporary);
    return { kind: 'there', ...content };
  }

  /** False when something has the name already: of two threads with one content, one is the first. */
  #name(temporary: string, oid: Oid): boolean {
    const path = this.#path(oid);
    // Renames between folders wait for each other in the kernel anyway.
    while (Atomics.compareExchange(this.#lock, 0, FREE, TAKEN) !== FREE) Atomics.wait(this.#lock, 0, TAKEN);
    try {
      if (isThere(path)) return false;
      renameSync(temporary, path);
    } catch (error) {
      if (!failedWith(error, 'ENOENT')) throw error;
      mkdirSync(join(this.place.blobs, oid.slice(0, 2)), { recursive: true, mode: 0o700 });
      renameSync(temporary, path);
    } finally {
      Atomics.store(this.#lock, 0, FREE);
      Atomics.notify(this.#lock, 0, 1);
    }
    return true;
  }

  #path(oid: Oid): string {
    return join(this.place.blobs, oid.slice(0, 2), oid.slice(2));
  }
}

function hash(data: Buffer): Content {
  const hasher = new BlobHasher(data.length);
  hasher.update(data);
  return { ...hasher.digest(), size: data.length };
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Fewer than `size` bytes where the file is shorter than it was: the comparison that follows says so. */
function readUpTo(fd: number, into: Buffer, size: number): number {
  let at = 0;
  while (at < size) {
    const bytes = readSync(fd, into, at, size - at, at);
    if (bytes === 0) break;
    at += bytes;
  }
  return at;
}

function writeAll(fd: number, data: Buffer): void {
  for (let at = 0; at < data.length; ) at += writeSync(fd, data, at);
}
