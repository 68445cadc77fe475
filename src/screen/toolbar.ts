/**
 * Sugar's toolbar: the activity's icon in this child's colours, its name (in Sugar: the Journal's title, to be changed
 * here), and Stop. A kiosk has what it tells there instead, and no Stop.
 */
import { circle, drawIcon, fillRect, GREY, renderIcon, roundedRect, setColor } from './draw';
import {
  addClass,
  type Cairo,
  CENTER,
  describe,
  describePicture,
  Gtk,
  type Gtk3,
  HORIZONTAL,
  on,
  STATE,
  setLabel,
} from './gtk';
import { _ } from './i18n';
import { activityIcon } from './icons';
import type { Frame } from './style';

/** As many as a line of the Journal shows. */
const MOST_CHARACTERS = 80;
const WHITE: [string, string] = [GREY.white, GREY.ink];

export class Toolbar {
  readonly widget: Gtk3.Box = new Gtk.Box({ orientation: HORIZONTAL });
  private readonly icon: Gtk3.DrawingArea = new Gtk.DrawingArea();
  private readonly stop: Gtk3.Button = new Gtk.Button();
  private readonly caption: Gtk3.Label = new Gtk.Label();
  private readonly invitation: Gtk3.Label = new Gtk.Label();
  private readonly title: Gtk3.Entry | null;
  private rename: (title: string) => void = () => {};
  private colors: [string, string] = WHITE;
  private zoom = 1;

  constructor(kind: 'window' | 'sugar' | 'kiosk', close: () => void) {
    addClass(this.widget, 'toolbar');
    this.widget.packStart(this.icon, false, false, 0);
    this.title = kind === 'sugar' ? this.makeTitle() : null;
    this.caption.label = kind === 'kiosk' ? '' : _('Pass It On');
    this.caption.valign = CENTER;
    if (kind === 'kiosk') this.makeCaption();
    else {
      this.widget.packStart(this.title ?? this.caption, false, false, 4);
      this.widget.packEnd(this.stop, false, false, 0);
    }
    describe(this.stop, _('Stop'), _('Closes Pass It On (Ctrl+Q)'));
    this.stop.tooltipText = _('Stop (Ctrl+Q)');
    on(this.stop, 'clicked', close);
    describePicture(this.icon, _('Pass It On'));
    on(this.icon, 'draw', cr => {
      this.drawActivity(cr);
      return true;
    });
    on(this.stop, 'draw', cr => {
      this.drawStop(cr);
      return true;
    });
  }

  /** One more button, before Stop. */
  add(button: Gtk3.Button): void {
    this.widget.packEnd(button, false, false, 0);
  }

  /** Who wants to know that the child has given another title. */
  onRename(rename: (title: string) => void): void {
    this.rename = rename;
  }

  /** Shows the Journal's title, unless the child is writing one just now. */
  setTitle(title: string): void {
    if (this.title && !this.title.isFocus() && this.title.text !== title) this.title.text = title;
  }

  /** Shows what a kiosk tells, and whether a visitor is wanted who drives. */
  setCaption(text: string, inviting: boolean): void {
    setLabel(this.caption, text);
    this.invitation.visible = inviting;
  }

  /** The keyboard is in a text field: letters and arrows are its own. */
  get isWriting(): boolean {
    return this.title?.isFocus() ?? false;
  }

  private makeTitle(): Gtk3.Entry {
    const title = new Gtk.Entry();
    title.text = _('Pass It On');
    title.valign = CENTER;
    title.widthChars = 24;
    title.setMaxLength(MOST_CHARACTERS);
    describe(title, _('Title'), _('What this is called in the Journal'));
    const tell = () => this.rename(title.text);
    on(title, 'activate', tell);
    on(title, 'focus-out-event', () => {
      tell();
      // GTK leaves it marked, as if the next letter would replace it.
      title.selectRegion(0, 0);
      return false;
    });
    return title;
  }

  private makeCaption(): void {
    addClass(this.caption, 'caption');
    this.caption.wrap = true;
    this.caption.lines = 2;
    this.caption.ellipsize = 3;
    this.caption.xalign = 0.5;
    this.caption.justify = 2;
    this.widget.packStart(this.caption, true, true, 4);
    addClass(this.invitation, 'invitation');
    this.invitation.label = _('☞ Touch me!');
    this.invitation.valign = CENTER;
    this.invitation.noShowAll = true;
    this.widget.packEnd(this.invitation, false, false, 12);
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
