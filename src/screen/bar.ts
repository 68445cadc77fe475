/** The bar below the stage: a card with what happens, the steps, and the one big button. */
import { circle, drawSign, GREY, type Sign, setColor } from './draw';
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
  onPress,
  rightToLeft,
  setLabel,
  toggleClass,
  VERTICAL,
} from './gtk';
import { _, fill } from './i18n';
import { Picture } from './picture';
import type { Frame } from './style';
import { drawText } from './text';
import type { Action, BarView, ButtonView, StepView } from './view';

/** A rounded button with a sign, a label and perhaps a second line. */
export class PillButton {
  readonly widget: Gtk3.Button = new Gtk.Button();
  private readonly sign: Gtk3.DrawingArea = new Gtk.DrawingArea();
  private readonly label: Gtk3.Label = new Gtk.Label();
  private readonly detail: Gtk3.Label = new Gtk.Label();
  private view: ButtonView | null = null;

  constructor(
    act: (action: Action) => void,
    private readonly big: boolean,
  ) {
    addClass(this.widget, 'pill');
    addClass(this.detail, 'detail');
    this.widget.noShowAll = true;
    this.widget.valign = CENTER;
    const row = new Gtk.Box({ orientation: HORIZONTAL, spacing: 8 });
    const texts = new Gtk.Box({ orientation: VERTICAL });
    row.halign = CENTER;
    texts.valign = CENTER;
    texts.add(this.label);
    texts.add(this.detail);
    row.add(this.sign);
    row.add(texts);
    this.widget.add(row);
    row.showAll();
    onPress(this.widget, () => {
      if (this.view) act(this.view.action);
    });
    on(this.sign, 'draw', cr => {
      this.drawSign(cr);
      return true;
    });
  }

  update(view: ButtonView | null, frame: Frame): void {
    this.view = view;
    this.widget.visible = view !== null;
    if (!view) return;
    setLabel(this.label, view.label);
    setLabel(this.detail, view.detail);
    this.detail.visible = view.detail !== '';
    this.sign.visible = view.icon !== null;
    const size = Math.round((this.big ? 44 : 26) * frame.unit);
    this.sign.setSizeRequest(size, size);
    this.sign.queueDraw();
    this.widget.sensitive = view.enabled;
    toggleClass(this.widget, 'go', this.big && view.action !== 'stop');
    describe(this.widget, view.detail ? `${view.label} ${view.detail}` : view.label);
  }

  private drawSign(cr: Cairo.Context): void {
    const icon = this.view?.icon;
    if (!icon) return;
    const width = this.sign.getAllocatedWidth();
    const height = this.sign.getAllocatedHeight();
    const light = this.big && this.view?.action !== 'stop';
    drawSign(cr, icon as Sign, width / 2, height / 2, Math.min(width, height) * 0.8, light ? GREY.white : GREY.ink);
  }
}

/** Four circles in a row, joined by a line; said to screen readers as one sentence. */
class Steps {
  readonly widget: Gtk3.DrawingArea = new Gtk.DrawingArea();
  private steps: StepView[] = [];
  private unit = 1;

  constructor() {
    this.widget.noShowAll = true;
    this.widget.valign = CENTER;
    on(this.widget, 'draw', cr => {
      this.draw(cr);
      return true;
    });
  }

  update(steps: StepView[] | null, frame: Frame): void {
    this.widget.visible = steps !== null;
    if (!steps) return;
    this.steps = steps;
    this.unit = frame.unit;
    this.widget.setSizeRequest(
      Math.round(Math.max(58, 76 * frame.unit) * steps.length),
      Math.round(Math.max(52, 72 * frame.unit)),
    );
    const doing = steps.find(step => step.state === 'doing');
    const done = steps.filter(step => step.state === 'done').length;
    const now = doing
      ? fill(_('Step {n} of {all}: {step}'), { n: done + 1, all: steps.length, step: doing.label })
      : '';
    describePicture(this.widget, now || (done === steps.length ? _('All steps done') : _('No step done yet')));
    this.widget.queueDraw();
  }

  private draw(cr: Cairo.Context): void {
    const width = this.widget.getAllocatedWidth();
    const height = this.widget.getAllocatedHeight();
    const each = width / Math.max(1, this.steps.length);
    const radius = Math.max(13, 20 * this.unit);
    const size = Math.max(12, 15 * this.unit);
    const y = Math.round((height - size * 1.5) / 2);
    const line = Math.max(2, 3 * this.unit);
    setColor(cr, GREY.line);
    cr.setLineWidth(line);
    cr.moveTo(each / 2, y);
    cr.lineTo(width - each / 2, y);
    cr.stroke();
    const mirrored = rightToLeft();
    this.steps.forEach((step, at) => {
      const i = mirrored ? this.steps.length - 1 - at : at;
      const x = each * (i + 0.5);
      circle(cr, x, y, radius);
      setColor(cr, step.state === 'done' ? GREY.ink : GREY.white);
      cr.fillPreserve();
      setColor(cr, step.state === 'todo' ? GREY.line : GREY.ink);
      cr.setLineWidth(step.state === 'doing' ? line * 1.6 : line);
      cr.stroke();
      if (step.state === 'done') drawSign(cr, 'check', x, y, radius * 1.3, GREY.white);
      else drawSign(cr, step.picture, x, y, radius * 1.15, step.state === 'todo' ? GREY.line : GREY.ink);
      const bold = step.state === 'doing';
      const style = {
        size,
        color: step.state === 'todo' ? GREY.soft : GREY.ink,
        bold,
        align: 'center',
        shrink: 0.75,
      } as const;
      drawText(cr, step.label, each * i, y + radius + size * 0.35, each, style);
    });
  }
}

/** Units below which a screen is small: that of 800 × 480 has 0.6. */
const NARROW = 0.75;

export class Bar {
  readonly widget: Gtk3.Box = new Gtk.Box({ orientation: HORIZONTAL, spacing: 16 });
  private readonly headline: Gtk3.Label = new Gtk.Label();
  private readonly lines: Gtk3.Label[] = [new Gtk.Label(), new Gtk.Label()];
  private readonly picture = new Picture();
  private readonly steps = new Steps();
  /** The same as the ring, also where that cannot be seen: screen readers know what it is. */
  private readonly progress: Gtk3.ProgressBar = new Gtk.ProgressBar();
  readonly button: PillButton;
  private readonly second: PillButton;

  constructor(act: (action: Action) => void) {
    this.button = new PillButton(act, true);
    this.second = new PillButton(act, false);
    addClass(this.second.widget, 'second');
    addClass(this.widget, 'bar');
    const card = new Gtk.Box({ orientation: HORIZONTAL, spacing: 16 });
    addClass(card, 'card');
    card.hexpand = true;
    const texts = new Gtk.Box({ orientation: VERTICAL, spacing: 2 });
    texts.valign = CENTER;
    texts.hexpand = true;
    for (const label of [this.headline, ...this.lines]) {
      label.xalign = 0;
      label.wrap = true;
      label.lines = 2;
      label.ellipsize = 3;
      texts.add(label);
    }
    addClass(this.headline, 'headline');
    for (const line of this.lines) {
      addClass(line, 'line');
      line.noShowAll = true;
    }
    this.progress.noShowAll = true;
    describe(this.progress, _('Progress'));
    texts.add(this.progress);
    card.add(this.picture.widget);
    card.add(texts);
    // Or the card, which fills its row, would take the stage's height as well.
    this.widget.vexpand = false;
    this.widget.add(card);
    this.widget.add(this.steps.widget);
    this.widget.add(this.second.widget);
    this.widget.add(this.button.widget);
  }

  /** part: how much is done, 0 to 1; null where nothing is being done. */
  update(view: BarView, frame: Frame, part: number | null): void {
    // When all is done the words say so, and on a small screen they need the room of the steps.
    const isOver = view.steps?.every(({ state }) => state === 'done') ?? false;
    const needless = isOver && frame.unit < NARROW;
    const progress = needless ? null : part;
    this.progress.visible = progress !== null;
    if (progress !== null && this.progress.fraction !== progress) this.progress.fraction = progress;
    setLabel(this.headline, view.headline);
    this.lines.forEach((label, i) => {
      setLabel(label, view.lines[i] ?? '');
      label.visible = view.lines[i] !== undefined;
    });
    this.picture.update(view.picture, frame);
    this.steps.update(needless ? null : view.steps, frame);
    this.second.update(view.second, frame);
    this.button.update(view.button, frame);
  }
}
