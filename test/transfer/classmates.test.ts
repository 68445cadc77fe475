import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Arrivals } from '../../src/transfer/arrivals';
import { Classmates, worthAsking } from '../../src/transfer/classmates';
import { Trials } from '../../src/transfer/effort';
import { Giver, type Holds } from '../../src/transfer/giver';
import type { Wanted } from '../../src/transfer/scheduler';
import type { Source } from '../../src/transfer/source';

const COMMIT = 'c'.repeat(40);
const oidOf = (i: number) => i.toString(16).padStart(8, '0').padEnd(40, '0');
const rowOf = (sizes: readonly number[]): Wanted[] => sizes.map((size, i) => ({ oid: oidOf(i), size, bases: [] }));
const unasked = () => Promise.reject(new Error('not asked here'));

function giver(address: string, holds: Holds): Giver {
  const source: Partial<Source> = { address, bytesReceived: 0, have: unasked };
  return new Giver(source as Source, address, holds, 'auto', new Trials());
}

/** One laptop of a class, as it sees the donor and the others. */
class Pupil {
  readonly arrivals = new Arrivals(COMMIT);
  readonly givers = new Map<string, Giver>();
  readonly donor = giver('donor', 'all');
  readonly classmates: Classmates;

  constructor(private readonly wanted: readonly Wanted[]) {
    this.classmates = new Classmates(wanted, this.givers, this.arrivals.id);
    this.givers.set('donor', this.donor);
  }

  meets(name: string, other: Pupil): Giver {
    const classmate = this.givers.get(name) ?? giver(name, 'some');
    this.givers.set(name, classmate);
    classmate.said(other.arrivals.since(classmate.heard!));
    return classmate;
  }

  /** What it asks the donor for at that time, where nothing came since `bytesDone` changed; all that it may at once. */
  asks(now: number, { bytesDone = 0, bytesWaiting = 1e9 } = {}): string[] {
    const take = (may: (oid: string) => boolean) => this.wanted.filter(({ oid }) => may(oid));
    const batch = this.classmates.batchFor(this.donor, { now, bytesDone, bytesWaiting }, take);
    return batch.map(({ oid }) => oid);
  }
}

function classOf(count: number, wanted: readonly Wanted[]): Pupil[] {
  const pupils = Array.from({ length: count }, () => new Pupil(wanted));
  for (const pupil of pupils) {
    for (const [i, other] of pupils.entries()) if (other !== pupil) pupil.meets(`pupil ${i}`, other);
  }
  return pupils;
}

test('a class divides an image: each blob is one laptop’s to ask the donor for', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 10_000_000 }), { maxLength: 60 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 12 }), (row, count) => {
      const wanted = rowOf(row);
      const asked = classOf(count, wanted).flatMap(pupil => pupil.asks(0));
      assert.deepEqual(asked.sort(), wanted.map(({ oid }) => oid).sort());
    }),
    // An empty one behind all others.
    { examples: [[[0, 4194304], 2]] },
  );
});

test('their parts are about as large', () => {
  const wanted = rowOf(Array.from({ length: 100 }, () => 1000));
  for (const pupil of classOf(8, wanted)) assert.ok([12, 13].includes(pupil.asks(0).length));
});

test('what is somebody else’s part is asked for only when nobody has asked for it for long', () => {
  const wanted = rowOf([1, 1, 1, 1]);
  const [me, other] = classOf(2, wanted) as [Pupil, Pupil];
  const others = wanted.filter(({ oid }) => !me.asks(0).includes(oid));
  const left = new Pupil(others);
  const meets = () => left.meets('other', other);
  meets();
  // Of what is left to the one whose own part is under way, all is the other's.
  const classmates = new Classmates(wanted, left.givers, me.arrivals.id);
  const asks = (now: number) => {
    const take = (may: (oid: string) => boolean) => others.filter(({ oid }) => may(oid));
    return classmates.batchFor(left.donor, { now, bytesDone: 0, bytesWaiting: 1 }, take);
  };
  assert.deepEqual(asks(0), []);
  assert.deepEqual(asks(1_999), []);
  assert.deepEqual(asks(2_000), others);
  other.arrivals.expect([others[0]!.oid]);
  meets();
  assert.deepEqual(asks(2_001), others.slice(1), 'the first is on its way there');
});

test('where nothing comes any more nobody is waited for', () => {
  const wanted = rowOf([1, 1, 1, 1]);
  const [me, other] = classOf(2, wanted) as [Pupil, Pupil];
  other.arrivals.expect(wanted.map(({ oid }) => oid));
  me.meets('pupil 1', other);
  const progress = { bytesWaiting: 4 };
  assert.deepEqual(me.asks(0, progress), []);
  assert.deepEqual(me.asks(3_900, progress), []);
  assert.deepEqual(me.asks(4_000, { ...progress, bytesDone: 1 }), [], 'something came');
  assert.equal(me.asks(8_100, { ...progress, bytesDone: 1 }).length, 4);
});

test('classmates are left out where they are slow', () => {
  const wanted = rowOf([1, 1]);
  const [me, other] = classOf(2, wanted) as [Pupil, Pupil];
  for (const { oid } of wanted) other.arrivals.add(oid);
  const classmate = me.meets('pupil 1', other);
  classmate.rate = 1e6;
  me.donor.rate = 1e7;
  const asks = (now: number, bytesWaiting: number) => me.asks(now, { bytesDone: now, bytesWaiting }).length;
  assert.equal(asks(0, 1e9), 0);
  assert.equal(asks(2_000, 4e6), 0, 'four seconds are soon over');
  assert.equal(asks(2_001, 6e6), 2);
  classmate.rate = 6e6;
  assert.equal(asks(2_002, 1e9), 0, 'more than half as fast');
});

test('who was just met may introduce himself first', () => {
  const me = new Pupil(rowOf([1, 1]));
  const now = performance.now();
  const classmate = giver('pupil', 'some');
  me.givers.set('pupil', classmate);
  assert.deepEqual(me.asks(now), []);
  assert.equal(me.asks(now + 2_000).length, 2, 'he does not answer');
  me.meets('pupil', new Pupil([]));
  assert.equal(me.asks(now).length < 2, true);
  classmate.heard?.forget();
  classmate.state = 'gone';
  assert.equal(me.asks(now).length, 2);
});

test('the less content weighs on its way, the more is asked for at once', () => {
  assert.equal(worthAsking(0, 0), 0);
  assert.equal(worthAsking(1e6, 1e6), 65_536);
  assert.equal(worthAsking(1e7, 1e6), 655_360);
  assert.equal(worthAsking(1e9, 1), 4 << 20);
});
