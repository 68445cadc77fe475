import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { brotliCompressSync, deflateRawSync, gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { MOST_UNPACKED_BYTES, Packing, pack, Unpacked, unpack, unpackSurely } from '../../../src/core/delta/gzip/file';
import { withCode } from '../assert-error';
import { apply, Dice, encode } from './files';

/** GNU gzip itself. */
function gzip(content: Buffer, ...options: string[]): Buffer {
  return execFileSync('gzip', [...options, '-c'], { input: content, maxBuffer: 1 << 28 });
}

function packed(unpacked: Unpacked): Buffer {
  return Buffer.concat(Array.from(pack(unpacked), piece => Buffer.from(piece)));
}

function wholeOf(unpacked: Unpacked): Buffer {
  return Buffer.concat([...unpacked.parts()]);
}

function comesBack(file: Buffer, content = gunzipSync(file)): void {
  const unpacked = unpackSurely(file);
  assert.ok(unpacked !== null, 'gzip made something else of it than we');
  assert.ok(packed(unpacked).equals(file));
  assert.ok(wholeOf(unpacked).includes(content));
}

const letters = fc.constantFrom(2, 3, 20, 256);
const content = fc
  .tuple(letters, fc.nat({ max: 3000 }), fc.integer({ min: 1 }), fc.array(fc.tuple(fc.nat(), fc.nat({ max: 400 }))))
  .map(([most, size, seed, repeats]) => {
    const dice = new Dice(seed);
    let bytes = Buffer.from(Array.from({ length: size }, () => dice.below(most)));
    for (const [at, length] of repeats) {
      const from = at % (bytes.length + 1);
      bytes = Buffer.concat([bytes, bytes.subarray(from, from + length)]);
    }
    return bytes;
  });

test('what GNU gzip makes comes out again, byte for byte', () => {
  fc.assert(
    fc.property(content, fc.constantFrom('-9', '-6'), (bytes, level) => comesBack(gzip(bytes, level, '-n'))),
    { numRuns: 60 },
  );
});

/** Over several windows of 32 kB and several blocks, with matches near and far and stretches that are stored. */
function large(seed: number, size: number): Buffer {
  const dice = new Dice(seed);
  const words = Array.from({ length: 3000 }, () => dice.bytes(1 + dice.below(9)).toString('hex'));
  const parts: Buffer[] = [];
  for (let made = 0; made < size; made += parts.at(-1)!.length) {
    const kind = dice.below(9);
    if (kind === 0) parts.push(dice.bytes(dice.below(40_000)));
    else if (kind === 1) parts.push(Buffer.alloc(1 + dice.below(70_000), dice.below(256)));
    else if (kind === 2 && parts.length > 1) parts.push(parts[dice.below(parts.length)]!);
    else parts.push(Buffer.from(Array.from({ length: 2000 }, () => words[dice.below(words.length)]).join(' ')));
  }
  return Buffer.concat(parts);
}

test('also large files, at both levels', () => {
  for (const seed of [1, 2, 3]) {
    for (const level of ['-9', '-6']) comesBack(gzip(large(seed, 900_000), level, '-n'));
  }
});

test('in whatever windows it comes, the same file is made of it', () => {
  const small = content.map(bytes => gzip(bytes, '-9', '-n'));
  const many = fc.integer({ min: 1, max: 9 }).map(seed => gzip(large(seed, 300_000), '-9', '-n'));
  const sizes = fc.array(fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 100_000 })), { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(fc.oneof(small, many), sizes, (file, sizes) => {
      const whole = wholeOf(unpackSurely(file)!);
      const packing = new Packing(whole.length);
      const made: Buffer[] = [];
      for (let at = 0, number = 0; at < whole.length; number++) {
        // The first window has the head; one of nothing would go on for ever.
        const size = Math.max(sizes[number % sizes.length]!, number === 0 ? 10 : 1);
        for (const piece of packing.take(whole.subarray(at, at + size))) made.push(Buffer.from(piece));
        at += size;
      }
      packing.close();
      assert.ok(Buffer.concat(made).equals(file));
    }),
    { numRuns: 60 },
  );
});

test('an unpacked file is read as if it stood in one piece', () => {
  const unpacked = unpack(gzip(Buffer.from('some content'), '-9', '-n'))!;
  const whole = wholeOf(unpacked);
  assert.equal(unpacked.size, whole.length);
  fc.assert(
    fc.property(fc.nat({ max: whole.length + 3 }), fc.nat({ max: whole.length + 3 }), (position, length) => {
      const into = Buffer.alloc(length, 0xee);
      const expected = Buffer.alloc(length, 0xee);
      const count = whole.subarray(position).copy(expected);
      assert.equal(unpacked.read(into, position), count);
      assert.deepEqual(into, expected);
    }),
  );
});

test('also real texts and programs', () => {
  const folder = 'src/core';
  const texts = readdirSync(folder).filter(name => name.endsWith('.ts'));
  const files = ['LICENSE', '/bin/bash', ...texts.map(name => join(folder, name))];
  for (const file of files) comesBack(gzip(readFileSync(file), '-9', '-n'));
  comesBack(gzip(Buffer.concat(files.map(file => readFileSync(file))), '-6'));
});

test('a head with name and time stays as it is', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pass-it-on-gzip-'));
  try {
    writeFileSync(join(folder, 'with a name'), 'content, content, content');
    execFileSync('gzip', ['-N', join(folder, 'with a name')]);
    const file = readFileSync(join(folder, 'with a name.gz'));
    assert.ok(file.includes('with a name\0'));
    comesBack(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('every optional part of a head is skipped, and one that is cut is no head', () => {
  const content = Buffer.from('some content');
  const file = gzip(content, '-9', '-n');
  const withParts = (flags: number, parts: Buffer) => {
    const head = Buffer.from(file.subarray(0, 10));
    head[3] = flags;
    return Buffer.concat([head, parts, file.subarray(10)]);
  };
  comesBack(withParts(2, Buffer.from('cc')), content);
  comesBack(withParts(4, Buffer.from('\x03\x00abc')), content);
  comesBack(withParts(16, Buffer.from('comment\0')), content);
  comesBack(withParts(30, Buffer.from('\x03\x00abcname\0comment\0cc')), content);
  comesBack(withParts(16, Buffer.from(`${'c'.repeat(60_000)}\0`)), content);
  for (const flags of [4, 8, 16]) assert.equal(unpack(withParts(flags, Buffer.alloc(30, 0xff))), null);
  // Windows of a delta must hold it.
  assert.equal(unpack(withParts(16, Buffer.from(`${'c'.repeat(70_000)}\0`))), null);
});

test('what is no gzip file, or not only one, or too large, is left alone', () => {
  const file = gzip(Buffer.from('some content'), '-9', '-n');
  assert.notEqual(unpack(file), null);
  assert.equal(unpack(Buffer.alloc(0)), null);
  assert.equal(unpack(file.subarray(0, 17)), null);
  assert.equal(unpack(file.subarray(0, -1)), null);
  assert.equal(unpack(Buffer.concat([file, Buffer.from('garbage')])), null);
  assert.equal(unpack(Buffer.concat([file, file])), null);
  assert.equal(unpack(Buffer.concat([file.subarray(0, 10), Buffer.alloc(30, 0xff)])), null);
  assert.notEqual(unpack(gzipSync(Buffer.alloc(MOST_UNPACKED_BYTES - 18))), null);
  assert.equal(unpack(gzipSync(Buffer.alloc(MOST_UNPACKED_BYTES - 17))), null);
});

test('a gzip file by another program is unpacked only if it would come out again', async () => {
  const text = Buffer.from(readFileSync('LICENSE', 'utf8').repeat(3));
  const other = gzipSync(text, { level: 9, memLevel: 1 });
  assert.notEqual(unpack(other), null);
  assert.equal(unpackSurely(other), null);
  const delta = encode(Buffer.alloc(0), other);
  assert.equal(delta[0], 0);
  assert.ok((await apply(Buffer.alloc(0), delta, other.length)).equals(other));
});

test('a few changed words in a compressed text are a small delta', async () => {
  const text = readFileSync('LICENSE', 'utf8');
  const old = gzip(Buffer.from(text), '-9', '-n');
  const young = gzip(
    Buffer.from(text.replace('Everyone is permitted', 'All are allowed').replaceAll('2007', '2026')),
    '-9',
    '-n',
  );
  for (const [base, target] of [
    [old, young],
    [young, old],
  ] as const) {
    const delta = encode(base, target);
    assert.equal(delta[0], 2);
    assert.ok(brotliCompressSync(delta).length < 100);
    assert.ok((await apply(base, delta, target.length)).equals(target));
  }
});

test('a text that becomes compressed, and one new and compressed, are made from the text', async () => {
  const text = readFileSync('LICENSE');
  const file = gzip(text, '-9', '-n');
  const delta = encode(text, file);
  assert.equal(delta[0], 1);
  assert.ok(delta.length < 100);
  assert.ok((await apply(text, delta, file.length)).equals(file));
  const bare = encode(Buffer.alloc(0), file);
  assert.ok(brotliCompressSync(bare).length < file.length);
  assert.ok((await apply(Buffer.alloc(0), bare, file.length)).equals(file));
});

test('a content made to be slow to compress is refused before it takes long', async () => {
  const dice = new Dice(6);
  const slow = Buffer.from(Array.from({ length: 200_000 }, () => dice.below(2)));
  const head = Buffer.from('1f8b0800000000000203', 'hex');
  assert.throws(() => packed(new Unpacked(head, slow, Buffer.alloc(8))), withCode('bad-data', /takes too long/));
  const file = Buffer.concat([head, deflateRawSync(slow), Buffer.alloc(8)]);
  const delta = encode(Buffer.alloc(0), file);
  assert.equal(delta[0], 0);
});
