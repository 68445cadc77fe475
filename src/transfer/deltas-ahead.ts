import type { Oid } from '../core/object';

/** A delta that is likely to be asked for. */
export interface ToMake {
  base: Oid;
  target: Oid;
  /** Of the target, in bytes. */
  size: number;
}

/** As many are made at once as make so many bytes: whoever asks for another one meanwhile need not wait long. */
const AT_ONCE_BYTES = 256 << 10;
/** Whoever asks for trees again and again adds no more than these. */
const MOST = 10_000;

/**
 * Deltas that are made while nobody waits for any. Who has been told what differs between two images takes a moment to make a plan of it,
 * and later has one answer to take in before it asks for the next.
 */
export class DeltasAhead {
  private row: ToMake[] = [];
  private isMaking = false;

  /** make: what fails fails again when it is asked for, and is told there. isIdle: nobody waits for a delta. */
  constructor(
    private readonly make: (one: ToMake) => Promise<unknown>,
    private readonly isIdle: () => boolean,
  ) {}

  add(more: readonly ToMake[]): void {
    this.row.push(...more.slice(0, MOST - this.row.length));
    this.goOn();
  }

  /** To be called when nobody waits for a delta any more. */
  goOn(): void {
    if (this.isMaking || this.row.length === 0 || !this.isIdle()) return;
    let count = 0;
    for (let bytes = 0; count < this.row.length && bytes < AT_ONCE_BYTES; count++) bytes += this.row[count]!.size;
    this.isMaking = true;
    void Promise.allSettled(this.row.splice(0, count).map(this.make)).then(() => {
      this.isMaking = false;
      this.goOn();
    });
  }

  stop(): void {
    this.row = [];
  }
}
