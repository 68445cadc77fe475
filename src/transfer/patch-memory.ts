import { newPatchSpace, type PatchSpace } from '../core/delta/patch-space';

/** So many deltas of more than a little are applied at once: each takes up to 4 MB. */
const MOST_LARGE = 2;
/** For targets up to here hardly anything of a space is written to. Bytes. */
const LITTLE_BYTES = 64 << 10;
/** Of a base, of 64 kB. */
const PAGES = { little: 4, large: 16 };
/** Where none of them has gone on for so long one more may: a laptop that stalls in the middle of a large file must not hold up the others. */
const PATIENCE_MS = 2_000;

/**
 * Memory that applying one delta after the other uses. What is merely dropped stays in the process until somebody collects it, and of
 * a class everybody sends at once. Lives as long as one fetch.
 */
export class PatchMemory {
  private readonly little: PatchSpace[] = [];
  private readonly large: PatchSpace[] = [];
  private largeInUse = 0;
  /** When a large one went on last, in ms. */
  private wentOn = 0;
  /** Those who wait for a large one, in the order in which they came. */
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly patience = PATIENCE_MS) {}

  /** What `work` gives, to which the space belongs as long as it runs; size: of its target, in bytes. */
  async *using(size: number, work: (space: PatchSpace) => AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
    const space = await this.take(size);
    try {
      for await (const piece of work(space)) {
        if (size > LITTLE_BYTES) this.wentOn = performance.now();
        yield piece;
      }
    } finally {
      this.give(space, size);
    }
  }

  private async take(size: number): Promise<PatchSpace> {
    if (size <= LITTLE_BYTES) return this.little.pop() ?? newPatchSpace(PAGES.little);
    if (this.largeInUse < MOST_LARGE || !(await this.turn())) this.largeInUse++;
    return this.large.pop() ?? newPatchSpace(PAGES.large);
  }

  private give(space: PatchSpace, size: number): void {
    if (size <= LITTLE_BYTES) {
      this.little.push(space);
      return;
    }
    if (this.large.length < MOST_LARGE) this.large.push(space);
    const next = this.largeInUse > MOST_LARGE ? undefined : this.waiting.shift();
    // Who waits gets the place of who leaves.
    if (next) next();
    else this.largeInUse--;
  }

  /** Resolves to whether somebody left a place, or patience is at its end. */
  private turn(): Promise<boolean> {
    const since = performance.now();
    return new Promise(resolve => {
      const go = () => {
        clearTimeout(timer);
        resolve(true);
      };
      const look = () => {
        const left = Math.max(since, this.wentOn) + this.patience - performance.now();
        if (left > 0) {
          timer = setTimeout(look, left);
          return;
        }
        this.waiting.splice(this.waiting.indexOf(go), 1);
        resolve(false);
      };
      let timer = setTimeout(look, this.patience);
      this.waiting.push(go);
    });
  }
}
