/** The cache against one that looks through all it has, each time, and has all times in lists. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { Cache } from '../../src/neighbours/cache';
import type { ResourceRecord } from '../../src/neighbours/dns';
import { recordKey, setKey } from '../../src/neighbours/keys';
import { SimClock } from './simulation';

const LIMIT = 3;
const LATE = [0.001, 0.01, 0, 0.015];

interface Held {
  record: ResourceRecord;
  heard: number;
  arrived: number;
  expires: number;
  over: boolean;
  /** When it may be asked for, and when it is to be, soonest first. */
  refresh: { opens: number; planned: number }[];
  asked: number[];
}

class Model {
  private all: Held[] = [];

  constructor(private readonly clock: SimClock) {}

  private set(record: ResourceRecord): Held[] {
    return this.all.filter(held => setKey(held.record) === setKey(record));
  }

  private live(record: ResourceRecord): Held | undefined {
    return this.all.find(held => recordKey(held.record) === recordKey(record) && held.expires > this.clock.now());
  }

  private begin(held: Held): void {
    const now = this.clock.now();
    const life = Math.min(held.record.ttl, 4500) * 1000;
    const refresh = [0.8, 0.85, 0.9, 0.95].map((share, i) => ({
      opens: now + life * share,
      planned: now + life * (share + LATE[i]!),
    }));
    Object.assign(held, { heard: now, expires: now + life, over: false, refresh, asked: [] });
  }

  private end(held: Held, after: number): void {
    held.expires = Math.min(held.expires, this.clock.now() + after);
    held.refresh = [];
  }

  private takeBack(held: Held): void {
    held.over = true;
    this.end(held, 1000);
  }

  add(record: ResourceRecord): void {
    const now = this.clock.now();
    const set = this.set(record);
    if (record.flush) for (const held of set) if (now - held.arrived > 1000) this.takeBack(held);
    const known = set.find(held => recordKey(held.record) === recordKey(record));
    if (record.ttl === 0) {
      if (known) this.takeBack(known);
      return;
    }
    if (!known && set.length >= LIMIT) {
      if (!record.flush) return;
      this.all = this.all.filter(held => held !== set[0]);
    }
    const held = { record, arrived: now } as Held;
    this.begin(held);
    this.all = [...this.all.filter(one => one !== known), held];
  }

  get({ name, type }: ResourceRecord): unknown[] {
    const held = this.all.filter(one => one.record.type === type && one.expires > this.clock.now());
    return held
      .filter(({ record }) => record.name.toLowerCase() === name.toLowerCase())
      .map(({ record, heard, arrived, expires, over }) => ({ record, heard, arrived, expires, over }));
  }

  renew(record: ResourceRecord): void {
    const held = this.live(record);
    if (held && !held.over) this.begin(held);
  }

  doubt(record: ResourceRecord): void {
    const held = this.live(record);
    const now = this.clock.now();
    if (!held || held.expires <= now + 10_000) return;
    held.expires = now + 10_000;
    held.refresh = [0, 1000, 3000, 7000].map(ms => ({ opens: now + ms, planned: now + ms }));
  }

  expected(record: ResourceRecord): void {
    const held = this.live(record);
    const now = this.clock.now();
    if (!held) return;
    held.refresh = held.refresh.filter(({ planned }, i, all) => planned > now + 1000 || i === all.length - 1);
    if (now - (held.asked.at(-1) ?? held.heard) < 1500) return;
    held.asked.push(now);
    if (held.asked.length >= 3 && now - held.asked[0]! >= 15_000) this.end(held, 10_000);
  }

  drop(record: ResourceRecord): void {
    this.all = this.all.filter(held => setKey(held.record) !== setKey(record));
  }

  expire(): ResourceRecord[] {
    const ended = this.all.filter(held => held.expires <= this.clock.now());
    this.all = this.all.filter(held => !ended.includes(held));
    return ended.map(({ record }) => record);
  }

  due(): ResourceRecord[] {
    const now = this.clock.now();
    if (!this.all.some(({ refresh }) => refresh[0] && refresh[0].planned <= now)) return [];
    const due = this.all.filter(({ refresh: [next] }) => next && next.opens <= now && next.planned <= now + 2400);
    for (const held of due) {
      const { planned: first } = held.refresh[0]!;
      held.refresh = held.refresh.filter(({ planned }) => planned > Math.max(now, first));
    }
    return due.map(({ record }) => record);
  }

  next(refreshing: boolean): number {
    const times = this.all.flatMap(({ expires, refresh }) => [
      expires,
      ...(refreshing ? refresh.slice(0, 1).map(({ planned }) => planned) : []),
    ]);
    return Math.min(...times);
  }
}

const record = fc
  .record({
    name: fc.constantFrom('xo-1.local', 'XO-1.local', 'xo-2.local'),
    ttl: fc.constantFrom(0, 10, 100, 120, 120, 9000),
    flush: fc.boolean(),
    data: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5'),
  })
  .map((one): ResourceRecord => ({ ...one, type: 'A' }));

const act = fc.oneof(
  { weight: 3, arbitrary: fc.record({ what: fc.constant('add' as const), record }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 500, 1000, 1700, 9000, 30_000, 96_000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ what: fc.constantFrom('renew', 'doubt', 'expected' as const), record }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('drop' as const), record }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constantFrom('due', 'expire', 'wait' as const) }) },
);

const sorted = (records: ResourceRecord[]) => records.map(one => `${recordKey(one)} ${one.ttl}`).sort();

it('the cache does, whatever happens, what a simple one does', () => {
  fc.assert(
    fc.property(fc.array(act, { minLength: 10, maxLength: 60 }), acts => {
      const clock = new SimClock();
      const cache = new Cache(clock, Math.random, () => LIMIT);
      const model = new Model(clock);
      const seen = new Set<ResourceRecord>();
      for (const one of acts) {
        if ('record' in one) seen.add(one.record);
        switch (one.what) {
          case 'add':
            cache.add([one.record], LATE);
            model.add(one.record);
            break;
          case 'renew':
            cache.renew(one.record, LATE);
            model.renew(one.record);
            break;
          case 'doubt':
          case 'expected':
            cache[one.what](one.record);
            model[one.what](one.record);
            break;
          case 'drop':
            cache.drop(one.record.name, 'A');
            model.drop(one.record);
            break;
          case 'pass':
            clock.advance(one.ms);
            break;
          case 'due':
            assert.deepEqual(sorted(cache.due(99)), sorted(model.due()));
            break;
          case 'expire':
            assert.deepEqual(sorted(cache.expire()), sorted(model.expire()));
            break;
          case 'wait': {
            const next = cache.next(true);
            if (next < Number.POSITIVE_INFINITY) clock.advance(Math.max(0, next - clock.now()));
          }
        }
        for (const refreshing of [true, false]) assert.equal(cache.next(refreshing), model.next(refreshing));
        for (const one of seen) {
          const held = cache.get(one.name, 'A').map(({ record: item, heard, arrived, expires, over }) => ({
            record: item,
            heard,
            arrived,
            expires,
            over,
          }));
          assert.deepEqual(held, model.get(one));
          assert.equal(cache.last(one.name, 'A')?.record ?? null, held.at(-1)?.record ?? null);
        }
      }
    }),
    { numRuns: 1000 },
  );
});
