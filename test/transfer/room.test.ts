import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Room } from '../../src/transfer/room';

test('a room holds so many at a time, in the order in which they came, whatever fails', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.tuple(fc.nat({ max: 5 }), fc.boolean()), { maxLength: 30 }),
      async (most, works) => {
        const room = new Room(most);
        const begun: number[] = [];
        let inside = 0;
        const results = await Promise.allSettled(
          works.map(([turns, fails], index) =>
            room.run(async () => {
              begun.push(index);
              assert.ok(++inside <= most);
              for (let turn = 0; turn < turns; turn++) await Promise.resolve();
              inside--;
              if (fails) throw new Error('this one fails');
              return index;
            }),
          ),
        );
        assert.deepEqual(begun, [...works.keys()]);
        assert.deepEqual(
          results.map(({ status }) => status === 'rejected'),
          works.map(([, fails]) => fails),
        );
      },
    ),
  );
});
