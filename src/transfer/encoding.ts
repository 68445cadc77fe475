/** How a frame stream is compressed on its way, as one stream. */
import { type BrotliCompress, constants, createBrotliCompress } from 'node:zlib';
import type { Form } from './effort';

/** `delta`: a good compromise between a weak laptop's CPU and a shared radio; docs/performance.md has what was measured. */
const QUALITY: Readonly<Record<Exclude<Form, 'raw'>, number>> = { delta: 5, small: 9 };
const WINDOW_BITS = 20;

/** Null: as it is. */
export function compressorFor(form: Form): BrotliCompress | null {
  if (form === 'raw') return null;
  return createBrotliCompress({
    params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY[form], [constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS },
  });
}
