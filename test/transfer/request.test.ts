/** What is asked for comes out as it went in, by names as long as one likes; nothing else is taken for a request. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hashesLength, MOST_BLOCK_BYTES, NO_OUTLINE, type Outline } from '../../src/core/delta/outline';
import { PassItOnError } from '../../src/core/errors';
import { MOST_BASES } from '../../src/transfer/answers';
import { encodeRequest, MAX_LINES, parseRequest, SHORT_NAME_BYTES, WHOLE_NAME_BYTES } from '../../src/transfer/request';
import type { AskedBlob } from '../../src/transfer/source';

const oid = fc.uint8Array({ minLength: 20, maxLength: 20 }).map(bytes => Buffer.from(bytes).toString('hex'));
const nameBytes = fc.integer({ min: SHORT_NAME_BYTES, max: WHOLE_NAME_BYTES });
const outline: fc.Arbitrary<Outline> = fc
  .record({
    count: fc.nat(200),
    blockBytes: fc.integer({ min: 4, max: MOST_BLOCK_BYTES }),
    hashBits: fc.integer({ min: 8, max: 30 }),
  })
  .chain(shape => {
    const length = hashesLength(shape);
    return fc
      .uint8Array({ minLength: length, maxLength: length })
      .map(hashes => ({ ...shape, hashes: Buffer.from(hashes) }));
  });
const blob: fc.Arbitrary<AskedBlob & { offset: number }> = fc.record(
  {
    oid,
    bases: fc.array(oid, { maxLength: 5 }),
    offset: fc.oneof(fc.constant(0), fc.maxSafeNat()),
    outline,
  },
  { requiredKeys: ['oid', 'bases', 'offset'] },
);
const blobs = fc.array(blob, { maxLength: 10 });

test('requests come out as they went in', () => {
  fc.assert(
    fc.property(blobs, nameBytes, fc.boolean(), (asked, nameBytes, bases) => {
      const name = (oid: string) => oid.slice(0, 2 * nameBytes);
      const expected = asked.map(one => ({
        name: name(one.oid),
        bases: bases ? one.bases.map(name) : [],
        offset: one.offset,
        ...(bases && one.outline && { outline: one.outline }),
      }));
      assert.deepEqual(parseRequest(encodeRequest(asked, { bases, nameBytes })), expected);
    }),
  );
});

test('a request that is cut anywhere, or has more behind its end, is refused', () => {
  fc.assert(
    fc.property(blobs, nameBytes, fc.nat(), (asked, nameBytes, where) => {
      const whole = encodeRequest(asked, { bases: true, nameBytes });
      for (const wrong of [whole.subarray(0, where % whole.length), Buffer.concat([whole, Buffer.alloc(1)])]) {
        assert.throws(() => parseRequest(wrong), { code: 'bad-data' });
      }
    }),
  );
});

test('any bytes at all are a request or a typed error, never another exception', () => {
  const begun = fc.constantFrom('', '0801', '0802', '1403', '08010208'.padEnd(20, '0'));
  fc.assert(
    fc.property(begun, fc.uint8Array({ maxLength: 200 }), (begin, bytes) => {
      try {
        parseRequest(Buffer.concat([Buffer.from(begin, 'hex'), bytes]));
      } catch (error) {
        assert.ok(error instanceof PassItOnError && error.code === 'bad-data', String(error));
      }
    }),
  );
});

test('what nobody can have meant is refused', () => {
  const name = '11'.repeat(8);
  for (const wrong of [
    '',
    // Names that are too short, or longer than any.
    '0700',
    '1500',
    // More lines than may be, and a number of them without end.
    Buffer.from([8, ...numberOf(MAX_LINES + 1)]).toString('hex'),
    `08${'ff'.repeat(9)}01`,
    // More bases than can be told apart.
    `0801${Buffer.from(numberOf(4 * (MOST_BASES + 1))).toString('hex')}${name.repeat(MOST_BASES + 2)}`,
    // Outlines: of hashes that are missing, with blocks and hashes too small and too large, and more blocks than any file has.
    `080102${name}01800218`,
    `080102${name}01800207ffffffff`,
    `080102${name}0180021fffffffff`,
    `080102${name}010318ffffffff`,
    `080102${name}01ffffff7f18ffffffff`,
    `080102${name}ffffff7f800208`,
  ]) {
    assert.throws(() => parseRequest(Buffer.from(wrong, 'hex')), { code: 'bad-data' }, wrong);
  }
});

test('of more bases than can be told apart in the answer, the first are named', () => {
  const bases = Array.from({ length: MOST_BASES + 5 }, (_, i) => i.toString(16).padStart(40, '0'));
  const asked = [{ oid: 'a'.repeat(40), bases }];
  const [line] = parseRequest(encodeRequest(asked, { bases: true, nameBytes: 20 }));
  assert.deepEqual(line?.bases, bases.slice(0, MOST_BASES));
});

test('the byte-exact form of docs/protocol.md', () => {
  const [one, base] = ['0123456789abcdef0123456789abcdef01234567', '89abcdef0123456789abcdef0123456789abcdef'];
  const other = 'fedcba9876543210fedcba9876543210fedcba98';
  const encoded = (...asked: AskedBlob[]) =>
    encodeRequest(asked, { bases: true, nameBytes: SHORT_NAME_BYTES }).toString('hex');
  assert.equal(
    encoded({ oid: one, bases: [base] }, { oid: other, bases: [], offset: 300 }),
    '08 02  04 0123456789abcdef 89abcdef01234567  01 fedcba9876543210 ac02'.replaceAll(' ', ''),
  );
  const outline = { count: 2, blockBytes: 256, hashBits: 12, hashes: Buffer.from('abc') };
  assert.equal(
    encoded({ oid: one, bases: [], outline: NO_OUTLINE, offset: 300 }, { oid: other, bases: [], outline }),
    '08 02  03 0123456789abcdef 00 8002 08 ac02  02 fedcba9876543210 02 8002 0c  616263'.replaceAll(' ', ''),
  );
});

function numberOf(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...numberOf(Math.floor(value / 128))];
}
