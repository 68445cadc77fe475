/**
 * The deltas made lately, in files that can be thrown away at any time. They are appended to one file; when that is full another
 * begins, and the one before the last goes: cheap, whether deltas are large or there are thousands of small ones.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

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

export class DeltaCache {
  /** In the order in which they were made; null where a delta is no shorter than the blob. */
  private readonly deltas = new Map<string, CachedDelta | null>();
  private readonly files: string[] = [];
  private begun = 0;

  constructor(private readonly folder: string) {
    this.clear();
  }

  /** Undefined when nothing is known of it. */
  get(key: string): CachedDelta | null | undefined {
    return this.deltas.get(key);
  }

  set(key: string, delta: CachedDelta | null): void {
    this.deltas.set(key, delta);
    for (const oldest of this.deltas.keys()) {
      if (this.deltas.size <= MOST_DELTAS) break;
      this.deltas.delete(oldest);
    }
    if (delta && delta.file === this.files.at(-1) && delta.start + delta.length >= FILE_BYTES) this.begin();
  }

  /** The file that the next delta is to be appended to. */
  get file(): string {
    return this.files.at(-1) ?? this.begin();
  }

  clear(): void {
    this.deltas.clear();
    this.files.length = 0;
    rmSync(this.folder, { recursive: true, force: true });
  }

  private begin(): string {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const file = join(this.folder, String(this.begun++));
    this.files.push(file);
    if (this.files.length > FILES) this.drop(this.files.shift()!);
    return file;
  }

  /** Whoever is reading it has it open, and can go on. */
  private drop(file: string): void {
    for (const [key, delta] of this.deltas) if (delta?.file === file) this.deltas.delete(key);
    rmSync(file, { force: true });
  }
}
