/**
 * Classmates who fetch the same image. All of them divide it in the same way, by what their logs are called (arrivals.ts): each asks
 * for another part of it where the whole image is, and has the rest from the others. Pure but for the clock of `Giver`.
 */
import { randomInt } from 'node:crypto';
import type { Oid } from '../core/object';
import { prefix } from './arrivals';
import type { Giver } from './giver';
import { LARGE_BYTES, type Wanted } from './scheduler';

/** One who was just met may say what it has before anything is asked for that it may have, too. In ms. */
const INTRODUCTION_MS = 1_000;
/** Somebody else's part is taken only so long after the own one is all under way: by then is known what is not. In ms. */
const OTHERS_AFTER_MS = 2_000;
/** Where nothing comes any more, what classmates said that they would have is not waited for any longer, in ms. */
const STANDSTILL_MS = 4_000;
/** Classmates are slow who would need so long for what is left, in seconds, and all together are not half of who has the whole. */
const LONG_SECONDS = 5;

/** What comes of a batch from a classmate is no less than about this, as far as that has it: a request costs a kilobyte itself. */
const WORTH_ASKING_BYTES = 64 << 10;
const MOST_PACKED = 64;

/** How much content a request should be about, by what content has weighed on its way so far; all in bytes. */
export function worthAsking(content: number, received: number): number {
  return WORTH_ASKING_BYTES * Math.min(content / Math.max(received, 1), MOST_PACKED);
}

/** Takes a batch of those that it may, from this place in the row on, from 0 to 1. */
export type Take = (may: (oid: Oid) => boolean, place: number) => Wanted[];

/** How far the fetch is. */
export interface Progress {
  /** In ms. */
  now: number;
  /** Of content. */
  bytesWaiting: number;
  bytesDone: number;
}

export class Classmates {
  /** Prefix of an oid → where in the whole it lies, from 0 to 1. */
  private readonly places = new Map<number, number>();
  /** When all of the own part was under way; null: it is not. */
  private ownGone: number | null = null;
  /** When something came last. */
  private last = { bytesDone: -1, at: 0 };

  /** own: what this laptop's log is called. */
  constructor(
    wanted: readonly Wanted[],
    private readonly givers: ReadonlyMap<string, Giver>,
    private readonly own: number = randomInt(1, 2 ** 32),
  ) {
    const isLarge = ({ size }: Wanted) => size >= LARGE_BYTES;
    const row = [...wanted.filter(isLarge), ...wanted.filter(one => !isLarge(one))];
    const whole = row.reduce((sum, { size }) => sum + size, 0);
    let before = 0;
    for (const { oid, size } of row) {
      this.places.set(prefix(oid), (before + size / 2) / Math.max(whole, 1));
      before += size;
    }
  }

  /** Those who say what they have. */
  private get telling(): Giver[] {
    return [...this.givers.values()].filter(({ heard, state }) => heard?.isTelling && state !== 'gone');
  }

  get count(): number {
    return this.telling.length;
  }

  /** A test for what none of them has or expects. */
  get isRare(): (oid: Oid) => boolean {
    return rareAmong(this.telling);
  }

  /** What to ask one for who has the whole image; empty: it is better to wait for classmates. */
  batchFor(giver: Giver, progress: Progress, take: Take): Wanted[] {
    const { now, bytesDone } = progress;
    if (bytesDone !== this.last.bytesDone) this.last = { bytesDone, at: now };
    if ([...this.givers.values()].some(one => isIntroducingItself(one, now))) return [];
    const { telling } = this;
    if (telling.length === 0) return take(() => true, 0);
    const { isRare } = this;
    const isOwn = this.isOwnPart(telling);
    const own = take(oid => isOwn(oid) && isRare(oid), 0);
    this.ownGone = own.length > 0 ? null : (this.ownGone ?? now);
    if (this.ownGone === null) return own;
    if (now - this.ownGone < OTHERS_AFTER_MS) return [];
    // Who has it for its own part is likely to begin at its beginning.
    const rare = take(isRare, Math.random());
    if (rare.length > 0) return rare;
    const isStill = now - this.last.at > STANDSTILL_MS;
    return isStill || areSlow(telling, giver, progress) ? take(() => true, 0) : [];
  }

  private isOwnPart(telling: readonly Giver[]): (oid: Oid) => boolean {
    const names = [this.own, ...telling.map(({ heard }) => heard!.log)].sort((a, b) => a - b);
    const rank = names.indexOf(this.own);
    // What is empty and last lies at 1 itself.
    const last = names.length - 1;
    return oid => Math.min(Math.floor((this.places.get(prefix(oid)) ?? 0) * names.length), last) === rank;
  }
}

function rareAmong(telling: readonly Giver[]): (oid: Oid) => boolean {
  return oid => {
    const begins = prefix(oid);
    return !telling.some(({ heard }) => heard?.expectsPrefix(begins));
  };
}

function isIntroducingItself({ heard, state, since }: Giver, now: number): boolean {
  return heard !== null && !heard.isTelling && state !== 'gone' && now - since < INTRODUCTION_MS;
}

function areSlow(classmates: readonly Giver[], giver: Giver, { now, bytesWaiting }: Progress): boolean {
  const hope = classmates.reduce((sum, one) => sum + one.hope(now), 0);
  return hope < giver.rate / 2 && bytesWaiting > hope * LONG_SECONDS;
}
