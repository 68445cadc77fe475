/**
 * How laptops come, move and leave, as a pure function of time: each glides from where it was seen last to where it
 * stands now. Only the picture moves; the button is at its place at once, so that nothing slips away under a finger.
 */
import type { Rect } from './layout';

/** Milliseconds. */
const COMING = 350;
const MOVING = 450;
const LEAVING = 300;

/** How a laptop is drawn now: moved by pixels, faded, and grown around its middle. */
export interface Pose {
  dx: number;
  dy: number;
  alpha: number;
  scale: number;
}

interface Track {
  cell: Rect;
  begun: number;
  kind: 'coming' | 'moving' | 'still';
  dx: number;
  dy: number;
}

interface Leaving<What> {
  what: What;
  begun: number;
}

export class Glides<Key, What extends { cell: Rect }> {
  private tracks = new Map<Key, Track>();
  private last = new Map<Key, What>();
  private gone = new Map<Key, Leaving<What>>();

  /** Who stands where from `now` (ms) on; smooth: false to be there at once. */
  update(placed: ReadonlyMap<Key, What>, now: number, smooth: boolean): void {
    const tracks = new Map<Key, Track>();
    for (const [key, { cell }] of placed) tracks.set(key, this.follow(key, cell, now, smooth));
    for (const [key, what] of this.last) {
      if (smooth && !placed.has(key)) this.gone.set(key, { what, begun: now });
    }
    for (const key of [...this.gone.keys()]) if (!smooth || placed.has(key)) this.gone.delete(key);
    this.tracks = tracks;
    this.last = new Map(placed);
  }

  /** null: just as it stands. */
  pose(key: Key, now: number): Pose | null {
    const track = this.tracks.get(key);
    if (!track || track.kind === 'still') return null;
    const part = ease((now - track.begun) / (track.kind === 'coming' ? COMING : MOVING));
    if (part >= 1) {
      track.kind = 'still';
      return null;
    }
    if (track.kind === 'coming') return { dx: 0, dy: 0, alpha: part, scale: 0.6 + 0.4 * part };
    return { dx: track.dx * (1 - part), dy: track.dy * (1 - part), alpha: 1, scale: 1 };
  }

  /** Those who have left and are still to be seen. */
  leaving(now: number): { what: What; pose: Pose }[] {
    const seen: { what: What; pose: Pose }[] = [];
    for (const [key, { what, begun }] of this.gone) {
      const part = (now - begun) / LEAVING;
      if (part >= 1) this.gone.delete(key);
      else seen.push({ what, pose: { dx: 0, dy: 0, alpha: 1 - part, scale: 1 - 0.3 * part } });
    }
    return seen;
  }

  /** Does anything move? */
  moves(now: number): boolean {
    for (const key of this.tracks.keys()) if (this.pose(key, now)) return true;
    return this.leaving(now).length > 0;
  }

  private follow(key: Key, cell: Rect, now: number, smooth: boolean): Track {
    const known = this.tracks.get(key);
    const still: Track = { cell, begun: now, kind: 'still', dx: 0, dy: 0 };
    if (!smooth) return still;
    if (!known) return { ...still, kind: 'coming' };
    const dx = center(known.cell.x, known.cell.width) - center(cell.x, cell.width);
    const dy = center(known.cell.y, known.cell.height) - center(cell.y, cell.height);
    if (Math.abs(dx) < 1 && Math.abs(dy) < 1) return { ...known, cell };
    const pose = this.pose(key, now);
    return { ...still, kind: 'moving', dx: dx + (pose?.dx ?? 0), dy: dy + (pose?.dy ?? 0) };
  }
}

function center(start: number, length: number): number {
  return start + length / 2;
}

/** Fast at first, then slowly into its place. */
function ease(part: number): number {
  return part >= 1 ? 1 : 1 - (1 - Math.max(0, part)) ** 3;
}
