import { SLACK_BYTES, WINDOW_BYTES } from './format';

/** What applying one delta writes to; of use again for the next. The system gives memory only when it is written to. */
export interface PatchSpace {
  /** A window of the target. */
  target: Buffer;
  /** A window of the delta. */
  parts: Buffer;
  /** Those of `PagedReader`s, as far as there were any. */
  pages: Buffer[];
  /** As many as there may be of them. */
  mostPages: number;
}

export function newPatchSpace(mostPages = 32): PatchSpace {
  return {
    target: Buffer.allocUnsafeSlow(WINDOW_BYTES),
    parts: Buffer.allocUnsafeSlow(WINDOW_BYTES + SLACK_BYTES),
    pages: [],
    mostPages,
  };
}
