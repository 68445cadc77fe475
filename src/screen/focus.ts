/**
 * Where an arrow key leads among the laptops. GTK only goes to what lies straight above or below, and would miss a
 * laptop that stands aside in the next band.
 */
import type { Rect } from './layout';

export type Direction = 'up' | 'down' | 'left' | 'right';

/** Index of the nearest in that direction: the nearest row, and in it the nearest; sideways only in the same row. */
export function nearest(rects: readonly Rect[], from: Rect, direction: Direction): number | null {
  const sideways = direction === 'left' || direction === 'right';
  const forward = direction === 'right' || direction === 'down' ? 1 : -1;
  let best: { index: number; row: number; aside: number } | null = null;
  for (const [index, rect] of rects.entries()) {
    const dx = center(rect.x, rect.width) - center(from.x, from.width);
    const dy = center(rect.y, rect.height) - center(from.y, from.height);
    const [along, across] = sideways ? [dx, dy] : [dy, dx];
    const [half, sameRow] = sideways ? [from.width / 2, Math.abs(dy) < from.height / 2] : [from.height / 2, true];
    if (along * forward < half || !sameRow) continue;
    const row = along * forward;
    const aside = Math.abs(across);
    if (best === null || row < best.row - 1 || (row < best.row + 1 && aside < best.aside)) best = { index, row, aside };
  }
  return best?.index ?? null;
}

function center(start: number, length: number): number {
  return start + length / 2;
}
