import { BlockIndex, KEY_BYTES, NEAR_KEY_BYTES, NearIndex } from './find';
import { WORD_BYTES } from './format';
import { equalUntil, type Page, type Pages, type SyncReader, viewOf } from './reader';
import type { Scratch } from './scratch';

/** Takes `take` bytes at `position` of the base, some of them changed; then `literal` bytes that are not from there. */
export interface Step {
  position: number;
  take: number;
  literal: number;
}

/*
 * Costs once compressed, with a literal byte as 1. Found by trying on kernel modules, libraries and the next release of
 * everything; what is near these numbers is nearly as good.
 */
/** A word that differs. */
const WORD_COST = 6;
/** A word that differs by the same number as one before: where something was inserted, all addresses behind move alike. */
const REPEATED_COST = 1;
const STEP_COST = 10;

/** So many equal bytes are taken without looking for something better. */
const RUN_BYTES = 8;
/** What two places would cost is compared over so many bytes: at least, and however long they are equal. */
const LEAST_COMPARED = 48;
const MOST_COMPARED = 256;
/** A place that was not better is not compared again for so many bytes. */
const REFUSED_BYTES = 16;
/** Having cost so much more than a literal since it was best, an alignment is given up: until bytes are equal again, or before a match. */
const MOST_LOSS = 64;
/**
 * After so many bytes of nothing but literals only every seventh place is looked up. Blocks begin at multiples of 16, so a match
 * is found 112 bytes late at most, and then taken back to where it begins. After very many, as in what is compressed, still fewer.
 */
const BARREN_BYTES = 4096;
const BARREN_STRIDE = 7;
const DESERT_BYTES = 65536;
const DESERT_STRIDE = 31;
/** Outside of the base there is nothing to take. */
const OUTSIDE = -(2 ** 29);
/** A match far away must be longer than one nearby by so much: to say where it is costs more. */
const FAR_BYTES = 2;

/**
 * Finds what of a target stands in the base, window by window, in one pass and bounded memory.
 *
 * An *alignment* is a place in the base minus one in the window: what one step takes has one alignment. We stay in it over bytes
 * that differ for as long as no other alignment would cost less for what comes next, as bsdiff does (Percival, "Naive
 * differences of executable code", 2003), but look for others in two hash tables instead of a suffix array.
 */
export class Matcher {
  private readonly blocks: BlockIndex;
  private readonly near: NearIndex;
  private readonly size: number;
  /** Around the place in the base where we are. */
  private page: Page;

  private target: Buffer = Buffer.alloc(0);
  private view = viewOf(this.target);
  private steps: Step[] = [];
  private at = 0;
  private alignment = 0;
  /** The step in the making takes [start, end); [end, at) is a literal unless taking it, too, pays in the end. */
  private start = 0;
  private end = 0;
  /** What taking [start, at) costs less than a literal; and the same of [start, end), where it was most. */
  private gain = 0;
  private best = 0;
  /** The word that differed last reaches to here. */
  private paid = 0;
  /** By which words differed last: the two latest numbers. */
  private latest = 0;
  private earlier = 0;
  private refused = 0;
  private refusedUntil = 0;
  private foundLength = 0;

  /** @param base read once from beginning to end here, for the index */
  constructor(
    base: SyncReader,
    private readonly pages: Pages,
    scratch: Scratch,
  ) {
    this.size = base.size;
    this.blocks = new BlockIndex(base, scratch);
    this.near = new NearIndex(base.size, scratch);
    this.page = pages.around(0);
  }

  /** The steps that make the next window of the target: together they cover it. */
  match(window: Buffer): Step[] {
    // Go on in the base where the last window ended.
    this.alignment += this.target.length;
    this.target = window;
    this.view = viewOf(window);
    this.steps = [];
    this.at = this.paid = this.refusedUntil = 0;
    this.begin(0);
    while (this.at < window.length) {
      const run = this.runHere();
      if (run >= RUN_BYTES || (run > 0 && this.at + run === window.length)) this.takeRun(run);
      else if (!this.goToBetter(run)) this.takeByte(run);
    }
    this.finish(window.length);
    return this.steps;
  }

  private begin(start: number): void {
    this.start = this.end = start;
    this.gain = this.best = 0;
  }

  private finish(until: number): void {
    if (until === this.start) return;
    const take = this.end - this.start;
    this.steps.push({ position: this.start + this.alignment, take, literal: until - this.end });
  }

  private get inside(): boolean {
    const position = this.at + this.alignment;
    return position >= 0 && position < this.size;
  }

  private get lost(): boolean {
    return this.best - this.gain > MOST_LOSS;
  }

  /** How far to go before looking again: farther where nothing was found for long. */
  private get stride(): number {
    const barren = this.at - this.end;
    if (barren < BARREN_BYTES) return 1;
    return barren < DESERT_BYTES ? BARREN_STRIDE : DESERT_STRIDE;
  }

  /** How many bytes are equal here in the present alignment. */
  private runHere(): number {
    if (!this.inside) return 0;
    const position = this.at + this.alignment;
    this.page = this.pages.around(position);
    return this.run(position, this.page);
  }

  private run(position: number, page: Page): number {
    const { target, at } = this;
    const { bytes } = page;
    const offset = position - page.start - at;
    const until = Math.min(target.length, bytes.length - offset);
    return equalUntil(this.view, at, until, page.view, offset) - at;
  }

  private takeRun(run: number): void {
    if (this.best - this.gain > STEP_COST) {
      // All since `end` is better a literal, and this a step of its own.
      this.finish(this.at);
      this.begin(this.at);
    }
    this.advance(run, run);
  }

  private advance(bytes: number, gain: number): void {
    this.at += bytes;
    this.gain += gain;
    if (this.gain < this.best) return;
    this.best = this.gain;
    this.end = this.at;
  }

  /** One byte on in the present alignment, whether equal or not; or a word that differs as others did. */
  private takeByte(run: number): void {
    if (!this.inside) this.gain = OUTSIDE;
    if (this.lost) {
      this.at = Math.min(this.at + this.stride, this.target.length);
    } else if (run > 0 || this.at < this.paid) {
      this.advance(1, 1);
    } else {
      const difference = this.difference(this.at, this.at + this.alignment, this.page);
      const repeated = difference === this.latest || difference === this.earlier;
      if (difference !== this.latest) this.earlier = this.latest;
      this.latest = difference;
      this.paid = this.at + WORD_BYTES;
      const left = Math.min(this.target.length - this.at, this.size - this.at - this.alignment);
      const bytes = repeated ? Math.min(WORD_BYTES, left) : 1;
      this.advance(bytes, bytes - (repeated ? REPEATED_COST : WORD_COST));
    }
  }

  /** By how much a word differs from the one at that place in the base; at the very end, where there is no word, 0. */
  private difference(at: number, position: number, page: Page): number {
    if (at + WORD_BYTES > this.target.length || position + WORD_BYTES > page.end) return 0;
    return (this.view.getInt32(at, true) - page.view.getInt32(position - page.start, true)) | 0;
  }

  /** Looks for another alignment in which what comes next costs less, and goes there. */
  private goToBetter(run: number): boolean {
    const { target, at } = this;
    if (at + KEY_BYTES > target.length) return false;
    if (run === 0 && at >= this.paid && this.inside && !this.lost) {
      const difference = this.difference(at, at + this.alignment, this.page);
      if (difference === this.latest || difference === this.earlier) return false;
    }
    const position = this.find(run);
    if (position < 0) return false;
    const alignment = position - at;
    if (alignment === this.refused && at < this.refusedUntil) return false;
    const page = this.pages.around(position);
    const length = this.foundLength;
    const until = Math.min(target.length, at + Math.min(MOST_COMPARED, Math.max(length, LEAST_COMPARED)));
    const literal = until - at;
    const here = this.lost ? literal : this.cost(until, this.alignment, this.page, this.latest, this.earlier);
    const go = STEP_COST + this.cost(until, alignment, page, 0, 0);
    if (go >= Math.min(here, literal)) {
      this.refused = alignment;
      this.refusedUntil = at + REFUSED_BYTES;
      return false;
    }
    const start = at - this.backwards(position, page);
    this.finish(start);
    this.alignment = alignment;
    this.begin(start);
    this.at = start;
    this.advance(at + length - start, at + length - start);
    return true;
  }

  /** The place in the base, other than where we are, that is equal for longest: for `foundLength` bytes. Or -1. */
  private find(run: number): number {
    const { view, at, page } = this;
    const low = view.getInt32(at, true);
    const high = view.getInt32(at + 4, true);
    const here = at + this.alignment;
    let found = -1;
    let length = Math.max(run, NEAR_KEY_BYTES - 1);
    let needed = length;
    if (this.inside) {
      this.near.moveTo(here, page);
      const near = this.near.find(low, high);
      if (near >= page.start && near < page.end && near !== here) {
        const equal = this.run(near, page);
        if (equal > length) {
          found = near;
          length = equal;
          needed = equal + FAR_BYTES;
        }
      }
    }
    const far = this.blocks.find(low, high);
    if (far >= 0 && far !== here) {
      const equal = this.run(far, this.pages.around(far));
      if (equal > needed && equal >= KEY_BYTES) {
        found = far;
        length = equal;
      }
    }
    this.foundLength = length;
    return found;
  }

  /** What it costs to take [at, until) in an alignment. */
  private cost(until: number, alignment: number, page: Page, latest: number, earlier: number): number {
    const { target } = this;
    const { bytes } = page;
    const offset = alignment - page.start;
    let cost = 0;
    for (let at = this.at; at < until; ) {
      const place = at + offset;
      if (place >= 0 && place < bytes.length && target[at] === bytes[place]) {
        at++;
        continue;
      }
      const difference = place >= 0 ? this.difference(at, at + alignment, page) : 0;
      if (difference === latest) cost += REPEATED_COST;
      else {
        cost += difference === earlier ? REPEATED_COST : WORD_COST;
        earlier = latest;
        latest = difference;
      }
      at += WORD_BYTES;
    }
    return cost;
  }

  /** How many bytes before a match are better taken with it than a literal. */
  private backwards(position: number, page: Page): number {
    const { target, at } = this;
    const { bytes } = page;
    const offset = position - page.start - at;
    const until = Math.max(this.end, at - (position - page.start));
    let gain = 0;
    let best = 0;
    let first = at;
    for (let next = at - 1; next >= until; ) {
      if (target[next] === bytes[next + offset]) {
        gain++;
        next--;
      } else {
        gain += WORD_BYTES - WORD_COST;
        next -= WORD_BYTES;
      }
      if (gain > best) {
        best = gain;
        first = next + 1;
      } else if (gain < best - MOST_LOSS) break;
    }
    return at - Math.max(first, until);
  }
}
