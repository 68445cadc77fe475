/**
 * The dots that fly from every helper to this laptop. Where they are is computed once a picture, so that only that has to be
 * drawn anew; what one looks like is drawn once: forty who give are 360 dots in sixty pictures a second.
 */
import { circle, NO_COLORS, setColor } from './draw';
import { type Cairo, drawOnce, type Gtk3, type Picture } from './gtk';
import { type LaptopGeometry, textRect } from './laptop';
import type { Rect, StageLayout } from './layout';
import type { LaptopView } from './view';

/** Dots in flight between a helper and this laptop, and the time one takes, in ms. */
const DOTS = 9;
const FLIGHT = 1800;
/** Room in its picture around a dot for its line. */
const LINE = 2.5;
const MOST_SPRITES = 256;

export interface Placed {
  view: LaptopView;
  geometry: LaptopGeometry;
}

export interface Dot {
  /** Its middle, in whole pixels: between them every dot would be computed anew. */
  x: number;
  y: number;
  radius: number;
  colors: readonly [stroke: string, fill: string];
}

/** From every helper to this laptop, never over a name; `now` in ms. */
export function dotsAt(placed: readonly Placed[], layout: StageLayout, now: number): Dot[] {
  const { ring } = layout.laptop;
  const names = placed.map(({ geometry }) => textRect(geometry));
  const dots: Dot[] = [];
  for (const { view, geometry } of placed) {
    if (!view.giving) continue;
    const { cell, icon } = geometry;
    const from = { x: cell.x + cell.width / 2, y: cell.y + icon.y + icon.height / 2 };
    const distance = Math.hypot(ring.x - from.x, ring.y - from.y) || 1;
    const toX = ring.x - ((ring.x - from.x) / distance) * ring.radius;
    const toY = ring.y - ((ring.y - from.y) / distance) * ring.radius;
    for (let i = 0; i < DOTS; i++) {
      const part = ((now % FLIGHT) / FLIGHT + i / DOTS) % 1;
      const radius = (i % 2 === 0 ? 7 : 4.5) * layout.unit;
      const x = Math.round(from.x + (toX - from.x) * part);
      const y = Math.round(from.y + (toY - from.y) * part);
      if (names.some(name => touches(name, x, y, radius))) continue;
      dots.push({ x, y, radius, colors: view.colors ?? NO_COLORS });
    }
  }
  return dots;
}

function touches({ x, y, width, height }: Rect, px: number, py: number, radius: number): boolean {
  return px + radius > x && px - radius < x + width && py + radius > y && py - radius < y + height;
}

/** Half the side of its square, in whole pixels. */
function reach({ radius }: Dot): number {
  return Math.ceil(radius + LINE);
}

/** What it covers. */
export function dotRect(dot: Dot): Rect {
  const half = reach(dot);
  return { x: dot.x - half, y: dot.y - half, width: 2 * half, height: 2 * half };
}

/** Pictures of dots, each drawn once. */
export class DotSprites {
  private readonly sprites = new Map<string, Picture>();

  constructor(private readonly widget: Gtk3.Widget) {}

  draw(cr: Cairo.Context, dots: readonly Dot[]): void {
    for (const dot of dots) {
      const sprite = this.spriteOf(dot);
      const { x, y } = dotRect(dot);
      if (!sprite) continue;
      cr.setSourceSurface(sprite.surface, x, y);
      cr.paint();
    }
  }

  private spriteOf(dot: Dot): Picture | null {
    const { radius, colors } = dot;
    const name = `${colors.join()} ${radius}`;
    const known = this.sprites.get(name);
    if (known) return known;
    if (this.sprites.size >= MOST_SPRITES) this.sprites.clear();
    const half = reach(dot);
    const sprite = drawOnce(this.widget, undefined, cr => drawDot(cr, half, dot), {
      width: 2 * half,
      height: 2 * half,
    });
    if (sprite) this.sprites.set(name, sprite);
    return sprite;
  }
}

function drawDot(cr: Cairo.Context, middle: number, { radius, colors: [stroke, fill] }: Dot): void {
  circle(cr, middle, middle, radius);
  setColor(cr, fill);
  cr.fillPreserve();
  setColor(cr, stroke);
  cr.setLineWidth(LINE * (radius / 7));
  cr.stroke();
}
