import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { arrange, type Places } from '../../src/screen/places';
import type { Neighbour, Relation } from '../../src/service/contract';
import { neighbour } from './states';

function ids(places: Places): (string | null)[][] {
  return places.map(group => group.slots);
}

const [a, b, c] = ['a', 'b', 'c'].map(nick => neighbour(nick, '407', 'newer')) as [Neighbour, Neighbour, Neighbour];

describe('who stands where', () => {
  it('keeps the others where they are when one leaves, and fills the hole with the next', () => {
    const three = arrange([], [a, b, c]);
    assert.deepEqual(ids(three), [['a', 'b', 'c']]);
    const two = arrange(three, [a, c]);
    assert.deepEqual(ids(two), [['a', null, 'c']]);
    assert.deepEqual(ids(arrange(two, [a, c, neighbour('d', '407', 'newer')])), [['a', 'd', 'c']]);
  });

  it('drops holes at the end, and closes up when fewer than half are left', () => {
    const three = arrange([], [a, b, c]);
    assert.deepEqual(ids(arrange(three, [a, b])), [['a', 'b']]);
    assert.deepEqual(ids(arrange(three, [c])), [['c']]);
    assert.deepEqual(ids(arrange(three, [])), []);
  });

  it('puts equal versions together, the nearest first, above and below', () => {
    const places = arrange(
      [],
      [neighbour('x', '410', 'newer'), a, neighbour('o1', '402', 'older'), neighbour('o2', '405', 'older'), b],
    );
    const order = (zone: string) => places.filter(group => group.zone === zone).map(group => group.version);
    assert.deepEqual(order('newer'), ['407', '410']);
    assert.deepEqual(order('older'), ['405', '402']);
    assert.deepEqual(places.find(group => group.version === '407')?.slots, ['a', 'b']);
  });

  it('moves a laptop that has another version now, and only that one', () => {
    const before = arrange([], [a, b, c]);
    const after = arrange(before, [a, neighbour('b', '406', 'same'), c]);
    assert.deepEqual(
      after.map(({ zone, slots }) => [zone, slots]),
      [
        ['mine', ['b']],
        ['newer', ['a', null, 'c']],
      ],
    );
  });

  it('shows everybody exactly once, after any coming and going', () => {
    const kinds: [string, Relation][] = [
      ['407', 'newer'],
      ['410', 'newer'],
      ['406', 'same'],
      ['405', 'older'],
      ['406', 'different'],
    ];
    const laptop = fc
      .record({ id: fc.nat(15), kind: fc.constantFrom(...kinds) })
      .map(({ id, kind: [version, relation] }) => neighbour(`n${id}`, version, relation));
    const near = fc.uniqueArray(laptop, { selector: n => n.id, maxLength: 12 });
    fc.assert(
      fc.property(fc.array(near, { maxLength: 12 }), scenes => {
        let places: Places = [];
        for (const scene of scenes) {
          places = arrange(places, scene);
          const shown = places.flatMap(group => group.slots).filter(id => id !== null);
          assert.deepEqual([...shown].sort(), scene.map(n => n.id).sort());
        }
      }),
    );
  });

  it('leaves those who stay in their places while holes are few', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(19), { maxLength: 9 }), leaving => {
        const all = Array.from({ length: 20 }, (_none, i) => neighbour(`n${i}`, '407', 'newer'));
        const before = arrange([], all)[0]?.slots ?? [];
        const after =
          arrange(
            arrange([], all),
            all.filter((_n, i) => !leaving.includes(i)),
          )[0]?.slots ?? [];
        for (const [i, id] of after.entries()) if (id !== null) assert.equal(before[i], id);
      }),
    );
  });
});
