import { badData } from '../../bad-data';
import { equalUntil } from '../reader';
import { BitSink } from './bits';
import { Block, type BlockMemory, blockMemory, MAX_MATCH, MIN_MATCH } from './block';

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

interface Memory extends BlockMemory {
  window: Uint8Array;
  previous: Uint16Array;
  heads: Uint16Array;
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
    ...blockMemory(),
  };
  for (const part of [memory.window, memory.previous, memory.heads]) part.fill(0);
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
  private readonly sink = new BitSink();
  private readonly memory = memoryFor();
  private hash = 0;
  /** Of the window: where we are, how much is there from here on, and where the block began: below 0 when that slid out. */
  private at = 0;
  private ahead = 0;
  private blockStart = 0;
  /** Where the best match is. */
  private found = 0;
  /** What has come of the input and is not in the window yet; and how much will have come in the end. */
  private input: Uint8Array = NO_BYTES;
  private unread: number;
  private ended = false;
  private isClosed = false;
  private stepsLeft: number;
  private readonly run: Generator<Buffer | typeof HUNGRY>;

  /** length: of the whole input, in bytes. `close` must be called, whatever happens. */
  constructor(length: number, level: Level) {
    ({ window: this.window, previous: this.previous, heads: this.heads } = this.memory);
    this.view = new DataView(this.window.buffer);
    this.block = new Block(this.memory);
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
    const { window, block } = this;
    yield* this.begin();
    let length = MIN_MATCH - 1;
    let pending = false; // the byte before this one waits: a match from here on may be longer than one from there
    while (this.ahead > 0) {
      const head = this.insert();
      const before = { length, from: this.found };
      length = MIN_MATCH - 1;
      if (
        head !== NONE &&
        before.length < this.effort.lazy &&
        this.at - head <= MAX_DISTANCE &&
        this.at <= window.length - MIN_LOOKAHEAD
      ) {
        length = Math.min(this.longest(head, before.length), this.ahead);
        if (length === MIN_MATCH && this.at - this.found > TOO_FAR) length--;
      }
      let full = false;
      if (before.length >= MIN_MATCH && length <= before.length) {
        full = block.match(this.at - 1 - before.from, before.length, this.at - this.blockStart);
        this.ahead -= before.length - 1;
        for (let left = before.length - 2; left > 0; left--) {
          this.at++;
          this.insert();
        }
        pending = false;
        length = MIN_MATCH - 1;
        this.at++;
      } else {
        if (pending) full = block.literal(window[this.at - 1]!, this.at - this.blockStart);
        if (full) yield this.flush(false);
        full = false;
        pending = true;
        this.at++;
        this.ahead--;
      }
      if (full) yield this.flush(false);
      if (this.ahead < MIN_LOOKAHEAD && !this.ended) yield* this.fill();
    }
    if (pending) block.literal(window[this.at - 1]!, this.at - this.blockStart);
    yield this.flush(true);
  }

  private *begin(): Generator<typeof HUNGRY> {
    this.ahead = yield* this.readInto(0);
    yield* this.fill();
    for (let at = 0; at < MIN_MATCH - 1; at++) this.updateHash(at);
  }

  private flush(last: boolean): Buffer {
    const content = this.blockStart >= 0 ? this.window.subarray(this.blockStart, this.at) : null;
    this.block.write(this.sink, content, this.at - this.blockStart, last);
    this.blockStart = this.at;
    return this.sink.take();
  }

  private updateHash(at: number): void {
    this.hash = ((this.hash << HASH_SHIFT) ^ this.window[at]!) & MASK;
  }

  /** Enters this place under its hash; gives the latest before it. */
  private insert(): number {
    this.updateHash(this.at + MIN_MATCH - 1);
    const head = this.heads[this.hash]!;
    this.previous[this.at & MASK] = head;
    this.heads[this.hash] = this.at;
    return head;
  }

  /** The length of the longest match, from the latest place back; it is at `found` if it is longer than `least`. */
  private longest(head: number, least: number): number {
    const { view, previous, at, effort } = this;
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
