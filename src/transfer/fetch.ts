/**
 * Fetches blobs from every source at once. Each source takes the next batch when it is done with its last, so the fast
 * ones give more (scheduler.ts says which). A source that sends one wrong byte is dropped for good; one that dies may
 * come back.
 *
 * Classmates who fetch the same image say what they have of it. What one of them has is taken from there, so that whoever
 * has the whole image sends what nobody else has yet.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { ANSWER } from './answers';
import type { Arrivals } from './arrivals';
import type { BatchEvent } from './batch';
import { Changes } from './changes';
import { Classmates, worthAsking } from './classmates';
import { type Brought, type EffortWish, type Form, Trials } from './effort';
import { Giver, type Holds } from './giver';
import { whileQuiet } from './hearing';
import { Doubtful, type Like, type Receiver } from './incoming';
import type { ReceiveThread } from './receive-thread';
import type { ReceivedDeltas } from './received-deltas';
import { Scheduler, type Wanted } from './scheduler';
import type { Source } from './source';
import { Spare } from './spare';
import { Taker } from './taker';

export type { Giver } from './giver';
export type { BlobSink, Receiver } from './incoming';

/**
 * A batch is about so much work for its source, so that little is lost when it dies and late-comers find something to
 * do; within bounds, because small batches compress badly and large ones hold up the end.
 */
const BATCH_SECONDS = 2;
const MIN_BATCH_BYTES = 256 << 10;
const MAX_BATCH_BYTES = 16 << 20;
/** Requests under way at each source: one is answered while the next is being prepared. */
const LANES = 2;
/** And one more where there is only one source: while it makes a delta, the last is on its way, and the one before is taken in here. */
const LANES_ALONE = 3;
const FAILURES_UNTIL_GONE = 3;
/** When to ask somebody who is fetching too again for what it did not have yet. */
const PARTIAL_RETRY_MS = 1_500;
const RETRY_MS = 500;
/** How soon a classmate may be asked again what it has got; it answers when there is something new. */
const HEAR_AGAIN_MS = 500;
/** A batch from where the whole image is, while classmates fetch it too: of a small upgrade all of this laptop's part, at once. */
const SHARED_BATCH_BYTES = 4 << 20;
/** What is asked for first may say how to ask for the rest, which waits for it no longer than this: a fast wire has brought it by then. */
const OPENING_MS = 800;
/** With more sources than these one request at each is enough to be never without. */
const FEW_SOURCES = 4;

/** What is told of a batch at its end; seconds: null where nobody says. */
type Told = Pick<Brought, 'busy'> & { seconds: number | null };

export interface FetchOptions {
  effort?: EffortWish;
  /** The image that the blobs are of: those who have it in part are asked what they have. */
  commit?: Oid;
  /** The image here that bases are of. */
  from?: Oid;
  /** Names bases for those of `wanted` that have none yet; called, once or often, before anything is asked for but raw. */
  offerBases?(): Promise<void>;
  /** Where to write down what has come, for others. */
  arrivals?: Arrivals;
  /** What may be kept only to save work. */
  spare?: Spare;
  /** Where deltas are kept that others can be given. */
  received?: ReceivedDeltas;
  /** The program of a thread that receives (dist/receive-worker.js), for more than a little; without it this thread does all. */
  receiveWorker?: string;
  /** That thread, where it has been begun already (threadFor). */
  receiveThread?: ReceiveThread;
}

export class BlobFetch {
  readonly givers = new Map<string, Giver>();
  objectsDone = 0;
  bytesDone = 0;
  private readonly scheduler: Scheduler;
  private readonly classmates: Classmates;
  private readonly trials = new Trials();
  private readonly taker: Taker;
  private readonly liars = new Set<string>();
  /** What the last source that lied did wrong. */
  lie: PassItOnError | null = null;
  private ended = false;
  private hasBases = false;
  /** Resolves when something has been asked for in the form in which the rest is to come. */
  readonly underWay: Promise<void>;
  private getUnderWay!: () => void;
  /** Waited for by lanes that have nothing to do now. */
  private readonly changes = new Changes();
  /** What each request under way is still to bring, and how to break it off. */
  private readonly open = new Set<{ left: Set<Oid>; stop: AbortController }>();
  private settle!: { resolve(): void; reject(cause: unknown): void };
  private readonly finished: Promise<void>;

  constructor(
    wanted: Wanted[],
    receiver: Receiver,
    private readonly signal: AbortSignal,
    private readonly onProgress: () => void,
    private readonly options: FetchOptions = {},
  ) {
    this.scheduler = new Scheduler(wanted, Math.random());
    this.classmates = new Classmates(wanted, this.givers, options.arrivals?.id);
    const { spare = new Spare(), received, receiveWorker, receiveThread } = options;
    const bytes = wanted.reduce((sum, { size }) => sum + size, 0);
    const isDone = (oid: Oid) => this.scheduler.isDone(oid);
    this.taker = new Taker(receiver, bytes, { spare, received, program: receiveWorker, thread: receiveThread, isDone });
    this.finished = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    this.underWay = new Promise(resolve => {
      this.getUnderWay = resolve;
    });
    // A rejection before run() is called must not end the process.
    this.finished.catch(() => {});
    const stopAll = () => {
      for (const { stop } of this.open) stop.abort(signal.reason);
      this.end(signal.reason);
    };
    if (signal.aborted) stopAll();
    signal.addEventListener('abort', stopAll, { once: true });
    if (wanted.length === 0) this.settle.resolve();
  }

  /** Resolves when every blob is there; rejects when stopped or when this laptop cannot store them. */
  run(): Promise<void> {
    return this.finished;
  }

  /** To be called when `run` has ended: nothing of it goes on after that. */
  async close(): Promise<void> {
    await this.taker.close();
  }

  /** True while nobody gives. */
  get waiting(): boolean {
    const { left, isIdle } = this.scheduler;
    return left > 0 && isIdle && [...this.givers.values()].every(({ state, starved }) => starved || state === 'gone');
  }

  /** A source joins, at the start or late; one that was gone is tried again, one that lied is not. said: of what has come there. */
  addSource(source: Source, nick: string, holds: Holds = 'all', said?: Buffer): void {
    const known = this.givers.get(source.address);
    // Who had another image a moment ago may have begun to fetch this one, and says what it has.
    if (known?.turned(holds)) void this.hear(known, said);
    if (this.liars.has(source.address) || (known && known.state !== 'gone')) return;
    const giver = new Giver(source, nick, holds, this.options.effort ?? 'auto', this.trials);
    this.givers.set(source.address, giver);
    if (giver.heard) void this.hear(giver, said);
    for (let lane = 0; lane < LANES_ALONE; lane++) void this.lane(giver, lane);
  }

  /** Somebody at this address gives of that image already. */
  isGiving(address: string): boolean {
    const giver = this.givers.get(address);
    return giver !== undefined && giver.state !== 'gone' && giver.holds !== 'other';
  }

  /** Those who are not gone. */
  private get present(): Giver[] {
    return [...this.givers.values()].filter(({ state }) => state !== 'gone');
  }

  private isOver(giver: Giver): boolean {
    return this.scheduler.left === 0 || this.ended || giver.state === 'gone';
  }

  /** Asks a classmate what it has got, again and again: it answers when that is worth it. */
  private async hear(giver: Giver, said?: Buffer): Promise<void> {
    const { heard, source } = giver;
    while (heard && source.have && !this.isOver(giver) && giver.holds === 'some') {
      const again = sleep(HEAR_AGAIN_MS, undefined, { signal: this.signal }).catch(() => {});
      try {
        if (giver.said(said ?? (await source.have(this.options.commit ?? '', heard, this.signal))))
          this.announceChange();
      } catch (cause) {
        if (this.signal.aborted) return;
        if (!isRemote(cause)) return this.end(cause);
        if (cause.code === 'source-lied') this.lied(giver, cause);
        // It does not say, or is no longer fetching it.
        if (cause.code === 'no-source') {
          if (!heard.isTelling) giver.heard = null;
          return this.announceChange();
        }
        // What it promised is not waited for.
        heard.forget();
        this.announceChange();
      }
      said = undefined;
      await again;
      await whileQuiet(heard, () => this.isOver(giver) || this.scheduler.waits(this.classmates.isRare), this.signal);
    }
  }

  /** Over the network. */
  private get bytesReceived(): number {
    return [...this.givers.values()].reduce((sum, { source }) => sum + source.bytesReceived, 0);
  }

  /** number: of the requests that may be under way at this source, from 0. */
  private async lane(giver: Giver, number: number): Promise<void> {
    // Those who come together are all there when the first of them is asked for something.
    await null;
    // What that brings may tell how all the rest is asked for.
    if (number > 0) await giver.untilOpen(OPENING_MS);
    while (!this.isOver(giver)) {
      const lanes = this.lanesOf(giver);
      if (number >= lanes) {
        await this.changes.wait(giver.patience);
        continue;
      }
      const now = performance.now();
      const opens = this.opens();
      const elsewhere = this.isRawElsewhere(giver);
      let { form, most } = giver.effort.choose(this.scheduler.bytesWaiting, { elsewhere, opens, lanes });
      if (form !== 'raw' && !this.hasBases) {
        await this.untilBases();
        continue;
      }
      let batch = this.batchFor(giver, most, now);
      if (batch.length === 0 && form !== giver.effort.usual) {
        form = giver.effort.usual;
        batch = this.batchFor(giver, Number.POSITIVE_INFINITY, now);
      }
      if (form === giver.effort.usual) {
        giver.open();
        this.getUnderWay();
      }
      giver.starved = batch.length === 0;
      if (giver.starved) {
        // Somebody else's batch may yet come back, or a classmate have more by then.
        await this.changes.wait(giver.patience);
        continue;
      }
      await this.serve(giver, batch, form, now);
    }
  }

  private async untilBases(): Promise<void> {
    try {
      await this.options.offerBases?.();
      this.hasBases = true;
    } catch (cause) {
      this.end(cause);
    }
  }

  /** Nobody has been asked for anything yet, and no class shares the link, whose bytes are dear. */
  private opens(): boolean {
    return this.scheduler.isUntouched && this.present.every(({ holds }) => holds !== 'some');
  }

  private lanesOf(giver: Giver): number {
    if (this.isAlone(giver)) return LANES_ALONE;
    return this.present.length > FEW_SOURCES && this.classmates.count > 0 ? 1 : LANES;
  }

  /** Nobody else is known to have anything of the image. */
  private isAlone(giver: Giver): boolean {
    return giver.holds !== 'other' && !this.present.some(one => one !== giver && one.holds !== 'other');
  }

  private isRawElsewhere(giver: Giver): boolean {
    return this.present.some(one => one !== giver && one.effort.usual === 'raw');
  }

  /** @param largest bytes of the batch and of each blob in it are no more */
  private batchFor(giver: Giver, largest: number, now: number): Wanted[] {
    const bytes = Math.min(this.batchBytes(giver), largest);
    const take = (place: number, may: (oid: Oid) => boolean = () => true, most = bytes) => {
      const mayToo = (oid: Oid, size: number) => size <= largest && may(oid);
      return this.scheduler.take(giver.source.address, most, giver.batchObjects, now, place, mayToo, giver.rate);
    };
    const { heard } = giver;
    if (heard) {
      // One that has all by now is no donor whose bytes are to be saved.
      const may = (oid: Oid) => giver.holds === 'all' || heard.has(oid);
      return take(0, may, Math.min(Math.max(bytes, worthAsking(this.bytesDone, this.bytesReceived)), largest));
    }
    if (giver.holds !== 'all') return take(giver.place);
    const { classmates } = this;
    const shared = giver.rate > 0 ? giver.rate * BATCH_SECONDS : SHARED_BATCH_BYTES;
    const most =
      classmates.count > 0 ? Math.min(Math.max(shared, MIN_BATCH_BYTES), SHARED_BATCH_BYTES, largest) : bytes;
    const progress = { now, bytesWaiting: this.scheduler.bytesWaiting, bytesDone: this.bytesDone };
    return classmates.batchFor(giver, progress, (may, place) => take(place, may, most));
  }

  private async serve(giver: Giver, batch: Wanted[], form: Form, now: number): Promise<void> {
    giver.state = 'giving';
    giver.busyLanes++;
    giver.effort.begun(form);
    const come =
      giver.holds === 'all' && !giver.heard ? this.options.arrivals?.expect(batch.map(({ oid }) => oid)) : undefined;
    let bytes = 0;
    const told: Told = { busy: null, seconds: null };
    try {
      bytes = await this.giveBatch(giver, batch, form, told);
      giver.rate = bytes / ((performance.now() - now) / 1000);
      giver.failures = 0;
      if (giver.isUnknown) giver.probed(bytes > 0);
    } catch (cause) {
      await this.failed(giver, cause);
    } finally {
      const seconds = (performance.now() - now) / 1000;
      const { busy } = told;
      giver.effort.learn({ form, bytes, busy, seconds: told.seconds ?? seconds });
      giver.busyLanes--;
      come?.();
      if (giver.state === 'giving' && giver.busyLanes === 0) giver.state = 'idle';
      this.announceChange();
      this.onProgress();
    }
  }

  private async failed(giver: Giver, cause: unknown): Promise<void> {
    if (cause instanceof Doubtful) {
      giver.doubt(cause.kind, cause.oid);
      return;
    }
    if (!isRemote(cause)) return this.end(cause);
    if (cause.code === 'source-lied') return this.lied(giver, cause);
    if (++giver.failures >= FAILURES_UNTIL_GONE) giver.state = 'gone';
    else await sleep(RETRY_MS, undefined, { signal: this.signal }).catch(() => {});
  }

  private lied(giver: Giver, lie: PassItOnError): void {
    this.liars.add(giver.source.address);
    this.lie = lie;
    giver.state = 'gone';
  }

  private batchBytes(giver: Giver): number {
    const lanes = this.isAlone(giver) ? LANES_ALONE : LANES * this.present.length;
    const share = Math.min(giver.rate * BATCH_SECONDS, this.scheduler.bytesWaiting / (2 * lanes));
    return Math.min(Math.max(share, MIN_BATCH_BYTES), MAX_BATCH_BYTES);
  }

  /** Returns the bytes of content received. */
  private async giveBatch(giver: Giver, wanted: Wanted[], form: Form, told: Told): Promise<number> {
    const { source, plain, byWholeName } = giver;
    const known = new Map(wanted.map(one => [one.oid, one]));
    const mine = { left: new Set(known.keys()), stop: new AbortController() };
    this.open.add(mine);
    const batch = { wanted, form, like: this.likeFor(giver, form), plain, byWholeName };
    let bytes = 0;
    const tell = (event: BatchEvent) => {
      if (event.kind === 'bytes') {
        this.bytesDone += event.bytes;
        this.onProgress();
      } else if (event.kind === 'busy') told.busy = event.share;
      else if (event.kind === 'lasted') told.seconds = event.seconds;
      else if (event.kind === 'doubtful') giver.doubt(ANSWER.outlined, event.oid);
      else if (event.kind === 'missing') {
        mine.left.delete(event.oid);
        if (!giver.doubted(byWholeName)) this.lacks(giver, event.oid);
      } else {
        if (event.outlined) giver.outlined++;
        mine.left.delete(event.oid);
        const one = known.get(event.oid)!;
        this.arrived(one, giver.heard === null);
        bytes += one.size;
      }
    };
    try {
      await this.taker.take(batch, source, mine.stop.signal, tell);
      return bytes;
    } catch (cause) {
      // All of it came from others meanwhile, which is nobody's fault.
      if (mine.stop.signal.aborted && !this.signal.aborted) return bytes;
      throw cause;
    } finally {
      this.open.delete(mine);
      this.scheduler.returned(source.address, wanted);
    }
  }

  private lacks({ source, holds, heard }: Giver, oid: Oid): void {
    const mayComeYet = holds === 'some' && !heard?.has(oid);
    const until = mayComeYet ? performance.now() + PARTIAL_RETRY_MS : Number.POSITIVE_INFINITY;
    this.scheduler.lacks(source.address, oid, until);
  }

  /** What to say to that source of what is here. */
  private likeFor({ source, deltas }: Giver, form: Form): Like {
    if (form === 'raw' || !deltas) return 'nothing';
    return source.needsOutlines?.(this.options.from ?? null) ? 'outlines' : 'bases';
  }

  private arrived({ oid, size }: Wanted, isFirstHand: boolean): void {
    if (this.scheduler.arrived(oid)) {
      this.objectsDone++;
      this.options.arrivals?.add(oid, isFirstHand);
      for (const { left, stop } of this.open) if (left.delete(oid) && left.size === 0) stop.abort();
    } else this.bytesDone -= size;
    this.onProgress();
    if (this.scheduler.left === 0) this.settle.resolve();
  }

  private announceChange(): void {
    this.changes.announce(this.scheduler.left === 0 || this.ended);
  }

  private end(cause: unknown): void {
    this.settle.reject(cause);
    this.ended = true;
    this.announceChange();
  }
}

/** Errors that are the source's fault; all others are this laptop's own and end the fetch. */
function isRemote(cause: unknown): cause is PassItOnError {
  return cause instanceof PassItOnError && ['source-lied', 'source-gone', 'no-source'].includes(cause.code);
}
