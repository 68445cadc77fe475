/**
 * Finds the blocks of somebody's old file in the new one, by the outline of the old.
 *
 * A hash alone is too short to tell one block from all others: two neighbours must stand beside each other in the new file, too, or
 * one must stand where it would if nothing had moved between it and what was found before or behind it. (zsync asks for neighbours,
 * too: Colin Phipps, 2005.) So half as many bits do for each.
 */
import { FACTOR, hashesIn, hashOf, leaving, type Outline, rollable } from './outline';
import { mustFill, type SyncReader } from './reader';

const READ_BYTES = 1 << 20;
const NOWHERE = -1;
/** Over the target, along lines. */
const MOST_PASSES = 4;

/**
 * Where in `target` each block of the outlined file stands, or -1; of a repeated one perhaps only some. Takes time for five
 * passes over the target at most, whatever the outline says, and 2 MB and 60 bytes a block.
 *
 * @throws PassItOnError 'damaged' when the target is shorter than its reader said
 */
export function findCommon(outline: Outline, target: SyncReader): Float64Array {
  const places = new Float64Array(outline.count).fill(NOWHERE);
  if (outline.count === 0 || target.size < outline.blockBytes) return places;
  const hashes = hashesIn(outline);
  findNeighbours(outline, hashes, target, places);
  findInLine(outline, hashes, target, places);
  return places;
}

/** Blocks of which the next stands behind them. */
function findNeighbours(
  { blockBytes, hashBits }: Outline,
  hashes: Int32Array,
  target: SyncReader,
  places: Float64Array,
): void {
  const blocks = new Blocks(hashes);
  const gone = leaving(blockBytes);
  const memory = Buffer.allocUnsafeSlow(Math.min(target.size, READ_BYTES + blockBytes));
  /** Of the last places, one block long, that were passed over: `rolled` of them, the next in `slot`. */
  const before = new Int32Array(blockBytes);
  let slot = 0;
  let rolled = 0;
  /** Which block should come next. */
  let expected = NOWHERE;
  for (let start = 0; start + blockBytes <= target.size; ) {
    const bytes = memory.subarray(0, Math.min(memory.length, target.size - start));
    mustFill(bytes, target.read(bytes, start));
    const last = bytes.length - blockBytes;
    let at = 0;
    for (let sum = rollable(bytes, 0, blockBytes); ; ) {
      const hash = hashOf(sum, hashBits);
      let block = NOWHERE;
      if (expected !== NOWHERE) block = hashes[expected] === hash ? expected : NOWHERE;
      else if (rolled >= blockBytes && blocks.mayHave(hash)) {
        // One byte again and again, as between the parts of a program, stands in many places and says nothing of what is beside it.
        const older = before[slot]!;
        const isEven =
          older === before[slot + 1 === blockBytes ? 0 : slot + 1] || hash === before[(slot || blockBytes) - 1];
        if (!isEven) block = blocks.find(hash, older, places);
      }
      expected = NOWHERE;
      if (block !== NOWHERE) {
        if (rolled > 0 && places[block - 1] === NOWHERE) places[block - 1] = start + at - blockBytes;
        if (places[block] === NOWHERE) places[block] = start + at;
        if (block + 1 < hashes.length) expected = block + 1;
        rolled = 0;
        at += blockBytes;
        if (at > last) break;
        sum = rollable(bytes, at, blockBytes);
        continue;
      }
      before[slot] = hash;
      slot = slot + 1 === blockBytes ? 0 : slot + 1;
      rolled++;
      if (at++ === last) break;
      sum = (Math.imul(sum, FACTOR) + bytes[at + blockBytes - 1]! + 1 - gone[bytes[at - 1]!]!) | 0;
    }
    start += at;
  }
}

/** Blocks between those that were found, where they would stand if nothing had moved. */
function findInLine(
  { blockBytes, hashBits }: Outline,
  hashes: Int32Array,
  target: SyncReader,
  places: Float64Array,
): void {
  const memory = Buffer.allocUnsafeSlow(Math.max(blockBytes, READ_BYTES - (READ_BYTES % blockBytes)));
  /** Blocks that are looked at, however many lines an outline makes up. */
  let room = MOST_PASSES * Math.ceil(target.size / blockBytes);
  const look = (first: number, end: number, line: number) => {
    const from = Math.max(first, Math.ceil(-line / blockBytes));
    const until = Math.min(end, Math.floor((target.size - line) / blockBytes));
    for (let block = from; block < until && room > 0; ) {
      const count = Math.min(until - block, memory.length / blockBytes);
      const bytes = memory.subarray(0, count * blockBytes);
      mustFill(bytes, target.read(bytes, line + block * blockBytes));
      room -= count;
      for (let at = 0; at < bytes.length; at += blockBytes, block++) {
        if (places[block] !== NOWHERE || hashOf(rollable(bytes, at, blockBytes), hashBits) !== hashes[block]) continue;
        places[block] = line + block * blockBytes;
      }
    }
  };
  // What nothing was found before stands at its old place.
  let line = 0;
  for (let block = 0; block < hashes.length; ) {
    const first = block;
    while (block < hashes.length && places[block] === NOWHERE) block++;
    const next = block < hashes.length ? places[block]! - block * blockBytes : line;
    if (block > first) look(first, block, line);
    if (block > first && next !== line) look(first, block, next);
    for (; block < hashes.length && places[block] !== NOWHERE; block++) line = places[block]! - block * blockBytes;
  }
}

/** A quarter of the slots is used at most, so that a block is found within so many of them. */
const MOST_TRIES = 32;
/** Of blocks with one hash so many can be found at once: those behind them tell which is meant. */
const MOST_ALIKE = 4;

/** The blocks of an outline by their hashes. */
class Blocks {
  private readonly table: Int32Array;
  private readonly mask: number;
  /** A bit for each of many slots: it answers most questions. */
  private readonly filter: Uint8Array;
  private readonly filterMask: number;

  constructor(private readonly hashes: Int32Array) {
    const slots = 2 ** Math.ceil(Math.log2(hashes.length * 4 + 1));
    this.mask = slots - 1;
    this.table = new Int32Array(slots).fill(NOWHERE);
    const bits = Math.min(Math.max(slots * 4, 1 << 12), 1 << 24);
    this.filterMask = bits - 1;
    this.filter = new Uint8Array(bits / 8);
    // The first has none before it.
    for (let block = 1; block < hashes.length; block++) this.add(block, hashes[block]!);
  }

  mayHave(hash: number): boolean {
    const bit = hash & this.filterMask;
    return (this.filter[bit >> 3]! & (1 << (bit & 7))) !== 0;
  }

  /** A block with this hash, and that one before it; rather one that has no place yet. Or -1. */
  find(hash: number, before: number, places: Float64Array): number {
    let found = NOWHERE;
    for (let tries = 0, slot = hash & this.mask; tries < MOST_TRIES; tries++, slot = (slot + 1) & this.mask) {
      const block = this.table[slot]!;
      if (block === NOWHERE) break;
      if (this.hashes[block] !== hash || this.hashes[block - 1] !== before) continue;
      if (places[block] === NOWHERE) return block;
      found = block;
    }
    return found;
  }

  private add(block: number, hash: number): void {
    let alike = 0;
    for (let tries = 0, slot = hash & this.mask; tries < MOST_TRIES; tries++, slot = (slot + 1) & this.mask) {
      const known = this.table[slot]!;
      if (known !== NOWHERE && this.hashes[known] === hash && ++alike === MOST_ALIKE) return;
      if (known !== NOWHERE) continue;
      this.table[slot] = block;
      const bit = hash & this.filterMask;
      this.filter[bit >> 3]! |= 1 << (bit & 7);
      return;
    }
  }
}
