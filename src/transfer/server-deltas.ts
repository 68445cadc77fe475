/**
 * Deltas between two blobs that this laptop happens to hold, made when somebody asks, in a thread of its own, and kept
 * for the next classmate in a cache that can be thrown away at any time.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Oid } from '../core/object';
import type { Store } from '../store/store';
import { fileChunks } from './chunks';
import { type CachedDelta, DeltaCache } from './delta-cache';
import type { DeltaDone, DeltaOrder } from './delta-worker';

export interface DeltaContent {
  base: Oid;
  /** Of the delta, in bytes. */
  length: number;
  /** Of the blob it makes, in bytes. */
  size: number;
  /** To be read once, each valid until the next is asked for. */
  chunks(): AsyncGenerator<Buffer>;
  /** For one that is not read to its end. */
  close(): Promise<void>;
}

/** With nothing to do for so long the thread ends, and gives back its memory. */
const IDLE_MS = 30_000;

export class Deltas {
  private worker: Worker | null = null;
  private rest: NodeJS.Timeout | null = null;
  private orders = 0;
  private readonly waiting = new Map<number, (done: DeltaDone | null) => void>();
  private readonly making = new Map<string, Promise<CachedDelta | null>>();
  private readonly cache: DeltaCache;

  constructor(
    private readonly store: Store,
    private readonly program: string,
  ) {
    this.cache = new DeltaCache(join(store.dir, 'cache', 'deltas'));
  }

  /** The delta that makes `target` from the first of `bases` that is held; null where the whole is better. */
  async open(bases: readonly Oid[], target: Oid): Promise<DeltaContent | null> {
    const base = await this.base(bases);
    return base === null ? null : this.between(base, target);
  }

  /** The first of these that is held. */
  async base(bases: readonly Oid[]): Promise<Oid | null> {
    for (const base of bases) if (await this.store.blobInfo(base)) return base;
    return null;
  }

  async close(): Promise<void> {
    for (const answer of this.waiting.values()) answer(null);
    if (this.rest) clearTimeout(this.rest);
    await this.worker?.terminate();
    this.cache.clear();
  }

  private async between(base: Oid, target: Oid): Promise<DeltaContent | null> {
    const key = `${base}-${target}`;
    let delta = this.cache.get(key);
    if (delta === undefined) {
      const making = this.making.get(key) ?? this.make(key, base, target).finally(() => this.making.delete(key));
      this.making.set(key, making);
      delta = await making;
    }
    if (delta === null) return null;
    const { file, start, length, size } = delta;
    // Opened at once: what is dropped meanwhile can still be read.
    const handle = await open(file).catch(() => null);
    return (
      handle && { base, size, length, chunks: () => fileChunks(handle, start, length), close: () => handle.close() }
    );
  }

  private async make(key: string, base: Oid, target: Oid): Promise<CachedDelta | null> {
    // Also says that their files are still what they were.
    const held = await Promise.all([this.store.blobInfo(base), this.store.blobInfo(target)]);
    if (held.includes(null)) return null;
    const paths = { base: this.store.blobPath(base), target: this.store.blobPath(target) };
    const { file } = this.cache;
    const done = await this.order({ id: this.orders++, ...paths, file });
    if (!done || done.error !== null || done.size !== held[1]!.size) return null;
    const delta = done.delta && { file, ...done.delta, size: done.size };
    this.cache.set(key, delta);
    return delta;
  }

  private order(order: DeltaOrder): Promise<DeltaDone | null> {
    const worker = this.running();
    if (this.rest) clearTimeout(this.rest);
    return new Promise(resolve => {
      this.waiting.set(order.id, resolve);
      worker.postMessage(order);
    });
  }

  /** The thread, started when first needed; where it ends, those who wait get the whole blob. */
  private running(): Worker {
    if (this.worker) return this.worker;
    const worker = new Worker(this.program);
    worker.on('message', (done: DeltaDone) => {
      this.waiting.get(done.id)?.(done);
      this.waiting.delete(done.id);
      if (this.waiting.size === 0) this.restLater(worker);
    });
    const ended = () => {
      // One that was resting has nobody waiting for it.
      if (this.worker !== worker) return;
      this.worker = null;
      for (const answer of this.waiting.values()) answer(null);
      this.waiting.clear();
    };
    worker.on('error', ended);
    worker.on('exit', ended);
    worker.unref();
    this.worker = worker;
    return worker;
  }

  private restLater(worker: Worker): void {
    if (this.rest) clearTimeout(this.rest);
    this.rest = setTimeout(() => {
      if (this.worker === worker) this.worker = null;
      void worker.terminate();
    }, IDLE_MS).unref();
  }
}
