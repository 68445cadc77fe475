import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { applyDelta } from '../../../src/core/delta/apply';
import { longestDelta, WINDOW_BYTES } from '../../../src/core/delta/format';
import { memoryReader } from '../../../src/core/delta/reader';
import { Scratch } from '../../../src/core/delta/scratch';
import { apply, cut, Dice, encode, filePair } from './files';

const cuts = fc.array(fc.nat({ max: 6000 }), { maxLength: 6 });

/** Fails unless the delta makes the target from the base; gives its length. */
async function roundTrip(base: Buffer, target: Buffer, at: readonly number[] = []): Promise<Buffer> {
  const delta = encode(base, target);
  assert.ok((await apply(base, delta, target.length, at)).equals(target));
  assert.ok(delta.length <= longestDelta(target.length));
  return delta;
}

test('a file and what became of it: the delta makes one of the other, however it is cut', async () => {
  await fc.assert(
    fc.asyncProperty(filePair, cuts, async ({ base, target }, at) => {
      await roundTrip(base, target, at);
      await roundTrip(target, base);
    }),
    { numRuns: 300 },
  );
});

test('files around the size of a window, and much shorter and longer bases', async () => {
  const dice = new Dice(1);
  const long = dice.bytes(2 * WINDOW_BYTES + 100);
  const moved = Buffer.concat([long.subarray(WINDOW_BYTES + 7), dice.bytes(5), long.subarray(0, WINDOW_BYTES)]);
  for (const size of [0, 1, 3, 4, 7, 8, 9, 15, 16, 17, WINDOW_BYTES - 1, WINDOW_BYTES, WINDOW_BYTES + 1]) {
    const target = moved.subarray(0, size);
    for (const base of [Buffer.alloc(0), long.subarray(0, 5), target, long]) await roundTrip(base, target);
  }
  const delta = await roundTrip(long, moved);
  assert.ok(delta.length < 200, `two moves and five new bytes take ${delta.length}`);
  assert.ok((await roundTrip(long, long)).length < 100);
});

test('what has nothing in common with its base costs next to nothing more', async () => {
  const dice = new Dice(2);
  const target = dice.bytes(WINDOW_BYTES + 1000);
  const delta = await roundTrip(dice.bytes(100_000), target);
  assert.ok(delta.length <= target.length + 60);
});

test('addresses that all move by one number become one difference, again and again', async () => {
  const dice = new Dice(3);
  const base = dice.bytes(100_000);
  const target = Buffer.from(base);
  for (let at = 0; at + 4 <= base.length; at += 20) target.writeInt32LE((base.readInt32LE(at) + 0x1230) | 0, at);
  const compressed = brotliCompressSync(await roundTrip(base, target));
  assert.ok(compressed.length < 100, `5,000 addresses take ${compressed.length} bytes`);
});

test('a base larger than what is held of it at once', async () => {
  const dice = new Dice(4);
  const block = dice.bytes(1 << 20);
  const parts = Array.from({ length: 20 }, (_, index) => Buffer.concat([dice.bytes(50_000), block, Buffer.of(index)]));
  const base = Buffer.concat(parts);
  const target = Buffer.concat([...parts.slice(13), dice.bytes(1000), ...parts.slice(0, 13)]);
  target.writeInt32LE(7, 3 << 20);
  const delta = await roundTrip(base, target);
  assert.ok(delta.length < 3000, `two moves and a thousand new bytes take ${delta.length}`);
});

test('real programs and texts, each against another', async () => {
  const folder = dirname(process.execPath);
  const programs = ['node', 'bash', 'true', 'false'].map(name => join(name === 'node' ? folder : '/bin', name));
  const texts = readdirSync('src/core').filter(name => name.endsWith('.ts'));
  const files = [...programs, ...texts.map(name => join('src/core', name))].map(path =>
    readFileSync(path).subarray(0, 3_000_000),
  );
  for (const [index, target] of files.entries()) await roundTrip(files[(index + 1) % files.length]!, target);
});

test('readers that answer later, and a stream that is left in the middle', async () => {
  const base = Buffer.from('one two three four five six seven eight nine ten ');
  const target = Buffer.from('zero one two three four five SIX seven eight nine ten eleven ');
  const delta = encode(base, target);
  const later = { size: base.length, read: async (into: Buffer, position: number) => base.copy(into, 0, position) };
  const made: Buffer[] = [];
  for await (const piece of applyDelta(later, cut(delta), target.length)) made.push(Buffer.from(piece));
  assert.equal(Buffer.concat(made).toString(), target.toString());

  let closed = false;
  const stream = async function* () {
    try {
      for (;;) yield delta;
    } finally {
      closed = true;
    }
  };
  for await (const _ of applyDelta(memoryReader(base), stream(), target.length)) break;
  assert.ok(closed);
});

test('the same files always give the same delta, whatever was made in the same memory before', () => {
  const used = new Scratch();
  fc.assert(
    fc.property(filePair, ({ base, target }) => {
      assert.ok(encode(base, target, used).equals(encode(base, target)));
    }),
    { numRuns: 20 },
  );
});
