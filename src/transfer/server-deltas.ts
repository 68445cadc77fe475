/**
 * Deltas between two blobs that this laptop happens to hold, made when somebody asks, in a thread of its own, and kept
 * for the next classmate in a cache that can be thrown away at any time.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Oid } from '../core/object';
import type { Store } from '../store/store';
import type { DeltaDone, DeltaOrder } from './delta-worker';

export interface DeltaContent {
  base: Oid;
  /** Of the delta, in bytes. */
  length: number;
  /** Of the blob it makes, in bytes. */
  size: number;
  /** To be read once. */
  chunks(): AsyncGenerator<Buffer>;
  /** For one that is not read to its end. */
  close(): Promise<void>;
}

const MEMORY_BYTES = 16 << 20;
const DISK_BYTES = 512 << 20;
const READ_BYTES = 256 << 10;

/** What is known of a delta; `bytes` where it is short, else it is in a file. */
interface Made {
  size: number;
  length: number;
  bytes: Buffer | null;
}

export class Deltas {
  private readonly folder: string;
  private worker: Worker | null = null;
  private orders = 0;
  private readonly waiting = new Map<number, (done: DeltaDone | null) => void>();
  private readonly making = new Map<string, Promise<Made | null>>();
  /** In the order of their last use. */
  private readonly made = new Map<string, Made>();

  constructor(
    private readonly store: Store,
    private readonly program: string,
  ) {
    this.folder = join(store.dir, 'cache', 'deltas');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The delta that makes `target` from the first of `bases` that is held; null where the whole is better. */
  async open(bases: readonly Oid[], target: Oid): Promise<DeltaContent | null> {
    for (const base of bases) if (await this.store.blobInfo(base)) return this.between(base, target);
    return null;
  }

  async close(): Promise<void> {
    for (const answer of this.waiting.values()) answer(null);
    await this.worker?.terminate();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async between(base: Oid, target: Oid): Promise<DeltaContent | null> {
    const key = `${base}-${target}`;
    let made = this.made.get(key) ?? null;
    if (made) this.made.delete(key);
    else {
      const making = this.making.get(key) ?? this.make(key, base, target).finally(() => this.making.delete(key));
      this.making.set(key, making);
      made = await making;
    }
    if (!made) return null;
    this.made.set(key, made);
    await this.evict();
    const { size, length, bytes } = made;
    if (bytes) return { base, size, length, chunks: () => once(bytes), close: async () => {} };
    // Opened at once: what is evicted meanwhile can still be read.
    const handle = await open(join(this.folder, key)).catch(() => null);
    return handle && { base, size, length, chunks: () => chunksOf(handle), close: () => handle.close() };
  }

  private async make(key: string, base: Oid, target: Oid): Promise<Made | null> {
    // Also says that their files are still what they were.
    const held = await Promise.all([this.store.blobInfo(base), this.store.blobInfo(target)]);
    if (held.includes(null)) return null;
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const paths = { base: this.store.blobPath(base), target: this.store.blobPath(target) };
    const done = await this.order({ id: this.orders++, ...paths, file: join(this.folder, key) });
    if (!done || done.error !== null || done.size !== held[1]!.size) return null;
    const bytes = done.bytes && Buffer.from(done.bytes);
    const length = bytes?.length ?? done.fileLength;
    return length === null ? null : { size: done.size, length, bytes };
  }

  private order(order: DeltaOrder): Promise<DeltaDone | null> {
    const worker = this.running();
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
    });
    const ended = () => {
      if (this.worker === worker) this.worker = null;
      for (const answer of this.waiting.values()) answer(null);
      this.waiting.clear();
    };
    worker.on('error', ended);
    worker.on('exit', ended);
    worker.unref();
    this.worker = worker;
    return worker;
  }

  /** Forgets what was not used for longest. */
  private async evict(): Promise<void> {
    let [memory, disk] = [0, 0];
    for (const { length, bytes } of this.made.values()) {
      if (bytes) memory += length;
      else disk += length;
    }
    for (const [key, { length, bytes }] of this.made) {
      if (memory <= MEMORY_BYTES && disk <= DISK_BYTES) return;
      if (bytes ? memory <= MEMORY_BYTES : disk <= DISK_BYTES) continue;
      this.made.delete(key);
      if (bytes) memory -= length;
      else {
        disk -= length;
        await rm(join(this.folder, key), { force: true });
      }
    }
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

async function* chunksOf(handle: FileHandle): AsyncGenerator<Buffer> {
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(READ_BYTES));
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}
