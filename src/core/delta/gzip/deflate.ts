import { badData } from '../../bad-data';
import { equalUntil } from '../reader';
import { BitSink } from './bits';
import { Block, MAX_MATCH, MIN_MATCH } from './block';

const WINDOW = 1 << 15;
const MASK = WINDOW - 1;
const MIN_LOOKAHEAD = MAX_MATCH + MIN_MATCH + 1;
const MAX_DISTANCE = WINDOW - MIN_LOOKAHEAD;
const HASH_SHIFT = 5;
/** A match of 3 bytes that is farther back costs more than three literals. */
const TOO_FAR = 4096;
const NONE = 0;
/**
 * Looking for matches may take so many steps, for each byte and besides. Real texts take up to 58; some made for it would take a
 * thousand, and minutes.
 */
const STEPS_PER_BYTE = 128;
const MORE_STEPS = 1 << 20;

/** How hard to look, as in the table of gzip's deflate.c: when a match is good, long enough to stop, or long enough not to wait for a better. */
interface Effort {
  good: number;
  lazy: number;
  nice: number;
  chain: number;
}
const EFFORT: Record<6 | 9, Effort> = {
  6: { good: 8, lazy: 16, nice: 128, chain: 128 },
  9: { good: 32, lazy: 258, nice: 258, chain: 4096 },
};
export type Level = keyof typeof EFFORT;

interface Memory {
  window: Uint8Array;
  previous: Uint16Array;
  heads: Uint16Array;
  block: Block;
  sink: BitSink;
}

/** A quarter of a megabyte each; thousands of small files in a row would leave them all to the garbage collector. */
const unused: Memory[] = [];
const MOST_UNUSED = 4;

/** As if new: what stood in it must not matter. */
function memoryFor(): Memory {
  const memory = unused.pop() ?? {
    window: new Uint8Array(2 * WINDOW),
    previous: new Uint16Array(WINDOW),
    heads: new Uint16Array(WINDOW),
    block: new Block(),
    sink: new BitSink(),
  };
  for (const part of [memory.window, memory.previous, memory.heads]) part.fill(0);
  memory.block.clear();
  memory.sink.clear();
  return memory;
}

/** More of the input is needed to go on. */
const HUNGRY = null;
const NO_BYTES = new Uint8Array(0);

/** The stream of GNU gzip -6 or -9 for an input that comes piece by piece (deflate of its deflate.c). */
export class Deflate {
  /** Two windows: the text slides from the second into the first. */
  private readonly window: Uint8Array;
  private readonly view: DataView;
  private readonly previous: Uint16Array;
  private readonly heads: Uint16Array;
  private readonly effort: Effort;
  private readonly block: Block;
  private readonly sink: BitSink;
  private readonly memory = memoryFor();
  private hash = 0;
  /** Of the window: where we are, how much is there from here on, and where the block began: below 0 when that slid out. */
  private at = 0;
  private ahead = 0;
  private blockStart = 0;
  /** Behind the last symbol of the block. */
  private blockEnd = 0;
  /** Where the best match is, and how long the one is that was found last. */
  private found = 0;
  private length = MIN_MATCH - 1;
  /** The byte before this one waits: a match from here on may be longer than one from there. */
  private isPending = false;
  /** What has come of the input and is not in the window yet; and how much will have come in the end. */
  private input: Uint8Array = NO_BYTES;
  private unread: number;
  private ended = false;
  private isClosed = false;
  private stepsLeft: number;
  private readonly run: Generator<Buffer | typeof HUNGRY>;

  /** length: of the whole input, in bytes. `close` must be called, whatever happens. */
  constructor(length: number, level: Level) {
    ({
      window: this.window,
      previous: this.previous,
      heads: this.heads,
      block: this.block,
      sink: this.sink,
    } = this.memory);
    this.view = new DataView(this.window.buffer);
    this.effort = EFFORT[level];
    this.unread = length;
    this.stepsLeft = length * STEPS_PER_BYTE + MORE_STEPS;
    this.run = this.blocks();
  }

  /**
   * Takes what comes next of the input, all of it; gives the blocks that this completes, with the last of the input all the rest. Each is
   * valid until the next is asked for.
   * @throws PassItOnError 'bad-data' when this takes far longer than any real file
   */
  *take(input: Uint8Array): Generator<Buffer> {
    this.input = input;
    for (let next = this.run.next(); !next.done && next.value !== HUNGRY; next = this.run.next()) yield next.value;
  }

  /** Harmless when it is closed already. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (unused.length < MOST_UNUSED) unused.push(this.memory);
  }

  private *blocks(): Generator<Buffer | typeof HUNGRY> {
    yield* this.begin();
    while (this.ahead > 0) {
      if (this.fillsBlock()) yield this.flush(false);
      if (this.ahead < MIN_LOOKAHEAD && !this.ended) yield* this.fill();
    }
    if (this.isPending) this.block.literal(this.window[this.at - 1]!, this.at - this.blockStart);
    this.blockEnd = this.at;
    yield this.flush(true);
  }

  /** Goes on until the block is full, or more has to be read; gives whether it is full. All that is done for each byte is done here. */
  private fillsBlock(): boolean {
    const { window, previous, heads, block, blockStart } = this;
    const { lazy } = this.effort;
    const last = window.length - MIN_LOOKAHEAD;
    const least = this.ended ? 1 : MIN_LOOKAHEAD;
    let { at, ahead, hash, length, isPending } = this;
    let full = false;
    while (!full && ahead >= least) {
      // Enters this place under its hash, and takes the latest before it.
      hash = ((hash << HASH_SHIFT) ^ window[at + MIN_MATCH - 1]!) & MASK;
      const head = heads[hash]!;
      previous[at & MASK] = head;
      heads[hash] = at;
      const lengthBefore = length;
      const foundBefore = this.found;
      length = MIN_MATCH - 1;
      if (head !== NONE && lengthBefore < lazy && at - head <= MAX_DISTANCE && at <= last) {
        length = Math.min(this.longest(at, head, lengthBefore), ahead);
        if (length === MIN_MATCH && at - this.found > TOO_FAR) length--;
      }
      if (lengthBefore >= MIN_MATCH && length <= lengthBefore) {
        full = block.match(at - 1 - foundBefore, lengthBefore, at - blockStart);
        ahead -= lengthBefore - 1;
        for (const end = at + lengthBefore - 2; at < end; ) {
          at++;
          hash = ((hash << HASH_SHIFT) ^ window[at + MIN_MATCH - 1]!) & MASK;
          previous[at & MASK] = heads[hash]!;
          heads[hash] = at;
        }
        isPending = false;
        length = MIN_MATCH - 1;
        at++;
        if (full) this.blockEnd = at;
      } else {
        if (isPending) full = block.literal(window[at - 1]!, at - blockStart);
        if (full) this.blockEnd = at;
        isPending = true;
        at++;
        ahead--;
      }
    }
    this.at = at;
    this.ahead = ahead;
    this.hash = hash;
    this.length = length;
    this.isPending = isPending;
    return full;
  }

  private *begin(): Generator<typeof HUNGRY> {
    this.ahead = yield* this.readInto(0);
    yield* this.fill();
    for (let at = 0; at < MIN_MATCH - 1; at++) this.hash = ((this.hash << HASH_SHIFT) ^ this.window[at]!) & MASK;
  }

  private flush(last: boolean): Buffer {
    const { blockStart, blockEnd } = this;
    const content = blockStart >= 0 ? this.window.subarray(blockStart, blockEnd) : null;
    this.block.write(this.sink, content, blockEnd - blockStart, last);
    this.blockStart = blockEnd;
    return this.sink.take();
  }

  /** The length of the longest match, from the latest place back; it is at `found` if it is longer than `least`. */
  private longest(at: number, head: number, least: number): number {
    const { view, previous, effort } = this;
    const limit = at > MAX_DISTANCE ? at - MAX_DISTANCE : NONE;
    let chain = least >= effort.good ? effort.chain >> 2 : effort.chain;
    let best = least;
    let place = head;
    let steps = 0;
    // A longer match has both the first two bytes and those where the best one ends: most places are passed over by one look.
    const first = view.getUint16(at, true);
    let last = view.getUint16(at + best - 1, true);
    do {
      steps++;
      if (view.getUint16(place + best - 1, true) === last && view.getUint16(place, true) === first) {
        const length = equalUntil(view, at, at + MAX_MATCH, view, place - at) - at;
        steps += length;
        if (length > best) {
          this.found = place;
          best = length;
          if (length >= effort.nice) break;
          last = view.getUint16(at + best - 1, true);
        }
      }
      place = previous[place & MASK]!;
    } while (place > limit && --chain !== 0);
    this.stepsLeft -= steps;
    if (this.stepsLeft < 0) throw badData('A delta makes a gzip file that takes too long to compress.');
    return best;
  }

  /** Keeps enough ahead for the longest match, as long as there is more. */
  private *fill(): Generator<typeof HUNGRY> {
    while (this.ahead < MIN_LOOKAHEAD && !this.ended) {
      if (this.at >= WINDOW + MAX_DISTANCE) this.slide();
      this.ahead += yield* this.readInto(this.at + this.ahead);
    }
  }

  private slide(): void {
    this.window.copyWithin(0, WINDOW);
    this.found -= WINDOW;
    this.at -= WINDOW;
    this.blockStart -= WINDOW;
    for (const table of [this.heads, this.previous]) {
      for (let slot = 0; slot < table.length; slot++) table[slot] = Math.max(NONE, table[slot]! - WINDOW);
    }
  }

  /**
   * Fills the window from there on, or with all that is left: in whatever pieces the input comes, the stream is the same. What lies
   * behind the end of the file is what was there before, but for two zeros.
   */
  private *readInto(from: number): Generator<typeof HUNGRY, number> {
    const count = Math.min(this.window.length - from, this.unread);
    this.unread -= count;
    for (let read = 0; ; ) {
      const piece = this.input.subarray(0, count - read);
      this.window.set(piece, from + read);
      this.input = this.input.subarray(piece.length);
      read += piece.length;
      if (read === count) break;
      yield HUNGRY;
    }
    if (count === 0) {
      this.ended = true;
      this.window.fill(0, from, from + MIN_MATCH - 1);
    }
    return count;
  }
}
