/** Git objects: names (SHA-1 over header and content) and the loose form, as in gitformat-loose(5). */
import { createHash } from 'node:crypto';
import { deflateSync, type InputType, inflateSync } from 'node:zlib';
import { badData } from './bad-data';

/** 40 lower-case hex digits. */
export type Oid = string;
export type ObjectType = 'blob' | 'tree' | 'commit';

export const EMPTY_BLOB: Oid = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391';
export const EMPTY_TREE: Oid = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** Trees, commits and attributes that come from elsewhere may be this long; nothing honest comes near. Bytes. */
export const MAX_OBJECT_BYTES = 64 * 1024 * 1024;

/** "commit " + the longest length we accept + NUL is far below this. */
const MAX_HEADER_BYTES = 32;
const HEADER = /^(blob|tree|commit) (0|[1-9][0-9]{0,15})$/;

export function isOid(s: string): boolean {
  return /^[0-9a-f]{40}$/.test(s);
}

/** SHA-1 of "type length NUL content". */
export function objectOid(type: ObjectType, data: Buffer): Oid {
  return createHash('sha1').update(header(type, data.length)).update(data).digest('hex');
}

/** One pass over a file's content gives its git name and the SHA-256 that the signed manifest holds. */
export class BlobHasher {
  readonly #sha1 = createHash('sha1');
  readonly #sha256 = createHash('sha256');
  readonly #size: number;
  #seen = 0;

  /** size: number of bytes to come; git's name depends on it from the first byte on. */
  constructor(size: number) {
    this.#size = size;
    this.#sha1.update(header('blob', size));
  }

  /** Throws 'bad-data' as soon as there is more than `size`. */
  update(chunk: Buffer): void {
    this.#seen += chunk.length;
    if (this.#seen > this.#size) throw badData(`More than the ${this.#size} bytes that a file should have.`);
    this.#sha1.update(chunk);
    this.#sha256.update(chunk);
  }

  /** sha256: hex, of the bare content. Once only. Throws 'bad-data' when there was less than `size`. */
  digest(): { oid: Oid; sha256: string } {
    if (this.#seen !== this.#size) throw badData(`Only ${this.#seen} of the ${this.#size} bytes of a file.`);
    return { oid: this.#sha1.digest('hex'), sha256: this.#sha256.digest('hex') };
  }
}

/** zlib-deflated "type length NUL content", as git keeps it under objects/. */
export function looseObject(type: ObjectType, data: Buffer): Buffer {
  const whole = Buffer.concat([header(type, data.length), data]);
  // Level 1: as git's own core.looseCompression; an XO feels the difference.
  return deflateSync(whole, {
    level: 1,
    chunkSize: chunkSize(whole.length),
    ...(whole.length <= SMALL_BYTES && SMALL),
  });
}

/**
 * maxBytes bounds the content, whatever a hostile stream would inflate to.
 * Throws 'bad-data' for anything that git would not take as one whole loose blob, tree or commit.
 */
export function parseLooseObject(
  compressed: Buffer,
  maxBytes: number = MAX_OBJECT_BYTES,
): { type: ObjectType; data: Buffer } {
  const { buffer, used } = inflate(compressed, maxBytes + MAX_HEADER_BYTES);
  if (used !== compressed.length) throw badData('A git object has something after its end.');
  const nul = buffer.subarray(0, MAX_HEADER_BYTES).indexOf(0);
  const match = nul < 0 ? null : HEADER.exec(buffer.toString('latin1', 0, nul));
  if (match === null) throw badData('A git object has no proper header.');
  const data = buffer.subarray(nul + 1);
  if (data.length > maxBytes) throw badData(`A git object is longer than ${maxBytes} bytes.`);
  if (data.length !== Number(match[2])) {
    throw badData(`A git object has ${data.length} bytes and claims ${match[2]}.`);
  }
  return { type: match[1] as ObjectType, data };
}

/** Objects up to here need no tables of 260 kB, which the kernel gives and takes for each of them anew. */
const SMALL_BYTES = 4096;
const SMALL = { windowBits: 12, memLevel: 5 };

/** zlib makes a buffer of 16 kB for each result unless told: most objects are a few hundred bytes, and that takes longer than to pack them. */
function chunkSize(expected: number): number {
  return Math.min(Math.max(expected, 1024), 64 << 10);
}

/** Node's `info` option, which @types/node leaves out of the result: how much input the stream took. */
type InflateWithInfo = (
  input: InputType,
  options: { maxOutputLength: number; chunkSize: number; info: true },
) => { buffer: Buffer; engine: { bytesWritten: number } };

function inflate(compressed: Buffer, maxOutputLength: number): { buffer: Buffer; used: number } {
  try {
    const inflateWithInfo = inflateSync as unknown as InflateWithInfo;
    const { buffer, engine } = inflateWithInfo(compressed, {
      maxOutputLength,
      chunkSize: chunkSize(4 * compressed.length),
      info: true,
    });
    return { buffer, used: engine.bytesWritten };
  } catch (cause) {
    throw badData('A git object cannot be unpacked, or is too long.', { cause });
  }
}

function header(type: ObjectType, length: number): Buffer {
  return Buffer.from(`${type} ${length}\0`, 'latin1');
}
