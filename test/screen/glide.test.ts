import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Glides } from '../../src/screen/glide';
import type { Rect } from '../../src/screen/layout';

type One = { cell: Rect };
const at = (x: number, y: number): One => ({ cell: { x, y, width: 100, height: 80 } });
const where = (entries: Record<string, One>) => new Map(Object.entries(entries));

describe('how laptops come, move and leave', () => {
  it('grow in, glide from the old place to the new one, and fade out', () => {
    const glides = new Glides<string, One>();
    glides.update(where({ ana: at(0, 0) }), 0, false);
    assert.equal(glides.pose('ana', 0), null);
    glides.update(where({ ana: at(300, 0), ben: at(0, 0) }), 1000, true);
    assert.deepEqual(glides.pose('ana', 1000), { dx: -300, dy: 0, alpha: 1, scale: 1 });
    assert.equal(glides.pose('ben', 1000)?.alpha, 0);
    const later = glides.pose('ana', 1200)?.dx ?? 0;
    assert.ok(later > -300 && later < 0);
    assert.equal(glides.pose('ana', 1500), null);
    assert.equal(glides.moves(1500), false);
    glides.update(where({ ben: at(0, 0) }), 2000, true);
    assert.deepEqual(
      glides.leaving(2150).map(({ pose }) => pose.alpha),
      [0.5],
    );
    assert.equal(glides.moves(2301), false);
  });

  it('who turns back on the way does not jump', () => {
    const glides = new Glides<string, One>();
    glides.update(where({ ana: at(0, 0) }), 0, false);
    glides.update(where({ ana: at(200, 0) }), 0, true);
    const seenAt = 200 + (glides.pose('ana', 150)?.dx ?? 0);
    glides.update(where({ ana: at(0, 0) }), 150, true);
    assert.ok(Math.abs((glides.pose('ana', 150)?.dx ?? 0) - seenAt) < 1e-9);
  });

  it('nothing moves where nothing may, and everything rests in the end, whatever happened', () => {
    const names = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.record({ x: fc.nat(900), y: fc.nat(500) }));
    const events = fc.array(fc.record({ names, after: fc.nat(600), smooth: fc.boolean() }), { maxLength: 12 });
    fc.assert(
      fc.property(events, all => {
        const glides = new Glides<string, One>();
        let now = 0;
        for (const { names: given, after, smooth } of all) {
          now += after;
          const placed = Object.entries(given).map(([key, { x, y }]) => [key, at(x, y)] as const);
          glides.update(new Map(placed), now, smooth);
          if (!smooth) assert.equal(glides.moves(now), false);
          const gone = glides.leaving(now).length;
          assert.ok(gone <= 4);
        }
        assert.equal(glides.moves(now + 1000), false);
      }),
    );
  });
});
