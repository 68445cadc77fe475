/** What is known of one who gives while something is fetched. */
import type { Oid } from '../core/object';
import { ANSWER, type AnswerKind } from './answers';
import { Heard } from './arrivals';
import { Effort, type EffortWish, type Trials } from './effort';
import type { Source } from './source';

/** The whole image; what it has of it so far, because it is fetching it too; or another image, which shares some blobs. */
export type Holds = 'all' | 'some' | 'other';

export const BATCH_OBJECTS = 512;
/** Of somebody of whom nobody knows what he has, to find out. */
const PROBE_OBJECTS = 8;
/** How long to wait before somebody is asked again who had nothing of what he was asked for, in ms. */
const FIRST_PAUSE_MS = 1_500;
const LONGEST_PAUSE_MS = 30_000;
/** More are no accident, nor is more than this share of those that came out right. */
const MOST_PLAIN = 8;
const PLAIN_SHARE = 1 / 32;
/** How long a classmate is given to show how fast he is, in ms. */
const GRACE_MS = 3_000;

export class Giver {
  state: 'idle' | 'giving' | 'gone' = 'idle';
  /** It has nothing of what is left. */
  starved = false;
  /** In a row. */
  failures = 0;
  busyLanes = 0;
  /** Bytes of content a second of the last batch in one lane; 0 before the first. */
  rate = 0;
  /** False once one of its deltas did not come out right: then it is asked for whole blobs. */
  deltas = true;
  /** Blobs that did not come out right from what it took for common: one block looks like another now and then. */
  readonly plain = new Set<Oid>();
  /** Ask it by whole oids: it lacked one that it should have, and may hold others whose oids begin alike. */
  byWholeName = false;
  /** Blobs that did. */
  outlined = 0;
  readonly effort: Effort;
  /** To be called when what it was asked for first has come, or says nothing of how the rest is to be asked for. */
  open!: () => void;
  private readonly opened: Promise<void>;
  /** What it has said that it has; null: it does not say. */
  heard: Heard | null;
  /** Where in the row to look at one who does not say what it has: here and there, and on where it had something. */
  place = 0;
  private found = false;
  private pause = FIRST_PAUSE_MS;
  /** When it came, and when it said that it has something; in ms. */
  readonly since = performance.now();
  private hasSince: number | null = null;

  constructor(
    readonly source: Source,
    public nick: string,
    public holds: Holds,
    wish: EffortWish,
    trials: Trials,
  ) {
    this.effort = new Effort(wish, trials);
    this.opened = new Promise(resolve => {
      this.open = resolve;
    });
    this.heard = holds === 'some' && source.have ? new Heard() : null;
  }

  /** What it holds by now; true where from now on it can be asked what it has. */
  turned(holds: Holds): boolean {
    const begins = holds === 'some' && this.holds !== 'some' && this.source.have !== undefined;
    this.holds = holds;
    if (begins) this.heard = new Heard();
    return begins;
  }

  /** It said what it has got. True where that is news. @throws PassItOnError 'source-lied' */
  said(answer: Buffer): boolean {
    const { heard } = this;
    if (heard === null) return false;
    const isFirst = !heard.isTelling;
    const isMore = heard.learn(answer);
    if (isMore) this.hasSince ??= performance.now();
    return isFirst || isMore;
  }

  /** Nobody knows what it has. */
  get isUnknown(): boolean {
    return this.holds === 'other' || (this.holds === 'some' && this.heard === null);
  }

  get batchObjects(): number {
    return this.isUnknown && !this.found ? PROBE_OBJECTS : BATCH_OBJECTS;
  }

  /** How long to wait until it may have more for us, in ms. */
  get patience(): number {
    return this.holds === 'other' ? this.pause : FIRST_PAUSE_MS;
  }

  /** An answer of this kind did not make the blob. */
  doubt(kind: AnswerKind, oid: Oid): void {
    this.plain.add(oid);
    if (kind === ANSWER.delta || this.plain.size > MOST_PLAIN + this.outlined * PLAIN_SHARE) this.deltas = false;
  }

  /** It lacks one. True where it should have it, and may only be in doubt about which is meant: then it is asked by whole oids. */
  doubted(byWholeName: boolean): boolean {
    if (this.holds !== 'all' || byWholeName) return false;
    this.byWholeName = true;
    return true;
  }

  /** Until `open` was called, but not for longer than so many ms. */
  async untilOpen(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>(resolve => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([this.opened, late]);
    clearTimeout(timer);
  }

  /** It was asked for some; did it have any? */
  probed(found: boolean): void {
    this.found = found;
    if (!found) this.place = Math.random();
    this.pause = found ? FIRST_PAUSE_MS : Math.min(this.pause * 2, LONGEST_PAUSE_MS);
  }

  /** What may be hoped for from it, in bytes a second for each lane. */
  hope(now: number): number {
    const isLate = this.hasSince !== null && now - this.hasSince > GRACE_MS;
    return this.rate > 0 || isLate ? this.rate : Number.POSITIVE_INFINITY;
  }
}
