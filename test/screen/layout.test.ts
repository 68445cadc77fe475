import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Counts, layoutStage, type Rect, type StageInput, type StageLayout } from '../../src/screen/layout';

const SIZES = [
  [1200, 701],
  [1200, 722],
  [1024, 590],
  [800, 336],
  [800, 310],
  [640, 300],
  [1920, 900],
  [700, 1000],
] as const;

function input(
  counts: Partial<Counts>,
  [width, height]: readonly [number, number],
  more: Partial<StageInput> = {},
): StageInput {
  const all = { newer: [], mine: [], older: [], different: [], ...counts };
  return { width, height, counts: all, alone: false, rightToLeft: false, ...more };
}

function cells(layout: StageLayout): Rect[] {
  return [...Object.values(layout.cells).flat(2), layout.laptop.cell];
}

function overlap(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function within(inner: Rect, outer: Rect): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

const groups = fc.array(fc.nat(12), { maxLength: 5 });
const inputs = fc
  .record({
    counts: fc.record({ newer: groups, mine: groups, older: groups, different: fc.array(fc.nat(3), { maxLength: 2 }) }),
    size: fc.constantFrom(...SIZES),
    rightToLeft: fc.boolean(),
  })
  .map(({ counts, size, rightToLeft }) => input(counts, size, { rightToLeft }));

describe('the layout of the stage', () => {
  it('never lets two laptops overlap, nor one leave its band, whatever there is', () => {
    fc.assert(
      fc.property(inputs, given => {
        const layout = layoutStage(given);
        const all = cells(layout);
        for (const [i, a] of all.entries()) {
          for (const b of all.slice(i + 1)) assert.ok(!overlap(a, b), JSON.stringify([a, b]));
        }
        const { bands } = layout;
        for (const cell of layout.cells.newer.flat()) assert.ok(within(cell, bands.newer));
        for (const cell of layout.cells.older.flat()) assert.ok(within(cell, bands.older));
        for (const cell of [...layout.cells.mine.flat(), ...layout.cells.different.flat(), layout.laptop.cell]) {
          assert.ok(within(cell, bands.mine), JSON.stringify([cell, bands.mine]));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('keeps the bands names column free, and the bands fill the height exactly', () => {
    fc.assert(
      fc.property(inputs, given => {
        const layout = layoutStage(given);
        const { newer, mine, older } = layout.bands;
        const column = given.rightToLeft
          ? { x: given.width - layout.labels, y: 0, width: layout.labels, height: layout.height }
          : { x: 0, y: 0, width: layout.labels, height: layout.height };
        for (const cell of cells(layout)) assert.ok(!overlap(cell, column));
        assert.equal(newer.y, 0);
        assert.equal(mine.y, newer.height);
        assert.equal(older.y, mine.y + mine.height);
        assert.equal(older.y + older.height, layout.height);
      }),
    );
  });

  it('lets no tray reach into another, or out of its band, and puts every laptop of a group on its own', () => {
    fc.assert(
      fc.property(inputs, given => {
        const { trays, bands, cells: all, heading } = layoutStage(given);
        const rows = [...trays.newer, ...trays.older, ...trays.different].flat();
        for (const [i, a] of rows.entries()) {
          for (const b of rows.slice(i + 1)) assert.ok(!overlap(a, b), JSON.stringify([a, b]));
        }
        for (const zone of ['newer', 'older', 'different'] as const) {
          const band = zone === 'different' ? bands.mine : bands[zone];
          all[zone].forEach((group, g) => {
            const own = trays[zone][g] ?? [];
            for (const row of own) assert.ok(within(row, band));
            for (const { x, y, width, height } of group) {
              const inner = { x: x + 4, y, width: width - 8, height };
              assert.ok(own.some(row => within(inner, row) && y >= row.y + heading));
            }
          });
        }
      }),
    );
  });

  it('leaves room for the ring inside the button of this laptop', () => {
    fc.assert(
      fc.property(inputs, given => {
        const { cell, ring, icon } = layoutStage(given).laptop;
        const square = {
          x: ring.x - ring.radius,
          y: ring.y - ring.radius,
          width: 2 * ring.radius,
          height: 2 * ring.radius,
        };
        assert.ok(within(square, cell));
        // The icon's corners: half its diagonal.
        assert.ok((icon / 2) * Math.SQRT2 < ring.radius);
      }),
    );
  });

  it('does not scroll for a usual class on any usual screen, and never makes icons too small to touch', () => {
    const classroom = { newer: [3, 1], mine: [2], older: [1, 1] };
    for (const size of SIZES) {
      const layout = layoutStage(input(classroom, size));
      if (size[1] >= 310) assert.equal(layout.height, size[1], String(size));
      for (const cell of cells(layout)) assert.ok(cell.width >= 55 && cell.height >= 55);
    }
  });

  it('scrolls rather than overlaps when forty do not fit', () => {
    const layout = layoutStage(input({ newer: [40], mine: [20], older: [20] }, [800, 336]));
    assert.ok(layout.height > 336);
  });

  it('does not move a laptop when a later place of its band is taken', () => {
    for (const size of SIZES) {
      const before = layoutStage(input({ newer: [2], mine: [1], older: [1] }, size));
      const after = layoutStage(input({ newer: [3], mine: [2], older: [2] }, size));
      assert.deepEqual(after.cells.newer[0]?.slice(0, 2), before.cells.newer[0]);
      assert.deepEqual(after.cells.mine[0]?.[0], before.cells.mine[0]?.[0]);
      assert.deepEqual(after.cells.older[0]?.[0], before.cells.older[0]?.[0]);
    }
  });

  it('mirrors everything for languages written from the right', () => {
    const counts = { newer: [2], mine: [3], older: [1], different: [1] };
    const plain = layoutStage(input(counts, [1200, 700]));
    const mirrored = layoutStage(input(counts, [1200, 700], { rightToLeft: true }));
    const flipped = cells(plain).map(rect => ({ ...rect, x: 1200 - rect.x - rect.width }));
    assert.deepEqual(cells(mirrored), flipped);
  });

  it('alone: gives the older band up unless something is kept in it', () => {
    const nobody = layoutStage(input({}, [1200, 700], { alone: true }));
    assert.equal(nobody.bands.older.height, 0);
    const kept = layoutStage(input({ older: [1] }, [1200, 700], { alone: true }));
    assert.ok(kept.bands.older.height > 0);
  });
});
