/**
 * What two files have in common, by the outline of one of them: runs of its blocks, in its order. Put together they are a base that
 * both sides have, each made from its own file. docs/formats.md, "Outline".
 */
import { badData } from '../bad-data';
import type { Shape } from './outline';
import type { RandomReader, SyncReader } from './reader';
import { ByteSink, ByteSource } from './varint';

/** A stretch of a file that stands at `at` in what is put together. All in bytes. */
interface Stretch {
  at: number;
  from: number;
  length: number;
}

/** Two numbers a run, and each takes three bytes at most: there are never 2^21 blocks. */
export function longestRuns({ count }: Shape): number {
  return 6 * Math.ceil(count / 2);
}

/** @param places of each block in the target, as `findCommon` gives them */
export function encodeRuns(places: Float64Array): Buffer {
  const sink = new ByteSink();
  let last = 0;
  for (let block = 0; block < places.length; ) {
    if (places[block]! < 0) {
      block++;
      continue;
    }
    const first = block;
    while (block < places.length && places[block]! >= 0) block++;
    sink.number(first - last);
    sink.number(block - first);
    last = block;
  }
  return sink.written;
}

/** What is in common as the one sees it who has the target. */
export function commonOfTarget(target: SyncReader, places: Float64Array, blockBytes: number): SyncReader {
  const found = places.filter(place => place >= 0);
  const stretches: Stretch[] = [];
  for (const [index, from] of found.entries()) {
    const last = stretches.at(-1);
    if (last && last.from + last.length === from) last.length += blockBytes;
    else stretches.push({ at: index * blockBytes, from, length: blockBytes });
  }
  return {
    size: found.length * blockBytes,
    read: (into, position) => {
      let done = 0;
      for (const { from, length } of parts(stretches, position, into.length)) {
        done += target.read(into.subarray(done, done + length), from);
      }
      return done;
    },
  };
}

/**
 * What is in common as the one sees it who has the outlined file, from runs that a stranger sent.
 * @throws PassItOnError 'bad-data' unless they are runs of blocks that the outline has, in its order
 */
export function commonOfBase(base: RandomReader, runs: Buffer, { count, blockBytes }: Shape): RandomReader {
  const source = new ByteSource(runs, 'runs of a delta');
  const stretches: Stretch[] = [];
  let size = 0;
  for (let block = 0; source.left > 0; ) {
    const first = block + source.number(count - block);
    const blocks = source.number(count - first);
    if (blocks === 0) throw badData('A delta has a run of no blocks.');
    stretches.push({ at: size, from: first * blockBytes, length: blocks * blockBytes });
    size += blocks * blockBytes;
    block = first + blocks;
  }
  return {
    size,
    read: async (into, position) => {
      let done = 0;
      for (const { from, length } of parts(stretches, position, into.length)) {
        const count = base.read(into.subarray(done, done + length), from);
        done += typeof count === 'number' ? count : await count;
      }
      return done;
    },
  };
}

/** Where in the file the bytes stand that are at `position` and behind. */
function* parts(
  stretches: readonly Stretch[],
  position: number,
  count: number,
): Generator<{ from: number; length: number }> {
  let low = 0;
  for (let high = stretches.length; low < high; ) {
    const middle = (low + high) >> 1;
    const { at, length } = stretches[middle]!;
    if (at + length <= position) low = middle + 1;
    else high = middle;
  }
  for (let left = count, next = position; left > 0 && low < stretches.length; low++) {
    const { at, from, length } = stretches[low]!;
    const skipped = next - at;
    const taken = Math.min(left, length - skipped);
    yield { from: from + skipped, length: taken };
    left -= taken;
    next += taken;
  }
}
