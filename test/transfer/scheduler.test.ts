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
  /** Bytes a second; 0: nobody knows. */
  rate: fc.constantFrom(0, 0, 100, 5000, 1e6),
  /** How long after the one before, in ms. */
  pause: fc.integer({ min: 1, max: 800 }),
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
        for (const { source, event, part, bytes, place, rate, pause } of steps) {
          now += pause;
          if (event === 'take') {
            const under = open.flatMap(one => one.batch).filter(({ oid }) => !arrived.has(oid));
            const waiting = wanted.filter(one => !arrived.has(one.oid) && !under.includes(one));
            const sum = waiting.reduce((total, { size }) => total + size, 0);
            assert.equal(scheduler.bytesWaiting, sum);
            const batch = scheduler.take(source, bytes, 20, now, place, undefined, rate);
            if (batch.some(one => under.includes(one))) {
              assert.ok(waiting.length === 0, 'asked for a copy while others wait');
            }
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
        for (now += 1e6; scheduler.left > 0; ) {
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
  assert.equal(scheduler.take('fast', 10, 10, 900).length, 0, 'it may come yet');
  assert.equal(scheduler.take('fast', 10, 10, 1000).length, 1);
  assert.equal(scheduler.take('third', 10, 10, 1e9).length, 0);
});

test('what is under way is asked for again only where that brings it much sooner, or it is late', () => {
  const [small, large] = [
    { oid: 'a'.repeat(40), size: 1000, bases: [] },
    { oid: 'b'.repeat(40), size: 99_000, bases: [] },
  ];
  const begun = () => {
    const scheduler = new Scheduler([small, large], 0);
    // Ten seconds for both.
    assert.equal(scheduler.take('ana', 1e6, 10, 0, 0, undefined, 10_000).length, 2);
    return scheduler;
  };
  const asked = (rate: number, now: number) => begun().take('ben', 1e6, 10, now, 0, undefined, rate);
  assert.deepEqual(asked(100_000, 0), [small, large]);
  assert.deepEqual(asked(15_000, 0), [small], 'no sooner but for the small one');
  assert.deepEqual(asked(0, 0), [small, large], 'a late-comer shows how fast he is');
  assert.deepEqual(asked(0, 8_600), []);
  assert.deepEqual(asked(0, 10_900), []);
  assert.deepEqual(asked(0, 11_000), [small, large]);
});

test('a source that lacks a blob is asked again only when it may have it', () => {
  const scheduler = new Scheduler([{ oid: 'a'.repeat(40), size: 1, bases: [] }], 0);
  const batch = scheduler.take('ana', 10, 10, 0);
  scheduler.lacks('ana', batch[0]!.oid, 5);
  scheduler.returned('ana', batch);
  assert.equal(scheduler.take('ana', 10, 10, 4).length, 0);
  assert.equal(scheduler.take('ana', 10, 10, 5).length, 1);
});

test('the largest go first, but not to a source of which nobody knows how fast it is', () => {
  const blob = (name: string, size: number) => ({ oid: name.repeat(40), size, bases: [] });
  const row = [blob('a', 10), blob('b', 20), blob('c', 9 << 20), blob('d', 30), blob('e', 8 << 20)];
  const scheduler = new Scheduler(row, 0);
  const names = (rate: number) => scheduler.take('ana', 40, 9, 0, 0, () => true, rate).map(({ oid }) => oid[0]);
  assert.deepEqual(names(0), ['a', 'b']);
  assert.deepEqual(names(1e6), ['c']);
  assert.deepEqual(names(0), ['d']);
  // Nothing else is left.
  assert.deepEqual(names(0), ['e']);
});
