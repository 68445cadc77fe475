/** A blob out of its loose object (zlib, with git's header), as it comes. */
import { Readable } from 'node:stream';
import { createInflate } from 'node:zlib';
import { badData } from '../core/bad-data';

/** `blob ` and a length, at most. */
const MAX_HEADER_BYTES = 32;

/** What its header says in bytes; null unless it begins as a loose blob does. */
export function sizeIn(inflated: Buffer): number | null {
  const digits = /^blob (0|[1-9][0-9]{0,15})\0/.exec(inflated.toString('latin1', 0, MAX_HEADER_BYTES))?.[1];
  return digits === undefined ? null : Number(digits);
}

/**
 * First its size, then its content. Whoever reads checks that it is as long as that.
 * @throws PassItOnError 'bad-data' for something else; and what `compressed` throws
 */
export async function* looseBlob(compressed: AsyncIterable<Buffer>): AsyncGenerator<Buffer | number> {
  const inflate = createInflate();
  // Whatever breaks the one breaks the other, with its own reason.
  const input = Readable.from(compressed);
  input.on('error', cause => inflate.destroy(cause));
  input.pipe(inflate);
  let head: Buffer | null = Buffer.alloc(0);
  try {
    for await (const chunk of inflate as AsyncIterable<Buffer>) {
      if (head === null) {
        yield chunk;
        continue;
      }
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(0);
      if (end < 0 && head.length < MAX_HEADER_BYTES) continue;
      const size = sizeIn(head);
      if (size === null) throw badData('That is no loose blob.');
      yield size;
      if (end + 1 < head.length) yield head.subarray(end + 1);
      head = null;
    }
    if (head !== null) throw badData('A loose blob is cut off.');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code?.startsWith('Z_')) {
      throw badData('A loose blob cannot be unpacked.', { cause });
    }
    throw cause;
  } finally {
    input.destroy();
    inflate.destroy();
  }
}

/** What `looseBlob` gives, without the size and the first `from` bytes. */
export async function* contentFrom(parts: AsyncIterable<Buffer | number>, from: number): AsyncGenerator<Buffer> {
  let skip = from;
  for await (const part of parts) {
    if (typeof part === 'number') continue;
    const rest = part.subarray(skip);
    skip -= part.length - rest.length;
    if (rest.length > 0) yield rest;
  }
}
