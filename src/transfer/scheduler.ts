/**
 * Who fetches which blob next. Pure: knows names of sources and the time it is told, no network.
 *
 * Blobs wait in one row, the largest before all others, else like beside like, and sources take runs of it. Each laptop begins at a place
 * of its own, so that classmates who upgrade together hold different parts and can give them to each other. When the
 * row is empty, an idle source gets what another has not delivered yet: nobody waits for the slowest.
 */
import type { Oid } from '../core/object';

export interface Wanted {
  oid: Oid;
  /** In bytes. */
  size: number;
  /** Blobs held here that may be much like it, best first. */
  bases: readonly Oid[];
}

type May = (oid: Oid, size: number) => boolean;
const ANY: May = () => true;

/** A blob may be under way from so many sources at once, and only at the end. */
const MOST_COPIES = 2;
/** At the end another is asked, too, for what is late by so much, or what he would bring so much sooner. In ms. */
const LATE_MS = 1_000;
const SOONER_MS = 500;
/** A late-comer of whom nobody knows how fast he is shows it with what would take others longer than this. In ms. */
const LONG_MS = 1_500;
/**
 * The largest come first: their deltas take seconds to make, which are lost when nothing else is left to send meanwhile; and
 * nobody waits for the last one at the end.
 */
export const LARGE_BYTES = 4 << 20;
/** A batch is full with this share of its bytes: nobody looks through all the row for what fills the rest. */
const FULL = 7 / 8;

interface Flight {
  wanted: Wanted;
  askers: Set<string>;
  /** When it should be here, in ms. */
  due: number;
}

export class Scheduler {
  /** Nobody works on these now. */
  private waiting: Wanted[];
  /** Who has been asked for what is not here yet. */
  private readonly underWay = new Map<Oid, Flight>();
  /** Source → blob → when to ask it again, in ms. */
  private readonly missing = new Map<string, Map<Oid, number>>();
  private readonly done = new Set<Oid>();
  /** Bytes that nobody works on. */
  bytesWaiting: number;

  /** `beginning`: from 0 to 1, where in the row to begin. */
  constructor(
    private readonly wanted: readonly Wanted[],
    beginning: number,
  ) {
    const large = wanted.filter(({ size }) => size >= LARGE_BYTES);
    const others = wanted.filter(({ size }) => size < LARGE_BYTES);
    this.waiting = [...turned(large, beginning), ...turned(others, beginning)];
    this.bytesWaiting = sizeOf(wanted);
  }

  /** Blobs that are not here yet. */
  get left(): number {
    return this.wanted.length - this.done.size;
  }

  /** Is one of those that nobody works on such a one? */
  waits(test: (oid: Oid) => boolean): boolean {
    return this.waiting.some(({ oid }) => test(oid));
  }

  /** Nothing has been asked for yet. */
  get isUntouched(): boolean {
    return this.waiting.length === this.wanted.length;
  }

  /** Nothing has been asked for that is not here yet. */
  get isIdle(): boolean {
    return this.underWay.size === 0;
  }

  /**
   * A batch for this source of about so many bytes and at most so many blobs; empty when there is nothing for it.
   * `place`: from 0 to 1, where in the row to take it. `may`: only these. `rate`: bytes a second to expect of it, 0 where
   * nobody knows.
   */
  take(source: string, bytes: number, objects: number, now: number, place = 0, may: May = ANY, rate = 0): Wanted[] {
    const mayAsk: May = (oid, size) => may(oid, size) && (this.missing.get(source)?.get(oid) ?? 0) <= now;
    const row = (those: May) => this.fromRow(bytes, objects, Math.floor(this.waiting.length * place), those);
    // A small batch shows sooner than a large blob how fast it is, and what is best asked of it.
    const small = rate > 0 ? [] : row((oid, size) => size < LARGE_BYTES && mayAsk(oid, size));
    const batch = small.length > 0 ? small : row(mayAsk);
    // What waits may be for others: only when nothing does is it the end.
    const isEnd = this.waiting.length === 0 && batch.length === 0;
    const all = isEnd ? this.fromOthers(source, bytes, objects, mayAsk, now, rate) : batch;
    const due = now + millis(sizeOf(all), rate);
    for (const wanted of all) {
      const flight = this.underWay.get(wanted.oid) ?? { wanted, askers: new Set(), due };
      flight.askers.add(source);
      this.underWay.set(wanted.oid, flight);
    }
    return all;
  }

  /** True the first time: the second of two copies is thrown away. */
  arrived(oid: Oid): boolean {
    this.underWay.delete(oid);
    if (this.done.has(oid)) return false;
    this.done.add(oid);
    return true;
  }

  isDone(oid: Oid): boolean {
    return this.done.has(oid);
  }

  /** The source said that it does not have it; it is asked again from `until` on (ms, Infinity: never). */
  lacks(source: string, oid: Oid, until: number): void {
    const lacking = this.missing.get(source) ?? new Map<Oid, number>();
    this.missing.set(source, lacking.set(oid, until));
  }

  /** The source is done with that batch; what it did not deliver goes back to the head of the row. */
  returned(source: string, batch: readonly Wanted[]): void {
    const back = batch.filter(({ oid }) => {
      const flight = this.underWay.get(oid);
      flight?.askers.delete(source);
      return flight?.askers.size === 0;
    });
    for (const { oid } of back) this.underWay.delete(oid);
    if (back.length === 0) return;
    this.waiting = [...back, ...this.waiting];
    this.bytesWaiting += sizeOf(back);
  }

  private fromRow(bytes: number, objects: number, first: number, mayAsk: May): Wanted[] {
    const { waiting } = this;
    const batch: Wanted[] = [];
    const taken = new Set<Wanted>();
    let sum = 0;
    for (let i = 0; i < waiting.length && batch.length < objects && sum < bytes * FULL; i++) {
      const one = waiting[(first + i) % waiting.length]!;
      const fits = batch.length === 0 || sum + one.size <= bytes;
      if (!fits || !mayAsk(one.oid, one.size)) continue;
      batch.push(one);
      taken.add(one);
      sum += one.size;
    }
    if (batch.length === 0) return batch;
    this.waiting = waiting.filter(one => !taken.has(one));
    this.bytesWaiting -= sum;
    return batch;
  }

  /** What others have not delivered although it is late, or would not for much longer than this source needs for it. */
  private fromOthers(source: string, bytes: number, objects: number, mayAsk: May, now: number, rate: number): Wanted[] {
    const batch: Wanted[] = [];
    let sum = 0;
    for (const { wanted, askers, due } of this.underWay.values()) {
      if (askers.size >= MOST_COPIES || askers.has(source) || !mayAsk(wanted.oid, wanted.size)) continue;
      const sooner = due - now > (rate > 0 ? 2 * millis(wanted.size, rate) + SOONER_MS : LONG_MS);
      if (now - due < LATE_MS && !sooner) continue;
      if (batch.length > 0 && (sum + wanted.size > bytes || batch.length >= objects)) break;
      batch.push(wanted);
      sum += wanted.size;
    }
    return batch;
  }
}

/** Beginning at that place of it, from 0 to 1. */
function turned<T>(row: readonly T[], beginning: number): T[] {
  const first = Math.floor(row.length * beginning) % Math.max(row.length, 1);
  return [...row.slice(first), ...row.slice(0, first)];
}

function sizeOf(blobs: readonly Wanted[]): number {
  return blobs.reduce((sum, { size }) => sum + size, 0);
}

/** How long so many bytes take; 0 where nobody knows the rate. */
function millis(bytes: number, rate: number): number {
  return rate > 0 ? (bytes / rate) * 1000 : 0;
}
