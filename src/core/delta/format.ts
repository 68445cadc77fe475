import { MOST_UNPACKED_BYTES } from './gzip/file';

/**
 * The delta of one file against another: docs/formats.md, "Delta". Both sides know the sizes of both files.
 *
 *     delta  = form [length] window*      ; each window makes the next WINDOW_BYTES of the target, the last one what is left
 *     window = 4length control gaps words literals   ; the lengths of the four parts in bytes, then the parts
 *     step   = number number number       ; the control's: seek (signed), take, literal
 */

/** Of what the windows make one from the other. With the last two, `length` is that of the unpacked target. */
export const FORM = { plain: 0, targetUnpacked: 1, bothUnpacked: 2 } as const;

/** A decoder holds one window and what makes it, however large the file is. */
export const WINDOW_BYTES = 1 << 20;

/** The four parts together are no longer than what they make and this: all of it as one literal always fits. */
export const SLACK_BYTES = 16;

/** Differences are those of numbers of so many bytes, little endian: as wide as most addresses that move. */
export const WORD_BYTES = 4;

/** Control, gaps, words, literals. */
export const PARTS = 4;

/** A length, little endian. */
export const LENGTH_BYTES = 3;

/** A step must be worth it: this bounds what a hostile delta can make a reader seek. */
export function mostSteps(windowBytes: number): number {
  return 1 + Math.floor(windowBytes / 16);
}

/** Deflate makes nothing smaller than by this (zlib's algorithm.txt). */
const MOST_PACKED = 1032;

/** A delta that makes a file of so many bytes is no longer than this; who is promised a longer one need not read it. */
export function longestDelta(targetSize: number): number {
  const makes = Math.max(targetSize, Math.min(targetSize * MOST_PACKED, MOST_UNPACKED_BYTES));
  return 1 + LENGTH_BYTES + makes + Math.ceil(makes / WINDOW_BYTES) * (PARTS * LENGTH_BYTES + SLACK_BYTES);
}
