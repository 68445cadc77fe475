import { SLACK_BYTES, WINDOW_BYTES } from './format';

/** As many deltas as are applied at once: more that lies about helps nobody. */
const MOST_SPACES = 3;

/** What applying one delta writes to. The system gives memory only when it is written to. */
export interface PatchSpace {
  /** A window of the target. */
  target: Buffer;
  /** A window of the delta. */
  parts: Buffer;
  /** Those of a `PagedReader`, as far as there were any. */
  pages: Buffer[];
}

/**
 * Memory that applying one delta after the other uses. Each takes up to 4 MB, and what is merely dropped stays in the process until
 * somebody collects it. Lives as long as one fetch.
 */
export class PatchMemory {
  private readonly free: PatchSpace[] = [];

  take(): PatchSpace {
    return (
      this.free.pop() ?? {
        target: Buffer.allocUnsafeSlow(WINDOW_BYTES),
        parts: Buffer.allocUnsafeSlow(WINDOW_BYTES + SLACK_BYTES),
        pages: [],
      }
    );
  }

  give(space: PatchSpace): void {
    if (this.free.length < MOST_SPACES) this.free.push(space);
  }
}
