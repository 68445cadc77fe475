/**
 * The outline of a file: a short hash of each of its blocks. Whoever has only the new file finds by it which blocks of the old one
 * stand in there, anywhere (rsync's idea: Tridgell and Mackerras, "The rsync algorithm", 1996). docs/formats.md, "Outline".
 */
import { mustFill, type RandomReader } from './reader';

export interface Shape {
  /** Blocks; what is left of the file behind the last of them is not in the outline. */
  count: number;
  blockBytes: number;
  /** How much of each block's hash is sent. */
  hashBits: number;
}

export interface Outline extends Shape {
  /** `hashesLength` of the shape. */
  hashes: Buffer;
}

const LEAST_HASH_BITS = 8;
const MOST_HASH_BITS = 30;
const LEAST_BLOCK_BYTES = 4;
export const MOST_BLOCK_BYTES = 1 << 20;
/** Of larger files the blocks are larger. */
export const MOST_OUTLINE_BYTES = 128 << 10;
const MOST_BLOCKS = 128 << 10;

/** Of somebody who has no file that could help, and still takes what an answer to an outline may be. */
export const NO_OUTLINE: Outline = { count: 0, blockBytes: 256, hashBits: LEAST_HASH_BITS, hashes: Buffer.alloc(0) };

/**
 * Smaller blocks find more and take more to say; these are where both together are least, or nearly (docs/performance.md): in bases of
 * LARGE_BYTES and more hashes are longer, so that blocks have to be, too.
 */
const BLOCK_BYTES = 128;
const LARGE_BLOCK_BYTES = 256;
const LARGE_BYTES = 64 << 10;
/** In so many files as two to this one block is taken for another that is not equal, and then the whole file has to come. */
const SURE_BITS = 8;

const READ_BYTES = 256 << 10;
/** A hash that begins in the last bit of a byte reaches into so many. */
const HASH_BYTES = 5;

/** How to outline a file of `size` bytes for one who wants to make a file of `targetSize` from it. */
export function shapeFor(size: number, targetSize: number): Shape {
  for (let blockBytes = size < LARGE_BYTES ? BLOCK_BYTES : LARGE_BLOCK_BYTES; ; blockBytes *= 2) {
    const shape = shapeOf(size, targetSize, blockBytes);
    if (hashesLength(shape) <= MOST_OUTLINE_BYTES) return shape;
  }
}

/**
 * With blocks of so many bytes. Chance must not find two neighbours anywhere, by the hashes of both; nor one block where it would stand if
 * nothing had moved, which is looked at twice for each (common.ts).
 */
export function shapeOf(size: number, targetSize: number, blockBytes: number): Shape {
  const count = Math.floor(size / blockBytes);
  const blocks = Math.log2(count + 1);
  const anywhere = (Math.log2(targetSize + 1) + blocks + SURE_BITS) / 2;
  const bits = Math.ceil(Math.max(anywhere, blocks + 1 + SURE_BITS));
  return { count, blockBytes, hashBits: Math.min(Math.max(bits, LEAST_HASH_BITS), MOST_HASH_BITS) };
}

/** Whether anybody can mean this. */
export function isShape(shape: Shape): boolean {
  const { count, blockBytes, hashBits } = shape;
  return (
    count <= MOST_BLOCKS &&
    hashesLength(shape) <= MOST_OUTLINE_BYTES &&
    blockBytes >= LEAST_BLOCK_BYTES &&
    blockBytes <= MOST_BLOCK_BYTES &&
    hashBits >= LEAST_HASH_BITS &&
    hashBits <= MOST_HASH_BITS
  );
}

/** Bytes that the hashes take. */
export function hashesLength({ count, hashBits }: Shape): number {
  return Math.ceil((count * hashBits) / 8);
}

/** @throws PassItOnError 'damaged' when the file is shorter than its reader said */
export async function outlineOf(file: RandomReader, shape: Shape): Promise<Outline> {
  const { count, blockBytes, hashBits } = shape;
  const hashes = Buffer.alloc(hashesLength(shape));
  const atOnce = Math.max(1, Math.floor(READ_BYTES / blockBytes));
  const memory = Buffer.allocUnsafe(Math.min(count, atOnce) * blockBytes);
  for (let first = 0; first < count; first += atOnce) {
    const blocks = Math.min(atOnce, count - first);
    const bytes = memory.subarray(0, blocks * blockBytes);
    mustFill(bytes, await file.read(bytes, first * blockBytes));
    for (let block = 0; block < blocks; block++) {
      const hash = hashOf(rollable(bytes, block * blockBytes, blockBytes), hashBits);
      putBits(hashes, (first + block) * hashBits, hash);
    }
  }
  return { ...shape, hashes };
}

/** The hashes of an outline, one a block. */
export function hashesIn({ count, hashBits, hashes }: Outline): Int32Array {
  const padded = Buffer.concat([hashes, Buffer.alloc(HASH_BYTES)]);
  const modulus = 2 ** hashBits;
  return Int32Array.from({ length: count }, (_, block) => {
    const from = block * hashBits;
    return Math.floor(padded.readUIntLE(Math.floor(from / 8), HASH_BYTES) / 2 ** (from % 8)) % modulus;
  });
}

/** Sets bits that were 0 so far: the lowest of the number first, into the lowest of a byte. */
function putBits(bytes: Buffer, at: number, bits: number): void {
  let rest = bits * 2 ** (at % 8);
  for (let byte = Math.floor(at / 8); rest > 0; byte++) {
    bytes[byte]! |= rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/** What a byte counts more than the one behind it: odd, so that none is lost modulo 2^32. */
export const FACTOR = 0x01000193;

/** A polynomial over the bytes of a block: that of the next block is found by one step. */
export function rollable(bytes: Buffer, at: number, blockBytes: number): number {
  let sum = 0;
  for (let next = at; next < at + blockBytes; next++) sum = (Math.imul(sum, FACTOR) + bytes[next]! + 1) | 0;
  return sum;
}

/** What each byte adds to `rollable` by the time when it leaves the block. */
export function leaving(blockBytes: number): Int32Array {
  let power = 1;
  for (let step = 0; step < blockBytes; step++) power = Math.imul(power, FACTOR);
  return Int32Array.from({ length: 256 }, (_, byte) => Math.imul(byte + 1, power));
}

/** The hash of a block as it is sent: bits each of which depends on all of `rollable`. */
export function hashOf(sum: number, hashBits: number): number {
  const mixed = Math.imul(sum ^ (sum >>> 15), 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 12)) >>> (32 - hashBits);
}
