import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PatchMemory } from '../../src/transfer/patch-memory';

const LARGE = 1 << 20;
const LITTLE = 1 << 10;

/** One delta that is being applied, until `end` is called. */
function begin(memory: PatchMemory, size: number) {
  const state = { begun: false, ended: false };
  let end = () => {};
  const held = new Promise<void>(resolve => {
    end = resolve;
  });
  const piece = Buffer.from('x');
  const run = async () => {
    const pieces = memory.using(size, async function* () {
      state.begun = true;
      await held;
      yield piece;
    });
    for await (const one of pieces) assert.equal(one, piece);
    state.ended = true;
  };
  return { state, end: () => end(), done: run() };
}

const turn = () => new Promise(resolve => setImmediate(resolve));

test('two large deltas are applied at once, the others as these end; little ones need not wait', async () => {
  const memory = new PatchMemory();
  const large = Array.from({ length: 6 }, () => begin(memory, LARGE));
  const little = Array.from({ length: 6 }, () => begin(memory, LITTLE));
  await turn();
  const begun = () => large.filter(({ state }) => state.begun).length;
  assert.equal(begun(), 2);
  assert.ok(little.every(({ state }) => state.begun));
  for (const [index, expected] of [3, 4, 5, 6, 6, 6].entries()) {
    large[index]!.end();
    await large[index]!.done;
    await turn();
    assert.equal(begun(), expected);
  }
  for (const one of little) one.end();
  await Promise.all(little.map(({ done }) => done));
});

test('those who are slow are waited for, as long as one of them goes on', async () => {
  const patience = 200;
  const memory = new PatchMemory(patience);
  let isSlow = true;
  const slow = Array.from({ length: 2 }, async () => {
    const pieces = memory.using(LARGE, async function* () {
      while (isSlow) {
        await new Promise(resolve => setTimeout(resolve, patience / 10));
        yield Buffer.alloc(1);
      }
    });
    for await (const _ of pieces);
  });
  await turn();
  const next = begin(memory, LARGE);
  await new Promise(resolve => setTimeout(resolve, 3 * patience));
  assert.ok(!next.state.begun);
  isSlow = false;
  next.end();
  await Promise.all([...slow, next.done]);
});

test('those who stall do not hold up the others for long, and their places are used again', async () => {
  const memory = new PatchMemory(100);
  const stalled = Array.from({ length: 2 }, () => begin(memory, LARGE));
  const next = begin(memory, LARGE);
  next.end();
  await next.done;
  for (const one of stalled) one.end();
  await Promise.all(stalled.map(({ done }) => done));
  const after = Array.from({ length: 4 }, () => begin(memory, LARGE));
  await turn();
  assert.equal(after.filter(({ state }) => state.begun).length, 2);
  for (const one of after) one.end();
  await Promise.all(after.map(({ done }) => done));
});

test('one that fails, or that nobody reads to its end, leaves its place', async () => {
  const memory = new PatchMemory();
  for (let round = 0; round < 5; round++) {
    const failing = memory.using(LARGE, async function* () {
      yield Buffer.alloc(1);
      throw new Error('bad delta');
    });
    await assert.rejects(async () => {
      for await (const _ of failing);
    }, /bad delta/);
    for await (const _ of memory.using(LARGE, async function* () {
      yield Buffer.alloc(1);
      yield Buffer.alloc(1);
    }))
      break;
  }
  const after = Array.from({ length: 2 }, () => begin(memory, LARGE));
  await turn();
  assert.ok(after.every(({ state }) => state.begun));
  for (const one of after) one.end();
  await Promise.all(after.map(({ done }) => done));
});
