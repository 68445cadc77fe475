import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { applyDelta } from '../../../src/core/delta/apply';
import { encodeDelta } from '../../../src/core/delta/encode';
import { WINDOW_BYTES } from '../../../src/core/delta/format';
import { memoryReader } from '../../../src/core/delta/reader';
import { PassItOnError } from '../../../src/core/errors';
import { withCode } from '../assert-error';
import { apply, cut, encode, filePair } from './files';

const BASE = Buffer.from('0123456789');
const PLAIN = Buffer.of(0);

/** One window of parts given in bytes, as all of a plain delta. */
function plain(...parts: Parameters<typeof window>): Buffer {
  return Buffer.concat([PLAIN, window(...parts)]);
}

/** One window of parts given in bytes. */
function window(control: number[], gaps: number[] = [], words: number[] = [], literals = ''): Buffer {
  const parts = [Buffer.from(control), Buffer.from(gaps), Buffer.from(words), Buffer.from(literals)];
  const head = Buffer.alloc(12);
  for (const [index, part] of parts.entries()) head.writeUIntLE(part.length, 3 * index, 3);
  return Buffer.concat([head, ...parts]);
}

const REFUSED: [what: string, delta: Buffer, size: number, message: RegExp][] = [
  ['no window', Buffer.alloc(0), 5, /ends too early/],
  ['a window that is cut', window([0, 5, 0]).subarray(0, 14), 5, /ends too early/],
  ['more windows than needed', Buffer.concat([window([0, 5, 0]), window([0, 5, 0])]), 5, /goes on behind/],
  ['something for an empty file', window([0, 5, 0]), 0, /goes on behind/],
  ['a part of 16 MB', Buffer.concat([Buffer.from('ffffff000000000000000000', 'hex')]), 5, /16777215 bytes to make 5/],
  ['parts that are too long together', window(Array(30).fill(0)), 5, /30 bytes to make 5/],
  ['a step that takes more than the window holds', window([0, 6, 0]), 5, /number 6 where 5 is the most/],
  ['a step that adds more than the window holds', window([0, 3, 3], [], [], 'abc'), 5, /number 3 where 2 is the most/],
  ['a step before the base', window([1, 5, 0]), 5, /bytes -1 to 4 of a file of 10/],
  ['a step behind the base', window([12, 5, 0]), 5, /bytes 6 to 11 of a file of 10/],
  ['a step far away', window([0xff, 0xff, 0xff, 0x7f, 5, 0]), 5, /number 268435455 where 20 is the most/],
  ['a step to nowhere that takes nothing', window([21, 0, 5], [], [], 'abcde'), 5, /number 21 where 20/],
  ['a step that makes nothing', window([0, 0, 0, 0, 5, 0]), 5, /makes nothing/],
  ['too few steps', window([0, 4, 0]), 20, /steps .* end in the middle/],
  ['too many steps', window([0, 5, 0, 0, 1, 0]), 5, /steps .* 3 bytes too many/],
  ['too many small steps', window([0, 1, 0, 0, 1, 0, 0, 1, 0]), 3, /more than 1 steps/],
  ['a number that is cut', window([0, 0x85]), 5, /steps .* end in the middle/],
  ['a number that does not end', window(Array(12).fill(0x80)), 5, /does not end/],
  ['a gap behind all that is taken', window([0, 5, 0], [5], [2]), 5, /difference behind/],
  ['a gap of a billion', window([0, 5, 0], [0xff, 0xff, 0xff, 0xff, 7], [2]), 5, /gaps .* 2147483647 where/],
  ['a gap without difference', window([0, 5, 0], [1]), 5, /differences .* end in the middle/],
  ['a difference without gap', window([0, 5, 0], [], [2]), 5, /differences .* 1 bytes too many/],
  ['a difference wider than what is left', window([0, 5, 0], [4], [0x80, 2]), 5, /256 where 255 is the most/],
  ['too few literals', window([0, 0, 5], [], [], 'abcd'), 5, /literals .* 1 bytes too short/],
  ['too many literals', window([0, 0, 5], [], [], 'abcdef'), 5, /literals .* 1 bytes too many/],
];

for (const [what, delta, size, message] of REFUSED) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(apply(BASE, Buffer.concat([PLAIN, delta]), size), withCode('bad-data', message));
  });
}

const GZIP = gzipSync(BASE);

const REFUSED_FORMS: [what: string, delta: Buffer, size: number, message: RegExp][] = [
  ['no form', Buffer.alloc(0), 5, /ends too early/],
  ['an unknown form', Buffer.of(3), 5, /unknown form 3/],
  ['a gzip file of unknown size', Buffer.of(1, 0, 0), 5, /ends too early/],
  ['a gzip file too large', Buffer.of(1, 1, 0, 0x80), 5, /8388609 bytes/],
  ['a gzip file that is none', Buffer.concat([Buffer.of(1, 5, 0, 0), window([0, 5, 0])]), 5, /makes something else/],
  ['an empty gzip file', Buffer.of(1, 0, 0, 0), 5, /makes something else/],
  ['a base that is no gzip file', Buffer.of(2, 5, 0, 0), 5, /for a gzip file that is none/],
];

for (const [what, delta, size, message] of REFUSED_FORMS) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(apply(BASE, delta, size), withCode('bad-data', message));
  });
}

test('refused: a gzip file of another size than promised', async () => {
  const delta = encode(GZIP, GZIP);
  assert.equal(delta[0], 2);
  for (const size of [0, 1, GZIP.length - 1, GZIP.length + 1, 1e9]) {
    await assert.rejects(apply(GZIP, delta, size), withCode('bad-data', /other than/));
  }
});

test('what stands just inside the bounds is taken', async () => {
  assert.equal((await apply(BASE, plain([10, 5, 0]), 5)).toString(), '56789');
  assert.equal((await apply(BASE, plain([0, 5, 0], [4], [0xff, 1]), 5)).toString('hex'), '30313233b4');
  assert.equal((await apply(BASE, plain([20, 0, 5], [], [], 'abcde'), 5)).toString(), 'abcde');
});

/** Whatever happens, it is exactly `size` bytes or our error. */
async function survives(base: Buffer, delta: Buffer, size: number): Promise<void> {
  try {
    assert.equal((await apply(base, delta, size)).length, size);
  } catch (error) {
    assert.ok(error instanceof PassItOnError, `${error}`);
    assert.equal(error.code, 'bad-data');
  }
}

test('damaged deltas make as many bytes as they should, or none', async () => {
  const damage = fc.array(fc.tuple(fc.constantFrom('set', 'drop', 'double'), fc.nat(), fc.nat({ max: 255 })), {
    minLength: 1,
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(filePair, damage, async ({ base, target }, changes) => {
      let delta = encode(base, target);
      for (const [how, place, byte] of changes) {
        const at = place % (delta.length + 1);
        if (how === 'set' && at < delta.length) delta[at] = byte;
        if (how === 'drop') delta = Buffer.concat([delta.subarray(0, at), delta.subarray(at + 1 + (byte % 9))]);
        if (how === 'double') delta = Buffer.concat([delta.subarray(0, at), delta.subarray(Math.max(0, at - byte))]);
      }
      await survives(base, delta, target.length);
    }),
    { numRuns: 1000 },
  );
});

test('a delta for other sizes makes as many bytes as it should, or none', async () => {
  await fc.assert(
    fc.asyncProperty(filePair, fc.nat({ max: 3000 }), fc.nat({ max: 3000 }), async ({ base, target }, size, most) => {
      await survives(base.subarray(0, most), encode(base, target), size);
    }),
    { numRuns: 300 },
  );
});

test('random bytes, bare and as well-formed windows', async () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map(list => Buffer.from(list));
  const numbers = fc.array(fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 255 })), { maxLength: 30 });
  const well = fc.tuple(numbers, numbers, numbers, fc.string({ maxLength: 9, unit: 'grapheme-ascii' }));
  const windows = well.map(parts => plain(...parts));
  await fc.assert(
    fc.asyncProperty(fc.oneof(bytes, windows), fc.nat({ max: 40 }), async (delta, size) => {
      await survives(BASE, delta, size);
    }),
    { numRuns: 3000 },
  );
});

test('a huge file is not believed before it comes', async () => {
  const size = Number.MAX_SAFE_INTEGER;
  await assert.rejects(apply(BASE, plain([0, 5, 0]), size), withCode('bad-data', /steps .* end in the middle/));
  const endless = async function* () {
    yield PLAIN;
    for (;;) yield window([0, 0, 0x80, 0x80, 0x40], [], [], 'x'.repeat(WINDOW_BYTES));
  };
  let made = 0;
  for await (const piece of applyDelta(memoryReader(BASE), endless(), size)) {
    assert.equal(piece.length, WINDOW_BYTES);
    if (++made === 5) break;
  }
});

test('files that became shorter meanwhile are named as what they are', async () => {
  const short = { size: 100, read: (into: Buffer) => BASE.copy(into) };
  assert.throws(() => [...encodeDelta(short, memoryReader(BASE))], withCode('damaged', /shorter than it was/));
  assert.throws(() => [...encodeDelta(memoryReader(BASE), short)], withCode('damaged', /90 bytes are missing/));
  const applied = applyDelta(short, cut(plain([0, 50, 0])), 50);
  await assert.rejects(applied.next(), withCode('damaged', /40 bytes are missing/));
});
