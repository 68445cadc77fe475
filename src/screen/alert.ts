/** The alert between toolbar and stage, as Sugar has it: never a window of its own. Enter and Escape answer it. */
import { PillButton } from './bar';
import { drawSign, GREY } from './draw';
import {
  addClass,
  CENTER,
  describeAlert,
  describePicture,
  Gtk,
  type Gtk3,
  HORIZONTAL,
  on,
  setLabel,
  VERTICAL,
} from './gtk';
import { _ } from './i18n';
import { drawProblem } from './problem-pictures';
import type { Frame } from './style';
import type { Action, AlertView } from './view';

export class Alert {
  readonly widget: Gtk3.Box = new Gtk.Box({ orientation: HORIZONTAL, spacing: 16 });
  private readonly sign: Gtk3.DrawingArea = new Gtk.DrawingArea();
  private readonly title: Gtk3.Label = new Gtk.Label();
  private readonly line: Gtk3.Label = new Gtk.Label();
  private readonly buttons: PillButton[];
  private view: AlertView | null = null;

  constructor(private readonly act: (action: Action) => void) {
    addClass(this.widget, 'alert');
    this.widget.noShowAll = true;
    const texts = new Gtk.Box({ orientation: VERTICAL, spacing: 2 });
    texts.hexpand = true;
    texts.valign = CENTER;
    for (const label of [this.title, this.line]) {
      label.xalign = 0;
      label.wrap = true;
      label.lines = 3;
      label.ellipsize = 3;
      texts.add(label);
    }
    addClass(this.title, 'title');
    addClass(this.line, 'line');
    this.widget.add(this.sign);
    this.widget.add(texts);
    this.sign.show();
    texts.showAll();
    this.buttons = [new PillButton(act, false), new PillButton(act, false)];
    for (const button of this.buttons) this.widget.add(button.widget);
    on(this.sign, 'draw', cr => {
      const size = this.sign.getAllocatedWidth();
      const middle = this.sign.getAllocatedHeight() / 2;
      if (this.view?.picture) drawProblem(cr, this.view.picture, size / 2, middle, size * 0.94);
      else drawSign(cr, 'question', size / 2, middle, size * 0.7, GREY.ink);
      return true;
    });
  }

  update(view: AlertView | null, frame: Frame): void {
    const appeared = view !== null && this.view?.title !== view.title;
    this.view = view;
    this.widget.visible = view !== null;
    if (!view) return;
    const size = Math.round(Math.max(48, 72 * frame.unit));
    this.sign.setSizeRequest(size, size);
    this.sign.queueDraw();
    setLabel(this.title, view.title);
    setLabel(this.line, view.line);
    this.line.visible = view.line !== '';
    describeAlert(this.widget, view.title);
    describePicture(this.sign, view.picture ? _('Problem') : _('Question'));
    this.buttons.forEach((button, i) => {
      button.update(view.buttons[i] ?? null, frame);
    });
    if (appeared) this.buttons[view.buttons.length - 1]?.widget.grabFocus();
  }

  /** Answers Escape; false when there is nothing to answer. */
  escape(): boolean {
    if (!this.view) return false;
    this.act(this.view.escape);
    return true;
  }
}
