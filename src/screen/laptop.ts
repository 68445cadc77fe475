/** One laptop on the stage: a real button (focus, keyboard, screen reader) that draws itself. */
import { drawBadge, drawIcon, GREY, NO_COLORS, renderIcon, roundedRect, type Sign, setColor } from './draw';
import { addClass, type Cairo, describe, Gtk, type Gtk3, on, onPress, STATE } from './gtk';
import { _ } from './i18n';
import { GIVERS } from './icons';
import { type Rect, type StageLayout, textHeight } from './layout';
import type { LaptopKey } from './state';
import { drawText } from './text';
import type { LaptopView } from './view';

const FADED = 0.3;
const BADGES: Record<NonNullable<LaptopView['badge']>, Sign> = {
  problem: 'alert',
  unsure: 'dots',
  different: 'different',
  unsigned: 'unsigned',
  check: 'check',
  kept: 'back',
};

/** Where the parts of a laptop stand inside its button. */
export interface LaptopGeometry {
  cell: Rect;
  /** The icon's square, relative to the cell. */
  icon: Rect;
  /** Top of the first line of text, relative to the cell; and how many there are. */
  textTop: number;
  lines: 1 | 2;
  fonts: StageLayout['fonts'];
  unit: number;
}

/** Icon and name as one block, centred in the cell; the version stands above its group. */
export function cellGeometry(layout: StageLayout, cell: Rect): LaptopGeometry {
  const { icon, unit, fonts } = layout;
  const top = Math.round((cell.height - icon - fonts.title * 1.3 - 2 * unit) / 2);
  const square = { x: Math.round((cell.width - icon) / 2), y: top, width: icon, height: icon };
  return { cell, icon: square, textTop: top + icon + Math.round(2 * unit), lines: 1, fonts, unit };
}

/** This laptop: the icon inside the ring, the text below the ring. */
export function myGeometry(layout: StageLayout): LaptopGeometry {
  const { cell, icon, ring } = layout.laptop;
  const { unit, fonts } = layout;
  const x = Math.round(ring.x - cell.x - icon / 2);
  const y = Math.round(ring.y - cell.y - icon / 2);
  const textTop = Math.round(ring.y - cell.y + ring.radius + 3 * unit);
  return { cell, icon: { x, y, width: icon, height: icon }, textTop, lines: 2, fonts, unit };
}

/** Where the text of a laptop stands on the stage. */
export function textRect({ cell, textTop, lines, fonts }: LaptopGeometry): Rect {
  const height = lines === 2 ? textHeight(fonts) : Math.ceil(fonts.title * 1.3);
  return { x: cell.x + cell.width * 0.2, y: cell.y + textTop, width: cell.width * 0.6, height };
}

/** What person and keyboard do with it just now. */
export interface Attention {
  hover: boolean;
  focused: boolean;
}

const NOBODY: Attention = { hover: false, focused: false };

/** With the cell's corner at the origin. */
export function drawLaptop(cr: Cairo.Context, view: LaptopView, geometry: LaptopGeometry, attention = NOBODY): void {
  const { cell, icon, fonts, unit, lines } = geometry;
  drawCard(cr, cell, unit, view, attention);
  const alpha = view.faded ? FADED : 1;
  drawIcon(cr, renderIcon(GIVERS[view.kind], icon.width, iconColors(view)), icon.x, icon.y, alpha);
  if (view.badge) {
    const radius = Math.max(8, icon.width * (view.badge === 'check' ? 0.2 : 0.16));
    drawBadge(cr, BADGES[view.badge], icon.x + icon.width * 0.92, icon.y + icon.width * 0.2, radius, alpha);
  }
  const margin = Math.round(4 * unit);
  const width = cell.width - 2 * margin;
  const style = { align: 'center', alpha: view.faded ? 0.6 : 1, shrink: 0.78 } as const;
  drawText(cr, view.title, margin, geometry.textTop, width, { ...style, size: fonts.title, color: GREY.text });
  if (lines === 1) return;
  const second = geometry.textTop + Math.ceil(fonts.title * 1.3);
  drawText(cr, view.subtitle, margin, second, width, { ...style, size: fonts.subtitle, color: GREY.soft });
}

/** Nobody fills in what has not answered, or does not have what it says: an outline. */
function iconColors({ colors, badge }: LaptopView): readonly [string, string] {
  if (!colors) return NO_COLORS;
  return badge === 'unsure' || badge === 'problem' ? [colors[0], GREY.white] : colors;
}

/** Selected, able to help, under the pointer, focused: things that must be told apart without colour. */
function drawCard(cr: Cairo.Context, cell: Rect, unit: number, view: LaptopView, { hover, focused }: Attention): void {
  const { selected, lit } = view;
  const radius = 18 * unit;
  if (selected || lit || hover || focused) {
    const line = selected ? Math.max(3, 5 * unit) : lit ? Math.max(2, 3 * unit) : Math.max(1.5, 2 * unit);
    const inset = line / 2 + 1;
    const dark = selected || lit || focused;
    roundedRect(cr, inset, inset, cell.width - 2 * inset, cell.height - 2 * inset, radius);
    setColor(cr, GREY.white, selected || lit ? 1 : 0.7);
    cr.fillPreserve();
    setColor(cr, selected || focused ? GREY.ink : GREY.line, dark ? 1 : 0.6);
    cr.setLineWidth(line);
    cr.stroke();
  }
  if ((selected || lit) && focused) {
    const inset = Math.max(3, 5 * unit) + 4;
    roundedRect(cr, inset, inset, cell.width - 2 * inset, cell.height - 2 * inset, radius - 5 * unit);
    setColor(cr, GREY.line);
    cr.setLineWidth(Math.max(1.5, 2 * unit));
    cr.stroke();
  }
}

export class LaptopButton {
  readonly button: Gtk3.Button = new Gtk.Button();
  private view: LaptopView | null = null;
  private geometry: LaptopGeometry | null = null;

  constructor(tapped: (key: LaptopKey) => void) {
    addClass(this.button, 'laptop');
    onPress(this.button, () => {
      if (this.view) tapped(this.view.key);
    });
    on(this.button, 'draw', cr => {
      const hover = (this.button.getStateFlags() & STATE.hover) !== 0;
      const focused = this.button.hasVisibleFocus();
      if (this.view && this.geometry) drawLaptop(cr, this.view, this.geometry, { hover, focused });
      return true;
    });
  }

  get key(): LaptopKey | null {
    return this.view?.key ?? null;
  }

  /** Shows that laptop there; `move` places the button in its container. True: it looks different now. */
  update(view: LaptopView, geometry: LaptopGeometry, move: (x: number, y: number) => void): boolean {
    const { cell } = geometry;
    const before = this.geometry?.cell;
    // First: GTK forgets a size that is asked for while a widget is hidden.
    if (!this.button.visible) this.button.visible = true;
    if (before?.width !== cell.width || before.height !== cell.height) {
      this.button.setSizeRequest(cell.width, cell.height);
    }
    if (before?.x !== cell.x || before.y !== cell.y) move(cell.x, cell.y);
    if (this.button.sensitive !== view.enabled) this.button.sensitive = view.enabled;
    // That it is chosen is a frame to the eye.
    const chosen = view.selected ? _('chosen') : '';
    describe(this.button, view.name, [view.description, chosen].filter(Boolean).join(' · '));
    const changed = JSON.stringify([view, geometry]) !== JSON.stringify([this.view, this.geometry]);
    this.view = view;
    this.geometry = geometry;
    if (changed) this.button.queueDraw();
    return changed;
  }
}
