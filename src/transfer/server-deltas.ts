/**
 * Deltas between two blobs that this laptop happens to hold: those that it was sent itself are passed on; others are made when
 * somebody asks, in a thread of its own, and kept for the next classmate in a cache that can be thrown away at any time.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Outline } from '../core/delta/outline';
import type { Oid } from '../core/object';
import type { Store } from '../store/store';
import { fileChunks } from './chunks';
import { type CachedDelta, DeltaCache, deltaKey } from './delta-cache';
import type { DeltaDone, DeltaOrder } from './delta-worker';
import { DeltasAhead, type ToMake } from './deltas-ahead';
import { ReceivedDeltas } from './received-deltas';

export interface DeltaContent {
  /** Null: what is in common by the outline, which the delta begins with. */
  base: Oid | null;
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
/** Up to here a delta is read at once: for a small one the ways to other threads and back cost more. Bytes. */
const SMALL = 64 << 10;

export class Deltas {
  private worker: Worker | null = null;
  private rest: NodeJS.Timeout | null = null;
  private orders = 0;
  private readonly waiting = new Map<number, (done: DeltaDone | null) => void>();
  private readonly making = new Map<string, Promise<CachedDelta | null>>();
  private readonly made: DeltaCache;
  private readonly ahead: DeltasAhead;
  private isClosed = false;
  /** What this laptop was sent. */
  readonly received: ReceivedDeltas;

  constructor(
    private readonly store: Store,
    private readonly program: string,
  ) {
    this.made = new DeltaCache(join(store.dir, 'cache', 'deltas'));
    this.received = new ReceivedDeltas(join(store.dir, 'cache', 'received'));
    const make = async ({ base, target }: ToMake) => {
      const key = deltaKey(base, target);
      if (!this.received.cache.get(key)) await this.known(key, () => this.make(target, base));
    };
    this.ahead = new DeltasAhead(make, () => this.waiting.size === 0);
  }

  /**
   * The delta that makes `target` from that of `bases` for which it was sent, or from the first that is held, or else from what is in
   * common by the outline of another; null where the whole is better.
   */
  async open(bases: readonly Oid[], target: Oid, outline?: Outline): Promise<DeltaContent | null> {
    for (const base of bases) {
      const { cache } = this.received;
      const delta = cache.get(deltaKey(base, target));
      const content = delta && (await contentOf(cache, delta, base));
      if (content) return content;
    }
    const base = await this.base(bases);
    if (base !== null) return this.between(base, target);
    return outline ? this.outlined(outline, target) : null;
  }

  /** Makes these, too, while nobody waits for any other: so much less is to be done when they are asked for. */
  makeAhead(pairs: readonly ToMake[]): void {
    this.ahead.add(pairs);
  }

  /** The first of these that is held. */
  async base(bases: readonly Oid[]): Promise<Oid | null> {
    for (const base of bases) if (await this.store.blobInfo(base)) return base;
    return null;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.ahead.stop();
    for (const answer of this.waiting.values()) answer(null);
    if (this.rest) clearTimeout(this.rest);
    await this.worker?.terminate();
    this.made.clear();
    this.received.cache.clear();
  }

  private between(base: Oid, target: Oid): Promise<DeltaContent | null> {
    return this.cached(deltaKey(base, target), base, () => this.make(target, base));
  }

  private outlined(outline: Outline, target: Oid): Promise<DeltaContent | null> {
    const { count, blockBytes, hashBits, hashes } = outline;
    // Classmates have the same old file, and so the same outline.
    const name = createHash('sha256').update(`${count} ${blockBytes} ${hashBits}\n`).update(hashes).digest('hex');
    return this.cached(deltaKey(name, target), null, () => {
      // A view would take with it to the thread all that it is a view of.
      return this.make(target, null, { ...outline, hashes: Buffer.from(new Uint8Array(hashes).buffer) });
    });
  }

  private async cached(
    key: string,
    base: Oid | null,
    make: () => Promise<CachedDelta | null | undefined>,
  ): Promise<DeltaContent | null> {
    const delta = await this.known(key, make);
    return delta && contentOf(this.made, delta, base);
  }

  /** From the cache, or made by `make`, which may be under way for somebody else. */
  private async known(key: string, make: () => Promise<CachedDelta | null | undefined>): Promise<CachedDelta | null> {
    const known = this.made.get(key);
    if (known !== undefined) return known;
    const making = this.making.get(key) ?? this.remember(key, make).finally(() => this.making.delete(key));
    this.making.set(key, making);
    return making;
  }

  private async remember(
    key: string,
    make: () => Promise<CachedDelta | null | undefined>,
  ): Promise<CachedDelta | null> {
    const delta = await make();
    if (delta === undefined) return null;
    this.made.set(key, delta);
    return delta;
  }

  /** Null where the whole is better; undefined where it could not be tried. */
  private async make(target: Oid, base: Oid | null, outline?: Outline): Promise<CachedDelta | null | undefined> {
    // Also says that their files are still what they were.
    const held = await Promise.all([target, ...(base === null ? [] : [base])].map(oid => this.store.blobInfo(oid)));
    if (held.includes(null)) return undefined;
    const { file } = this.made;
    const paths = { base: base && this.store.blobPath(base), target: this.store.blobPath(target) };
    const done = await this.order({ id: this.orders++, ...paths, file, outline });
    if (!done || done.error !== null || done.size !== held[0]!.size) return undefined;
    return done.delta && { file, ...done.delta, size: done.size };
  }

  private async order(order: DeltaOrder): Promise<DeltaDone | null> {
    if (this.isClosed) return null;
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
    worker.on('message', (all: DeltaDone[]) => {
      for (const done of all) {
        this.waiting.get(done.id)?.(done);
        this.waiting.delete(done.id);
      }
      if (this.waiting.size > 0) return;
      this.restLater(worker);
      this.ahead.goOn();
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

/** Null where it has been dropped. */
async function contentOf(cache: DeltaCache, delta: CachedDelta, base: Oid | null): Promise<DeltaContent | null> {
  const { file, start, length, size } = delta;
  if (length <= SMALL) {
    const bytes = cache.read(delta);
    const chunks = async function* () {
      if (bytes) yield bytes;
    };
    return bytes && { base, size, length, chunks, close: async () => {} };
  }
  // Opened at once: what is dropped meanwhile can still be read.
  const handle = await open(file).catch(() => null);
  return handle && { base, size, length, chunks: () => fileChunks(handle, start, length), close: () => handle.close() };
}
