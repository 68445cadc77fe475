/** The small picture in the bar: who gives → my laptop. It says the same as the sentence beside it. */
import { drawIcon, drawSign, GREY, NO_COLORS, renderIcon } from './draw';
import { type Cairo, CENTER, describePicture, Gtk, type Gtk3, on, rightToLeft } from './gtk';
import { fill, ngettext } from './i18n';
import { laptopIcon } from './icons';
import type { Frame } from './style';
import type { PictureView } from './view';

/** Below this the words need the room. */
const LEAST_UNIT = 0.72;
const MOST_GIVERS = 3;

export class Picture {
  readonly widget: Gtk3.DrawingArea = new Gtk.DrawingArea();
  private view: PictureView | null = null;
  private unit = 1;

  constructor() {
    this.widget.noShowAll = true;
    this.widget.valign = CENTER;
    on(this.widget, 'draw', cr => {
      if (this.view) this.draw(cr, this.view);
      return true;
    });
  }

  update(view: PictureView | null, frame: Frame): void {
    this.view = view;
    this.unit = frame.unit;
    this.widget.visible = view !== null && frame.unit >= LEAST_UNIT;
    if (!view) return;
    const givers = Math.min(MOST_GIVERS, view.from.length);
    const name = ngettext('{n} laptop gives to mine', '{n} laptops give to mine', view.from.length);
    describePicture(this.widget, fill(name, { n: view.from.length }));
    const width = 54 + 26 * (givers - 1) + 44 + 62;
    this.widget.setSizeRequest(Math.round(width * frame.unit), Math.round(74 * frame.unit));
    this.widget.queueDraw();
  }

  private draw(cr: Cairo.Context, view: PictureView): void {
    const { unit } = this;
    const width = this.widget.getAllocatedWidth();
    const middle = this.widget.getAllocatedHeight() / 2;
    const mirrored = rightToLeft();
    const at = (x: number, size: number) => (mirrored ? width - x - size : x);
    const laptop = (colors: [string, string] | null, x: number, size: number) =>
      drawIcon(cr, renderIcon(laptopIcon, size, colors ?? NO_COLORS), at(x, size), middle - size / 2);
    const small = Math.round(52 * unit);
    const large = Math.round(60 * unit);
    const givers = view.from.slice(0, MOST_GIVERS);
    // The chosen one in front.
    for (let i = givers.length - 1; i >= 0; i--) laptop(givers[i] ?? null, 26 * unit * (givers.length - 1 - i), small);
    const arrow = 30 * unit;
    const x = (54 + 26 * (givers.length - 1)) * unit;
    drawSign(cr, mirrored ? 'left' : 'right', at(x + 5 * unit, arrow) + arrow / 2, middle, arrow, GREY.ink);
    laptop(view.to, x + 44 * unit, large);
  }
}
