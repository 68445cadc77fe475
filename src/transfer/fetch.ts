/**
 * Fetches blobs from every source at once. Each source takes the next batch when it is done with its last, so the fast
 * ones give more (scheduler.ts says which). A source that sends one wrong byte is dropped for good; one that dies may
 * come back.
 */
import type { FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { applyDelta } from '../core/delta/apply';
import { longestDelta } from '../core/delta/format';
import type { RandomReader } from '../core/delta/reader';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { Effort, type EffortWish } from './effort';
import {
  DELTA_HEAD_BYTES,
  decodeDeltaHead,
  decodeRestHead,
  type Frame,
  KIND,
  type Kind,
  REST_HEAD_BYTES,
} from './frames';
import { Scheduler, type Wanted } from './scheduler';
import type { How, Source } from './source';

/** Where blobs are put: the store. */
export interface Receiver {
  receiveBlob(oid: Oid, size: number, from?: number): Promise<BlobSink>;
  /** How many bytes of a blob came before its receiving was broken off. */
  keptBytes(oid: Oid): number;
  /** A blob that is here already; null when it is not, or no longer as it was. */
  openBlob(oid: Oid): Promise<{ size: number; handle: FileHandle } | null>;
}

export interface BlobSink {
  write(chunk: Buffer): Promise<void>;
  /** 'source-lied' when the contents are not the blob that was asked for. */
  commit(): Promise<void>;
  abort(): Promise<void>;
  /** Breaks off and keeps what came, to go on with. */
  suspend(): Promise<void>;
}

export interface Giver {
  source: Source;
  nick: string;
  /** Still fetching the same image itself: what it lacks now it may have soon. */
  partial: boolean;
  state: 'idle' | 'giving' | 'gone';
  /** It has nothing of what is left. */
  starved: boolean;
}

/**
 * A batch is about so much work for its source, so that little is lost when it dies and late-comers find something to
 * do; within bounds, because small batches compress badly and large ones hold up the end.
 */
const BATCH_SECONDS = 2;
const MIN_BATCH_BYTES = 256 << 10;
const MAX_BATCH_BYTES = 4 << 20;
const BATCH_OBJECTS = 512;
/** Of somebody who is fetching too, to find out what it has. */
const PROBE_OBJECTS = 8;
/** Requests under way at each source: one is answered while the next is being prepared. */
const LANES = 2;
/** What came of blobs from this size on is gone on with after a stop; smaller ones are sent again. Bytes. */
const KEPT_FROM = 1 << 20;
const FAILURES_UNTIL_GONE = 3;
/** When to ask somebody who is fetching too again for what it did not have yet. */
const PARTIAL_RETRY_MS = 1_500;
const RETRY_MS = 500;

/** A blob as it is asked for. */
type Request = Wanted & { offset: number };

/** What the lanes of one source know together. */
interface Health {
  /** In a row. */
  failures: number;
  busyLanes: number;
  /** Raw bytes a second of the last batch in one lane; 0 before the first. */
  rate: number;
  /** Where in the row to take batches: one that is fetching too is asked here and there, and on where it had something. */
  place: number;
  objects: number;
  /** False once one of its deltas did not come out right: then it is asked for whole blobs. */
  deltas: boolean;
  /** In which form to ask it. */
  effort: Effort;
}

/**
 * A delta did not make the blob, or a rest did not complete it: its source lied, or what was here before is damaged or from
 * somebody else who lied. The whole blob will tell.
 */
class Doubtful extends Error {
  constructor(
    readonly kind: Kind,
    options: ErrorOptions,
  ) {
    super('what came does not fit what was here', options);
  }
}

export class BlobFetch {
  readonly givers = new Map<string, Giver>();
  objectsDone = 0;
  bytesDone = 0;
  private readonly scheduler: Scheduler;
  private readonly liars = new Set<string>();
  /** What the last source that lied did wrong. */
  lie: PassItOnError | null = null;
  private ended = false;
  private wakeUp: () => void = () => {};
  private changed = new Promise<void>(() => {});
  private settle!: { resolve(): void; reject(cause: unknown): void };
  private readonly finished: Promise<void>;

  constructor(
    wanted: Wanted[],
    private readonly receiver: Receiver,
    private readonly signal: AbortSignal,
    private readonly onProgress: () => void,
    private readonly wish: EffortWish = 'auto',
  ) {
    this.scheduler = new Scheduler(wanted, Math.random());
    this.finished = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    // A rejection before run() is called must not end the process.
    this.finished.catch(() => {});
    this.announceChange();
    signal.addEventListener('abort', () => this.end(signal.reason), { once: true });
    if (wanted.length === 0) this.settle.resolve();
  }

  /** Resolves when every blob is there; rejects when stopped or when this laptop cannot store them. */
  run(): Promise<void> {
    return this.finished;
  }

  /** True while nobody gives. */
  get waiting(): boolean {
    const { left, isIdle } = this.scheduler;
    return left > 0 && isIdle && [...this.givers.values()].every(({ state, starved }) => starved || state === 'gone');
  }

  /** A source joins, at the start or late; one that was gone is tried again, one that lied is not. */
  addSource(source: Source, nick: string, partial: boolean): void {
    const known = this.givers.get(source.address);
    if (known) known.partial = partial;
    if (this.liars.has(source.address) || (known && known.state !== 'gone')) return;
    const giver: Giver = { source, nick, partial, state: 'idle', starved: false };
    this.givers.set(source.address, giver);
    const objects = partial ? PROBE_OBJECTS : BATCH_OBJECTS;
    const effort = new Effort(this.wish);
    const health: Health = { failures: 0, busyLanes: 0, rate: 0, deltas: true, place: 0, objects, effort };
    for (let lane = 0; lane < LANES; lane++) void this.lane(giver, health);
  }

  private async lane(giver: Giver, health: Health): Promise<void> {
    while (this.scheduler.left > 0 && !this.ended && giver.state !== 'gone') {
      const now = performance.now();
      const { form, most } = health.effort.choose();
      const batch = this.scheduler.take(
        giver.source.address,
        Math.min(this.batchBytes(health), most),
        health.objects,
        now,
        health.place,
      );
      giver.starved = batch.length === 0;
      if (giver.starved) {
        // Somebody else's batch may yet come back, or a classmate have more by then.
        const later = new AbortController();
        await Promise.race([this.changed, sleep(PARTIAL_RETRY_MS, undefined, { signal: later.signal })]);
        later.abort();
        continue;
      }
      giver.state = 'giving';
      health.busyLanes++;
      health.effort.begun(form);
      let bytes = 0;
      let busy: number | null = null;
      try {
        const how: How = {
          form,
          onBusy: share => {
            busy = share;
          },
        };
        bytes = await this.giveBatch(giver, batch, health.deltas, how);
        health.rate = bytes / ((performance.now() - now) / 1000);
        health.failures = 0;
        if (giver.partial) seek(health, bytes > 0);
      } catch (cause) {
        if (cause instanceof Doubtful) {
          if (cause.kind === KIND.delta) health.deltas = false;
          continue;
        }
        if (!isRemote(cause)) return this.end(cause);
        const lied = cause.code === 'source-lied';
        if (lied) {
          this.liars.add(giver.source.address);
          this.lie = cause;
        }
        if (lied || ++health.failures >= FAILURES_UNTIL_GONE) giver.state = 'gone';
        else await sleep(RETRY_MS, undefined, { signal: this.signal }).catch(() => {});
      } finally {
        health.effort.learn({ form, bytes, seconds: (performance.now() - now) / 1000, busy });
        health.busyLanes--;
        if (giver.state === 'giving' && health.busyLanes === 0) giver.state = 'idle';
        this.announceChange();
        this.onProgress();
      }
    }
  }

  private batchBytes(health: Health): number {
    const lanes = LANES * [...this.givers.values()].filter(({ state }) => state !== 'gone').length;
    const share = Math.min(health.rate * BATCH_SECONDS, this.scheduler.bytesWaiting / (2 * lanes));
    return Math.min(Math.max(share, MIN_BATCH_BYTES), MAX_BATCH_BYTES);
  }

  /** Returns the raw bytes received. */
  private async giveBatch(giver: Giver, batch: Wanted[], deltas: boolean, how: How): Promise<number> {
    const { address } = giver.source;
    const request = batch.map(wanted => this.request(wanted, deltas));
    const asked = new Map(request.map(wanted => [wanted.oid, wanted]));
    let bytes = 0;
    try {
      for await (const frame of giver.source.objects(request, this.signal, how)) {
        const wanted = asked.get(frame.oid);
        if (frame.kind === KIND.missing && wanted) {
          const until = giver.partial ? performance.now() + PARTIAL_RETRY_MS : Number.POSITIVE_INFINITY;
          this.scheduler.lacks(address, frame.oid, until);
          continue;
        }
        if (!wanted || !fits(frame, wanted)) {
          throw new PassItOnError(
            'source-lied',
            'A laptop sent something else than was asked for.',
            'Try another laptop.',
          );
        }
        // Another source was faster with it.
        if (this.scheduler.isDone(frame.oid)) continue;
        await this.receive(wanted, frame);
        bytes += wanted.size;
        this.onProgress();
      }
      return bytes;
    } finally {
      this.scheduler.returned(address, batch);
    }
  }

  private request(wanted: Wanted, deltas: boolean): Request {
    const kept = wanted.size < KEPT_FROM ? 0 : this.receiver.keptBytes(wanted.oid);
    return { ...wanted, bases: deltas ? wanted.bases : [], offset: kept < wanted.size ? kept : 0 };
  }

  private async receive({ oid, size, bases, offset }: Request, frame: Frame): Promise<void> {
    const { kind } = frame;
    const from = kind === KIND.rest ? await restFrom(frame, offset) : 0;
    const sink = await this.receiver.receiveBlob(oid, size, from);
    let received = from;
    this.bytesDone += from;
    try {
      const content = kind === KIND.delta ? this.patched(frame, bases, size) : frame.payload();
      for await (const chunk of content) {
        await sink.write(chunk);
        received += chunk.length;
        this.bytesDone += chunk.length;
        this.onProgress();
      }
      await sink.commit();
    } catch (cause) {
      this.bytesDone -= received;
      const wrong = cause instanceof PassItOnError && MADE_WRONG.has(cause.code);
      await (wrong ? sink.abort() : sink.suspend());
      if (wrong && (kind === KIND.delta || kind === KIND.rest)) throw new Doubtful(kind, { cause });
      throw cause;
    }
    if (this.scheduler.arrived(oid)) this.objectsDone++;
    else this.bytesDone -= received;
    if (this.scheduler.left === 0) this.settle.resolve();
  }

  /** The blob that a delta frame makes from its base. */
  private async *patched(frame: Frame, bases: readonly Oid[], size: number): AsyncGenerator<Buffer> {
    const head = decodeDeltaHead(await frame.read(DELTA_HEAD_BYTES));
    if (!bases.includes(head.base) || head.size !== size) {
      throw new PassItOnError('source-lied', 'A laptop sent a delta for other files.', 'Try another laptop.');
    }
    const base = await this.receiver.openBlob(head.base);
    if (!base) throw new PassItOnError('damaged', `Blob ${head.base} is not as it was.`, 'Repair it with verify.');
    try {
      yield* applyDelta(reader(base), frame.payload(), size);
    } finally {
      await base.handle.close();
    }
  }

  private announceChange(): void {
    this.wakeUp();
    this.changed = new Promise(resolve => {
      this.wakeUp = resolve;
    });
  }

  private end(cause: unknown): void {
    this.settle.reject(cause);
    this.ended = true;
    this.announceChange();
  }
}

const MADE_WRONG: ReadonlySet<string> = new Set(['bad-data', 'damaged', 'source-lied']);

function seek(health: Health, found: boolean): void {
  health.objects = found ? BATCH_OBJECTS : PROBE_OBJECTS;
  if (!found) health.place = Math.random();
}

/** Is it what was asked for, as far as its header tells? */
function fits({ kind, length }: Frame, { size, bases, offset }: Request): boolean {
  if (kind === KIND.delta) return bases.length > 0 && length <= DELTA_HEAD_BYTES + longestDelta(size);
  if (kind === KIND.rest) return offset > 0 && length === REST_HEAD_BYTES + size - offset;
  return kind === KIND.whole && length === size;
}

/** @throws PassItOnError 'source-lied' */
async function restFrom(frame: Frame, offset: number): Promise<number> {
  if (decodeRestHead(await frame.read(REST_HEAD_BYTES)) === offset) return offset;
  throw new PassItOnError('source-lied', 'A laptop sent another part of a file.', 'Try another laptop.');
}

function reader({ size, handle }: { size: number; handle: FileHandle }): RandomReader {
  return { size, read: async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead };
}

/** Errors that are the source's fault; all others are this laptop's own and end the fetch. */
function isRemote(cause: unknown): cause is PassItOnError {
  return cause instanceof PassItOnError && ['source-lied', 'source-gone', 'no-source'].includes(cause.code);
}
