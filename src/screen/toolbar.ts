/** Sugar's toolbar: the activity's icon in this child's colours, its name, and Stop. */
import { circle, drawIcon, fillRect, GREY, renderIcon, roundedRect, setColor } from './draw';
import { addClass, type Cairo, CENTER, describe, Gtk, type Gtk3, HORIZONTAL, on, STATE } from './gtk';
import { _ } from './i18n';
import { activityIcon } from './icons';
import type { Frame } from './style';

const WHITE: [string, string] = [GREY.white, GREY.ink];

export class Toolbar {
  readonly widget: Gtk3.Box = new Gtk.Box({ orientation: HORIZONTAL });
  private readonly icon: Gtk3.DrawingArea = new Gtk.DrawingArea();
  private readonly stop: Gtk3.Button = new Gtk.Button();
  private colors: [string, string] = WHITE;
  private zoom = 1;

  constructor(close: () => void) {
    addClass(this.widget, 'toolbar');
    const title = new Gtk.Label();
    title.label = _('Pass It On');
    title.valign = CENTER;
    this.widget.packStart(this.icon, false, false, 0);
    this.widget.packStart(title, false, false, 4);
    this.widget.packEnd(this.stop, false, false, 0);
    describe(this.stop, _('Stop'), _('Closes Pass It On (Ctrl+Q)'));
    this.stop.tooltipText = _('Stop (Ctrl+Q)');
    on(this.stop, 'clicked', close);
    on(this.icon, 'draw', cr => {
      this.drawActivity(cr);
      return true;
    });
    on(this.stop, 'draw', cr => {
      this.drawStop(cr);
      return true;
    });
  }

  update(colors: [string, string] | null, frame: Frame): void {
    this.colors = colors ?? WHITE;
    this.zoom = frame.zoom;
    this.icon.setSizeRequest(Math.round(75 * frame.zoom), -1);
    this.icon.queueDraw();
    this.stop.queueDraw();
  }

  private drawActivity(cr: Cairo.Context): void {
    const size = Math.round(55 * this.zoom);
    const x = (this.icon.getAllocatedWidth() - size) / 2;
    drawIcon(cr, renderIcon(activityIcon, size, this.colors), x, (this.icon.getAllocatedHeight() - size) / 2);
  }

  private drawStop(cr: Cairo.Context): void {
    const flags = this.stop.getStateFlags();
    const width = this.stop.getAllocatedWidth();
    const height = this.stop.getAllocatedHeight();
    const focused = this.stop.hasVisibleFocus();
    if ((flags & (STATE.hover | STATE.active)) !== 0 || focused) {
      fillRect(cr, { x: 0, y: 0, width, height }, (flags & STATE.active) !== 0 ? '#808080' : '#000000');
    }
    const [x, y] = [width / 2, height / 2];
    const line = Math.max(2, 3.5 * this.zoom);
    setColor(cr, GREY.white);
    cr.setLineWidth(line);
    circle(cr, x, y, 20 * this.zoom);
    cr.stroke();
    const half = 7.5 * this.zoom;
    fillRect(cr, { x: x - half, y: y - half, width: 2 * half, height: 2 * half }, GREY.white);
    if (!focused) return;
    roundedRect(cr, line, line, width - 2 * line, height - 2 * line, 8 * this.zoom);
    setColor(cr, GREY.white);
    cr.setLineWidth(Math.max(1.5, 2 * this.zoom));
    cr.stroke();
  }
}
