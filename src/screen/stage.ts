/** The stage: three bands, the laptops on them, the ring and what flows. Widgets are made once and then moved about. */
import { coverOf } from './cover';
import { type Dot, DotSprites, dotRect, dotsAt, type Placed } from './dots';
import { type Direction, nearest } from './focus';
import { Frames } from './frames';
import { Glides, type Pose } from './glide';
import { addClass, type Cairo, describe, drawOnce, Gtk, type Gtk3, guard, on, type Picture, rightToLeft } from './gtk';
import { _ } from './i18n';
import { cellGeometry, drawLaptop, LaptopButton, type LaptopGeometry, myGeometry } from './laptop';
import { layoutStage, type Rect, type StageLayout } from './layout';
import { drawBands, drawRing, drawWaves } from './scenery';
import type { LaptopKey } from './state';
import type { BandView, LaptopView, Slots, View } from './view';

/** Waves are slow, and rest after a while: looking may last for hours on a battery. Both in ms. */
const WAVE_FRAME = 110;
const WAVES_LAST = 12_000;

/** A laptop as it was seen last, for the way it leaves. */
interface Seen {
  cell: Rect;
  view: LaptopView;
  geometry: LaptopGeometry;
}

interface Still {
  /** What it shows. */
  of: string;
  /** The very laptops that were looked at for it: while they are the same, so is everything. */
  placed: readonly Placed[];
  back: Picture;
  front: Picture;
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
  private zoom = 1;
  private active = true;
  private waves: { timer: NodeJS.Timeout; until: number } | null = null;
  /** What stands still while dots fly, drawn once: behind the dots, and before them. */
  private still: Still | null = null;
  /** As they are shown, or will be in the next picture. */
  private dots: Dot[] = [];
  private readonly sprites = new DotSprites(this.fixed);
  private readonly glides = new Glides<LaptopKey, Seen>();
  private glidden = { width: 0, height: 0 };
  /** Dots and laptops that glide go with the pictures of the screen. */
  readonly frames: Frames;
  private relayout: NodeJS.Immediate | null = null;

  constructor(private readonly tapped: (key: LaptopKey) => void) {
    addClass(this.fixed, 'stage');
    describe(this.fixed, _('Laptops near'));
    // Sideways it never scrolls, and its contents, laid out for the width given, must not hold the window open.
    this.widget.setPolicy(3, 1);
    this.widget.setOverlayScrolling(false);
    this.widget.vexpand = true;
    this.widget.add(this.fixed);
    this.fixed.setFocusVadjustment(this.widget.getVadjustment());
    on(this.widget.getVadjustment(), 'changed', () => this.reveal());
    this.frames = new Frames(this.fixed, () => this.frame());
    on(this.fixed, 'draw', cr => {
      this.draw(cr);
      return true;
    });
    const settings = Gtk.Settings.getDefault();
    if (settings) on(settings, 'notify::gtk-enable-animations', () => this.move());
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

  /** zoom: Sugar's scaling. */
  update(view: View, zoom: number): void {
    this.zoom = zoom;
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
    const wanted = {
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
      zoom: this.zoom,
    };
    let layout = layoutStage(wanted);
    // Where it scrolls, the bar for that takes its room from the laptops.
    if (layout.height > size.height) layout = layoutStage({ ...wanted, width: size.width - this.barWidth() });
    this.layout = layout;
    if (this.fixedHeight !== layout.height) this.fixed.setSizeRequest(-1, layout.height);
    this.fixedHeight = layout.height;
    this.placed = this.place(view, layout);
    this.showButtons();
    this.glide();
    this.move();
    // Where nothing may move they stand still, and still tell who gives.
    this.dots = view.moving === 'dots' ? dotsAt(this.placed, layout, this.frames.running ? Date.now() : 0) : [];
    this.fixed.queueDraw();
  }

  /** Who was chosen stays in sight where the stage becomes too low for all of them, as below a question. */
  private reveal(): void {
    const chosen = this.placed.find(({ view }) => view.selected);
    if (!chosen) return;
    const { y, height } = chosen.geometry.cell;
    this.widget.getVadjustment().clampPage(y, y + height);
  }

  private barWidth(): number {
    return this.widget.getVscrollbar()?.getPreferredWidth()[1] ?? 0;
  }

  /** Everybody glides from where they were to where they are, but not where the window has become another size. */
  private glide(): void {
    // Mine stays where the ring is.
    const others = this.placed.filter(({ view }) => view.key !== 'mine');
    const seen = new Map(
      others.map(({ view, geometry }) => [view.key, { cell: geometry.cell, view, geometry }] as const),
    );
    const { width, height } = this.size;
    const same = this.glidden.width === width && this.glidden.height === height;
    this.glides.update(seen, performance.now(), same && this.active && animated());
    this.glidden = { width, height };
  }

  /** Everybody is at once where they are going: for a picture of a moment that is over. */
  rest(): void {
    const { active } = this;
    this.active = false;
    this.glide();
    this.active = active;
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

  /** Lets things move, only while something does and somebody looks. */
  private move(): void {
    const moves = this.active && animated();
    const moving = moves ? (this.view?.moving ?? null) : null;
    this.frames.run(moves && (moving === 'dots' || this.glides.moves(performance.now())));
    if (moving !== 'waves') this.calm();
    else if (!this.waves) {
      const tick = guard('waves', undefined, () => this.wave());
      this.waves = { timer: setInterval(tick, WAVE_FRAME), until: performance.now() + WAVES_LAST };
    }
  }

  /** After a while the rings stand still, until something new is shown. */
  private wave(): void {
    if (!this.waves || !this.layout) return;
    if (performance.now() > this.waves.until) clearInterval(this.waves.timer);
    const { mine } = this.layout.bands;
    const top = this.view?.alone ? 0 : mine.y;
    if (this.fixed.getMapped()) this.fixed.queueDrawArea(0, top, mine.width, mine.y + mine.height - top);
  }

  private calm(): void {
    if (this.waves) clearInterval(this.waves.timer);
    this.waves = null;
  }

  private frame(): void {
    const { layout, fixed } = this;
    if (!layout || !fixed.getMapped()) return;
    const gliding = this.glides.moves(performance.now());
    if (gliding || this.view?.moving !== 'dots') {
      this.frames.run(gliding);
      fixed.queueDraw();
      return;
    }
    // Only where dots were, and where they are now.
    const before = this.dots;
    this.dots = dotsAt(this.placed, layout, Date.now());
    for (const { x, y, width, height } of coverOf([...before, ...this.dots].map(dotRect)))
      fixed.queueDrawArea(x, y, width, height);
  }

  private draw(cr: Cairo.Context): void {
    const { view, layout } = this;
    if (!view || !layout) return;
    const now = performance.now();
    const gliding = this.glides.moves(now);
    if (view.moving === 'dots' && !gliding) this.drawFlow(cr, view, layout);
    else this.drawAll(cr, view, layout, gliding ? now : null);
  }

  /** now: in ms, where laptops glide. */
  private drawAll(cr: Cairo.Context, view: View, layout: StageLayout, now: number | null): void {
    drawBands(cr, view, layout);
    if (view.moving === 'waves') drawWaves(cr, view, layout, Date.now());
    if (view.moving === 'dots') this.sprites.draw(cr, dotsAt(this.placed, layout, Date.now()));
    drawRing(cr, layout, view.ring);
    for (const { what, pose } of now === null ? [] : this.glides.leaving(now)) {
      posed(cr, what.cell, pose, () => {
        cr.translate(what.cell.x, what.cell.y);
        drawLaptop(cr, what.view, what.geometry);
      });
    }
    for (const { view: laptop, geometry } of this.placed) {
      const button = this.buttons.get(laptop.key)?.button;
      if (!button) continue;
      const pose = now === null ? null : this.glides.pose(laptop.key, now);
      if (pose) posed(cr, geometry.cell, pose, () => this.fixed.propagateDraw(button, cr));
      else this.fixed.propagateDraw(button, cr);
    }
  }

  /** While dots fly everything else is drawn once and shown again: forty laptops in sixty pictures a second are many. */
  private drawFlow(cr: Cairo.Context, view: View, layout: StageLayout): void {
    const still = this.drawStill(view, layout);
    if (!still) return;
    show(cr, still.back);
    this.sprites.draw(cr, this.dots);
    drawRing(cr, layout, view.ring);
    show(cr, still.front);
  }

  private drawStill(view: View, layout: StageLayout): Still | null {
    if (this.still?.placed === this.placed) return this.still;
    const looks = this.placed.map(({ view: { name, description, ...look } }) => look);
    const of = JSON.stringify([layout, looks]);
    if (this.still?.of === of) {
      this.still.placed = this.placed;
      return this.still;
    }
    const back = drawOnce(this.fixed, this.still?.back, cr => drawBands(cr, view, layout));
    const front = drawOnce(this.fixed, this.still?.front, cr => {
      for (const { view: laptop, geometry } of this.placed) {
        cr.save();
        cr.translate(geometry.cell.x, geometry.cell.y);
        drawLaptop(cr, laptop, geometry);
        cr.restore();
      }
    });
    this.still = back && front && { of, placed: this.placed, back, front };
    return this.still;
  }
}

/** The system, or a person who cannot bear it, may ask that nothing moves. */
function animated(): boolean {
  return Gtk.Settings.getDefault()?.gtkEnableAnimations ?? true;
}

function show(cr: Cairo.Context, picture: Picture): void {
  cr.setSourceSurface(picture.surface, 0, 0);
  cr.paint();
}

/** Draws with the laptop moved, faded and grown around its middle. */
function posed(cr: Cairo.Context, cell: Rect, { dx, dy, alpha, scale }: Pose, draw: () => void): void {
  const [x, y] = [cell.x + cell.width / 2, cell.y + cell.height / 2];
  cr.save();
  cr.translate(dx + x * (1 - scale), dy + y * (1 - scale));
  cr.scale(scale, scale);
  if (alpha >= 1) draw();
  else {
    cr.pushGroup();
    draw();
    cr.popGroupToSource();
    cr.paintWithAlpha(alpha);
  }
  cr.restore();
}
