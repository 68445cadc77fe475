/**
 * Fetches blobs from every source at once. Work is cut into batches in one queue; each source takes the next batch
 * when it is done with its last, so the fast ones give more. What a source did not deliver goes back into the queue.
 * A source that sends one wrong byte is dropped for good; one that dies may come back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { KIND } from './frames';
import type { Source } from './source';

export interface Wanted {
  oid: Oid;
  /** In bytes. */
  size: number;
}

/** Where blobs are put; the store's receiveBlob. */
export interface Receiver {
  receiveBlob(oid: Oid, size: number): Promise<BlobSink>;
}

export interface BlobSink {
  write(chunk: Buffer): Promise<void>;
  /** 'source-lied' when the contents are not the blob that was asked for. */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

export interface Giver {
  source: Source;
  nick: string;
  state: 'idle' | 'giving' | 'gone';
}

/**
 * A batch is about so much work for its source, so that little is lost when it dies and late-comers find something to
 * do; within bounds, because small batches compress badly and large ones hold up the end.
 */
const BATCH_SECONDS = 2;
const MIN_BATCH_BYTES = 256 << 10;
const MAX_BATCH_BYTES = 4 << 20;
const BATCH_OBJECTS = 512;
/** Requests under way at each source: one is answered while the next is being prepared. */
const LANES = 2;
const FAILURES_UNTIL_GONE = 3;
const RETRY_MS = 500;

/** What the lanes of one source know together. */
interface Health {
  /** In a row. */
  failures: number;
  busyLanes: number;
  /** Raw bytes a second of the last batch in one lane; 0 before the first. */
  rate: number;
}

export class BlobFetch {
  readonly givers = new Map<string, Giver>();
  objectsDone = 0;
  bytesDone = 0;
  /** Nobody works on these now, in the order in which they compress well. */
  private queue: Wanted[];
  private readonly missing = new Map<string, Set<Oid>>();
  private readonly liars = new Set<string>();
  private left: number;
  private wakeUp: () => void = () => {};
  private changed = new Promise<void>(() => {});
  private settle!: { resolve(): void; reject(cause: unknown): void };
  private readonly finished: Promise<void>;

  constructor(
    wanted: Wanted[],
    private readonly receiver: Receiver,
    private readonly signal: AbortSignal,
    private readonly onProgress: () => void,
  ) {
    this.queue = [...wanted];
    this.left = wanted.length;
    this.finished = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    // A rejection before run() is called must not end the process.
    this.finished.catch(() => {});
    this.announceChange();
    signal.addEventListener('abort', () => this.end(signal.reason), { once: true });
    if (this.left === 0) this.settle.resolve();
  }

  /** Resolves when every blob is there; rejects when stopped or when this laptop cannot store them. */
  run(): Promise<void> {
    return this.finished;
  }

  /** True while nobody gives. */
  get waiting(): boolean {
    return this.left > 0 && ![...this.givers.values()].some(giver => giver.state !== 'gone');
  }

  /** A source joins, at the start or late; one that was gone is tried again, one that lied is not. */
  addSource(source: Source, nick: string): void {
    const known = this.givers.get(source.address);
    if (this.liars.has(source.address) || (known && known.state !== 'gone')) return;
    const giver: Giver = { source, nick, state: 'idle' };
    this.givers.set(source.address, giver);
    const health: Health = { failures: 0, busyLanes: 0, rate: 0 };
    for (let lane = 0; lane < LANES; lane++) void this.lane(giver, health);
  }

  private async lane(giver: Giver, health: Health): Promise<void> {
    while (this.left > 0 && !this.signal.aborted && giver.state !== 'gone') {
      const batch = this.take(giver, health);
      if (!batch) {
        // Somebody else's batch may yet come back.
        await this.changed;
        continue;
      }
      giver.state = 'giving';
      health.busyLanes++;
      try {
        const begun = performance.now();
        await this.giveBatch(giver, batch);
        const bytes = batch.reduce((sum, { size }) => sum + size, 0);
        health.rate = bytes / ((performance.now() - begun) / 1000);
        health.failures = 0;
      } catch (cause) {
        if (!isRemote(cause)) return this.end(cause);
        const lied = cause.code === 'source-lied';
        if (lied) this.liars.add(giver.source.address);
        if (lied || ++health.failures >= FAILURES_UNTIL_GONE) giver.state = 'gone';
        else await sleep(RETRY_MS, undefined, { signal: this.signal }).catch(() => {});
      } finally {
        health.busyLanes--;
        if (giver.state === 'giving' && health.busyLanes === 0) giver.state = 'idle';
        this.announceChange();
        this.onProgress();
      }
    }
  }

  /** The next batch this source can give, without what it said it lacks; null when there is nothing for it. */
  private take(giver: Giver, health: Health): Wanted[] | null {
    const lacks = this.missing.get(giver.source.address);
    const target = this.batchBytes(health);
    const batch: Wanted[] = [];
    const rest: Wanted[] = [];
    let bytes = 0;
    for (const one of this.queue) {
      const fits = batch.length === 0 || (bytes + one.size <= target && batch.length < BATCH_OBJECTS);
      if (!fits || lacks?.has(one.oid)) rest.push(one);
      else {
        batch.push(one);
        bytes += one.size;
      }
    }
    this.queue = rest;
    return batch.length > 0 ? batch : null;
  }

  private batchBytes(health: Health): number {
    const left = this.queue.reduce((sum, { size }) => sum + size, 0);
    const lanes = LANES * [...this.givers.values()].filter(({ state }) => state !== 'gone').length;
    const share = Math.min(health.rate * BATCH_SECONDS, left / (2 * lanes));
    return Math.min(Math.max(share, MIN_BATCH_BYTES), MAX_BATCH_BYTES);
  }

  private async giveBatch(giver: Giver, batch: Wanted[]): Promise<void> {
    const open = new Map(batch.map(wanted => [wanted.oid, wanted]));
    try {
      for await (const frame of giver.source.objects([...open.keys()], this.signal)) {
        const wanted = open.get(frame.oid);
        if (frame.kind === KIND.missing && wanted) {
          this.noteMissing(giver, frame.oid);
          continue;
        }
        if (frame.kind !== KIND.whole || !wanted || frame.length !== wanted.size) {
          throw new PassItOnError(
            'source-lied',
            'A laptop sent something else than was asked for.',
            'Try another laptop.',
          );
        }
        await this.receive(wanted, frame.payload());
        open.delete(frame.oid);
        this.left--;
        this.objectsDone++;
        if (this.left === 0) this.settle.resolve();
        this.onProgress();
      }
    } finally {
      this.queue.unshift(...open.values());
    }
  }

  private async receive({ oid, size }: Wanted, payload: AsyncIterable<Buffer>): Promise<void> {
    const sink = await this.receiver.receiveBlob(oid, size);
    let received = 0;
    try {
      for await (const chunk of payload) {
        await sink.write(chunk);
        received += chunk.length;
        this.bytesDone += chunk.length;
        this.onProgress();
      }
      await sink.commit();
    } catch (cause) {
      this.bytesDone -= received;
      await sink.abort();
      throw cause;
    }
  }

  private noteMissing(giver: Giver, oid: Oid): void {
    const lacks = this.missing.get(giver.source.address) ?? new Set();
    this.missing.set(giver.source.address, lacks.add(oid));
  }

  private announceChange(): void {
    this.wakeUp();
    this.changed = new Promise(resolve => {
      this.wakeUp = resolve;
    });
  }

  private end(cause: unknown): void {
    this.settle.reject(cause);
    this.left = 0;
    this.announceChange();
  }
}

/** Errors that are the source's fault; all others are this laptop's own and end the fetch. */
function isRemote(cause: unknown): cause is PassItOnError {
  return cause instanceof PassItOnError && ['source-lied', 'source-gone', 'no-source'].includes(cause.code);
}
