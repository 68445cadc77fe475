import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Room } from '../../src/transfer/room';

test('a room holds so much at a time, in the order in which it came, whatever fails', async () => {
  const work = fc.record({ takes: fc.integer({ min: 1, max: 5 }), turns: fc.nat({ max: 5 }), fails: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.array(work, { maxLength: 30 }), async (most, works) => {
      const room = new Room(most);
      const begun: number[] = [];
      let inside = 0;
      const results = await Promise.allSettled(
        works.map(({ takes, turns, fails }, index) =>
          room.run(async () => {
            begun.push(index);
            inside += Math.min(takes, most);
            assert.ok(inside <= most);
            for (let turn = 0; turn < turns; turn++) await Promise.resolve();
            inside -= Math.min(takes, most);
            if (fails) throw new Error('this one fails');
            return index;
          }, takes),
        ),
      );
      assert.deepEqual(begun, [...works.keys()]);
      assert.deepEqual(
        results.map(({ status }) => status === 'rejected'),
        works.map(({ fails }) => fails),
      );
    }),
  );
});

test('what does not fit waits for room, and keeps nobody out who came before it', async () => {
  const room = new Room(3);
  const begun: string[] = [];
  const leave: (() => void)[] = [];
  const enter = (name: string, takes: number) =>
    room.run(() => {
      begun.push(name);
      return new Promise<void>(resolve => leave.push(resolve));
    }, takes);
  const all = [enter('one', 1), enter('another', 1), enter('large', 2), enter('last', 1)];
  await Promise.resolve();
  assert.deepEqual(begun, ['one', 'another']);
  leave[0]!();
  await all[0];
  await new Promise(setImmediate);
  assert.deepEqual(begun, ['one', 'another', 'large']);
  leave[1]!();
  await new Promise(setImmediate);
  assert.deepEqual(begun, ['one', 'another', 'large', 'last']);
  for (const one of leave) one();
  await Promise.all(all);
});
