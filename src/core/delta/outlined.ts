/**
 * A delta against a file of which only the outline is known: the runs of its blocks that the target has, too, and a delta whose base
 * is these blocks put together. docs/formats.md, "Outline".
 */
import { badData } from '../bad-data';
import { applyDelta } from './apply';
import { findCommon } from './common';
import { encodeOver, readPacked } from './encode';
import { longestDelta } from './format';
import { unpackSurely } from './gzip/file';
import type { Outline, Shape } from './outline';
import { PagedReader } from './paged';
import { newPatchSpace } from './patch-space';
import type { RandomReader, SyncReader } from './reader';
import { commonOfBase, commonOfTarget, encodeRuns, longestRuns } from './runs';
import type { Scratch } from './scratch';

/** How long the runs are, little endian. */
const LENGTH_BYTES = 3;

/** One that makes a file of so many bytes is no longer than this. */
export function longestOutlined(shape: Shape, targetSize: number): number {
  return LENGTH_BYTES + longestRuns(shape) + longestDelta(targetSize);
}

/**
 * @returns it in pieces, each valid until the next is asked for, as `encodeDelta` gives them, and how long it may be to be better than
 *   the whole target: a gzip file comes unpacked, which is longer, until it is compressed together with others
 * @throws PassItOnError 'damaged' when the target is shorter than its reader said
 */
export function encodeOutlined(
  outline: Outline,
  target: SyncReader,
  scratch: Scratch,
): { parts: Iterable<Buffer>; most: number } {
  const unpacked = readPacked(target, unpackSurely);
  const content = unpacked ?? target;
  const places = findCommon(outline, content);
  const runs = encodeRuns(places);
  if (unpacked === null && runs.length === 0) return { parts: [], most: 0 };
  const base = commonOfTarget(content, places, outline.blockBytes);
  const parts = (function* () {
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUIntLE(runs.length, 0, LENGTH_BYTES);
    yield length;
    yield runs;
    yield* encodeOver(base, target, unpacked, scratch);
  })();
  return { parts, most: unpacked === null ? target.size : Number.POSITIVE_INFINITY };
}

/**
 * The target, in pieces as `applyDelta` gives them, from the file whose outline was sent. Hardened like that.
 *
 * @param base as it was outlined: a gzip file unpacked
 * @param read takes exactly so many bytes of the beginning; `rest`: what follows
 * @throws PassItOnError as `applyDelta` does
 */
export async function* applyOutlined(
  base: RandomReader,
  shape: Shape,
  delta: { read(count: number): Promise<Buffer>; rest(): AsyncIterable<Buffer> },
  targetSize: number,
  space = newPatchSpace(),
): AsyncGenerator<Buffer> {
  const length = (await delta.read(LENGTH_BYTES)).readUIntLE(0, LENGTH_BYTES);
  if (length > longestRuns(shape)) throw badData(`A delta has ${length} bytes of runs of ${shape.count} blocks.`);
  const runs = await delta.read(length);
  const paged = base.isInMemory ? base : new PagedReader(base, space.pages, space.mostPages);
  try {
    yield* applyDelta(commonOfBase(paged, runs, shape), delta.rest(), targetSize, space);
  } finally {
    if (paged instanceof PagedReader) paged.close();
  }
}
