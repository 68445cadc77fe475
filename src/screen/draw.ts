/** Drawing: XO laptops and the few grey signs; text is in `text.ts`. Sizes in pixels, colours as #RRGGBB. */
import { type Cairo, Gdk, GdkPixbuf, type GdkPixbuf2 } from './gtk';
import type { Rect } from './layout';

/** Sugar's greys; colour belongs to people. */
export const GREY = {
  ink: '#282828',
  text: '#282828',
  soft: '#4D4D4D',
  line: '#757575',
  panel: '#C0C0C0',
  track: '#D9D9D9',
  newer: '#F4F4F4',
  mine: '#FFFFFF',
  older: '#E6E6E6',
  white: '#FFFFFF',
} as const;

/** Outline only: who does not share colours. */
export const NO_COLORS: [string, string] = [GREY.line, GREY.white];

export function setColor(cr: Cairo.Context, color: string, alpha = 1): void {
  const part = (at: number) => Number.parseInt(color.slice(at, at + 2), 16) / 255;
  cr.setSourceRgba(part(1), part(3), part(5), alpha);
}

export function fillRect(cr: Cairo.Context, rect: Rect, color: string): void {
  setColor(cr, color);
  cr.rectangle(rect.x, rect.y, rect.width, rect.height);
  cr.fill();
}

export function roundedRect(
  cr: Cairo.Context,
  x: number,
  y: number,
  width: number,
  height: number,
  radius: number,
): void {
  const r = Math.min(radius, width / 2, height / 2);
  cr.newSubPath();
  cr.arc(x + width - r, y + r, r, -Math.PI / 2, 0);
  cr.arc(x + width - r, y + height - r, r, 0, Math.PI / 2);
  cr.arc(x + r, y + height - r, r, Math.PI / 2, Math.PI);
  cr.arc(x + r, y + r, r, Math.PI, Math.PI * 1.5);
  cr.closePath();
}

export function circle(cr: Cairo.Context, x: number, y: number, radius: number): void {
  cr.newSubPath();
  cr.arc(x, y, radius, 0, Math.PI * 2);
}

/** An SVG with Sugar's colour entities. */
export type Icon = string & { readonly icon: unique symbol };

/** Rendered icons: few sizes and colours are in use at a time, and rendering SVG anew for each frame is slow. */
const rendered = new Map<string, GdkPixbuf2.Pixbuf>();
const RENDERED_MOST = 200;

export function renderIcon(svg: Icon, size: number, [stroke, fill]: readonly [string, string]): GdkPixbuf2.Pixbuf {
  const key = `${size} ${stroke} ${fill} ${svg.length}`;
  const known = rendered.get(key);
  if (known) return known;
  const coloured = svg
    .replace(/<!ENTITY stroke_color "[^"]*">/, `<!ENTITY stroke_color "${stroke}">`)
    .replace(/<!ENTITY fill_color "[^"]*">/, `<!ENTITY fill_color "${fill}">`);
  const loader = GdkPixbuf.PixbufLoader.newWithType('svg');
  loader.setSize(size, size);
  loader.write(Buffer.from(coloured));
  loader.close();
  const pixbuf = loader.getPixbuf();
  if (!pixbuf) throw new Error('an icon could not be drawn');
  const oldest = rendered.keys().next().value;
  if (rendered.size >= RENDERED_MOST && oldest !== undefined) rendered.delete(oldest);
  rendered.set(key, pixbuf);
  return pixbuf;
}

export function drawIcon(cr: Cairo.Context, pixbuf: GdkPixbuf2.Pixbuf, x: number, y: number, alpha = 1): void {
  Gdk.cairoSetSourcePixbuf(cr, pixbuf, Math.round(x), Math.round(y));
  cr.paintWithAlpha(alpha);
}

export type Sign =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'equal'
  | 'different'
  | 'unsigned'
  | 'dots'
  | 'compare'
  | 'look'
  | 'flag'
  | 'check'
  | 'back'
  | 'restart'
  | 'stop'
  | 'question'
  | 'alert'
  | 'table'
  | 'laptops';

/** A sign in the square of that size around (x, y), in one colour. */
export function drawSign(cr: Cairo.Context, sign: Sign, x: number, y: number, size: number, color: string): void {
  cr.save();
  cr.translate(x, y);
  cr.scale(size / 2, size / 2);
  setColor(cr, color);
  cr.setLineCap(1);
  cr.setLineJoin(1);
  cr.setLineWidth(0.24);
  cr.newPath();
  SIGNS[sign](cr);
  cr.restore();
}

/** Each in the square from -1 to 1. */
const SIGNS: Record<Sign, (cr: Cairo.Context) => void> = {
  up: cr => arrow(cr, -1),
  down: cr => arrow(cr, 1),
  left: cr => {
    cr.rotate(Math.PI / 2);
    arrow(cr, 1);
  },
  right: cr => {
    cr.rotate(-Math.PI / 2);
    arrow(cr, 1);
  },
  equal: cr => bars(cr, false),
  different: cr => bars(cr, true),
  unsigned: cr => {
    // A seal that is struck out.
    circle(cr, 0, 0, 0.5);
    cr.stroke();
    cr.moveTo(-0.66, 0.66);
    cr.lineTo(0.66, -0.66);
    cr.stroke();
  },
  dots: cr => {
    for (const x of [-0.56, 0, 0.56]) {
      circle(cr, x, 0, 0.17);
      cr.fill();
    }
  },
  compare: cr => {
    // Two sheets side by side.
    for (const x of [-0.46, 0.46]) {
      cr.rectangle(x - 0.3, -0.6, 0.6, 1.2);
      cr.stroke();
    }
  },
  look: cr => {
    circle(cr, -0.14, -0.14, 0.46);
    cr.stroke();
    cr.moveTo(0.22, 0.22);
    cr.lineTo(0.7, 0.7);
    cr.stroke();
  },
  flag: cr => {
    cr.moveTo(-0.44, 0.8);
    cr.lineTo(-0.44, -0.74);
    cr.stroke();
    cr.moveTo(-0.44, -0.74);
    cr.lineTo(0.62, -0.38);
    cr.lineTo(-0.44, 0.06);
    cr.closePath();
    cr.fill();
  },
  check: cr => {
    cr.moveTo(-0.62, 0.06);
    cr.lineTo(-0.18, 0.5);
    cr.lineTo(0.66, -0.46);
    cr.setLineWidth(0.3);
    cr.stroke();
  },
  back: cr => turn(cr, -1),
  restart: cr => turn(cr, 1),
  stop: cr => {
    cr.rectangle(-0.6, -0.6, 1.2, 1.2);
    cr.fill();
  },
  question: cr => {
    cr.arc(0, -0.36, 0.4, Math.PI, Math.PI * 2.35);
    cr.lineTo(0, 0.28);
    cr.stroke();
    circle(cr, 0, 0.72, 0.14);
    cr.fill();
  },
  alert: cr => {
    cr.moveTo(0, -0.8);
    cr.lineTo(0, 0.2);
    cr.stroke();
    circle(cr, 0, 0.68, 0.15);
    cr.fill();
  },
  table: sheet,
  laptops: three,
};

/** A sheet with lines, its first column narrow. */
function sheet(cr: Cairo.Context): void {
  cr.setLineWidth(0.16);
  roundedRect(cr, -0.9, -0.72, 1.8, 1.44, 0.14);
  for (const y of [-0.24, 0.24]) {
    cr.moveTo(-0.9, y);
    cr.lineTo(0.9, y);
  }
  cr.moveTo(-0.3, -0.72);
  cr.lineTo(-0.3, 0.72);
  cr.stroke();
}

/** Three in a row, as they stand on the stage. */
function three(cr: Cairo.Context): void {
  cr.setLineWidth(0.16);
  for (const [x, y] of [
    [-0.5, -0.5],
    [0.5, -0.5],
    [0, 0.45],
  ] as const) {
    roundedRect(cr, x - 0.36, y - 0.3, 0.72, 0.6, 0.12);
  }
  cr.stroke();
}

function arrow(cr: Cairo.Context, direction: 1 | -1): void {
  const at = (px: number, py: number) => cr.lineTo(px, py * direction);
  cr.setLineWidth(0.14);
  at(0, 0.9);
  at(-0.86, 0);
  at(-0.32, 0);
  at(-0.32, -0.84);
  at(0.32, -0.84);
  at(0.32, 0);
  at(0.86, 0);
  cr.closePath();
  cr.fillPreserve();
  cr.stroke();
}

function bars(cr: Cairo.Context, struck: boolean): void {
  cr.setLineCap(0);
  for (const py of [-0.34, 0.34]) {
    cr.moveTo(-0.8, py);
    cr.lineTo(0.8, py);
  }
  if (struck) {
    cr.moveTo(-0.42, 0.86);
    cr.lineTo(0.42, -0.86);
  }
  cr.stroke();
}

/** An open circle with an arrow head: clockwise again, or counter-clockwise back. */
function turn(cr: Cairo.Context, direction: 1 | -1): void {
  cr.scale(direction, 1);
  cr.arc(0, 0, 0.62, -Math.PI * 0.25, Math.PI * 1.3);
  cr.stroke();
  cr.moveTo(0.98, -0.62);
  cr.lineTo(0.5, -0.02);
  cr.lineTo(0.16, -0.78);
  cr.closePath();
  cr.fill();
}

/** A filled disc with a sign in it: check mark, ≠, or “kept”. */
export function drawBadge(cr: Cairo.Context, sign: Sign, x: number, y: number, radius: number, alpha = 1): void {
  cr.save();
  cr.pushGroup();
  circle(cr, x, y, radius + Math.max(1.5, radius * 0.14));
  setColor(cr, GREY.white);
  cr.fill();
  circle(cr, x, y, radius);
  setColor(cr, GREY.ink);
  cr.fill();
  drawSign(cr, sign, x, y, radius * 1.25, GREY.white);
  cr.popGroupToSource();
  cr.paintWithAlpha(alpha);
  cr.restore();
}
