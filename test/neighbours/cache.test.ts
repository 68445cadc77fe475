import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { Cache } from '../../src/neighbours/cache';
import type { RecordOf } from '../../src/neighbours/dns';
import { SimClock, seeded } from './simulation';

const HOST = 'xo-1.local';
const a = (data: string, ttl = 100, flush = true): RecordOf<'A'> => ({ name: HOST, type: 'A', ttl, flush, data });

describe('the cache', () => {
  let clock: SimClock;
  let cache: Cache;
  const held = () => cache.get(HOST, 'A').map(({ record }) => record.data);

  beforeEach(() => {
    clock = new SimClock();
    cache = new Cache(clock, seeded(1), () => 3);
  });

  it('holds a record for its TTL and then tells that it ended, once', () => {
    cache.add([a('10.0.0.1')]);
    clock.advance(99_999);
    assert.deepEqual(held(), ['10.0.0.1']);
    assert.deepEqual(cache.expire(), []);
    clock.advance(1);
    assert.deepEqual(held(), []);
    assert.deepEqual(
      cache.expire().map(({ data }) => data),
      ['10.0.0.1'],
    );
    assert.deepEqual(cache.expire(), []);
    assert.equal(cache.next(true), Number.POSITIVE_INFINITY);
  });

  it('begins a new life when the record is heard again, by whatever spelling of its name', () => {
    cache.add([a('10.0.0.1')]);
    clock.advance(60_000);
    cache.add([{ ...a('10.0.0.1'), name: HOST.toUpperCase() }]);
    clock.advance(60_000);
    assert.deepEqual(held(), ['10.0.0.1']);
  });

  it('asks again at 80, 85, 90 and 95 % of the life, each up to 2 % later', () => {
    cache.add([a('10.0.0.1')]);
    const start = clock.now();
    for (const share of [80, 85, 90, 95]) {
      const at = cache.next(true) - start;
      assert.ok(at >= share * 1000 && at <= (share + 2) * 1000, `${share} %: ${at} ms`);
      assert.deepEqual(cache.due(9), []);
      clock.advance(at - (clock.now() - start));
      assert.equal(cache.due(9).length, 1);
      assert.deepEqual(cache.due(9), []);
    }
    assert.equal(cache.next(true) - start, 100_000);
    assert.equal(cache.next(false) - start, 100_000);
  });

  it('asks once for what came due meanwhile, and no more than allowed at a time', () => {
    cache.add([a('10.0.0.1', 100, false), a('10.0.0.2', 100, false)]);
    clock.advance(99_000);
    assert.equal(cache.due(1).length, 1);
    assert.equal(cache.due(1).length, 1);
    assert.equal(cache.due(1).length, 0);
  });

  it('lets what is said goodbye to live one second longer', () => {
    cache.add([a('10.0.0.1')]);
    cache.add([a('10.0.0.1', 0)]);
    clock.advance(999);
    assert.deepEqual(held(), ['10.0.0.1']);
    assert.deepEqual(cache.due(9), []);
    clock.advance(1);
    assert.deepEqual(held(), []);
  });

  it('is not made to hold anything by a goodbye', () => {
    cache.add([a('10.0.0.1', 0)]);
    assert.deepEqual(held(), []);
  });

  it('flushes what a newer whole set does not hold, but not what came within the same second', () => {
    cache.add([a('10.0.0.1')]);
    clock.advance(500);
    cache.add([a('10.0.0.2')]);
    clock.advance(5000);
    assert.deepEqual(held(), ['10.0.0.1', '10.0.0.2']);
    cache.add([a('10.0.0.3')]);
    clock.advance(1000);
    assert.deepEqual(held(), ['10.0.0.3']);
  });

  it('adds to a shared set', () => {
    cache.add([a('10.0.0.1', 100, false)]);
    clock.advance(5000);
    cache.add([a('10.0.0.2', 100, false)]);
    clock.advance(5000);
    assert.deepEqual(held(), ['10.0.0.1', '10.0.0.2']);
  });

  it('takes no more than its limit, and keeps what it has', () => {
    cache.add(['1', '2', '3', '4'].map(end => a(`10.0.0.${end}`, 100, false)));
    assert.deepEqual(held(), ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    clock.advance(60_000);
    cache.add([a('10.0.0.1', 100, false)]);
    clock.advance(60_000);
    assert.deepEqual(held(), ['10.0.0.1']);
  });

  it('lets the owner of a unique set say something new however often, and gives what was heard last at the end', () => {
    for (const end of ['1', '2', '3', '4', '5']) cache.add([a(`10.0.0.${end}`)]);
    assert.deepEqual(held(), ['10.0.0.3', '10.0.0.4', '10.0.0.5']);
    cache.add([a('10.0.0.4')]);
    assert.equal(held().at(-1), '10.0.0.4');
  });

  it('believes nobody for longer than 75 minutes', () => {
    cache.add([a('10.0.0.1', 0x7fffffff)]);
    clock.advance(4_500_000);
    assert.deepEqual(held(), []);
  });

  it('gives what is doubted ten seconds to be heard again', () => {
    cache.add([a('10.0.0.1')]);
    clock.advance(1000);
    cache.doubt(a('10.0.0.1'));
    assert.equal(cache.due(9).length, 1);
    clock.advance(1000);
    assert.equal(cache.due(9).length, 1);
    clock.advance(8999);
    assert.deepEqual(held(), ['10.0.0.1']);
    clock.advance(1);
    assert.deepEqual(held(), []);
  });

  it('forgets the doubt when it is heard again', () => {
    cache.add([a('10.0.0.1')]);
    cache.doubt(a('10.0.0.1'));
    clock.advance(5000);
    cache.add([a('10.0.0.1')]);
    clock.advance(50_000);
    assert.deepEqual(held(), ['10.0.0.1']);
  });
});
