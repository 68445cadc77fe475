import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { Agenda } from '../../src/neighbours/agenda';

it('an agenda does what a sorted list does', () => {
  const step = fc.tuple(
    fc.constantFrom('put', 'remove', 'until' as const),
    fc.nat({ max: 12 }),
    fc.oneof(fc.nat({ max: 9 }), fc.constant(Number.POSITIVE_INFINITY)),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), steps => {
      const items = Array.from({ length: 13 }, (_none, name) => ({ name, place: -1 }));
      const agenda = new Agenda<{ name: number; place: number }>({
        get: ({ place }) => place,
        set: (item, place) => {
          item.place = place;
        },
      });
      const times = new Map<number, number>();
      for (const [what, name, time] of steps) {
        const item = items[name]!;
        if (what === 'put') {
          agenda.put(item, time);
          times.set(name, time);
        } else if (what === 'remove') {
          agenda.remove(item);
          times.delete(name);
        } else {
          const found = agenda.until(time).map(one => one.name);
          const expected = [...times].filter(([, at]) => at <= time).map(([one]) => one);
          assert.deepEqual(found.toSorted(), expected.toSorted());
          const inOrder = found.map(one => times.get(one)!);
          assert.deepEqual(
            inOrder,
            inOrder.toSorted((a, b) => a - b),
          );
        }
        assert.equal(agenda.size, times.size);
        assert.equal(agenda.next, Math.min(...times.values()));
        assert.equal(agenda.first === null ? Number.POSITIVE_INFINITY : times.get(agenda.first.name), agenda.next);
        assert.equal(item.place >= 0, times.has(name));
      }
    }),
  );
});
