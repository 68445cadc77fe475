/**
 * Numbers a child can trust: the bar never goes back, the time left is smooth and grows only when things have really
 * become slower. Pure: the clock is handed in.
 */
import type { Step } from './steps';

/** Seconds over which the rate is averaged. */
const RATE_WINDOW = 4;
/** The estimate shown may rise only after the measured one has been this much above it for this long. */
const WORSE_FACTOR = 1.25;
const WORSE_SECONDS = 3;
/** No estimate before this many seconds of a step: the first ones are always wrong. */
const SETTLE_SECONDS = 1;

/** How much of the whole upgrade each step is: fetching is nearly all of the waiting. */
const SHARES = { compare: [0, 0.02], fetch: [0.02, 0.8], check: [0.8, 0.9], stage: [0.9, 1], ready: [1, 1] } as const;

/** Blobs and bytes of an image to fetch, and how many of the bytes an earlier run has brought here. */
export interface Fetched {
  filesTotal: number;
  bytesTotal: number;
  bytesDone: number;
}

export interface Counts {
  step: Step;
  filesDone: number;
  filesTotal: number;
  bytesDone: number;
  bytesTotal: number;
}

export interface Estimate extends Counts {
  /** Bytes a second, 0 while unknown. */
  rate: number;
  /** null while unknown. */
  secondsLeft: number | null;
}

export class ProgressMeter {
  private counts: Counts;
  private rate = 0;
  private shown: number | null = null;
  private worseSince: number | null = null;
  private begunAt: number;
  private sampledAt: number;
  private sampledBytes = 0;

  /** `now`: seconds, from any monotonic clock. */
  constructor(private readonly now: () => number) {
    this.begunAt = this.sampledAt = now();
    this.counts = { step: 'compare', filesDone: 0, filesTotal: 0, bytesDone: 0, bytesTotal: 0 };
  }

  /** A new step begins; what is there already (a download that goes on) does not count for the rate. */
  begin(step: Step, filesTotal: number, bytesTotal: number, here = { files: 0, bytes: 0 }): void {
    this.counts = { step, filesDone: here.files, filesTotal, bytesDone: here.bytes, bytesTotal };
    this.rate = 0;
    this.shown = this.worseSince = null;
    this.begunAt = this.sampledAt = this.now();
    this.sampledBytes = here.bytes;
  }

  update(filesDone: number, bytesDone: number): void {
    this.counts.filesDone = Math.max(this.counts.filesDone, filesDone);
    // What a failed source sent is thrown away, but the bar does not run back: it waits.
    this.counts.bytesDone = Math.max(this.counts.bytesDone, bytesDone);
  }

  read(): Estimate {
    const now = this.now();
    const elapsed = now - this.sampledAt;
    if (elapsed >= 0.2) {
      const current = (this.counts.bytesDone - this.sampledBytes) / elapsed;
      const weight = this.rate === 0 ? 1 : 1 - Math.exp(-elapsed / RATE_WINDOW);
      this.rate += (current - this.rate) * weight;
      this.sampledAt = now;
      this.sampledBytes = this.counts.bytesDone;
      this.shown = this.estimate(now, elapsed);
    }
    return { ...this.counts, rate: Math.round(this.rate), secondsLeft: this.shown };
  }

  private estimate(now: number, elapsed: number): number | null {
    if (now - this.begunAt < SETTLE_SECONDS || this.rate < 1) return this.shown;
    const measured = (this.counts.bytesTotal - this.counts.bytesDone) / this.rate;
    if (this.shown === null || measured <= this.shown) {
      this.worseSince = null;
      return measured;
    }
    this.worseSince = measured > this.shown * WORSE_FACTOR ? (this.worseSince ?? now) : null;
    if (this.worseSince !== null && now - this.worseSince >= WORSE_SECONDS) {
      this.worseSince = null;
      return measured;
    }
    return Math.max(this.shown - elapsed, 0);
  }
}

/** How much of the whole upgrade is done, from 0 to 1. */
export function partDone({ step, filesDone, filesTotal, bytesDone, bytesTotal }: Counts): number {
  const [from, to] = SHARES[step];
  const part = bytesTotal > 0 ? bytesDone / bytesTotal : filesTotal > 0 ? filesDone / filesTotal : 0;
  return from + (to - from) * Math.min(1, Math.max(0, part));
}
