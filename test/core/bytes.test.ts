import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { displayName, fromBuffer, joinPath, toBuffer } from '../../src/core/bytes';

test('any bytes go there and back, and compare as bytes do', () => {
  const buffer = fc.uint8Array().map(bytes => Buffer.from(bytes));
  fc.assert(
    fc.property(buffer, buffer, (a, b) => {
      assert.deepEqual(toBuffer(fromBuffer(a)), a);
      const [left, right] = [fromBuffer(a), fromBuffer(b)];
      assert.equal(left < right ? -1 : left > right ? 1 : 0, Buffer.compare(a, b));
    }),
  );
});

test('a string that is not bytes is a mistake, not a lossy conversion', () => {
  assert.throws(() => toBuffer('na\u00efve \u2713'), RangeError);
});

test('people see UTF-8, and nothing that could hide or reorder what they see', () => {
  const shown: [bytes: Buffer, text: string][] = [
    [Buffer.from('Ünïcødé ✓ नमस्ते'), 'Ünïcødé ✓ नमस्ते'],
    [Buffer.from('system\\x2dfoo.slice'), 'system\\x2dfoo.slice'],
    [Buffer.from([0x61, 0xff, 0x62]), 'a\ufffdb'],
    [Buffer.from('a\nb\tc\rd\x1b[31m\x7f'), 'a\\nb\\tc\\rd\\x1b[31m\\x7f'],
    [Buffer.from('a\u202egnp.exe'), 'a\\u202egnp.exe'],
    [Buffer.from('a\u0085b\u2028c'), 'a\\x85b\\u2028c'],
  ];
  for (const [bytes, text] of shown) assert.equal(displayName(fromBuffer(bytes)), text);
});

test('whatever the bytes, what is shown is one line without control characters', () => {
  fc.assert(
    fc.property(fc.uint8Array(), bytes => {
      assert.doesNotMatch(displayName(fromBuffer(Buffer.from(bytes))), /[\p{Cc}\u2028\u2029\u202a-\u202e]/u);
    }),
  );
});

test('paths have no leading slash', () => {
  assert.equal(joinPath('', 'usr'), 'usr');
  assert.equal(joinPath('usr', 'bin'), 'usr/bin');
});
