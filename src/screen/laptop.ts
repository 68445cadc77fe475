/** One laptop on the stage: a real button (focus, keyboard, screen reader) that draws itself. */
import { drawBadge, drawIcon, drawText, GREY, NO_COLORS, renderIcon, roundedRect, type Sign, setColor } from './draw';
import { addClass, type Cairo, describe, Gtk, type Gtk3, on, onPress, STATE } from './gtk';
import { laptopIcon } from './icons';
import { type Rect, type StageLayout, textHeight } from './layout';
import type { LaptopKey } from './state';
import type { LaptopView } from './view';

const FADED = 0.3;
const BADGES: Record<NonNullable<LaptopView['badge']>, Sign> = {
  problem: 'alert',
  different: 'different',
  check: 'check',
  kept: 'back',
};

/** Where the parts of a laptop stand inside its button. */
export interface LaptopGeometry {
  cell: Rect;
  /** The icon's square, relative to the cell. */
  icon: Rect;
  /** Top of the first line of text, relative to the cell. */
  textTop: number;
  fonts: StageLayout['fonts'];
  unit: number;
}

/** Icon and two lines of text as one block, centred in the cell. */
export function cellGeometry(layout: StageLayout, cell: Rect): LaptopGeometry {
  const { icon, unit, fonts } = layout;
  const top = Math.round((cell.height - icon - textHeight(fonts) - 2 * unit) / 2);
  const square = { x: Math.round((cell.width - icon) / 2), y: top, width: icon, height: icon };
  return { cell, icon: square, textTop: top + icon + Math.round(2 * unit), fonts, unit };
}

/** This laptop: the icon inside the ring, the text below the ring. */
export function myGeometry(layout: StageLayout): LaptopGeometry {
  const { cell, icon, ring } = layout.laptop;
  const { unit, fonts } = layout;
  const x = Math.round(ring.x - cell.x - icon / 2);
  const y = Math.round(ring.y - cell.y - icon / 2);
  const textTop = Math.round(ring.y - cell.y + ring.radius + 3 * unit);
  return { cell, icon: { x, y, width: icon, height: icon }, textTop, fonts, unit };
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
      this.draw(cr);
      return true;
    });
  }

  get key(): LaptopKey | null {
    return this.view?.key ?? null;
  }

  /** Shows that laptop there; `move` places the button in its container. */
  update(view: LaptopView, geometry: LaptopGeometry, move: (x: number, y: number) => void): void {
    const { cell } = geometry;
    const before = this.geometry?.cell;
    // First: GTK forgets a size that is asked for while a widget is hidden.
    if (!this.button.visible) this.button.visible = true;
    if (before?.width !== cell.width || before.height !== cell.height) {
      this.button.setSizeRequest(cell.width, cell.height);
    }
    if (before?.x !== cell.x || before.y !== cell.y) move(cell.x, cell.y);
    if (this.button.sensitive !== view.enabled) this.button.sensitive = view.enabled;
    describe(this.button, view.name, view.description);
    const changed = JSON.stringify([view, geometry]) !== JSON.stringify([this.view, this.geometry]);
    this.view = view;
    this.geometry = geometry;
    if (changed) this.button.queueDraw();
  }

  private draw(cr: Cairo.Context): void {
    const { view, geometry } = this;
    if (!view || !geometry) return;
    const { cell, icon, fonts, unit } = geometry;
    this.drawCard(cr, cell, unit, view.selected);
    const alpha = view.faded ? FADED : 1;
    const pixbuf = renderIcon(laptopIcon, icon.width, view.colors ?? NO_COLORS);
    drawIcon(cr, pixbuf, icon.x, icon.y, alpha);
    if (view.badge) {
      const radius = Math.max(8, icon.width * (view.badge === 'check' ? 0.2 : 0.16));
      drawBadge(cr, BADGES[view.badge], icon.x + icon.width * 0.92, icon.y + icon.width * 0.2, radius, alpha);
    }
    const margin = Math.round(4 * unit);
    const width = cell.width - 2 * margin;
    const textAlpha = view.faded ? 0.45 : 1;
    const style = { align: 'center', alpha: textAlpha, shrink: 0.78 } as const;
    drawText(cr, view.title, margin, geometry.textTop, width, { ...style, size: fonts.title, color: GREY.text });
    const second = geometry.textTop + Math.ceil(fonts.title * 1.3);
    drawText(cr, view.subtitle, margin, second, width, { ...style, size: fonts.subtitle, color: GREY.soft });
  }

  /** Selected, under the pointer, focused: three things that must be told apart without colour. */
  private drawCard(cr: Cairo.Context, cell: Rect, unit: number, selected: boolean): void {
    const flags = this.button.getStateFlags();
    const focused = this.button.hasVisibleFocus();
    const hover = (flags & STATE.hover) !== 0;
    const radius = 20 * unit;
    if (selected || hover || focused) {
      const line = selected ? Math.max(3, 5 * unit) : Math.max(1.5, 2 * unit);
      const inset = line / 2 + 1;
      roundedRect(cr, inset, inset, cell.width - 2 * inset, cell.height - 2 * inset, radius);
      setColor(cr, GREY.white, selected ? 1 : 0.7);
      cr.fillPreserve();
      setColor(cr, selected || focused ? GREY.ink : GREY.line, selected || focused ? 1 : 0.6);
      cr.setLineWidth(line);
      cr.stroke();
    }
    if (selected && focused) {
      const inset = Math.max(3, 5 * unit) + 4;
      roundedRect(cr, inset, inset, cell.width - 2 * inset, cell.height - 2 * inset, radius - 5 * unit);
      setColor(cr, GREY.line);
      cr.setLineWidth(Math.max(1.5, 2 * unit));
      cr.stroke();
    }
  }
}
