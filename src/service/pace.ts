/**
 * How long an upgrade will take, by what was measured on this laptop: what its sources gave, how small things travel, and
 * how quickly they are checked and put together. Where nothing was measured that says something of these very sources, it
 * is told as the rough guess that it is.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Step } from '../upgrade/steps';

/** Until an upgrade has shown it: how much of the bytes travels (docs/performance.md), and bytes checked a second. */
const USUAL_SHARE = 0.35;
const USUAL_CHECK = 100e6;
/** What a classroom's radio gives that is shared, in bytes a second: 802.11g on a good day. */
const USUAL_RATE = 2e6;
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

/** What is kept over a restart of the service. */
export interface Habits {
  /** How much of the bytes travels. */
  share: number;
  /** Bytes checked and put together a second. */
  check: number;
  /** Bytes that came a second in the last upgrade, from all together; null where there was none. */
  rate: number | null;
}

/** rough: nothing was measured that says something about these sources. */
export interface Duration {
  seconds: number;
  rough: boolean;
}

export class Pace {
  constructor(readonly habits: Habits = { share: USUAL_SHARE, check: USUAL_CHECK, rate: null }) {}

  /** After an upgrade. */
  note({ bytesRaw, bytesReceived, fetchSeconds, imageBytes, checkSeconds }: Measured): void {
    const { habits } = this;
    if (bytesRaw > 0 && bytesReceived > 0) habits.share = Math.min(1.1, bytesReceived / bytesRaw);
    if (imageBytes > 0 && checkSeconds > 0) habits.check = imageBytes / checkSeconds;
    // A handful of bytes says nothing of the link.
    if (bytesReceived >= LEAST_PROBE && fetchSeconds > 0) habits.rate = bytesReceived / fetchSeconds;
  }

  estimate({ bytesRaw, imageBytes, rates, probe }: Ahead): Duration {
    const checking = imageBytes / this.habits.check;
    if (bytesRaw === 0) return { seconds: checking, rough: false };
    const known = rates.filter(rate => rate !== null && rate > 0) as number[];
    const probed = probe && probe.seconds > 0 ? probe.bytes / probe.seconds : 0;
    const seconds = (rate: number) => (bytesRaw * this.habits.share) / rate + checking;
    // What several gave at once they shared: it may be added up. What one gave alone may not.
    if (known.length > 0) return { seconds: seconds(known.reduce((sum, one) => sum + one, 0)), rough: false };
    if (probe && probe.bytes >= LEAST_PROBE && probed > 0) return { seconds: seconds(probed), rough: false };
    // The link gives as much as what little came at least: the round trip is in that, too.
    return { seconds: seconds(Math.max(probed, this.habits.rate ?? USUAL_RATE)), rough: true };
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

const FILE = 'pace.json';

/** What an earlier service has learnt; a file that says nothing usable is as good as none. */
export async function recallPace(dir: string): Promise<Pace> {
  const text = await readFile(join(dir, FILE), 'utf8').catch(() => '{}');
  let known: Partial<Habits> = {};
  try {
    known = JSON.parse(text) as Partial<Habits>;
  } catch {
    // Half written: it is learnt anew.
  }
  const { share, check, rate } = known;
  const usable = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value > 0;
  return new Pace({
    share: usable(share) ? share : USUAL_SHARE,
    check: usable(check) ? check : USUAL_CHECK,
    rate: usable(rate) ? rate : null,
  });
}

export async function keepPace(dir: string, { habits }: Pace): Promise<void> {
  const file = join(dir, FILE);
  await writeFile(`${file}.new`, JSON.stringify(habits), { mode: 0o600 });
  await rename(`${file}.new`, file);
}
