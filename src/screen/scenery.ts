/** What stands still on the stage behind the laptops, and the ring and the waves. All from the layout. */
import {
  circle,
  drawIcon,
  drawSign,
  fillRect,
  GREY,
  NO_COLORS,
  renderIcon,
  roundedRect,
  type Sign,
  setColor,
} from './draw';
import { type Cairo, rightToLeft } from './gtk';
import { laptopIcon } from './icons';
import { myGeometry, textRect } from './laptop';
import type { Rect, StageLayout } from './layout';
import { drawText } from './text';
import type { BandView, View } from './view';

/** The time a wave takes, in ms. */
const WAVE = 3000;

/** Bands, their names, and the trays on which equal versions stand. */
export function drawBands(cr: Cairo.Context, view: View, layout: StageLayout): void {
  const { bands, trays } = layout;
  if (view.alone) drawAlone(cr, view.alone, layout);
  else {
    fillRect(cr, bands.newer, GREY.newer);
    fillRect(cr, bands.mine, GREY.mine);
    drawLabel(cr, view.newer.label, 'up', bands.newer, layout);
    drawLabel(cr, view.mine.label, 'equal', bands.mine, layout);
    drawTrays(cr, view.newer, trays.newer, layout);
    drawTrays(cr, view.different, trays.different, layout);
  }
  if (bands.older.height === 0) return;
  fillRect(cr, bands.older, GREY.older);
  drawLabel(cr, view.older.label, 'down', bands.older, layout);
  drawTrays(cr, view.older, trays.older, layout);
}

/** A line around each group, open where its version stands. */
function drawTrays(cr: Cairo.Context, band: BandView, trays: Rect[][], layout: StageLayout): void {
  const { unit, fonts, heading } = layout;
  const line = Math.max(1, 1.6 * unit);
  trays.forEach((rows, g) => {
    rows.forEach(({ x, y, width, height }, row) => {
      const top = y + heading / 2;
      roundedRect(cr, x + line / 2, top, width - line, height - heading / 2 - line, 14 * unit);
      setColor(cr, GREY.white, 0.55);
      cr.fillPreserve();
      setColor(cr, GREY.line, 0.45);
      cr.setLineWidth(line);
      cr.stroke();
      // One version label a group: its further rows are known by standing below.
      if (row > 0) return;
      const style = { size: fonts.subtitle, color: GREY.text, bold: true, align: 'center', shrink: 0.72 } as const;
      const wide = Math.min(width - 6 * unit, textWidth(band.versions[g] ?? '', fonts.subtitle) + 14 * unit);
      const plate = { x: x + (width - wide) / 2, y: y + heading * 0.06, width: wide, height: heading * 0.92 };
      roundedRect(cr, plate.x, plate.y, plate.width, plate.height, plate.height / 2);
      setColor(cr, GREY.track);
      cr.fill();
      drawText(cr, band.versions[g] ?? '', plate.x, y + heading * 0.08, plate.width, style);
    });
  });
}

/** Roughly, for a plate behind it. */
function textWidth(text: string, size: number): number {
  return text.length * size * 0.68;
}

function drawLabel(cr: Cairo.Context, label: string, sign: Sign, band: Rect, layout: StageLayout): void {
  const { unit, labels, fonts } = layout;
  const margin = Math.round(12 * unit);
  const signSize = Math.round(36 * unit);
  const lines = label.includes(' ') ? 2 : 1;
  const height = signSize + 8 * unit + fonts.label * 1.3 * lines;
  const left = rightToLeft() ? band.width - labels : 0;
  const top = band.y + (band.height - height) / 2;
  drawSign(cr, sign, left + labels / 2, top + signSize / 2, signSize, GREY.ink);
  const style = { size: fonts.label, color: GREY.ink, bold: true, align: 'center', lines: 2 } as const;
  drawText(cr, label, left + margin, top + signSize + 8 * unit, labels - 2 * margin, style);
}

const TITLE = 1.35;

function aloneTop({ bands, unit }: StageLayout): number {
  return Math.max(12 * unit, bands.newer.height - 118 * unit);
}

function drawAlone(cr: Cairo.Context, alone: NonNullable<View['alone']>, layout: StageLayout): void {
  const { bands, unit, fonts } = layout;
  const { width } = bands.mine;
  fillRect(cr, { x: 0, y: 0, width, height: bands.mine.y + bands.mine.height }, GREY.mine);
  let y = aloneTop(layout);
  const style = { color: GREY.text, align: 'center' } as const;
  y += drawText(cr, alone.title, 20, y, width - 40, { ...style, size: fonts.label * TITLE, bold: true }) + 8 * unit;
  for (const line of alone.lines) {
    y += drawText(cr, line, 20, y, width - 40, { ...style, size: fonts.title, color: GREY.soft, lines: 2 }) + 3 * unit;
  }
  drawGhosts(cr, layout);
}

/** Two faint outlines where other laptops could be. */
function drawGhosts(cr: Cairo.Context, layout: StageLayout): void {
  const { ring } = layout.laptop;
  const size = Math.round(layout.laptop.icon * 0.72);
  const pixbuf = renderIcon(laptopIcon, size, NO_COLORS);
  const away = Math.min(ring.radius * 3.1, layout.bands.mine.width * 0.34);
  for (const side of [-1, 1]) drawIcon(cr, pixbuf, ring.x + side * away - size / 2, ring.y - size * 0.42, 0.35);
}

/** Rings that go out from this laptop; `now` in ms. */
export function drawWaves(cr: Cairo.Context, view: View, layout: StageLayout, now: number): void {
  const { laptop, bands, unit, fonts } = layout;
  const { ring } = laptop;
  const { mine } = bands;
  const lines = view.alone ? view.alone.lines.length : 0;
  const text = fonts.label * TITLE * 1.4 + lines * (fonts.title * 1.4 + 3 * unit) + 8 * unit;
  const top = view.alone ? Math.min(aloneTop(layout) + text, ring.y - ring.radius) : mine.y;
  const widest = Math.max(mine.height / 2, ring.radius * 2.6);
  // Below words that stand above, not cut off by them, unless hardly any room is left.
  const reach = view.alone ? Math.min(widest, Math.max(ring.y - top, ring.radius * 1.5)) : widest;
  cr.save();
  cr.rectangle(0, top, mine.width, mine.y + mine.height - top);
  cr.clip();
  for (let i = 0; i < 3; i++) {
    const part = (now / WAVE + i / 3) % 1;
    circle(cr, ring.x, ring.y, ring.radius + (reach - ring.radius) * part);
    setColor(cr, GREY.line, 0.45 * (1 - part));
    cr.setLineWidth(3 * unit);
    cr.stroke();
  }
  cr.restore();
  fillRect(cr, textRect(myGeometry(layout)), GREY.mine);
}

/** Always there, thin: this one is mine. It fills while something is fetched. */
export function drawRing(cr: Cairo.Context, layout: StageLayout, part: number | null): void {
  const { ring } = layout.laptop;
  const width = Math.max(4, 9 * layout.unit);
  const radius = ring.radius - width / 2;
  circle(cr, ring.x, ring.y, radius);
  setColor(cr, GREY.white);
  cr.fillPreserve();
  setColor(cr, GREY.track);
  cr.setLineWidth(part === null ? width / 3 : width);
  cr.stroke();
  if (part === null || part <= 0) return;
  cr.newPath();
  cr.setLineCap(1);
  cr.setLineWidth(width);
  cr.arc(ring.x, ring.y, radius, -Math.PI / 2, -Math.PI / 2 + Math.PI * 2 * Math.min(1, part));
  setColor(cr, GREY.ink);
  cr.stroke();
}
