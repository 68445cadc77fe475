/**
 * In which form to ask a source for blobs. On a slow shared radio deltas win; on a fast wire they cost more time than they
 * save. Pure: it is told what each batch brought.
 *
 * Where much is to come it opens with a small raw batch or two, before processors have anything else to do. Where one comes fast, a
 * batch of deltas is tried beside raw ones; else it goes on with deltas. While the sender says that its link had nothing to do, a small
 * batch is asked for raw now and then; whichever form brings more content a second is kept, until it does worse than the other did.
 * On a busy link nothing is tried: there raw bytes would only cost. The time of a trial runs from asking to the last byte stored, so
 * that a busy processor on either side makes the link look slower than it is, never faster: when in doubt, deltas.
 */

/** delta: deltas where there is a base, compressed; small: the same with more patience; raw: whole and as they are. */
export type Form = 'delta' | 'small' | 'raw';

export const EFFORTS = ['auto', 'bytes', 'speed'] as const;
export type EffortWish = (typeof EFFORTS)[number];

export function isEffort(word: unknown): word is EffortWish {
  return EFFORTS.some(effort => effort === word);
}

export interface Brought {
  form: Form;
  /** Of content, in bytes. */
  bytes: number;
  /** Since it was asked for. */
  seconds: number;
  /** From 0 to 1: how much of that time the sender had bytes waiting for its link; null where it did not say. */
  busy: number | null;
}

/** Large enough for a rate, small enough to waste little: on a slow link each costs a fifth of a second. Bytes. */
const TRIAL_BYTES = 512 << 10;
/** With less to come even the fastest wire would save less than a second or two. Bytes. */
export const WORTH_A_TRIAL = 32 << 20;
/** A link that is busy for less of the time could carry more. */
const IDLE_BELOW = 0.5;
/** Raw batches to open with: what the first one is slow by may be programs that have never run before. */
const OPENINGS = 2;
/** Deltas are tried beside raw when it has shown how fast it is, and unless it brings more than deltas ever did. Bytes a second. */
const SHOWN_BATCHES = 3;
const BEYOND_DELTAS = 60e6;
/** Raw must be clearly better to be worth more bytes; and is given up before it is clearly worse. */
const BETTER = 1.2;
/** What is slower than this is likely a radio that others share, or a laptop that is busy now. Bytes a second. */
const FAST = 12.5e6;
/** The same for one of several requests at once. */
const FAST_SHARED = FAST / 4;
/** Batches until the next trial: after each that failed twice as many. */
const FIRST_PAUSE = 2;
const LONGEST_PAUSE = 256;
/**
 * A trial during which the link was busy for more of the time failed because of the link, which had nothing to do before only because
 * somebody's processor had too much. That will not change soon; a laptop that was held up for a moment is free the next.
 */
const WIRE_FAILED = 0.5;
const PAUSE_BY_WIRE = 64;
const SMOOTH = 0.5;
/** Of content that comes from all sources until the next trial at any of them; after each that failed so many times as much. Bytes. */
const FIRST_DISTANCE = 16 << 20;
const FARTHER = 4;

/**
 * Trials at all sources of one fetch. What holds one up, a slow link here or a busy processor, mostly holds up all; and eight sources may
 * not cost eight times the bytes of one.
 */
export class Trials {
  private isRunning = false;
  private distance = FIRST_DISTANCE;
  /** Bytes of content until the next. */
  private left = 0;

  get mayBegin(): boolean {
    return !this.isRunning && this.left <= 0;
  }

  begun(): void {
    this.isRunning = true;
  }

  ended(succeeded: boolean): void {
    this.isRunning = false;
    if (succeeded) return;
    this.left = this.distance;
    this.distance *= FARTHER;
  }

  brought(bytes: number): void {
    this.left -= bytes;
  }
}

export class Effort {
  private form: Form;
  /** Bytes of content a second; null while unknown. */
  private readonly rates: { delta: number | null; raw: number | null } = { delta: null, raw: null };
  private idle = false;
  /** What is being tried. */
  private trial: Form | null = null;
  /** How many batches may still open. */
  private openings = 0;
  private rawBatches = 0;
  private pause = FIRST_PAUSE;
  private wait = 0;

  /** trials: of all sources together. */
  constructor(
    private readonly wish: EffortWish,
    private readonly trials = new Trials(),
  ) {
    this.form = wish === 'speed' ? 'raw' : wish === 'bytes' ? 'small' : 'delta';
  }

  /** What is asked for when nothing is tried. */
  get usual(): Form {
    return this.form;
  }

  /**
   * The next batch: in which form, and of at most how many bytes, however large the blobs are; where nothing fits, `usual` and
   * any. A batch that is asked for so is told to `begun`. left: bytes of content that are still to come. elsewhere: raw is kept at
   * another source already, so that this laptop's own link is fast; then nobody need find that out again, until little is left.
   * opens: nobody has been asked for anything yet. lanes: how many requests share what comes from this source.
   */
  choose(left: number, { elsewhere = false, opens = false, lanes = 1 } = {}): { form: Form; most: number } {
    const usual = { form: this.form, most: Number.POSITIVE_INFINITY };
    if (this.wish !== 'auto' || this.trial !== null) return usual;
    if (this.form === 'raw') {
      const { delta, raw } = this.rates;
      const isUnknown = delta === null && this.rawBatches >= SHOWN_BATCHES && (raw ?? 0) * lanes < BEYOND_DELTAS;
      return isUnknown && left >= WORTH_A_TRIAL ? { form: 'delta', most: TRIAL_BYTES } : usual;
    }
    if (opens) this.openings = OPENINGS;
    const mayBe = (this.idle || this.openings > 0) && this.trials.mayBegin;
    const worthIt = elsewhere || (left >= WORTH_A_TRIAL && mayBe);
    return worthIt && this.wait === 0 ? { form: 'raw', most: TRIAL_BYTES } : usual;
  }

  begun(form: Form): void {
    if (form === this.form) return;
    this.trial = form;
    if (form !== 'raw') return;
    this.trials.begun();
    this.openings--;
  }

  /** A batch that failed brought nothing. */
  learn({ form, bytes, seconds, busy }: Brought): void {
    if (this.wish !== 'auto' || form === 'small') return;
    this.trials.brought(bytes);
    const tried = form !== this.form;
    if (form === this.trial) this.trial = null;
    if (bytes > 0 && seconds > 0) {
      const rate = bytes / seconds;
      const known = this.rates[form];
      this.rates[form] = known === null || tried ? rate : known * (1 - SMOOTH) + rate * SMOOTH;
    }
    const { delta, raw } = this.rates;
    if (form === 'delta') {
      if (busy !== null) this.idle = busy < IDLE_BELOW;
      this.wait = Math.max(0, this.wait - 1);
      // Raw opened, and deltas do better.
      if (tried && delta !== null && delta > (raw ?? 0) * BETTER) this.form = 'delta';
      return;
    }
    this.rawBatches++;
    const enough = tried ? Math.max((delta ?? 0) * BETTER, FAST) : Math.max(delta ?? 0, FAST_SHARED);
    this.form = bytes > 0 && raw !== null && raw > enough ? 'raw' : 'delta';
    const isOpening = tried && this.openings > 0;
    if (tried) this.trials.ended(this.form === 'raw' || isOpening);
    if (this.form === 'raw') return;
    this.rates.raw = null;
    if (isOpening) return;
    if (tried && busy !== null && busy > WIRE_FAILED) this.pause = Math.max(this.pause, PAUSE_BY_WIRE);
    this.wait = this.pause;
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
  }
}
