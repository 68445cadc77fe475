/** Finds the blocks of somebody's old file in the new one, by the outline of the old. */
import { FACTOR, leaving, type Outline, rollable, strongHash, WEAK_BYTES, weakKey } from './outline';
import { mustFill, type SyncReader } from './reader';

const READ_BYTES = 1 << 20;
const EMPTY = -1;
/** A quarter of the slots is used at most, so that a block is found within so many of them; more blocks with one hash are no accident. */
const MOST_TRIES = 16;
/**
 * A look at the strong hash costs as much as rolling over hundreds of bytes. Chance gives one in a few hundred bytes at most; whoever
 * makes up an outline that needs more shall not keep us busy.
 */
const BYTES_A_LOOK = 64;
const FREE_LOOKS = 4096;

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
  const blocks = new Blocks(outline);
  const gone = leaving(blockBytes);
  const memory = Buffer.allocUnsafeSlow(Math.min(target.size, READ_BYTES + blockBytes));
  let looks = FREE_LOOKS + Math.floor(target.size / BYTES_A_LOOK);
  for (let start = 0; start + blockBytes <= target.size && looks > 0; ) {
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
        if (--looks === 0) break;
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

  constructor(private readonly outline: Outline) {
    const { count, hashBytes, hashes } = outline;
    const slots = 2 ** Math.ceil(Math.log2(count * 4 + 1));
    this.mask = slots - 1;
    this.table = new Int32Array(slots).fill(EMPTY);
    const bits = Math.min(Math.max(slots * 4, 1 << 12), 1 << 24);
    this.filterMask = bits - 1;
    this.filter = new Uint8Array(bits / 8);
    for (let block = 0; block < count; block++) {
      const at = block * hashBytes;
      const key = hashes.readUIntLE(at, WEAK_BYTES);
      this.add(block, key, hashes.readUIntLE(at + WEAK_BYTES, hashBytes - WEAK_BYTES));
    }
  }

  mayHave(key: number): boolean {
    const bit = key & this.filterMask;
    return (this.filter[bit >> 3]! & (1 << (bit & 7))) !== 0;
  }

  /** The block that these bytes are, or -1. */
  find(key: number, bytes: Buffer, at: number): number {
    const strong = strongHash(bytes, at, this.outline);
    for (let tries = 0, slot = key & this.mask; tries < MOST_TRIES; tries++, slot = (slot + 1) & this.mask) {
      const block = this.table[slot]!;
      if (block === EMPTY || this.is(block, key, strong)) return block;
    }
    return EMPTY;
  }

  private add(block: number, key: number, strong: number): void {
    for (let tries = 0, slot = key & this.mask; tries < MOST_TRIES; tries++, slot = (slot + 1) & this.mask) {
      const known = this.table[slot]!;
      if (known !== EMPTY && !this.is(known, key, strong)) continue;
      if (known === EMPTY) this.table[slot] = block;
      const bit = key & this.filterMask;
      this.filter[bit >> 3]! |= 1 << (bit & 7);
      return;
    }
  }

  private is(block: number, key: number, strong: number): boolean {
    const { hashes, hashBytes } = this.outline;
    const at = block * hashBytes;
    return (
      hashes.readUIntLE(at, WEAK_BYTES) === key && hashes.readUIntLE(at + WEAK_BYTES, hashBytes - WEAK_BYTES) === strong
    );
  }
}
