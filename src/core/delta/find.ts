import { mustFill, type Page, type SyncReader, viewOf } from './reader';
import type { Scratch } from './scratch';

/** Bytes by which a place is looked up among the blocks of the whole base. */
export const KEY_BYTES = 8;
/** … and among the places near the one where we are, where a shorter match is worth something, too. */
export const NEAR_KEY_BYTES = 6;

/** Spreads eight bytes over 32 bits. */
function hash(low: number, high: number): number {
  let mixed = Math.imul(low, 0x9e3779b1) ^ Math.imul(high, 0x85ebca77);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return mixed ^ (mixed >>> 15);
}

const EMPTY = -1;
const BLOCK_BYTES = 16;
const NUMBER_BITS = 20;
const MAX_BLOCKS = 2 ** NUMBER_BITS - 1;
const READ_BYTES = 1 << 20;

/**
 * Where in the base eight given bytes stand at the beginning of a block: the first such place. One pass over the base, one number a
 * block of 16 bytes; blocks are longer in bases over 16 MB, which costs
 * hardly a byte in the delta, so that it never takes more than 5 MB.
 */
export class BlockIndex {
  /** The block's number, and above it bits of the hash, which spare most looks at places that do not match. */
  private readonly table: Int32Array;
  private readonly mask: number;
  /** A bit for each eighth of a slot: small enough to stay close to the processor, it answers most questions. */
  private readonly filter: Uint8Array;
  private readonly blockBytes: number;

  constructor(base: SyncReader, scratch: Scratch) {
    let blockBytes = BLOCK_BYTES;
    while (base.size / blockBytes > MAX_BLOCKS) blockBytes *= 2;
    this.blockBytes = blockBytes;
    const blocks = base.size < KEY_BYTES ? 0 : Math.floor((base.size - KEY_BYTES) / blockBytes) + 1;
    const bits = Math.max(4, Math.ceil(Math.log2(blocks + 1)));
    const slots = 2 ** bits;
    this.table = new Int32Array(scratch.take('blocks'), 0, slots).fill(EMPTY);
    this.mask = slots - 1;
    this.filter = new Uint8Array(scratch.take('blockFilter'), 0, slots).fill(0);
    const memory = Buffer.from(scratch.take('read'));
    const view = viewOf(memory);
    for (let start = 0, block = 0; block < blocks; start += READ_BYTES) {
      const length = Math.min(READ_BYTES, base.size - start);
      const bytes = memory.subarray(0, length);
      mustFill(bytes, base.read(bytes, start));
      for (let at = 0; at + KEY_BYTES <= length; at += blockBytes)
        this.add(block++, view.getInt32(at, true), view.getInt32(at + 4, true));
    }
  }

  private add(block: number, low: number, high: number): void {
    const hashed = hash(low, high);
    const slot = hashed & this.mask;
    this.filter[slot]! |= 1 << (hashed >>> 29);
    if (this.table[slot] === EMPTY) this.table[slot] = (hashed & ~MAX_BLOCKS) | block;
  }

  /** A place in the base that probably begins with these eight bytes, or -1. */
  find(low: number, high: number): number {
    const hashed = hash(low, high);
    const slot = hashed & this.mask;
    if ((this.filter[slot]! & (1 << (hashed >>> 29))) === 0) return -1;
    const entry = this.table[slot]!;
    return entry === EMPTY || ((entry ^ hashed) & ~MAX_BLOCKS) !== 0 ? -1 : (entry & MAX_BLOCKS) * this.blockBytes;
  }
}

const NEAR_BITS = 14;
const NEAR_SLOTS = 1 << NEAR_BITS;
const NEAR_SHIFT = 32 - NEAR_BITS;
const BEHIND = 512;
const AHEAD = 1024;
/** By so much at once. */
const STRIDE = 64;

/** Every place of the base close to where we are. What moved, mostly moved little: this finds what blocks are too coarse for. */
export class NearIndex {
  private readonly table: Int32Array;
  private from = 0;
  private to = 0;

  constructor(
    private readonly size: number,
    scratch: Scratch,
  ) {
    this.table = new Int32Array(scratch.take('near'), 0, NEAR_SLOTS).fill(EMPTY);
  }

  /** Moves to `position`, which `page` must be around. */
  moveTo(position: number, page: Page): void {
    if (position >= this.from + BEHIND && position <= this.to - AHEAD) return;
    const last = Math.min(this.size - KEY_BYTES + 1, position + AHEAD + STRIDE, page.end - KEY_BYTES + 1);
    let next = Math.max(position - BEHIND, page.start);
    if (next >= this.from && next <= this.to) next = this.to;
    else this.from = next;
    const { view, start } = page;
    const { table } = this;
    for (; next < last; next++) {
      const at = next - start;
      table[slotOf(view.getInt32(at, true), view.getInt32(at + 4, true))] = next;
    }
    this.to = Math.max(this.from, last);
  }

  /** A place in the base that may begin with the first six of these eight bytes, or -1. */
  find(low: number, high: number): number {
    return this.table[slotOf(low, high)]!;
  }
}

/** Of the first six bytes: this is done for every byte of the base, so it has to be cheap. */
function slotOf(low: number, high: number): number {
  return (Math.imul(low, 0x9e3779b1) + Math.imul(high << 16, 0x85ebca77)) >>> NEAR_SHIFT;
}
