import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { PagedReader } from '../../../src/core/delta/paged';

/** More than fits into its pages. */
const BASE = randomBytes(3_000_000);
const reads = fc.array(fc.tuple(fc.nat(3_100_000), fc.oneof(fc.nat(500), fc.nat(200_000))), { maxLength: 80 });

test('what is read through pages is what is there, and only a base that is shorter gives less', async () => {
  await fc.assert(
    fc.asyncProperty(reads, fc.nat(3_000_000), fc.boolean(), async (places, missing, isWhole) => {
      const there = isWhole ? BASE : BASE.subarray(0, BASE.length - missing);
      const paged = new PagedReader({
        size: BASE.length,
        read: async (into, position) => (position < there.length ? there.copy(into, 0, position) : 0),
      });
      for (const [position, length] of places) {
        const into = Buffer.alloc(length);
        const count = await paged.read(into, position);
        const wanted = there.subarray(position, position + length);
        assert.equal(count, wanted.length);
        assert.ok(into.subarray(0, count).equals(wanted));
      }
    }),
  );
});

test('what is near the last place needs no way to the disk', async () => {
  let ways = 0;
  const paged = new PagedReader({
    size: BASE.length,
    read: async (into, position) => {
      ways++;
      return BASE.copy(into, 0, position);
    },
  });
  for (let at = 0; at < 1_000_000; at += 100) await paged.read(Buffer.alloc(100), at);
  assert.equal(ways, Math.ceil(1_000_000 / 65_536));
  assert.equal(typeof paged.read(Buffer.alloc(100), 500), 'number');
});
