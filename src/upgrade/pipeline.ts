/**
 * compare → fetch → check → stage → ready. Every step can be stopped and goes on later where it was: blobs that
 * arrived stay, and an image is only ever visible whole. Knows neither screen nor network addresses.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { sentence } from '../core/sentences';
import type { Gathered, Quarantine, Store } from '../store/store';
import { isAt } from '../transfer/address';
import { Arrivals } from '../transfer/arrivals';
import type { EffortWish } from '../transfer/effort';
import { BlobFetch, type Giver } from '../transfer/fetch';
import type { ReceiveThread } from '../transfer/receive-thread';
import type { ReceivedDeltas } from '../transfer/received-deltas';
import { Spare } from '../transfer/spare';
import { threadFor } from '../transfer/taker';
import { type Comparison, compareWithAny, diskBytesOf } from './compare';
import { type Estimate, type Fetched, ProgressMeter } from './progress';
import type { FoundSource, SourceFinder } from './sources';
import type { Step } from './steps';

export interface PipelineProgress extends Estimate {
  givers: Giver[];
  /** Over the network, in this run. */
  bytesReceived: number;
  /** Nobody gives now; we look for another laptop. */
  waiting: boolean;
}

export interface PipelineOptions {
  /** How long to wait for a laptop when all are gone, in seconds. */
  patience: number;
  /** How to weigh bytes against time; 'auto' unless told. */
  effort?: EffortWish;
  /** Where deltas are kept that others can be given; nobody asks this laptop for any unless told. */
  received?: ReceivedDeltas;
  /** The program of the thread that receives (dist/receive-worker.js); without it this thread does. */
  receiveWorker?: string;
  /** What an earlier run was to fetch: what has come of it counts. */
  earlier?: Fetched | null;
  onProgress(progress: PipelineProgress): void;
  /** Is this an image to take? Gets the bytes of its commit; rejects where it is not. */
  admit(commit: Oid, data: Buffer): Promise<void>;
}

/** How often to look for late-comers, and for anybody when all are gone. */
const LOOK_AGAIN_MS = 10_000;
const LOOK_FIRST_MS = 2_000;
/** Who begins at the same time as classmates waits so long to know who they are. */
const MEET_MS = 1_000;
const LOOK_WHEN_ALONE_MS = 1_000;
const TELL_EVERY_MS = 200;
/** How often what has come is put in its place. */
const PLACE_EVERY_MS = 250;
/** Kept free beside the estimate, for the file system's own needs. */
const SPARE_BYTES = 8 << 20;

/** What staging takes beside contents, by far: what is kept only to save work leaves that free. */
const STAGING_BYTES = 64 << 20;

type ToFetch = Pick<Comparison, 'commit' | 'from' | 'wanted' | 'bytesRaw' | 'offerBases'>;
/** What is counted of fetching before it begins, and of how much. */
type Begun = { files: number; bytes: number; filesTotal: number; bytesTotal: number };
type Wanted = ToFetch['wanted'][number];

function sizeOf(wanted: readonly Wanted[]): number {
  return wanted.reduce((sum, { size }) => sum + size, 0);
}

export class Pipeline {
  private readonly meter = new ProgressMeter(() => performance.now() / 1000);
  private readonly found = new Map<string, FoundSource>();
  private fetch: BlobFetch | null = null;
  /** Begun while comparing, where much is to come. */
  private receiveThread: ReceiveThread | undefined;
  private waiting = false;
  /** What has come of the image, for classmates who fetch it, too. */
  arrivals: Arrivals | null = null;
  /** A classmate has shown itself since somebody looked last; looks at once. */
  private isMet = false;
  private lookNow: (() => void) | null = null;
  private gathered: Gathered = { objects: 0, bytes: 0 };
  private toldAt = 0;

  constructor(
    private readonly store: Store,
    private readonly finder: SourceFinder,
    private readonly options: PipelineOptions,
  ) {}

  /** Bytes received over the network in this run. */
  get bytesReceived(): number {
    let sum = 0;
    for (const { source } of this.found.values()) sum += source.bytesReceived;
    return sum;
  }

  /** A laptop at this IP address asked what has come of the image here: it fetches it, too. */
  meet(host: string): void {
    const isMet = [...this.found.values()].some(({ source, holds }) => holds !== 'other' && isAt(source.address, host));
    if (isMet || this.arrivals === null) return;
    this.finder.meet(host, this.arrivals.commit);
    this.isMet = true;
    this.lookNow?.();
  }

  /**
   * Brings an image here and stages it.
   * @throws PassItOnError 'stopped' | 'no-source' | 'source-gone' | 'source-lied' | 'no-space' | 'damaged' | 'bad-data',
   * and what `admit` throws
   */
  async run(commit: Oid, signal: AbortSignal): Promise<void> {
    if (this.store.state.current?.commit === commit) {
      throw new PassItOnError('exists', 'This laptop uses that version already.', 'Choose another one.');
    }
    const held = this.store.commitData(commit);
    if (held === null) await this.bring(commit, signal);
    else await this.options.admit(commit, held);
    await this.store.setStaged(commit);
    this.enter('ready', 0, 0);
  }

  /**
   * Brings the image that a laptop runs already, flashed by other means: contents are taken from its own files below
   * `root` (absolute) where they are the image's, and only the rest is fetched. It becomes the current one if there is none.
   * @throws PassItOnError as `run` does
   */
  async adopt(commit: Oid, root: string, signal: AbortSignal): Promise<Gathered> {
    if (this.store.image(commit) === null) await this.bring(commit, signal, root);
    if (this.store.state.current === null) await this.store.use(commit);
    this.enter('ready', 0, 0);
    return this.gathered;
  }

  /** Fetches contents of a held image that were lost here. @throws PassItOnError as `run` does */
  async fetchLost(commit: Oid, wanted: Wanted[], signal: AbortSignal): Promise<void> {
    await this.look(commit, signal);
    const toFetch = { commit, from: null, wanted, bytesRaw: sizeOf(wanted), offerBases: async () => {} };
    await this.fetchBlobs(toFetch, this.begun(toFetch), signal);
  }

  private async bring(commit: Oid, signal: AbortSignal, root: string | null = null): Promise<void> {
    this.arrivals = new Arrivals(commit);
    this.enter('compare', 0, 0);
    try {
      const comparison = await this.sound(commit, signal, () => this.compare(commit, signal, root === null));
      const { quarantine } = comparison;
      await this.admit(commit, quarantine, signal);
      await checkSpace(this.store, comparison);
      for (const oid of comparison.here) this.arrivals.add(oid);
      const toFetch = root === null ? comparison : await this.gather(comparison, root, signal);
      await this.fetchBlobs(toFetch, this.begun(toFetch, comparison), signal, fetched =>
        this.prepare(comparison, signal, fetched),
      );
      const check = { byRecord: true, onProgress: this.follow('check'), signal };
      await this.sound(commit, signal, () => this.store.checkImage(commit, quarantine, check));
      // Fetching may have taken hours, and those who decide may have changed their mind.
      await this.admit(commit, quarantine, signal);
      await this.store.stage(commit, quarantine, { onProgress: this.follow('stage'), signal });
    } finally {
      await this.receiveThread?.close();
      this.receiveThread = undefined;
      await this.store.abandonStage();
    }
  }

  /** What is as it was is put in its place while the rest is on its way, and then what has come. fetched: aborted when all has. */
  private prepare({ commit, quarantine }: Comparison, signal: AbortSignal, fetched: AbortSignal): void {
    const place = async () => {
      await this.store.beginStage(commit, quarantine, { signal });
      for (;;) {
        await sleep(PLACE_EVERY_MS, undefined, { signal: fetched });
        await this.store.continueStage(commit, { signal });
      }
    };
    // It ends with the fetching. Whatever else goes wrong in it goes wrong again in staging, and is told there: it begins anew then.
    place().catch(() => {});
  }

  /** What is refused leaves nothing here, not even what an earlier upgrade fetched. */
  private async admit(commit: Oid, quarantine: Quarantine, signal: AbortSignal): Promise<void> {
    const object = await quarantine.readObject(commit);
    if (!object) throw new PassItOnError('damaged', 'The commit of the image is missing.', 'Start again.');
    try {
      await this.options.admit(commit, object.data);
    } catch (cause) {
      await this.discard(commit, signal);
      throw cause;
    }
  }

  /** Nor does what can never become an image. */
  private async sound<T>(commit: Oid, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof PassItOnError && cause.code === 'bad-data') await this.discard(commit, signal);
      throw cause;
    }
  }

  private async discard(commit: Oid, signal: AbortSignal): Promise<void> {
    if (!signal.aborted) await (await this.store.quarantine(commit)).discard();
  }

  /** Waits for somebody who can tell the image, as long as patience lasts. allComes: nothing of it is to be found elsewhere here. */
  private async compare(commit: Oid, signal: AbortSignal, allComes: boolean): Promise<Comparison> {
    const deadline = performance.now() + this.options.patience * 1000;
    for (;;) {
      try {
        const sources = await this.look(commit, signal);
        const comparison = await compareWithAny(this.store, sources, commit, signal, {
          onComing: bytes => {
            if (allComes) this.receiveThread ??= threadFor(bytes, this.options.receiveWorker);
          },
          deltas: allComes && this.options.effort !== 'speed',
        });
        this.waiting = false;
        return comparison;
      } catch (cause) {
        if (signal.aborted || performance.now() > deadline) throw cause;
      }
      this.waiting = true;
      this.tell();
      await sleep(LOOK_WHEN_ALONE_MS, undefined, { signal });
    }
  }

  /** Takes what `root` holds; the rest is still to be fetched. */
  private async gather(comparison: Comparison, root: string, signal: AbortSignal): Promise<ToFetch> {
    const { commit, quarantine } = comparison;
    this.enter('fetch', comparison.wanted.length, comparison.bytesRaw);
    const sizes = new Map(comparison.wanted.map(({ oid, size }) => [oid, size]));
    const onProgress = this.follow('fetch');
    this.gathered = await this.store.gather(commit, quarantine, root, sizes, { onProgress, signal });
    const wanted: Wanted[] = [];
    for (const one of comparison.wanted) if (!(await this.store.hasBlob(one.oid))) wanted.push(one);
    return { ...comparison, wanted, bytesRaw: sizeOf(wanted) };
  }

  /** Where fetching goes on: of all that this run and those before it were to fetch, what is not wanted is here. */
  private begun(left: ToFetch, whole: ToFetch = left): Begun {
    const { earlier = null } = this.options;
    // More than there was then: other contents are missing by now, and what came before says nothing.
    const goesOn =
      earlier !== null && earlier.bytesTotal >= whole.bytesRaw && earlier.filesTotal >= whole.wanted.length;
    const { filesTotal, bytesTotal } = goesOn
      ? earlier
      : { filesTotal: whole.wanted.length, bytesTotal: whole.bytesRaw };
    // A part of a small file that was on its way is sent again; the bar waits for it.
    const bytes = Math.max(bytesTotal - left.bytesRaw, goesOn ? Math.min(earlier.bytesDone, bytesTotal) : 0);
    return { files: filesTotal - left.wanted.length, bytes, filesTotal, bytesTotal };
  }

  /** meanwhile: called when the first blobs have been asked for, with a signal for when all are here. */
  private async fetchBlobs(
    comparison: ToFetch,
    begun: Begun,
    signal: AbortSignal,
    meanwhile: (fetched: AbortSignal) => void = () => {},
  ): Promise<void> {
    this.enter('fetch', begun.filesTotal, begun.bytesTotal, begun);
    const filesHere = begun.filesTotal - comparison.wanted.length;
    const bytesHere = begun.bytesTotal - comparison.bytesRaw;
    const ended = new AbortController();
    const stop = AbortSignal.any([signal, ended.signal]);
    // Many sources at once listen to it, which is no leak.
    setMaxListeners(0, stop);
    const onProgress = () => {
      this.waiting = fetch.waiting;
      this.meter.update(filesHere + fetch.objectsDone, bytesHere + fetch.bytesDone);
      this.tell();
    };
    const { commit } = comparison;
    const { effort, received, receiveWorker } = this.options;
    const spare = new Spare(this.store.diskFree() - diskBytesOf(comparison.wanted) - STAGING_BYTES);
    const fetch = new BlobFetch(comparison.wanted, this.store, stop, onProgress, {
      effort,
      commit,
      from: comparison.from?.commit,
      offerBases: comparison.offerBases,
      arrivals: this.arrivals ?? undefined,
      spare,
      received,
      receiveWorker,
      receiveThread: this.receiveThread,
    });
    this.fetch = fetch;
    // What names bases must not have to wait for it.
    void fetch.underWay.then(() => meanwhile(stop));
    await this.meetAll(commit, fetch, stop);
    const looking = this.keepLooking(comparison.commit, fetch, stop).catch(cause => {
      if (!stop.aborted) ended.abort(cause);
    });
    try {
      await fetch.run();
    } finally {
      ended.abort();
      await Promise.all([looking, fetch.close()]);
    }
  }

  /** Late-comers join; when all are gone, waits for somebody as long as patience lasts. */
  private async keepLooking(commit: Oid, fetch: BlobFetch, signal: AbortSignal): Promise<void> {
    let aloneSince: number | null = null;
    let received = 0;
    for (let pause = LOOK_FIRST_MS; ; pause = Math.min(pause * 2, LOOK_AGAIN_MS)) {
      const isMet = await this.untilLook(fetch.waiting ? LOOK_WHEN_ALONE_MS : pause, signal);
      // Who has shown itself need not be asked for it, nor need others be.
      const found = await this.look(commit, signal, address => isMet || fetch.isGiving(address));
      for (const one of found) join(fetch, one);
      this.waiting = fetch.waiting;
      // Somebody who comes back and gives nothing is no company.
      if (fetch.bytesDone !== received) aloneSince = null;
      if (fetch.waiting) aloneSince ??= performance.now();
      received = fetch.bytesDone;
      if (aloneSince !== null && performance.now() - aloneSince > this.options.patience * 1000) {
        if (fetch.lie) throw fetch.lie;
        throw new PassItOnError(
          'source-gone',
          'All laptops that have it are gone.',
          'What came so far is kept: start again when one is near.',
        );
      }
      this.tell();
    }
  }

  /** For so many ms, or until a classmate has shown itself: then true. */
  private async untilLook(ms: number, signal: AbortSignal): Promise<boolean> {
    const soon = new AbortController();
    this.lookNow = () => soon.abort();
    if (this.isMet) soon.abort();
    try {
      await sleep(ms, undefined, { signal: AbortSignal.any([signal, soon.signal]) });
    } catch {
      signal.throwIfAborted();
    } finally {
      this.lookNow = null;
    }
    const { isMet } = this;
    this.isMet = false;
    return isMet;
  }

  /** Those who began while this laptop compared, or begin now; whoever is slow to answer joins later. */
  private async meetAll(commit: Oid, fetch: BlobFetch, signal: AbortSignal): Promise<void> {
    const begin = async () => {
      const { finder } = this;
      // Who mends a held image has nothing to tell classmates.
      for (const one of await (this.arrivals ? finder.begin(commit, signal) : finder.find(commit, signal))) {
        this.found.set(one.source.address, one);
        if (isOn) join(fetch, one);
      }
    };
    let isOn = false;
    // Where it fails, as by being stopped, those who are known already go on, or tell why not.
    await Promise.race([begin().catch(() => {}), sleep(MEET_MS)]);
    isOn = true;
    for (const one of this.found.values()) join(fetch, one);
  }

  private async look(commit: Oid, signal: AbortSignal, isKnown?: (address: string) => boolean): Promise<FoundSource[]> {
    const found = await this.finder.find(commit, signal, isKnown);
    for (const one of found) this.found.set(one.source.address, one);
    return found;
  }

  /** A step whose size its worker tells with its first report. */
  private follow(step: Step): (filesDone: number, filesTotal: number, bytesDone: number, bytesTotal: number) => void {
    let begun = false;
    this.enter(step, 0, 0);
    return (filesDone, filesTotal, bytesDone, bytesTotal) => {
      if (!begun) this.enter(step, filesTotal, bytesTotal);
      begun = true;
      this.meter.update(filesDone, bytesDone);
      this.tell();
    };
  }

  private enter(step: Step, filesTotal: number, bytesTotal: number, here?: { files: number; bytes: number }): void {
    this.meter.begin(step, filesTotal, bytesTotal, here);
    this.toldAt = 0;
    this.tell();
  }

  private tell(): void {
    const now = performance.now();
    if (this.toldAt !== 0 && now - this.toldAt < TELL_EVERY_MS) return;
    this.toldAt = now;
    const givers = this.fetch ? [...this.fetch.givers.values()] : [];
    const { bytesReceived, waiting } = this;
    this.options.onProgress({ ...this.meter.read(), givers, bytesReceived, waiting });
  }
}

function join(fetch: BlobFetch, { source, nick, holds, said }: FoundSource): void {
  fetch.addSource(source, nick, holds, said);
}

async function checkSpace(store: Store, { diskBytes }: Comparison): Promise<void> {
  const free = store.diskFree();
  if (free >= diskBytes + SPARE_BYTES) return;
  const missing = Math.ceil((diskBytes + SPARE_BYTES - free) / 1e6);
  throw new PassItOnError('no-space', sentence('room-is-missing', { n: missing }), sentence('make-room'));
}
