/**
 * Long loops over many small files use the synchronous file system calls, which cost a tenth of the asynchronous
 * ones, and let the event loop turn often: the HTTP server and the RPC of the same process must answer meanwhile.
 */
import { setImmediate } from 'node:timers/promises';
import { PassItOnError } from '../core/errors';

/** Milliseconds a loop may hold the event loop before it lets others work. */
const SLICE = 4;

let lastTurn = performance.now();

/** Whether `breathe` would wait; for loops whose pieces are so small that a promise for each is worth saving. */
export function isOutOfBreath(): boolean {
  return performance.now() - lastTurn >= SLICE;
}

/** Call once for each small piece of work: waits for one turn of the event loop when the slice of time is used up. */
export async function breathe(): Promise<void> {
  if (!isOutOfBreath()) return;
  await setImmediate();
  lastTurn = performance.now();
}

/** Throws 'stopped' once the signal is aborted. */
export function stopIfAsked(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new PassItOnError('stopped', 'Stopped.', 'Start again to go on where it stopped.', { cause: signal.reason });
}

/**
 * Like `map` over an async sequence: up to `limit` pieces of work at once, results in the order of the items. Bounded:
 * no more than `limit` items are taken ahead. When work fails, all that was begun has ended before the error is thrown.
 */
export async function* mapOrdered<T, R>(
  items: AsyncIterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const running: Promise<R>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      // Not swallowed: it is awaited below; this only says so to Node while it waits for its turn.
      result.catch(() => undefined);
      running.push(result);
      if (running.length >= limit) yield await (running.shift() as Promise<R>);
    }
    while (running.length > 0) yield await (running.shift() as Promise<R>);
  } finally {
    await Promise.allSettled(running);
  }
}

/** Runs pieces of work one after another, in the order in which they were asked for. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  /** Resolves when all that was asked for so far has ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
