/**
 * The deltas made lately, in files that can be thrown away at any time. They are appended to one file; when that is full another
 * begins, and the one before the last goes: cheap, whether deltas are large or there are thousands of small ones.
 */
import { closeSync, constants, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Oid } from '../core/object';

/** Where a delta is, and of how many bytes the blob is that it makes. */
export interface CachedDelta {
  file: string;
  start: number;
  length: number;
  size: number;
}

const FILE_BYTES = 256 << 20;
const FILES = 2;
/** What is remembered of each takes memory. */
const MOST_DELTAS = 50_000;
/** When nobody has asked for so long, the class has what it wanted, and the disk gets its room back. */
const FORGET_MS = 15 * 60_000;

/** What a delta is remembered by. base: its oid, or what stands for it. */
export function deltaKey(base: string, target: Oid): string {
  return `${base}-${target}`;
}

export class DeltaCache {
  /** In the order in which they were made; null where a delta is no shorter than the blob. */
  private readonly deltas = new Map<string, CachedDelta | null>();
  /** The files there are, the last one being written to, with their descriptors where they have been needed. */
  private readonly files = new Map<string, number | null>();
  private last: string | null = null;
  private begun = 0;
  private forgetting: NodeJS.Timeout | null = null;

  constructor(private readonly folder: string) {
    this.clear();
  }

  /** Undefined when nothing is known of it. */
  get(key: string): CachedDelta | null | undefined {
    this.forgetting?.refresh();
    return this.deltas.get(key);
  }

  set(key: string, delta: CachedDelta | null): void {
    this.forgetting ??= setTimeout(() => this.clear(), FORGET_MS).unref();
    this.deltas.set(key, delta);
    for (const oldest of this.deltas.keys()) {
      if (this.deltas.size <= MOST_DELTAS) break;
      this.deltas.delete(oldest);
    }
    if (delta && delta.file === this.last && delta.start + delta.length >= FILE_BYTES) this.begin();
  }

  /** Another thread keeps deltas in this cache's folder, and has made this one. */
  adopt(key: string, delta: CachedDelta): void {
    if (!this.files.has(delta.file)) {
      this.files.set(delta.file, null);
      this.dropOldest();
    }
    this.set(key, delta);
  }

  /** A folder for that. */
  folderOf(thread: number): string {
    return join(this.folder, `thread-${thread}`);
  }

  /** The file that the next delta is to be appended to. */
  get file(): string {
    return this.last ?? this.begin();
  }

  /** A delta in one piece; null where it has been dropped. */
  read({ file, start, length }: CachedDelta): Buffer | null {
    const descriptor = this.opened(file);
    if (descriptor === null) return null;
    const bytes = Buffer.allocUnsafe(length);
    return readSync(descriptor, bytes, 0, length, start) === length ? bytes : null;
  }

  /** Writes a part of a delta where its place is. False where its file has been dropped. Throws like write(2). */
  write(file: string, chunk: Buffer, position: number): boolean {
    const descriptor = this.opened(file);
    if (descriptor === null) return false;
    for (let at = 0; at < chunk.length; ) {
      at += writeSync(descriptor, chunk, at, chunk.length - at, position + at);
    }
    return true;
  }

  clear(): void {
    if (this.forgetting) clearTimeout(this.forgetting);
    this.forgetting = null;
    this.deltas.clear();
    for (const file of [...this.files.keys()]) this.close(file);
    this.last = null;
    rmSync(this.folder, { recursive: true, force: true });
  }

  private begin(): string {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const file = join(this.folder, String(this.begun++));
    this.files.set(file, null);
    this.last = file;
    this.dropOldest();
    return file;
  }

  private dropOldest(): void {
    for (const oldest of this.files.keys()) {
      if (this.files.size <= FILES) break;
      if (oldest !== this.last) this.drop(oldest);
    }
  }

  /** Null where it has been dropped. */
  private opened(file: string): number | null {
    const known = this.files.get(file);
    if (known === undefined) return null;
    const descriptor = known ?? openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600);
    this.files.set(file, descriptor);
    return descriptor;
  }

  private close(file: string): void {
    const descriptor = this.files.get(file);
    this.files.delete(file);
    if (typeof descriptor === 'number') closeSync(descriptor);
  }

  /** Whoever is reading it has it open, and can go on. */
  private drop(file: string): void {
    for (const [key, delta] of this.deltas) if (delta?.file === file) this.deltas.delete(key);
    this.close(file);
    rmSync(file, { force: true });
  }
}
