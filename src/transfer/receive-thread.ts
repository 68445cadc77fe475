/** The service's own side of the thread that receives (receive-worker.ts): tells it what to take, and gives what it took its name. */
import { Worker } from 'node:worker_threads';
import { PassItOnError, reportedError } from '../core/errors';
import type { LandingField, LandingPlan } from '../store/landing';
import type { Batch, BatchEvent } from './batch';
import { Doubtful, KEPT_FROM } from './incoming';
import type { ReceiveEvent, ReceiveFailure, ReceiveNews, ReceiveOrder } from './receive-orders';
import type { ReceivedDeltas } from './received-deltas';
import type { Elsewhere } from './source';
import type { Spare } from './spare';

export interface ReceiveOptions {
  /** Where what it took becomes a blob. */
  field: LandingField;
  spare: Spare;
  received: ReceivedDeltas | undefined;
}

interface Running {
  tell(event: BatchEvent): void;
  end(failure: unknown): void;
  /** The first thing that went wrong here. */
  failure: { cause: unknown } | null;
}

let threads = 0;

export class ReceiveThread {
  private readonly worker: Worker;
  private readonly running = new Map<number, Running>();
  private readonly sources = new Map<string, Elsewhere>();
  private readonly exited: Promise<void>;
  private options: ReceiveOptions | null = null;
  /** What ended it, if that was not `close`. */
  private failure: PassItOnError | null = null;
  private orders = 0;

  /** It takes a tenth of a second until it can do anything: to be begun when it is known that it will be needed. program: receive-worker, bundled. */
  constructor(program: string) {
    this.worker = new Worker(program);
    this.worker.on('message', (news: ReceiveNews) => this.hear(news));
    this.exited = new Promise(resolve => {
      this.worker.on('error', cause => this.failAll(cause));
      this.worker.on('exit', () => {
        this.failAll(new Error('The thread that receives has ended.'));
        resolve();
      });
    });
  }

  /** Before it can take anything. */
  start(options: ReceiveOptions): void {
    const { received, spare } = options;
    const folder = received?.cache.folderOf(threads++) ?? null;
    this.options = options;
    this.order({ kind: 'start', start: { received: folder, spare: spare.share() } });
  }

  /**
   * As `takeBatch`. Settles when the thread has nothing to do with it any more.
   * @throws what `takeBatch` throws; errors of the thread itself as 'internal'
   */
  async take(
    batch: Batch,
    address: string,
    source: Elsewhere,
    signal: AbortSignal,
    tell: Running['tell'],
  ): Promise<void> {
    signal.throwIfAborted();
    if (this.failure !== null) throw this.failure;
    const id = this.orders++;
    this.sources.set(address, source);
    const { landing, release } = this.planFor(batch);
    const abort = () => this.order({ kind: 'abort', id });
    signal.addEventListener('abort', abort, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        const end = (failure: unknown) => (failure === null ? resolve() : reject(failure));
        this.running.set(id, { tell, end, failure: null });
        this.order({ kind: 'take', id, at: source.at, batch, landing });
      });
    } finally {
      signal.removeEventListener('abort', abort);
      release();
    }
  }

  /** Ends what runs; resolves when the thread is gone. */
  async close(): Promise<void> {
    this.order({ kind: 'close' });
    await this.exited;
  }

  private order(order: ReceiveOrder): void {
    this.worker.postMessage(order);
  }

  private planFor({ wanted }: Batch): { landing: LandingPlan; release(): void } {
    const { field } = this.begun;
    const bases = wanted.flatMap(({ bases }) => bases.flatMap(oid => field.facts(oid) ?? []));
    const claims = wanted.filter(({ size }) => size >= KEPT_FROM).map(({ oid }) => ({ oid, ...field.claim(oid) }));
    const files = claims.map(({ oid, path, stays }) => ({ oid, path, stays }));
    const landing = { dir: field.dir, temporary: field.temporary(), bases, files };
    const release = () => {
      for (const claim of claims) claim.release();
    };
    return { landing, release };
  }

  private hear({ events, kept, received }: ReceiveNews): void {
    for (const [address, bytes] of received) this.sources.get(address)?.received(bytes);
    for (const [key, delta] of kept) this.begun.received?.cache.adopt(key, delta);
    for (const event of events) {
      const one = this.running.get(event.id);
      if (one === undefined) continue;
      try {
        this.happened(one, event);
      } catch (cause) {
        one.failure ??= { cause };
        this.order({ kind: 'abort', id: event.id });
      }
    }
  }

  private happened(one: Running, event: ReceiveEvent): void {
    if (event.kind === 'ended') {
      this.running.delete(event.id);
      one.end(one.failure ? one.failure.cause : thrown(event.failure));
    } else if (one.failure !== null) return;
    else if (event.kind === 'landed') this.begun.field.land(event.landed);
    else one.tell(event);
  }

  private get begun(): ReceiveOptions {
    if (this.options === null) throw new Error('the thread that receives has not been started');
    return this.options;
  }

  private failAll(cause: unknown): void {
    const remedy = 'Start again to go on where it stopped.';
    this.failure ??= new PassItOnError('internal', 'Receiving broke off.', remedy, { cause });
    for (const { end } of this.running.values()) end(this.failure);
    this.running.clear();
  }
}

function thrown(failure: ReceiveFailure | null): unknown {
  if (failure === null) return null;
  const cause = new Error(failure.cause);
  return failure.kind === 'error'
    ? reportedError(failure.report, cause)
    : new Doubtful(failure.answer, failure.oid, { cause });
}
