/** Deltas against a file of which only the outline is known. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { badData } from '../../../src/core/bad-data';
import { findCommon } from '../../../src/core/delta/common';
import { unpack } from '../../../src/core/delta/gzip/file';
import {
  hashesIn,
  hashesLength,
  hashOf,
  isShape,
  leaving,
  MOST_OUTLINE_BYTES,
  NO_OUTLINE,
  type Outline,
  outlineOf,
  rollable,
  type Shape,
  shapeFor,
} from '../../../src/core/delta/outline';
import { applyOutlined, encodeOutlined, longestOutlined } from '../../../src/core/delta/outlined';
import { memoryReader } from '../../../src/core/delta/reader';
import { commonOfBase, commonOfTarget, encodeRuns, longestRuns } from '../../../src/core/delta/runs';
import { Scratch } from '../../../src/core/delta/scratch';
import { withCode } from '../assert-error';

const scratch = new Scratch();

function encoded(outline: Outline, target: Buffer): Buffer | null {
  const { parts, most } = encodeOutlined(outline, memoryReader(target), scratch);
  const delta = Buffer.concat(Array.from(parts, part => Buffer.from(part)));
  return delta.length < most ? delta : null;
}

async function applied(base: Buffer, shape: Shape, delta: Buffer, size: number): Promise<Buffer> {
  let at = 0;
  const stream = {
    read: async (count: number) => {
      at += count;
      if (at > delta.length) throw badData('It ends too early.');
      return delta.subarray(at - count, at);
    },
    rest: async function* () {
      yield delta.subarray(at);
    },
  };
  const made: Buffer[] = [];
  for await (const piece of applyOutlined(memoryReader(base), shape, stream, size)) made.push(Buffer.from(piece));
  return Buffer.concat(made);
}

/** A file, and one made of pieces of it, moved and changed. */
const versions = fc
  .record({
    base: fc.uint8Array({ maxLength: 6000 }).chain(bytes => {
      return fc.nat(3).map(times => Buffer.concat(Array.from({ length: times + 1 }, () => Buffer.from(bytes))));
    }),
    pieces: fc.array(fc.tuple(fc.nat(20_000), fc.nat(5000), fc.uint8Array({ maxLength: 50 })), { maxLength: 8 }),
    blockBytes: fc.constantFrom(4, 8, 32, 64, 256, 1024),
    hashBits: fc.integer({ min: 8, max: 30 }),
  })
  .map(({ base, pieces, ...how }) => {
    const target = pieces.flatMap(([from, length, more]) => [base.subarray(from, from + length), Buffer.from(more)]);
    return { base, target: Buffer.concat(target), shape: { count: Math.floor(base.length / how.blockBytes), ...how } };
  });

test('rolling on by one byte gives what the next block gives', () => {
  const anyBytes = fc.uint8Array({ minLength: 5, maxLength: 300 });
  fc.assert(
    fc.property(anyBytes, fc.nat(), (array, cut) => {
      const bytes = Buffer.from(array);
      const blockBytes = 1 + (cut % (bytes.length - 1));
      const gone = leaving(blockBytes)[bytes[0]!]!;
      const rolled = Math.imul(rollable(bytes, 0, blockBytes), 0x01000193) + bytes[blockBytes]! + 1 - gone;
      assert.equal(rolled | 0, rollable(bytes, 1, blockBytes));
    }),
  );
});

/** So many that chance makes no block look like another. */
const SURE = 30;

test('hashes are packed bit by bit', async () => {
  await fc.assert(
    fc.asyncProperty(versions, async ({ base, shape }) => {
      const outline = await outlineOf(memoryReader(base), shape);
      assert.equal(outline.hashes.length, hashesLength(shape));
      const hashes = [...hashesIn(outline)];
      for (const [block, hash] of hashes.entries()) {
        assert.equal(hash, hashOf(rollable(base, block * shape.blockBytes, shape.blockBytes), shape.hashBits));
      }
      const bits = hashes.map(hash => [...hash.toString(2).padStart(shape.hashBits, '0')].reverse().join('')).join('');
      const sent = [...outline.hashes].map(byte => [...byte.toString(2).padStart(8, '0')].reverse().join('')).join('');
      assert.equal(sent, bits.padEnd(sent.length, '0'));
    }),
  );
});

test('what is found is there', async () => {
  await fc.assert(
    fc.asyncProperty(versions, async ({ base, target, shape }) => {
      const { blockBytes } = shape;
      const outline = await outlineOf(memoryReader(base), { ...shape, hashBits: SURE });
      for (const [block, place] of findCommon(outline, memoryReader(target)).entries()) {
        if (place < 0) continue;
        const bytes = base.subarray(block * blockBytes, (block + 1) * blockBytes);
        assert.deepEqual(target.subarray(place, place + blockBytes), bytes);
      }
    }),
  );
});

/** Bytes that are no two times alike, and none above 199. */
const unlike = (size: number) => Buffer.from(randomBytes(size).map(byte => byte % 200));

test('of what was moved nothing is overlooked that has two whole blocks', async () => {
  const stretches = fc.array(fc.tuple(fc.nat(20_000), fc.nat(5000), fc.integer({ min: 1, max: 50 })), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(stretches, fc.constantFrom(8, 31, 64, 128, 256), async (pieces, blockBytes) => {
      const base = unlike(20_000);
      const parts = pieces.flatMap(([from, length, more]) => [
        base.subarray(from, from + length),
        Buffer.alloc(more, 255),
      ]);
      const shape = { count: Math.floor(base.length / blockBytes), blockBytes, hashBits: SURE };
      const places = findCommon(await outlineOf(memoryReader(base), shape), memoryReader(Buffer.concat(parts)));
      for (const [from, length] of pieces) {
        const first = Math.ceil(from / blockBytes);
        const end = Math.floor(Math.min(from + length, base.length) / blockBytes);
        for (let block = first; end - first > 1 && block < end; block++) assert.notEqual(places[block], -1);
      }
    }),
  );
});

test('single blocks are found where they would stand if nothing had moved', async () => {
  const changes = fc.uniqueArray(fc.nat(99), { maxLength: 100 });
  await fc.assert(
    fc.asyncProperty(changes, fc.nat(300), fc.nat(98), async (changed, inserted, pair) => {
      const base = unlike(100 * 64);
      const target = Buffer.from(base);
      for (const block of changed) if (block !== pair && block !== pair + 1) target[block * 64 + 7] = 255;
      const outline = await outlineOf(memoryReader(base), { count: 100, blockBytes: 64, hashBits: SURE });
      const moved = Buffer.concat([Buffer.alloc(inserted, 255), target]);
      const places = findCommon(outline, memoryReader(moved));
      for (let block = 0; block < 100; block++) {
        const same = target.subarray(block * 64, block * 64 + 64).equals(base.subarray(block * 64, block * 64 + 64));
        assert.equal(places[block], same ? inserted + block * 64 : -1);
      }
    }),
  );
});

test('both sides put the same together', async () => {
  await fc.assert(
    fc.asyncProperty(versions, fc.nat(), fc.nat(), async ({ base, target, shape }, from, count) => {
      const outline = await outlineOf(memoryReader(base), { ...shape, hashBits: SURE });
      const places = findCommon(outline, memoryReader(target));
      const runs = encodeRuns(places);
      assert.ok(runs.length <= longestRuns(shape));
      const theirs = commonOfTarget(memoryReader(target), places, shape.blockBytes);
      const ours = commonOfBase(memoryReader(base), runs, shape);
      assert.equal(ours.size, theirs.size);
      const position = from % (ours.size + 1);
      const [one, other] = [Buffer.alloc(count % 9000), Buffer.alloc(count % 9000)];
      assert.equal(await ours.read(one, position), Math.min(one.length, ours.size - position));
      theirs.read(other, position);
      assert.deepEqual(one, other);
    }),
  );
});

test('any file comes out again, or is sent as it is', async () => {
  await fc.assert(
    fc.asyncProperty(versions, async ({ base, target, shape }) => {
      const outline = await outlineOf(memoryReader(base), { ...shape, hashBits: SURE });
      const delta = encoded(outline, target);
      if (delta === null) return;
      assert.ok(delta.length <= longestOutlined(outline, target.length));
      assert.deepEqual(await applied(base, outline, delta, target.length), target);
    }),
  );
});

test('gzip files are compared unpacked, and packed again as they were', async () => {
  const words = randomBytes(50_000).toString('base64');
  const pack = (text: string) => execFileSync('gzip', ['-9n'], { input: text, maxBuffer: 1 << 24 });
  const [base, target] = [pack(`before ${words}`), pack(`behind, and more ${words}`)];
  const unpacked = Buffer.concat([...unpack(base)!.parts()]);
  const outline = await outlineOf(memoryReader(unpacked), shapeFor(unpacked.length, target.length));
  const delta = encoded(outline, target)!;
  assert.ok(delta.length < 2000, `${delta.length} bytes`);
  assert.deepEqual(await applied(unpacked, outline, delta, target.length), target);
  // Without anything in common it is still unpacked: many small texts are small together.
  const alone = encoded(NO_OUTLINE, target)!;
  assert.ok(alone.length > words.length);
  assert.deepEqual(await applied(Buffer.alloc(0), NO_OUTLINE, alone, target.length), target);
  assert.equal(encoded(NO_OUTLINE, unpacked), null);
});

test('a file of many megabytes, found across the borders of what is read at once', async () => {
  const base = randomBytes(5 << 20);
  const target = Buffer.concat([randomBytes(777), base.subarray(0, 3 << 20), Buffer.alloc(5), base.subarray(3 << 20)]);
  const shape = shapeFor(base.length, target.length);
  const outline = await outlineOf(memoryReader(base), shape);
  const places = findCommon(outline, memoryReader(target));
  assert.ok(places.filter(place => place < 0).length <= 1);
  const delta = encoded(outline, target)!;
  assert.ok(delta.length < 20_000, `${delta.length} bytes`);
  assert.ok((await applied(base, outline, delta, target.length)).equals(target));
});

test('whatever a stranger sends, what comes out has the right size, or it is an error', async () => {
  const size = fc.nat(3000);
  await fc.assert(
    fc.asyncProperty(versions, fc.uint8Array({ maxLength: 400 }), size, async ({ base, shape }, bytes, targetSize) => {
      try {
        assert.equal((await applied(base, shape, Buffer.from(bytes), targetSize)).length, targetSize);
      } catch (error) {
        withCode('bad-data')(error);
      }
    }),
  );
});

test('whatever an outline says, blocks are found in bounded time', async () => {
  // Two blocks of the target, a hundred of nothing, two blocks … : between each and the next lie two lines through all of the target.
  const target = randomBytes(1 << 16);
  const many: Buffer[] = [];
  for (let at = 0; at + 32 <= target.length; at += 200) many.push(target.subarray(at, at + 32), randomBytes(1600));
  const base = Buffer.concat(many);
  const shape: Shape = { count: Math.floor(base.length / 16), blockBytes: 16, hashBits: SURE };
  const outline = await outlineOf(memoryReader(base), shape);
  assert.ok(isShape(shape));
  let read = 0;
  const counting = {
    size: target.length,
    read: (into: Buffer, position: number) => {
      read += into.length;
      return target.copy(into, 0, position);
    },
  };
  assert.ok(findCommon(outline, counting).some(place => place >= 0));
  assert.ok(read > 4 * target.length, 'the lines were followed');
  assert.ok(read < 6 * target.length, `${read / target.length} times all of it`);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), fc.uint8Array({ maxLength: 5000 }), (hashes, bytes) => {
      const made = { count: hashes.length, blockBytes: 8, hashBits: 8, hashes: Buffer.from(hashes) };
      assert.equal(findCommon(made, memoryReader(Buffer.from(bytes))).length, made.count);
    }),
  );
});

test('an outline stays small, however large the file', () => {
  const sizes = fc.integer({ min: 0, max: 2 ** 40 });
  fc.assert(
    fc.property(sizes, sizes, (size, targetSize) => {
      const shape = shapeFor(size, targetSize);
      if (shape.blockBytes <= 1 << 20) assert.ok(isShape(shape));
      assert.ok(hashesLength(shape) <= MOST_OUTLINE_BYTES);
    }),
  );
});
