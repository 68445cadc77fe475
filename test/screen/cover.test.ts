import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { coverOf } from '../../src/screen/cover';
import type { Rect } from '../../src/screen/layout';

const dot = fc
  .record({
    x: fc.integer({ min: -30, max: 1200 }),
    y: fc.integer({ min: -30, max: 900 }),
    side: fc.integer({ min: 4, max: 24 }),
  })
  .map(({ x, y, side }): Rect => ({ x, y, width: side, height: side }));

function holds({ x, y, width, height }: Rect, px: number, py: number): boolean {
  return px >= x && px < x + width && py >= y && py < y + height;
}

function touches(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

test('every pixel that was given is covered, and no rectangle reaches into another', () => {
  fc.assert(
    fc.property(fc.array(dot, { maxLength: 40 }), dots => {
      const cover = coverOf(dots);
      for (const { x, y, width, height } of dots) {
        for (let px = x; px < x + width; px++) {
          for (const py of [y, y + height - 1])
            assert.ok(
              cover.some(rect => holds(rect, px, py)),
              `${px}, ${py}`,
            );
        }
      }
      for (const [i, a] of cover.entries()) for (const b of cover.slice(i + 1)) assert.ok(!touches(a, b));
    }),
    { numRuns: 50 },
  );
});

test('little else is covered, by fewer rectangles than there are dots in a stream', () => {
  fc.assert(
    fc.property(fc.array(dot, { maxLength: 40 }), dots => {
      // A dot is smaller than a square of the cover, and so lies in four of them at most.
      const area = coverOf(dots).reduce((sum, { width, height }) => sum + width * height, 0);
      assert.ok(area <= dots.length * 4 * 40 * 40);
    }),
  );
  const stream = Array.from({ length: 100 }, (_, i) => ({ x: i * 5, y: i * 2, width: 20, height: 20 }));
  assert.ok(coverOf(stream).length < 20);
  assert.deepEqual(coverOf([]), []);
});
