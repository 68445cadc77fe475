/**
 * The one upgrade of this laptop: started, stopped, failed or staged. What is wanted is written down, so that after a
 * restart of the service the screen can offer to go on.
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassItOnError, toPassItOnError } from '../core/errors';
import type { Store } from '../store/store';
import type { Arrivals } from '../transfer/arrivals';
import type { SharedImage } from '../transfer/images-answer';
import { Pipeline, type PipelineOptions, type PipelineProgress } from '../upgrade/pipeline';
import { type Fetched, partDone } from '../upgrade/progress';
import type { ImageInfo, Progress, UpgradeResult, UpgradeState } from './contract';
import { logError } from './log';
import { type Measured, Stopwatch } from './pace';
import type { Sources } from './sources';
import { allWarnings, announcedWrong, isAnother, type Trust } from './trust';

const FILE = 'upgrade.json';
/** What is done of the upgrade is written down so often, for a service that is killed: of the whole, from 0 to 1. */
const REMEMBER_EVERY = 0.02;

/** What is written down. */
type Note = UpgradeState & { fetched?: Fetched | null };

/** How an image is brought here. */
export type Bring = (pipeline: Pipeline, signal: AbortSignal) => Promise<void>;

/** patience: seconds to wait when all sources are gone. */
export type Wishes = Pick<PipelineOptions, 'patience' | 'effort' | 'received'>;

const NOTHING_YET: Progress = {
  step: 'compare',
  filesDone: 0,
  filesTotal: 0,
  bytesDone: 0,
  bytesTotal: 0,
  part: 0,
  rate: 0,
  secondsLeft: null,
  bytesReceived: 0,
  sources: [],
  waiting: false,
};

export class Upgrades {
  state: UpgradeState | null = null;
  /** Of the last upgrade that was staged. */
  measured: Measured | null = null;
  private pipeline: Pipeline | null = null;
  /** What `state` was to fetch, and what of it has come. */
  private fetched: Fetched | null = null;
  private remembered = 0;
  private writing: Promise<void> = Promise.resolve();
  private running: { commit: string; stop: AbortController; result: Promise<UpgradeResult> } | null = null;

  constructor(
    private readonly store: Store,
    private readonly trust: Trust,
    private readonly emit: (state: UpgradeState) => void,
    private readonly receiveWorker: string,
  ) {}

  /** Recalls an upgrade that an earlier service left unfinished. */
  async recall(): Promise<void> {
    const text = await readFile(join(this.store.dir, FILE), 'utf8').catch(() => null);
    if (text === null) return;
    try {
      const { to, from, progress, state, error, fetched = null } = JSON.parse(text) as Note;
      if (this.store.state.current?.commit === to.commit) return await this.forgetFile();
      const calm = { ...NOTHING_YET, ...progress, rate: 0, secondsLeft: null, sources: [], waiting: false };
      const staged = this.store.state.staged?.commit === to.commit;
      const ended = state === 'failed' ? 'failed' : 'stopped';
      this.state = { to, from, progress: calm, state: staged ? 'staged' : ended, error };
      this.fetched = fetched;
    } catch (cause) {
      // A note that cannot be read costs nothing but the offer to go on.
      logError('upgrade.json', cause);
      await this.forgetFile();
    }
  }

  /** Commit of the image that is being brought here now, since it can be told what has come of it. */
  get fetching(): string | null {
    return this.arrivals?.commit ?? null;
  }

  /** What has come of it so far. */
  get arrivals(): Arrivals | null {
    return this.running ? (this.pipeline?.arrivals ?? null) : null;
  }

  /** A laptop at this IP address fetches it, too. */
  meet(host: string): void {
    if (this.running) this.pipeline?.meet(host);
  }

  get isRunning(): boolean {
    return this.running !== null;
  }

  /**
   * Resolves when the image is staged. Asking again for what is running already joins it.
   * @throws PassItOnError 'busy' while another upgrade runs; and all of the pipeline's.
   */
  start(to: SharedImage, sources: Sources, wishes: Wishes, bring?: Bring): Promise<UpgradeResult> {
    if (this.running) {
      if (this.running.commit === to.commit) {
        sources.close();
        return this.running.result;
      }
      const remedy = 'Wait until it is ready, or stop it first.';
      throw new PassItOnError('busy', `An upgrade to ${this.state?.to.version} is running.`, remedy);
    }
    const stop = new AbortController();
    const run: Bring = bring ?? ((pipeline, signal) => pipeline.run(to.commit, signal));
    const result = this.run(to, sources, wishes, stop.signal, run).finally(() => {
      this.running = null;
      sources.close();
    });
    this.running = { commit: to.commit, stop, result };
    return result;
  }

  /** Resolves when it has stopped; what was fetched stays. */
  async stop(): Promise<void> {
    if (!this.running) return;
    const { stop, result } = this.running;
    stop.abort(new PassItOnError('stopped', 'Stopped.', 'Start again to go on where it stopped.'));
    await result.catch(() => {});
  }

  /** Drops a stopped or failed upgrade with what was fetched for it. */
  async forget(): Promise<void> {
    await this.stop();
    const wanted = this.state?.to.commit;
    if (wanted !== undefined && this.state?.state !== 'staged') await (await this.store.quarantine(wanted)).discard();
    await this.finished();
  }

  /** The staged image is in use, or no longer wanted. */
  async finished(): Promise<void> {
    this.state = null;
    this.fetched = null;
    await this.forgetFile();
  }

  private async run(
    to: SharedImage,
    sources: Sources,
    wishes: Wishes,
    signal: AbortSignal,
    bring: Bring,
  ): Promise<UpgradeResult> {
    const begun = performance.now();
    const { current } = this.store.state;
    const from = current && this.trust.describe(current);
    const goesOn = this.state?.to.commit === to.commit && this.state.state !== 'staged';
    if (!goesOn) this.fetched = null;
    const part = goesOn ? (this.state?.progress.part ?? 0) : 0;
    // Who signed it is a neighbour's claim until the commit is here.
    let image: ImageInfo = { ...to, signedBy: null };
    let warnings: string[] = [];
    let over = false;
    // Bytes at the beginning and at the end of fetching.
    let fetchedFrom: number | null = null;
    let fetchedTo = 0;
    const stopwatch = new Stopwatch(() => performance.now() / 1000);
    const pipeline = new Pipeline(this.store, sources, {
      ...wishes,
      receiveWorker: this.receiveWorker,
      earlier: this.fetched,
      // What still trickles in after the end must not make it look as if it ran on.
      onProgress: progress => {
        stopwatch.saw(progress.step);
        if (over) return;
        if (progress.step === 'fetch') {
          const { filesTotal, bytesTotal, bytesDone } = progress;
          this.fetched = { filesTotal, bytesTotal, bytesDone };
          fetchedFrom ??= bytesDone;
          fetchedTo = bytesDone;
        }
        const told = report(progress, this.state?.progress.part ?? 0);
        this.tell({ to: image, from, state: 'running', progress: told, error: null });
        if (told.part - this.remembered >= REMEMBER_EVERY) void this.remember().catch(cause => logError(FILE, cause));
      },
      admit: async (commit, data) => {
        const examined = await this.trust.examine(commit, data);
        if (isAnother(to, examined.commit)) throw announcedWrong(to, examined.commit);
        if (examined.problem) throw examined.problem;
        image = { ...image, signedBy: examined.signedBy };
        warnings = allWarnings(examined);
      },
    });
    this.pipeline = pipeline;
    this.tell({ to: image, from, state: 'running', progress: { ...NOTHING_YET, part }, error: null });
    await this.remember();
    try {
      await bring(pipeline, signal);
      over = true;
    } catch (cause) {
      over = true;
      const error = toPassItOnError(signal.aborted ? signal.reason : cause);
      const stopped = error.code === 'stopped';
      if (!stopped) logError('upgrade', cause);
      this.tell({ ...this.state!, state: stopped ? 'stopped' : 'failed', error: stopped ? null : error.toJSON() });
      await this.remember();
      throw error;
    }
    this.tell({ ...this.state!, state: 'staged' });
    if (this.store.state.staged?.commit === to.commit) await this.remember();
    else await this.finished();
    const { version, commit } = to;
    const seconds = Math.round((performance.now() - begun) / 10) / 100;
    const { bytesReceived } = pipeline;
    const times = stopwatch.read();
    const bytesRaw = fetchedTo - (fetchedFrom ?? 0);
    this.measured = times && { ...times, bytesRaw, bytesReceived, imageBytes: to.bytes };
    return { result: 'staged', version, commit, signedBy: image.signedBy, warnings, bytesReceived, seconds };
  }

  private tell(state: UpgradeState): void {
    this.state = state;
    this.emit(state);
  }

  private remember(): Promise<void> {
    this.remembered = this.state?.progress.part ?? 0;
    return this.inTurn(async () => {
      if (this.state === null) return;
      const note: Note = { ...this.state, fetched: this.fetched };
      const file = join(this.store.dir, FILE);
      await writeFile(`${file}.new`, JSON.stringify(note), { mode: 0o600 });
      await rename(`${file}.new`, file);
    });
  }

  private forgetFile(): Promise<void> {
    return this.inTurn(() => rm(join(this.store.dir, FILE), { force: true }));
  }

  /** One after the other: two that write the same file at once leave neither. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.writing.then(work);
    this.writing = done.catch(() => {});
    return done;
  }
}

/** part: what was done of the whole before; going on begins with comparing, but nobody loses anything by that. */
function report({ givers, ...progress }: PipelineProgress, part: number): Progress {
  const sources = givers.map(({ source, nick, state }) => ({
    address: source.address,
    nick,
    bytes: source.bytesReceived,
    state,
  }));
  return { ...progress, part: Math.max(part, partDone(progress)), sources };
}
