/**
 * The outline of a file: a short hash of each of its blocks. Whoever has only the new file finds by it which blocks of the old one
 * stand in there, anywhere (rsync's idea: Tridgell and Mackerras, "The rsync algorithm", 1996). docs/formats.md, "Outline".
 */
import { mustFill, type RandomReader } from './reader';

export interface Shape {
  /** Blocks; what is left of the file behind the last of them is not in the outline. */
  count: number;
  /** A multiple of four. */
  blockBytes: number;
  /** How much of each block's hash is sent. */
  hashBytes: number;
}

export interface Outline extends Shape {
  /** count * hashBytes bytes. */
  hashes: Buffer;
}

/** Of somebody who has no file that could help, and still takes what an answer to an outline may be. */
export const NO_OUTLINE: Outline = { count: 0, blockBytes: 256, hashBytes: 4, hashes: Buffer.alloc(0) };

/** The weak part of a hash can be rolled over a file byte by byte; it is sent first, and more of the strong part the larger the files. */
export const WEAK_BYTES = 3;
const LEAST_HASH_BYTES = 4;
const MOST_HASH_BYTES = 7;

/** Smaller blocks find more and take more to say; this is where both together are least, or nearly (docs/performance.md). */
const BLOCK_BYTES = 256;
export const MOST_BLOCK_BYTES = 1 << 20;
/** Of larger files the blocks are larger. */
const MOST_BYTES = 128 << 10;
export const MOST_BLOCKS = MOST_BYTES;
/** In so many files as two to this one block is taken for another that is not equal, and then the whole file has to come. */
const SURE_BITS = 10;

const READ_BYTES = 256 << 10;

/** How to outline a file of `size` bytes for one who wants to make a file of `targetSize` from it. */
export function shapeFor(size: number, targetSize: number): Shape {
  for (let blockBytes = BLOCK_BYTES; ; blockBytes *= 2) {
    const count = Math.floor(size / blockBytes);
    const bits = Math.log2(Math.max(size, targetSize, 2)) + Math.log2(count + 1) + SURE_BITS;
    const hashBytes = Math.min(Math.max(Math.ceil(bits / 8), LEAST_HASH_BYTES), MOST_HASH_BYTES);
    if (count * hashBytes <= MOST_BYTES) return { count, blockBytes, hashBytes };
  }
}

/** Whether anybody can mean this. */
export function isShape({ count, blockBytes, hashBytes }: Shape): boolean {
  return (
    count <= MOST_BLOCKS &&
    blockBytes % 4 === 0 &&
    blockBytes >= 4 &&
    blockBytes <= MOST_BLOCK_BYTES &&
    hashBytes >= LEAST_HASH_BYTES &&
    hashBytes <= MOST_HASH_BYTES
  );
}

/** @throws PassItOnError 'damaged' when the file is shorter than its reader said */
export async function outlineOf(file: RandomReader, shape: Shape): Promise<Outline> {
  const { count, blockBytes, hashBytes } = shape;
  const hashes = Buffer.alloc(count * hashBytes);
  const atOnce = Math.max(1, Math.floor(READ_BYTES / blockBytes));
  const memory = Buffer.allocUnsafe(Math.min(count, atOnce) * blockBytes);
  for (let first = 0; first < count; first += atOnce) {
    const blocks = Math.min(atOnce, count - first);
    const bytes = memory.subarray(0, blocks * blockBytes);
    mustFill(bytes, await file.read(bytes, first * blockBytes));
    for (let block = 0; block < blocks; block++) {
      const at = block * blockBytes;
      const to = (first + block) * hashBytes;
      hashes.writeUIntLE(weakKey(rollable(bytes, at, blockBytes)), to, WEAK_BYTES);
      hashes.writeUIntLE(strongHash(bytes, at, shape), to + WEAK_BYTES, hashBytes - WEAK_BYTES);
    }
  }
  return { ...shape, hashes };
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

/** The weak hash, as it is sent: 24 bits, each of which depends on all of `rollable`. */
export function weakKey(sum: number): number {
  const mixed = Math.imul(sum ^ (sum >>> 15), 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 12)) >>> 8;
}

/** MurmurHash3 (Austin Appleby, public domain) over the words of a block, as many bytes of it as are sent. */
export function strongHash(bytes: Buffer, at: number, { blockBytes, hashBytes }: Shape): number {
  let hash = 0;
  for (let next = at; next < at + blockBytes; next += 4) {
    let word = bytes[next]! | (bytes[next + 1]! << 8) | (bytes[next + 2]! << 16) | (bytes[next + 3]! << 24);
    word = Math.imul(word, 0xcc9e2d51);
    word = Math.imul((word << 15) | (word >>> 17), 0x1b873593);
    hash ^= word;
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> (8 * (4 - (hashBytes - WEAK_BYTES)));
}
