/**
 * The body of `POST /objects` (docs/protocol.md): a line for each blob, `oid base-oid* [outline] [offset]`; where there are outlines
 * an empty line, and then their hashes.
 */
import { hashesLength, isShape, type Outline } from '../core/delta/outline';
import { PassItOnError } from '../core/errors';
import { isOid } from '../core/object';
import type { AskedBlob } from './source';

/** Some 10,000 lines; asking for more takes another request. */
export const MAX_REQUEST_BYTES = 1 << 20;

/** Without bases: the blobs as they are. */
export function encodeRequest(asked: readonly AskedBlob[], bases: boolean): Buffer {
  const lines: string[] = [];
  const hashes: Buffer[] = [];
  for (const one of asked) {
    const words: (string | number)[] = [one.oid];
    if (bases) words.push(...one.bases);
    if (bases && one.outline) {
      const { count, blockBytes, hashBits } = one.outline;
      words.push(`~${count},${blockBytes},${hashBits}`);
      hashes.push(one.outline.hashes);
    }
    if (one.offset) words.push(one.offset);
    lines.push(`${words.join(' ')}\n`);
  }
  if (hashes.length > 0) lines.push('\n');
  return Buffer.concat([Buffer.from(lines.join(''), 'latin1'), ...hashes]);
}

/** @throws PassItOnError 'bad-data' */
export function parseRequest(body: Buffer): AskedBlob[] {
  const end = body.indexOf('\n\n');
  const lines = body.toString('latin1', 0, end < 0 ? body.length : end).split('\n');
  let rest = end < 0 ? Buffer.alloc(0) : body.subarray(end + 2);
  const asked = lines.filter(line => line !== '').map(parseLine);
  for (const { outline } of asked) {
    if (!outline) continue;
    const length = hashesLength(outline);
    if (length > rest.length) throw malformed('has too few hashes');
    outline.hashes = rest.subarray(0, length);
    rest = rest.subarray(length);
  }
  if (rest.length > 0) throw malformed('has something behind its end');
  return asked;
}

/** The hashes of its outline are still to come. */
function parseLine(line: string): AskedBlob {
  const words = line.split(' ');
  const offset = words.length > 1 && OFFSET.test(words.at(-1)!) ? Number(words.pop()) : 0;
  const outline = words.length > 1 ? parseShape(words.at(-1)!) : undefined;
  if (outline) words.pop();
  if (!words.every(isOid)) throw malformed('names something that is not an object');
  return { oid: words[0]!, bases: words.slice(1), offset, ...(outline && { outline }) };
}

/** In decimal, in bytes: much shorter than an oid. */
const OFFSET = /^[1-9][0-9]{0,14}$/;
/** Blocks, bytes of a block, bits of each hash. */
const SHAPE = /^~(\d{1,7}),(\d{1,7}),(\d{1,2})$/;

function parseShape(word: string): Outline | undefined {
  const numbers = SHAPE.exec(word);
  if (!numbers) return undefined;
  const [count, blockBytes, hashBits] = numbers.slice(1).map(Number) as [number, number, number];
  const shape = { count, blockBytes, hashBits };
  if (!isShape(shape)) throw malformed('has an outline that nobody can have meant');
  return { ...shape, hashes: Buffer.alloc(0) };
}

function malformed(what: string): PassItOnError {
  return new PassItOnError('bad-data', `A request ${what}.`, 'Ask as docs/protocol.md says.');
}
