/** A button of the toolbar with a sign in white, as Sugar's own. */
import { drawSign, fillRect, GREY, roundedRect, type Sign, setColor } from './draw';
import { type Cairo, describe, Gtk, type Gtk3, on, onPress, STATE } from './gtk';
import type { Frame } from './style';

export class ToolButton {
  readonly widget: Gtk3.Button = new Gtk.Button();
  private sign: Sign = 'table';
  private zoom = 1;

  constructor(pressed: () => void) {
    onPress(this.widget, pressed);
    on(this.widget, 'draw', cr => {
      this.draw(cr);
      return true;
    });
  }

  update(sign: Sign, name: string, { zoom }: Frame): void {
    this.sign = sign;
    this.zoom = zoom;
    describe(this.widget, name);
    if (this.widget.tooltipText !== name) this.widget.tooltipText = name;
    this.widget.queueDraw();
  }

  private draw(cr: Cairo.Context): void {
    const flags = this.widget.getStateFlags();
    const width = this.widget.getAllocatedWidth();
    const height = this.widget.getAllocatedHeight();
    const focused = this.widget.hasVisibleFocus();
    if ((flags & (STATE.hover | STATE.active)) !== 0 || focused) {
      fillRect(cr, { x: 0, y: 0, width, height }, (flags & STATE.active) !== 0 ? '#808080' : '#000000');
    }
    drawSign(cr, this.sign, width / 2, height / 2, 40 * this.zoom, GREY.white);
    if (!focused) return;
    const line = Math.max(2, 3.5 * this.zoom);
    roundedRect(cr, line, line, width - 2 * line, height - 2 * line, 8 * this.zoom);
    setColor(cr, GREY.white);
    cr.setLineWidth(Math.max(1.5, 2 * this.zoom));
    cr.stroke();
  }
}
