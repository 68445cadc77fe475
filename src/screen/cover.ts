/** Few rectangles that cover many small ones and little else: each that GTK is told of costs as much as drawing a dot. Pure. */
import type { Rect } from './layout';

/** Side of the squares into which what is to be drawn anew is gathered, in pixels. */
const TILE = 40;

export function coverOf(small: readonly Rect[]): Rect[] {
  const rows = new Map<number, Set<number>>();
  for (const { x, y, width, height } of small) {
    for (let row = Math.floor(y / TILE); row * TILE < y + height; row++) {
      const columns = rows.get(row) ?? new Set();
      rows.set(row, columns);
      for (let column = Math.floor(x / TILE); column * TILE < x + width; column++) columns.add(column);
    }
  }
  return [...rows].flatMap(([row, columns]) => runs(columns).map(([from, length]) => tiles(row, from, length)));
}

function tiles(row: number, column: number, columns: number): Rect {
  return { x: column * TILE, y: row * TILE, width: columns * TILE, height: TILE };
}

/** Numbers that follow each other, as first number and how many. */
function runs(numbers: ReadonlySet<number>): [from: number, length: number][] {
  const all: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = all.at(-1);
    if (last && last[0] + last[1] === number) last[1]++;
    else all.push([number, 1]);
  }
  return all;
}
