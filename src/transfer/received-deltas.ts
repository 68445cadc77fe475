/**
 * Deltas that came from others and made the right blob, kept to be passed on as they are: of a class that upgrades at once one laptop
 * makes each delta, not all eight. They can be thrown away at any time.
 */
import { toPassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { type CachedDelta, DeltaCache, deltaKey } from './delta-cache';
import type { Spare } from './spare';

export interface DeltaFacts {
  base: Oid;
  target: Oid;
  /** Of the blob that it makes, in bytes. */
  size: number;
  /** Of the delta, in bytes. */
  length: number;
}

export class ReceivedDeltas {
  readonly cache: DeltaCache;
  private file = '';
  /** Of what has been given away of that file. */
  private end = 0;

  /** kept: is told of each that can be passed on. */
  constructor(
    folder: string,
    private readonly kept: (key: string, delta: CachedDelta) => void = () => {},
  ) {
    this.cache = new DeltaCache(folder);
  }

  /** A place for one that is on its way; null where it is not worth keeping, or there is no room for it. */
  begin({ base, target, size, length }: DeltaFacts, spare: Spare): ArrivingDelta | null {
    const key = deltaKey(base, target);
    if (length >= size || this.cache.get(key) || !spare.take(length)) return null;
    const { file } = this.cache;
    if (file !== this.file) {
      this.file = file;
      this.end = 0;
    }
    const start = this.end;
    this.end += length;
    return new ArrivingDelta(this.cache, key, { file, start, length, size }, this.kept);
  }
}

/** One that is on its way. */
export class ArrivingDelta {
  private written = 0;
  private isLost = false;

  constructor(
    private readonly cache: DeltaCache,
    private readonly key: string,
    private readonly place: CachedDelta,
    private readonly kept: (key: string, delta: CachedDelta) => void,
  ) {}

  /** What comes next of it. Where it cannot be written down, nobody is given it. */
  write(chunk: Buffer): void {
    if (this.isLost) return;
    const { file, start, length } = this.place;
    const position = start + this.written;
    this.written += chunk.length;
    if (this.written > length) this.isLost = true;
    else this.isLost = !this.wrote(file, chunk, position);
  }

  /** It made what it should. */
  keep(): void {
    if (this.isLost || this.written !== this.place.length) return;
    this.cache.set(this.key, this.place);
    this.kept(this.key, this.place);
  }

  private wrote(file: string, chunk: Buffer, position: number): boolean {
    try {
      return this.cache.write(file, chunk, position);
    } catch (cause) {
      // It is only kept to save others' work.
      if (toPassItOnError(cause).code === 'no-space') return false;
      throw cause;
    }
  }
}
