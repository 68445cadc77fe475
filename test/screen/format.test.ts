import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { amount, amountOf, duration, people, timeLeft } from '../../src/screen/format';
import { fill } from '../../src/screen/i18n';

describe('numbers and names as a child reads them', () => {
  it('amounts', () => {
    assert.equal(amount(0), '0 MB');
    assert.equal(amount(900), 'less than 0.1 MB');
    assert.equal(amount(1_440_000), '1.4 MB');
    assert.equal(amount(23_400_000), '23 MB');
    assert.equal(amountOf(14_000_000, 23_000_000), '14 of 23 MB');
    assert.equal(amountOf(500, 900), 'less than 0.1 MB');
  });

  it('never says that more is done than there is', () => {
    assert.equal(amountOf(30_000_000, 23_000_000), '23 of 23 MB');
  });

  it('time left', () => {
    assert.equal(timeLeft(0.4), 'nearly done');
    assert.equal(timeLeft(1), '1 second left');
    assert.equal(timeLeft(7.2), '8 seconds left');
    assert.equal(timeLeft(23), '25 seconds left');
    assert.equal(timeLeft(70), 'about 1 minute left');
    assert.equal(timeLeft(600), 'about 10 minutes left');
    assert.equal(timeLeft(7200), 'about 2 hours left');
  });

  it('how long it will take; a rough guess not by the second', () => {
    assert.equal(duration(5), 'a few seconds');
    assert.equal(duration(23), '30 seconds');
    assert.equal(duration(190), 'about 3 minutes');
    assert.equal(duration(5, true), 'a few seconds');
    assert.equal(duration(23, true), 'about 1 minute');
    assert.equal(duration(190, true), 'about 3 minutes');
  });

  it('never says a longer time for a shorter one', () => {
    const number = (text: string) => {
      if (text === 'nearly done') return 0;
      const n = Number(/\d+/.exec(text)?.[0]);
      return n * (text.includes('hour') ? 3600 : text.includes('minute') ? 60 : 1);
    };
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e5, noNaN: true }),
        fc.double({ min: 0, max: 1e5, noNaN: true }),
        (a, b) => {
          assert.ok(number(timeLeft(Math.min(a, b))) <= number(timeLeft(Math.max(a, b))));
        },
      ),
    );
  });

  it('people', () => {
    assert.equal(people([]), '');
    assert.equal(people(['Ana']), 'Ana');
    assert.equal(people(['Ana', 'Ben']), 'Ana and Ben');
    assert.equal(people(['Ana', 'Ben', 'Carla']), 'Ana, Ben and Carla');
    assert.equal(people(['Ana', 'Ben', 'Carla', 'Dina']), 'Ana, Ben and 2 others');
  });

  it('fills places by name, once, whatever the values hold', () => {
    assert.equal(fill('{a} and {b}, not {c}', { a: '{b}', b: '$&' }), '{b} and $&, not {c}');
  });
});
