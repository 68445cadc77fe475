/** How a stream of frames or answers is compressed on its way, as one stream. */
import { type BrotliCompress, constants, createBrotliCompress } from 'node:zlib';
import type { Form } from './effort';

/** What is mostly in a stream: deltas have little in common with each other, whole files and trees have much. */
export type Content = 'deltas' | 'whole' | 'trees';

interface Effort {
  quality: number;
  windowBits: number;
}

/**
 * A compromise of bytes, a weak laptop's CPU and memory. Whole files take 0.65 % more with 20 bits than with 22, and 3.9 with 18.
 * docs/performance.md has what was measured.
 */
const WHOLE: Readonly<Record<Exclude<Form, 'raw'>, Effort>> = {
  delta: { quality: 5, windowBits: 20 },
  small: { quality: 9, windowBits: 20 },
};
/** For deltas, of bases and of outlines, where a larger window finds next to nothing more. */
const DELTAS: Effort = { quality: 5, windowBits: 18 };
/** For a class that asks at once, with which memory must not grow: half of that, for half a per cent more bytes. */
const CROWD: Effort = { quality: 5, windowBits: 16 };
/** So many get the first of these at one time; so many one of the first two, as many as somebody alone asks for. */
const FEW = 2;
const ALONE = 3;

/** Each chunk costs a way to another thread and back: node's 16 kB are too few. */
export const CHUNK_BYTES = 64 << 10;

let working = 0;

/** Null: as it is. */
export function compressorFor(form: Form, content: Content): BrotliCompress | null {
  if (form === 'raw') return null;
  const { quality, windowBits } =
    working >= ALONE ? CROWD : content !== 'deltas' && working < FEW ? WHOLE[form] : DELTAS;
  const compressor = createBrotliCompress({
    chunkSize: CHUNK_BYTES,
    params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_LGWIN]: windowBits },
  });
  working++;
  return compressor.once('close', () => working--);
}
