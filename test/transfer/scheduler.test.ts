import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Scheduler, type Wanted } from '../../src/transfer/scheduler';

const SOURCES = ['ana', 'ben', 'carla'];

const row = fc
  .array(fc.integer({ min: 0, max: 5000 }), { maxLength: 60 })
  .map(sizes => sizes.map((size, i): Wanted => ({ oid: i.toString(16).padStart(40, '0'), size, bases: [] })));

/** One thing that happens on the network: who, what, and how far it gets. */
const step = fc.record({
  source: fc.constantFrom(...SOURCES),
  event: fc.constantFrom('take', 'deliver', 'lack', 'break'),
  part: fc.integer({ min: 0, max: 20 }),
  place: fc.double({ min: 0, max: 1, noNaN: true }),
  bytes: fc.integer({ min: 1, max: 8000 }),
});

test('whatever fails, no blob is lost and none is asked for beyond the bound', () => {
  fc.assert(
    fc.property(
      row,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.array(step, { maxLength: 200 }),
      (wanted, beginning, steps) => {
        const scheduler = new Scheduler(wanted, beginning);
        const open: { source: string; batch: Wanted[] }[] = [];
        const arrived = new Set<string>();
        let now = 0;
        const close = (at: number, part: number) => {
          const [{ source, batch }] = open.splice(at, 1) as [(typeof open)[0]];
          for (const { oid } of batch.slice(0, part)) {
            assert.equal(scheduler.arrived(oid), !arrived.has(oid));
            arrived.add(oid);
          }
          scheduler.returned(source, batch);
        };
        for (const { source, event, part, bytes, place } of steps) {
          now += 1;
          if (event === 'take') {
            const batch = scheduler.take(source, bytes, 20, now, place);
            if (batch.length > 0) open.push({ source, batch });
            for (const { oid } of batch) {
              assert.ok(!arrived.has(oid), 'asked for what is here');
              const copies = open.filter(one => one.batch.some(other => other.oid === oid));
              assert.ok(copies.length <= 2, 'asked for too often');
              assert.equal(new Set(copies.map(one => one.source)).size, copies.length, 'asked the same source twice');
            }
          } else if (open.length > 0) {
            const at = part % open.length;
            const one = open[at]!;
            if (event === 'lack') scheduler.lacks(one.source, one.batch[0]!.oid, now + 10);
            close(at, event === 'break' ? 0 : part);
          }
          assert.equal(scheduler.left, wanted.length - arrived.size);
        }
        // One honest source that stays brings all the rest.
        while (open.length > 0) close(0, 0);
        for (now += 100; scheduler.left > 0; ) {
          const batch = scheduler.take('honest', 3000, 20, now);
          assert.ok(batch.length > 0, 'blobs are left and nobody may fetch them');
          open.push({ source: 'honest', batch });
          close(0, batch.length);
        }
        assert.equal(arrived.size, wanted.length);
      },
    ),
    { numRuns: 3000 },
  );
});

test('a batch keeps to its bytes, but one blob always goes', () => {
  fc.assert(
    fc.property(row, fc.integer({ min: 1, max: 9000 }), (wanted, bytes) => {
      const scheduler = new Scheduler(wanted, 0);
      const batch = scheduler.take('ana', bytes, 20, 0);
      const sum = batch.reduce((total, { size }) => total + size, 0);
      assert.ok(batch.length <= 1 || sum <= bytes);
      assert.ok(batch.length <= 20);
      assert.equal(batch.length === 0, wanted.length === 0);
    }),
  );
});

test('two who begin at different places ask for different things first', () => {
  const wanted = Array.from({ length: 10 }, (_, i) => ({ oid: `${i}`.repeat(40), size: 10, bases: [] }));
  const oids = (beginning: number) => new Scheduler(wanted, beginning).take('ana', 50, 9, 0).map(({ oid }) => oid[0]);
  assert.deepEqual(oids(0), ['0', '1', '2', '3', '4']);
  assert.deepEqual(oids(0.5), ['5', '6', '7', '8', '9']);
});

test('at the end an idle source gets what a slow one has not delivered', () => {
  const scheduler = new Scheduler([{ oid: 'a'.repeat(40), size: 1, bases: [] }], 0);
  assert.equal(scheduler.take('slow', 10, 10, 0).length, 1);
  assert.equal(scheduler.take('fast', 10, 10, 0).length, 1);
  assert.equal(scheduler.take('third', 10, 10, 0).length, 0);
});

test('a source that lacks a blob is asked again only when it may have it', () => {
  const scheduler = new Scheduler([{ oid: 'a'.repeat(40), size: 1, bases: [] }], 0);
  const batch = scheduler.take('ana', 10, 10, 0);
  scheduler.lacks('ana', batch[0]!.oid, 5);
  scheduler.returned('ana', batch);
  assert.equal(scheduler.take('ana', 10, 10, 4).length, 0);
  assert.equal(scheduler.take('ana', 10, 10, 5).length, 1);
});
