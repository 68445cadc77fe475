import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nearest } from '../../src/screen/focus';
import { layoutStage } from '../../src/screen/layout';

const layout = layoutStage({
  width: 1200,
  height: 701,
  counts: { newer: [3, 1], mine: [2], older: [1, 1], different: [] },
  alone: false,
  rightToLeft: false,
});
const { newer, mine, older } = layout.cells;
const named = [
  ...newer.flat().map((rect, i) => ({ rect, name: `newer ${i}` })),
  ...mine.flat().map((rect, i) => ({ rect, name: `same ${i}` })),
  ...older.flat().map((rect, i) => ({ rect, name: `older ${i}` })),
  { rect: layout.laptop.cell, name: 'mine' },
];
const rects = named.map(({ rect }) => rect);

function go(from: string, direction: Parameters<typeof nearest>[2]): string | null {
  const start = named.find(({ name }) => name === from)?.rect;
  assert.ok(start);
  const index = nearest(rects, start, direction);
  return index === null ? null : (named[index]?.name ?? null);
}

describe('arrow keys among the laptops', () => {
  it('reach the next band, even where nothing stands straight above', () => {
    assert.equal(go('mine', 'up'), 'newer 2');
    assert.equal(go('mine', 'down'), 'older 1');
    assert.equal(go('older 0', 'up'), 'same 0');
    assert.equal(go('newer 0', 'down'), 'same 0');
  });

  it('go along a row', () => {
    assert.equal(go('newer 0', 'right'), 'newer 1');
    assert.equal(go('newer 3', 'left'), 'newer 2');
    assert.equal(go('mine', 'left'), 'same 0');
    assert.equal(go('mine', 'right'), 'same 1');
    assert.equal(go('same 0', 'right'), 'mine');
  });

  it('leave the stage at its edges', () => {
    for (const name of ['newer 0', 'newer 3']) assert.equal(go(name, 'up'), null);
    assert.equal(go('older 0', 'down'), null);
    assert.equal(go('newer 3', 'right'), null);
  });

  it('reach everybody from anywhere', () => {
    const seen = new Set(['mine']);
    const open = ['mine'];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      for (const direction of ['up', 'down', 'left', 'right'] as const) {
        const next = go(name, direction);
        if (next === null || seen.has(next)) continue;
        seen.add(next);
        open.push(next);
      }
    }
    assert.equal(seen.size, named.length);
  });
});
