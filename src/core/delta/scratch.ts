import { LENGTH_BYTES, PARTS, SLACK_BYTES, WINDOW_BYTES } from './format';
import { ByteSink } from './varint';

/** The most of each that an encoder uses, in bytes: 11 MB together. */
const MOST = {
  blocks: 4 << 20,
  blockFilter: 1 << 20,
  near: 1 << 16,
  /** Pages of reader.ts. */
  pages: 4 << 20,
  read: 1 << 20,
  window: WINDOW_BYTES,
  /** A window of the delta. */
  made: PARTS * LENGTH_BYTES + WINDOW_BYTES + SLACK_BYTES,
} as const;

/**
 * Memory that one encoder after the other uses. What is merely dropped stays in the process until somebody collects it, which for
 * thousands of deltas in a row is far more than one of them needs; and what grows leaves holes behind. So each is taken once, as
 * large as it can ever be: the system gives memory only when it is written to.
 */
export class Scratch {
  /** Control, gaps, words, literals. */
  readonly sinks = [new ByteSink(), new ByteSink(), new ByteSink(), new ByteSink()] as const;
  private readonly held = new Map<string, ArrayBuffer>();

  /** MOST[purpose] bytes with anything in them; valid until the same is asked for again. */
  take(purpose: keyof typeof MOST): ArrayBuffer {
    const held = this.held.get(purpose) ?? new ArrayBuffer(MOST[purpose]);
    this.held.set(purpose, held);
    return held;
  }
}
