/** Files in memory as bases, targets and deltas. */
import fc from 'fast-check';
import { applyDelta } from '../../../src/core/delta/apply';
import { encodeDelta } from '../../../src/core/delta/encode';
import { memoryReader } from '../../../src/core/delta/reader';
import type { Scratch } from '../../../src/core/delta/scratch';

export function encode(base: Buffer, target: Buffer, scratch?: Scratch): Buffer {
  const pieces = encodeDelta(memoryReader(base), memoryReader(target), scratch);
  return Buffer.concat(Array.from(pieces, piece => Buffer.from(piece)));
}

/** The bytes in pieces that end at these places, or as they are. */
export async function* cut(bytes: Buffer, cuts: readonly number[] = []): AsyncGenerator<Buffer> {
  let from = 0;
  for (const end of [...cuts.filter(at => at < bytes.length).sort((a, b) => a - b), bytes.length]) {
    yield bytes.subarray(from, end);
    from = end;
  }
}

export async function apply(
  base: Buffer,
  delta: Buffer,
  targetSize: number,
  cuts?: readonly number[],
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of applyDelta(memoryReader(base), cut(delta, cuts), targetSize))
    pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

/** Numbers that look random and are the same each time (xorshift32). */
export class Dice {
  constructor(private state: number) {}

  /** 0 to most - 1. */
  below(most: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % most;
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count);
    for (let at = 0; at < count; at++) bytes[at] = this.below(256);
    return bytes;
  }
}

type Edit = (file: Buffer, at: number, length: number, dice: Dice) => Buffer;

/** What happens to a file from version to version. */
const EDITS: Record<string, Edit> = {
  insert: (file, at, length, dice) => Buffer.concat([file.subarray(0, at), dice.bytes(length), file.subarray(at)]),
  delete: (file, at, length) => Buffer.concat([file.subarray(0, at), file.subarray(at + length)]),
  repeat: (file, at, length) => Buffer.concat([file.subarray(0, at + length), file.subarray(at)]),
  move: (file, at, length) =>
    Buffer.concat([file.subarray(at, at + length), file.subarray(0, at), file.subarray(at + length)]),
  overwrite: (file, at, length, dice) => {
    const changed = Buffer.from(file);
    return changed.fill(dice.bytes(Math.max(1, length)), at, at + length);
  },
  bytes: (file, at, length, dice) => {
    const changed = Buffer.from(file);
    for (let next = at; next < at + length; next += 1 + dice.below(60)) changed[next] = dice.below(256);
    return changed;
  },
  addresses: (file, at, length, dice) => {
    const changed = Buffer.from(file);
    const by = dice.below(4000) - 2000;
    for (let next = at; next + 4 <= Math.min(at + length, file.length); next += 4 + dice.below(40)) {
      changed.writeInt32LE((changed.readInt32LE(next) + by) | 0, next);
    }
    return changed;
  },
};

export interface FilePair {
  base: Buffer;
  target: Buffer;
}

const content: fc.Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array({ maxLength: 64 }).map(bytes => Buffer.from(bytes)),
  fc.uint8Array({ maxLength: 5000, size: 'max' }).map(bytes => Buffer.from(bytes)),
  // Few different bytes and long runs of one, as in tables: many places look alike.
  fc
    .array(fc.tuple(fc.constantFrom(0, 0, 1, 255), fc.nat({ max: 40 })), { maxLength: 200, size: 'max' })
    .map(runs => Buffer.concat(runs.map(([byte, length]) => Buffer.alloc(length, byte)))),
);

/** A file and what became of it. */
export const filePair: fc.Arbitrary<FilePair> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({
        base: content,
        seed: fc.integer({ min: 1 }),
        edits: fc.array(fc.tuple(fc.constantFrom(...Object.values(EDITS)), fc.nat(), fc.nat({ max: 600 })), {
          maxLength: 12,
        }),
      })
      .map(({ base, seed, edits }) => {
        const dice = new Dice(seed);
        let target = base;
        for (const [edit, at, length] of edits) {
          const place = at % (target.length + 1);
          target = edit(target, place, Math.min(length, target.length - place), dice);
        }
        return { base, target };
      }),
  },
  { weight: 1, arbitrary: fc.record({ base: content, target: content }) },
);
