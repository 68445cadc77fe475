/** The stage: three bands, the laptops on them, the ring and what flows. Widgets are made once and then moved about. */
import {
  circle,
  drawIcon,
  drawSign,
  drawText,
  fillRect,
  GREY,
  NO_COLORS,
  renderIcon,
  type Sign,
  setColor,
} from './draw';
import { type Direction, nearest } from './focus';
import { addClass, type Cairo, describe, Gtk, type Gtk3, guard, on, rightToLeft } from './gtk';
import { laptopIcon } from './icons';
import { cellGeometry, LaptopButton, type LaptopGeometry, myGeometry } from './laptop';
import { layoutStage, type Rect, type StageLayout, textHeight } from './layout';
import type { LaptopKey } from './state';
import type { BandView, LaptopView, Slots, View } from './view';

/** Time from one picture to the next, in ms: dots fly, waves are slow and may last for hours on a battery. */
const FRAME = { dots: 40, waves: 110 } as const;
/** Dots in flight between a helper and this laptop, and the time one takes. */
const DOTS = 9;
const FLIGHT = 1800;
const WAVE = 3000;

interface Placed {
  view: LaptopView;
  geometry: LaptopGeometry;
}

/** Where a laptop's two lines of text stand on the stage. */
function textRect({ cell, textTop, fonts }: LaptopGeometry): Rect {
  return { x: cell.x + cell.width * 0.2, y: cell.y + textTop, width: cell.width * 0.6, height: textHeight(fonts) };
}

function touches({ x, y, width, height }: Rect, px: number, py: number, radius: number): boolean {
  return px + radius > x && px - radius < x + width && py + radius > y && py - radius < y + height;
}

export class Stage {
  readonly widget: Gtk3.ScrolledWindow = new Gtk.ScrolledWindow();
  private readonly fixed: Gtk3.Fixed = new Gtk.Fixed();
  private readonly buttons = new Map<LaptopKey, LaptopButton>();
  /** Buttons of laptops that have left: to be used again, because destroying widgets leaks. */
  private readonly spare: LaptopButton[] = [];
  private view: View | null = null;
  private layout: StageLayout | null = null;
  private placed: Placed[] = [];
  private size = { width: 0, height: 0 };
  private fixedHeight = 0;
  private active = true;
  private aloneTextBottom = 0;
  private clock: { for: keyof typeof FRAME; timer: NodeJS.Timeout } | null = null;
  private relayout: NodeJS.Immediate | null = null;

  constructor(private readonly tapped: (key: LaptopKey) => void) {
    addClass(this.fixed, 'stage');
    describe(this.fixed, 'stage');
    // Sideways it never scrolls, and its contents, laid out for the width given, must not hold the window open.
    this.widget.setPolicy(3, 1);
    this.widget.setOverlayScrolling(false);
    this.widget.vexpand = true;
    this.widget.add(this.fixed);
    this.fixed.setFocusVadjustment(this.widget.getVadjustment());
    on(this.fixed, 'draw', cr => {
      this.draw(cr);
      return true;
    });
    on(this.widget, 'size-allocate', ({ width, height }) => {
      if (width === this.size.width && height === this.size.height) return;
      this.size = { width, height };
      // Not now: GTK is in the middle of giving out sizes.
      this.relayout ??= setImmediate(guard('layout', undefined, () => this.arrange()));
    });
  }

  /** Where that laptop's button stands, for who must scroll to it or tap it. */
  buttonFor(key: LaptopKey): Gtk3.Button | null {
    return this.buttons.get(key)?.button ?? null;
  }

  /** Moves the keyboard from one laptop to the next; false where it leaves the stage, or is not on it. */
  moveFocus(direction: Direction): boolean {
    const there = this.placed.map(({ view, geometry }) => ({ cell: geometry.cell, button: this.buttonFor(view.key) }));
    const from = there.find(({ button }) => button?.isFocus());
    if (!from) return false;
    const next = nearest(
      there.map(({ cell }) => cell),
      from.cell,
      direction,
    );
    if (next === null) return false;
    there[next]?.button?.grabFocus();
    return true;
  }

  update(view: View): void {
    this.view = view;
    this.arrange();
  }

  /** False: nobody looks, so nothing moves. */
  setActive(active: boolean): void {
    this.active = active;
    this.move();
  }

  private arrange(): void {
    if (this.relayout) clearImmediate(this.relayout);
    this.relayout = null;
    const { view, size } = this;
    if (!view || size.width < 2 || size.height < 2) return;
    const counts = (band: BandView) => band.groups.map(group => group.length);
    const layout = layoutStage({
      width: size.width,
      height: size.height,
      counts: {
        newer: counts(view.newer),
        mine: counts(view.mine),
        older: counts(view.older),
        different: counts(view.different),
      },
      alone: view.alone !== null,
      rightToLeft: rightToLeft(),
    });
    this.layout = layout;
    if (this.fixedHeight !== layout.height) this.fixed.setSizeRequest(-1, layout.height);
    this.fixedHeight = layout.height;
    this.placed = this.place(view, layout);
    this.showButtons();
    this.move();
    this.fixed.queueDraw();
  }

  private place(view: View, layout: StageLayout): Placed[] {
    const placed: Placed[] = [{ view: view.laptop, geometry: myGeometry(layout) }];
    const put = (groups: Slots[], cells: Rect[][]) => {
      groups.forEach((slots, g) => {
        slots.forEach((laptop, i) => {
          const cell = cells[g]?.[i];
          if (laptop && cell) placed.push({ view: laptop, geometry: cellGeometry(layout, cell) });
        });
      });
    };
    put(view.newer.groups, layout.cells.newer);
    put(view.mine.groups, layout.cells.mine);
    put(view.different.groups, layout.cells.different);
    put(view.older.groups, layout.cells.older);
    return placed;
  }

  private showButtons(): void {
    const present = new Set(this.placed.map(({ view }) => view.key));
    for (const [key, button] of this.buttons) {
      if (present.has(key)) continue;
      button.button.visible = false;
      this.buttons.delete(key);
      this.spare.push(button);
    }
    for (const { view, geometry } of this.placed) {
      const button = this.buttons.get(view.key) ?? this.newButton(view.key);
      button.update(view, geometry, (x, y) => this.fixed.move(button.button, x, y));
    }
  }

  private newButton(key: LaptopKey): LaptopButton {
    const known = this.spare.pop();
    const button = known ?? new LaptopButton(this.tapped);
    if (!known) this.fixed.put(button.button, 0, 0);
    this.buttons.set(key, button);
    return button;
  }

  /** Runs the clock of dots and waves only while something moves. */
  private move(): void {
    const animate = Gtk.Settings.getDefault()?.gtkEnableAnimations ?? true;
    const wanted = this.active && animate ? (this.view?.moving ?? null) : null;
    if (wanted === this.clock?.for) return;
    if (this.clock) clearInterval(this.clock.timer);
    const tick = guard('animation', undefined, () => this.tick());
    this.clock = wanted && { for: wanted, timer: setInterval(tick, FRAME[wanted]) };
  }

  private tick(): void {
    const { layout, fixed } = this;
    if (!layout || !fixed.getMapped()) return;
    const { newer, mine, older } = layout.bands;
    const giving = this.placed.filter(({ view }) => view.giving);
    const onlyMine = giving.length === 0;
    const top = onlyMine ? (this.view?.alone ? 0 : mine.y) : newer.y;
    const bottom = onlyMine ? mine.y + mine.height : older.y + older.height;
    fixed.queueDrawArea(0, top, newer.width, bottom - top);
  }

  private draw(cr: Cairo.Context): void {
    const { view, layout } = this;
    if (!view || !layout) return;
    const { bands } = layout;
    if (view.alone) this.drawAlone(cr, view.alone, layout);
    else {
      fillRect(cr, bands.newer, GREY.newer);
      fillRect(cr, bands.mine, GREY.mine);
      this.drawLabel(cr, view.newer.label, 'up', bands.newer, layout);
      this.drawLabel(cr, view.mine.label, 'equal', bands.mine, layout);
    }
    if (bands.older.height > 0) {
      fillRect(cr, bands.older, GREY.older);
      this.drawLabel(cr, view.older.label, 'down', bands.older, layout);
    }
    if (view.moving === 'waves') this.drawWaves(cr, layout);
    if (view.moving === 'dots') this.drawDots(cr, layout);
    this.drawRing(cr, layout, view.ring);
    for (const button of this.buttons.values()) this.fixed.propagateDraw(button.button, cr);
  }

  private drawLabel(cr: Cairo.Context, label: string, sign: Sign, band: Rect, layout: StageLayout): void {
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

  private drawAlone(cr: Cairo.Context, alone: NonNullable<View['alone']>, layout: StageLayout): void {
    const { bands, unit, fonts } = layout;
    const { width } = bands.mine;
    fillRect(cr, { x: 0, y: 0, width, height: bands.mine.y + bands.mine.height }, GREY.mine);
    let y = Math.max(12 * unit, bands.newer.height - 118 * unit);
    const style = { color: GREY.text, align: 'center' } as const;
    y += drawText(cr, alone.title, 20, y, width - 40, { ...style, size: fonts.label * 1.35, bold: true }) + 8 * unit;
    for (const line of alone.lines) {
      y += drawText(cr, line, 20, y, width - 40, { ...style, size: fonts.title, color: GREY.soft }) + 3 * unit;
    }
    this.aloneTextBottom = y;
    this.drawGhosts(cr, layout);
  }

  /** Two faint outlines where other laptops could be. */
  private drawGhosts(cr: Cairo.Context, layout: StageLayout): void {
    const { ring } = layout.laptop;
    const size = Math.round(layout.laptop.icon * 0.72);
    const pixbuf = renderIcon(laptopIcon, size, NO_COLORS);
    const away = Math.min(ring.radius * 3.1, layout.bands.mine.width * 0.34);
    for (const side of [-1, 1]) drawIcon(cr, pixbuf, ring.x + side * away - size / 2, ring.y - size * 0.42, 0.35);
  }

  private drawWaves(cr: Cairo.Context, layout: StageLayout): void {
    const { ring } = layout.laptop;
    const now = Date.now() / WAVE;
    const reach = Math.max(layout.bands.mine.height / 2, ring.radius * 2.6);
    cr.save();
    const { mine } = layout.bands;
    const top = this.view?.alone ? this.aloneTextBottom : mine.y;
    cr.rectangle(0, top, mine.width, mine.y + mine.height - top);
    cr.clip();
    for (let i = 0; i < 3; i++) {
      const part = (now + i / 3) % 1;
      circle(cr, ring.x, ring.y, ring.radius + (reach - ring.radius) * part);
      setColor(cr, GREY.line, 0.45 * (1 - part));
      cr.setLineWidth(3 * layout.unit);
      cr.stroke();
    }
    cr.restore();
    fillRect(cr, textRect(myGeometry(layout)), GREY.mine);
  }

  /** From every helper to this laptop, behind the laptops and never over a name. */
  private drawDots(cr: Cairo.Context, layout: StageLayout): void {
    const { ring } = layout.laptop;
    const now = (Date.now() % FLIGHT) / FLIGHT;
    const names = this.placed.map(({ geometry }) => textRect(geometry));
    for (const { view, geometry } of this.placed) {
      if (!view.giving) continue;
      const { cell, icon } = geometry;
      const from = { x: cell.x + cell.width / 2, y: cell.y + icon.y + icon.height / 2 };
      const distance = Math.hypot(ring.x - from.x, ring.y - from.y) || 1;
      const toX = ring.x - ((ring.x - from.x) / distance) * ring.radius;
      const toY = ring.y - ((ring.y - from.y) / distance) * ring.radius;
      const [stroke, fill] = view.colors ?? NO_COLORS;
      for (let i = 0; i < DOTS; i++) {
        const part = (now + i / DOTS) % 1;
        const size = (i % 2 === 0 ? 7 : 4.5) * layout.unit;
        const x = from.x + (toX - from.x) * part;
        const y = from.y + (toY - from.y) * part;
        if (names.some(name => touches(name, x, y, size))) continue;
        circle(cr, x, y, size);
        setColor(cr, fill);
        cr.fillPreserve();
        setColor(cr, stroke);
        cr.setLineWidth(2.5 * layout.unit);
        cr.stroke();
      }
    }
  }

  /** Always there, thin: this one is mine. It fills while something is fetched. */
  private drawRing(cr: Cairo.Context, layout: StageLayout, part: number | null): void {
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
}
