/**
 * How long an upgrade will take, by what was measured on this laptop: what its sources gave, how small things travel, and
 * how quickly they are checked and put together. A guess from nothing is no estimate: then the answer is null.
 */
import type { Step } from '../upgrade/steps';

/** Until an upgrade has shown it: how much of the bytes travels (docs/performance.md), and bytes checked a second. */
const USUAL_SHARE = 0.35;
const USUAL_CHECK = 100e6;
/** Fewer bytes say more of the round trip than of the link. */
const LEAST_PROBE = 250_000;

export interface Measured {
  /** Bytes before compression, and as they came. */
  bytesRaw: number;
  bytesReceived: number;
  fetchSeconds: number;
  /** Of the whole image, while it was checked and put together. */
  imageBytes: number;
  checkSeconds: number;
}

export interface Ahead {
  bytesRaw: number;
  imageBytes: number;
  /** Bytes a second that each source gave before; null where it has not. */
  rates: readonly (number | null)[];
  /** What came while comparing, just now. */
  probe: { bytes: number; seconds: number } | null;
}

export class Pace {
  private share = USUAL_SHARE;
  private check = USUAL_CHECK;

  /** After an upgrade. */
  note({ bytesRaw, bytesReceived, imageBytes, checkSeconds }: Measured): void {
    if (bytesRaw > 0 && bytesReceived > 0) this.share = Math.min(1.1, bytesReceived / bytesRaw);
    if (imageBytes > 0 && checkSeconds > 0) this.check = imageBytes / checkSeconds;
  }

  /** Seconds; null where nothing was measured that says something about these sources. */
  estimate({ bytesRaw, imageBytes, rates, probe }: Ahead): number | null {
    const checking = imageBytes / this.check;
    if (bytesRaw === 0) return checking;
    const known = rates.filter(rate => rate !== null);
    const probed = probe && probe.bytes >= LEAST_PROBE && probe.seconds > 0 ? probe.bytes / probe.seconds : null;
    // What several gave at once they shared: it may be added up. What one gave alone may not.
    const rate = known.length > 0 ? known.reduce((sum, one) => sum + one, 0) : probed;
    return rate === null || rate <= 0 ? null : (bytesRaw * this.share) / rate + checking;
  }
}

/** Tells fetching from what comes after it, by the steps that are told. */
export class Stopwatch {
  private fetchAt: number | null = null;
  private checkAt: number | null = null;

  /** `now`: seconds, from any monotonic clock. */
  constructor(private readonly now: () => number) {}

  saw(step: Step): void {
    if (step === 'fetch') this.fetchAt ??= this.now();
    else if (step === 'check') this.checkAt ??= this.now();
  }

  /** At the end: seconds of fetching, and of checking and putting together; null where it did not come so far. */
  read(): { fetchSeconds: number; checkSeconds: number } | null {
    if (this.fetchAt === null || this.checkAt === null) return null;
    return { fetchSeconds: this.checkAt - this.fetchAt, checkSeconds: this.now() - this.checkAt };
  }
}
