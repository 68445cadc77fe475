/** Finds the blocks of somebody's old file in the new one, by the outline of the old. */
import { FACTOR, leaving, type Outline, rollable, strongHash, WEAK_BYTES, weakKey } from './outline';
import { mustFill, type SyncReader } from './reader';

const READ_BYTES = 1 << 20;
const EMPTY = -1;
/** A quarter of the slots is used at most, so that a block is found within so many of them; more blocks with one hash are no accident. */
const MOST_TRIES = 16;
/**
 * A strong hash is looked at where the weak one is that of a block, which chance does to one place in a few hundred at most. Whoever makes
 * up an outline that needs more shall not keep us busy: so many times the target goes into strong hashes, and no more.
 */
const MOST_LOOKED = 16;
const FREE_BYTES = 1 << 20;

/**
 * Where in `target` each block of the outlined file stands, or -1. Of equal blocks only the first is found: it says all. Takes one pass
 * over the target, and 2 MB and 40 bytes a block.
 *
 * @throws PassItOnError 'damaged' when the target is shorter than its reader said
 */
export function findCommon(outline: Outline, target: SyncReader): Float64Array {
  const { count, blockBytes } = outline;
  const places = new Float64Array(count).fill(EMPTY);
  if (count === 0 || target.size < blockBytes) return places;
  const blocks = new Blocks(outline, Math.ceil((FREE_BYTES + target.size * MOST_LOOKED) / blockBytes));
  const gone = leaving(blockBytes);
  const memory = Buffer.allocUnsafeSlow(Math.min(target.size, READ_BYTES + blockBytes));
  for (let start = 0; start + blockBytes <= target.size && !blocks.isTired; ) {
    const bytes = memory.subarray(0, Math.min(memory.length, target.size - start));
    mustFill(bytes, target.read(bytes, start));
    const last = bytes.length - blockBytes;
    let at = 0;
    for (let sum = rollable(bytes, 0, blockBytes); ; ) {
      const key = weakKey(sum);
      if (blocks.mayHave(key)) {
        const block = blocks.find(key, bytes, at);
        if (block !== EMPTY) {
          if (places[block] === EMPTY) places[block] = start + at;
          at += blockBytes;
          if (at > last) break;
          sum = rollable(bytes, at, blockBytes);
          continue;
        }
      }
      if (at++ === last) break;
      sum = (Math.imul(sum, FACTOR) + bytes[at + blockBytes - 1]! + 1 - gone[bytes[at - 1]!]!) | 0;
    }
    start += at;
  }
  return places;
}

/** The blocks of an outline by their hashes. */
class Blocks {
  private readonly table: Int32Array;
  private readonly mask: number;
  /** A bit for each of many slots: it answers most questions. */
  private readonly filter: Uint8Array;
  private readonly filterMask: number;

  constructor(
    private readonly outline: Outline,
    /** At how many strong hashes to look. */
    private looks: number,
  ) {
    const { count } = outline;
    const slots = 2 ** Math.ceil(Math.log2(count * 4 + 1));
    this.mask = slots - 1;
    this.table = new Int32Array(slots).fill(EMPTY);
    const bits = Math.min(Math.max(slots * 4, 1 << 12), 1 << 24);
    this.filterMask = bits - 1;
    this.filter = new Uint8Array(bits / 8);
    for (let block = 0; block < count; block++) {
      const key = this.weak(block);
      this.add(block, key, this.strong(block));
    }
  }

  /** It has looked often enough: no more is found. */
  get isTired(): boolean {
    return this.looks < 0;
  }

  mayHave(key: number): boolean {
    const bit = key & this.filterMask;
    return (this.filter[bit >> 3]! & (1 << (bit & 7))) !== 0;
  }

  /** The block that these bytes are, or -1. */
  find(key: number, bytes: Buffer, at: number): number {
    let strong = -1;
    for (let tries = 0, slot = key & this.mask; tries < MOST_TRIES; tries++, slot = (slot + 1) & this.mask) {
      const block = this.table[slot]!;
      if (block === EMPTY) return EMPTY;
      if (this.weak(block) !== key) continue;
      if (strong < 0) {
        if (this.looks < 0 || this.looks-- === 0) return EMPTY;
        strong = strongHash(bytes, at, this.outline);
      }
      if (this.strong(block) === strong) return block;
    }
    return EMPTY;
  }

  private add(block: number, key: number, strong: number): void {
    for (let tries = 0, slot = key & this.mask; tries < MOST_TRIES; tries++, slot = (slot + 1) & this.mask) {
      const known = this.table[slot]!;
      if (known !== EMPTY && (this.weak(known) !== key || this.strong(known) !== strong)) continue;
      if (known === EMPTY) this.table[slot] = block;
      const bit = key & this.filterMask;
      this.filter[bit >> 3]! |= 1 << (bit & 7);
      return;
    }
  }

  private weak(block: number): number {
    return this.outline.hashes.readUIntLE(block * this.outline.hashBytes, WEAK_BYTES);
  }

  private strong(block: number): number {
    const { hashes, hashBytes } = this.outline;
    return hashes.readUIntLE(block * hashBytes + WEAK_BYTES, hashBytes - WEAK_BYTES);
  }
}
