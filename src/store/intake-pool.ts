/** Hands what is to be taken in to threads, in batches, because one message costs as much as one small file. */
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { removeTree } from './disk';
import { type Answer, Intake, type IntakePlace, type Order } from './intake';

const BATCH_ORDERS = 64;
const BATCH_BYTES = 1024 * 1024;
/** One that it works on and one that waits, so that it never waits itself. */
const BATCHES_A_THREAD = 2;
/** More would only wait for the disk. */
const MAX_THREADS = 4;
/** A thread holds one buffer and a few hundred strings. MB. */
const HEAP = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 };

interface Batch {
  orders: Order[];
  bytes: number;
  answered: ((answers: Answer[]) => void)[];
  failed: ((error: unknown) => void)[];
}

interface Thread {
  worker: Worker;
  /** Told, and not answered yet; answers come in this order. */
  batches: Batch[];
}

export class IntakePool {
  /** How many orders keep every thread busy, if they are small. */
  readonly width: number;
  readonly #threads: Thread[] = [];
  /** Where there is no program for threads, the work is done here. */
  readonly #own: Intake | null;
  readonly #waiting: Batch[] = [];
  #filling: Batch | null = null;
  #failure: unknown = null;

  /**
   * blobs: the folder. temporary: a folder that does not exist yet, on the same file system; gone after `close`.
   * program: intake-worker, bundled; null: no threads, for a process that has nothing else to do meanwhile.
   */
  constructor(
    blobs: string,
    private readonly temporary: string,
    program: string | null,
  ) {
    mkdirSync(temporary, { mode: 0o700 });
    const lock = new SharedArrayBuffer(4);
    const place = (prefix: string): IntakePlace => ({ blobs, temporary, prefix, lock });
    this.#own = program === null ? new Intake(place('own')) : null;
    const threads = program === null ? 0 : Math.min(availableParallelism(), MAX_THREADS);
    this.width = Math.max(1, threads * BATCHES_A_THREAD * BATCH_ORDERS);
    for (let i = 0; i < threads; i++) this.#threads.push(this.#start(program as string, place(`${i}`)));
  }

  #start(program: string, workerData: IntakePlace): Thread {
    const thread: Thread = { worker: new Worker(program, { workerData, resourceLimits: HEAP }), batches: [] };
    thread.worker.on('message', (answers: Answer[]) => {
      const batch = thread.batches.shift();
      for (const answered of batch?.answered ?? []) answered(answers);
      this.#hand();
    });
    thread.worker.on('error', error => this.#fail(error));
    thread.worker.on('exit', () => this.#fail(new Error('A thread that takes files in has ended.')));
    return thread;
  }

  async take(order: Order): Promise<Answer> {
    if (this.#own !== null) return this.#own.take(order);
    if (this.#failure !== null) throw this.#failure;
    const batch = this.#filling ?? this.#begin();
    const at = batch.orders.push(order) - 1;
    batch.bytes += order.size;
    const answer = new Promise<Answer>((resolve, reject) => {
      batch.answered.push(answers => resolve(answers[at] as Answer));
      batch.failed.push(reject);
    });
    if (batch.orders.length >= BATCH_ORDERS || batch.bytes >= BATCH_BYTES) this.#full(batch);
    return answer;
  }

  #begin(): Batch {
    const batch: Batch = { orders: [], bytes: 0, answered: [], failed: [] };
    this.#filling = batch;
    // Nobody may come to fill it: whoever waits for an answer lets the event loop turn.
    setImmediate(() => this.#full(batch));
    return batch;
  }

  #full(batch: Batch): void {
    if (this.#filling !== batch) return;
    this.#filling = null;
    this.#waiting.push(batch);
    this.#hand();
  }

  #hand(): void {
    // First to those that have nothing to do.
    for (let depth = 0; depth < BATCHES_A_THREAD; depth++) {
      for (const thread of this.#threads.filter(({ batches }) => batches.length === depth)) {
        const batch = this.#waiting.shift();
        if (batch === undefined) return;
        thread.batches.push(batch);
        thread.worker.postMessage(batch.orders);
      }
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    const batches = [...this.#threads.flatMap(thread => thread.batches.splice(0)), ...this.#waiting.splice(0)];
    if (this.#filling !== null) batches.push(this.#filling);
    this.#filling = null;
    for (const failed of batches.flatMap(batch => batch.failed)) failed(this.#failure);
  }

  /** To be called when every order has been answered. */
  async close(): Promise<void> {
    this.#failure ??= new Error('closed');
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
    await removeTree(this.temporary);
  }
}
