import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NumberSet } from '../../src/store/number-set';

/** Inodes of the usual file systems, side by side, and of those that use all 64 bits, as far as node tells them. */
const number = fc.oneof(
  fc.integer({ min: 1, max: 5000 }),
  fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  fc.integer({ min: 1, max: 50 }).map(high => high * 2 ** 32 + 7),
);

test('it has what was added, and nothing else', () => {
  fc.assert(
    fc.property(fc.array(number, { maxLength: 4000, size: 'max' }), fc.array(number), (added, others) => {
      const set = new NumberSet();
      const expected = new Set<number>();
      for (const one of added) {
        assert.equal(set.has(one), expected.has(one));
        set.add(one);
        expected.add(one);
      }
      for (const one of [...added, ...others]) assert.equal(set.has(one), expected.has(one));
    }),
    { numRuns: 50 },
  );
});
