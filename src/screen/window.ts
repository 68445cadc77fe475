/** The window: toolbar, alert, stage and bar, kept in step with the controller. */
import { join } from 'node:path';
import { Alert } from './alert';
import { announcement } from './announce';
import { Bar } from './bar';
import type { Controller } from './controller';
import { renderIcon } from './draw';
import {
  addClass,
  announce,
  Gdk,
  type Gdk3,
  type GdkPixbuf2,
  Gtk,
  type Gtk3,
  guard,
  KEY,
  MODIFIER,
  on,
  VERTICAL,
} from './gtk';
import { _ } from './i18n';
import { activityIcon } from './icons';
import { view } from './model';
import { Stage } from './stage';
import { neighbourId } from './state';
import { stayInFront } from './stay';
import { applyStyle, type Frame, frameFor } from './style';
import { TablePage } from './table-page';
import { ToolButton } from './tool-button';
import { Toolbar } from './toolbar';
import type { View } from './view';

const FRAME_PATIENCE_MS = 1000;
const DIRECTIONS = ['up', 'down', 'left', 'right'] as const;

export interface WindowOptions {
  /** First size in pixels, where no window manager decides. */
  width: number;
  height: number;
  /** SUGAR_SCALING. */
  scaling: string | undefined;
  /** Inside Sugar: no frame, the whole screen, and the Journal's title in the toolbar. */
  sugar: boolean;
  /** For whoever comes by: it cannot be left by accident. */
  kiosk?: boolean;
  close(): void;
  /** Keeps a file for the person; answers where. Rejects with PassItOnError. */
  save(name: string, text: string): Promise<string>;
}

export class ScreenWindow {
  readonly window: Gtk3.Window = new Gtk.Window({ title: _('Pass It On') });
  readonly stage: Stage;
  readonly bar: Bar;
  readonly toolbar: Toolbar;
  readonly page: TablePage;
  private readonly tableButton = new ToolButton(() => this.showTable(!this.table));
  private table = false;
  private shown: View | null = null;
  private readonly alert: Alert;
  private frame: Frame;
  private size = { width: 0, height: 0 };
  private pending: NodeJS.Immediate | null = null;
  private full = false;
  private begun = false;
  /** Where the keyboard was when the alert appeared. */
  private focusBefore: Gtk3.Widget | null = null;
  private onFrame: (() => void) | null = null;
  private onTouch: (() => void) | null = null;
  private touches: Gtk3.GestureMultiPress | null = null;

  constructor(
    private readonly controller: Controller,
    private readonly options: WindowOptions,
  ) {
    const act = controller.act.bind(controller);
    this.stage = new Stage(key => controller.tap(key));
    this.bar = new Bar(act);
    this.alert = new Alert(act);
    this.toolbar = new Toolbar(options.kiosk ? 'kiosk' : options.sugar ? 'sugar' : 'window', options.close);
    if (!options.kiosk) this.toolbar.add(this.tableButton.widget);
    this.page = new TablePage({
      client: () => (controller.state.link === 'connected' ? controller : null),
      call: (method, params) => controller.call(method, params),
      lookAt: address => controller.lookAt(address),
      save: options.save,
    });
    this.frame = frameFor(options.width, options.height, options.scaling);
    applyStyle(this.frame);
    addClass(this.window, 'pass-it-on');
    this.window.setIcon(renderIcon(activityIcon, 55, ['#282828', '#FFFFFF']));
    // Never larger than the screen: not every window manager makes it fit, and the button is at the bottom.
    const screen = Gdk.Screen.getDefault();
    const width = Math.min(options.width, screen?.getWidth() ?? options.width);
    this.window.setDefaultSize(width, Math.min(options.height, screen?.getHeight() ?? options.height));
    if (options.sugar) {
      this.window.setDecorated(false);
      this.window.maximize();
    }
    if (options.kiosk) stayInFront(this.window);
    const box = new Gtk.Box({ orientation: VERTICAL });
    for (const part of [this.toolbar, this.alert, this.stage, this.bar, this.page]) box.add(part.widget);
    this.window.add(box);
    on(this.window, 'delete-event', () => {
      if (!options.kiosk) options.close();
      return true;
    });
    on(this.window, 'key-press-event', event => this.key(event));
    on(this.window, 'draw', () => {
      this.onFrame?.();
      return false;
    });
    on(this.window, 'size-allocate', ({ width, height }) => this.resized(width, height));
    // Many events may come at once; one drawing is enough.
    controller.onChange(() => {
      this.pending ??= setImmediate(guard('update', undefined, () => this.update()));
    });
  }

  show(): void {
    this.update();
    this.window.showAll();
    // A frame around what has the focus is for the keyboard; GTK shows it with the first key.
    this.window.setFocusVisible(false);
  }

  /** Brings everything up to the state of the controller. */
  update(): void {
    if (this.pending) clearImmediate(this.pending);
    this.pending = null;
    const shown = view(this.controller.state);
    const focus = this.window.getFocus();
    if (shown.alert && !this.focusBefore) this.focusBefore = focus;
    this.toolbar.update(shown.colors, this.frame);
    this.alert.update(shown.alert, this.frame);
    this.bar.update(shown.bar, this.frame, shown.bar.steps === null ? null : shown.ring);
    this.stage.update(shown, this.frame.zoom);
    this.page.update(this.controller.state.neighbours.values(), this.controller.state.status?.current?.commit ?? null);
    this.tableButton.update(
      this.table ? 'laptops' : 'table',
      this.table ? _('Laptops as pictures') : _('Laptops as a table'),
      this.frame,
    );
    if (!shown.alert) {
      this.focusBefore?.grabFocus();
      this.focusBefore = null;
    }
    const said = announcement(this.shown, shown);
    this.shown = shown;
    if (said !== null) announce(this.window, said);
    // What had the keyboard may be gone; then it is where everything begins, or at the one thing that can be done.
    if (!this.window.getFocus())
      (shown.laptop.enabled ? this.stage.buttonFor('mine') : this.bar.button.widget)?.grabFocus();
  }

  get isTable(): boolean {
    return this.table;
  }

  /** The table of volunteers instead of the stage, or the stage again. */
  showTable(table: boolean): void {
    this.table = table;
    this.stage.widget.visible = !table;
    this.bar.widget.visible = !table;
    this.page.setShown(table);
    this.update();
    const { selected } = this.controller.state;
    if (table && selected?.startsWith('near:')) this.page.choose(neighbourId(selected));
    if (!table) this.stage.buttonFor('mine')?.grabFocus();
  }

  /** Sugar has put another activity in front: nothing needs to move meanwhile. */
  setActive(active: boolean): void {
    this.stage.setActive(active);
  }

  /** Puts the window in front. */
  raise(): void {
    this.window.present();
  }

  /** Calls `touched` at every key and at every press of finger or pointer, before anything else comes of it. */
  watchTouches(touched: () => void): void {
    this.onTouch = touched;
    this.touches = Gtk.GestureMultiPress.new(this.window);
    this.touches.propagationPhase = 1;
    on(this.touches, 'pressed', touched);
  }

  /** Puts the pointer into a corner, so that pictures do not show what happens to be below it. */
  parkPointer(): void {
    const screen = Gdk.Screen.getDefault();
    if (screen)
      Gdk.Display.getDefault()
        ?.getDefaultSeat()
        .getPointer()
        ?.warp(screen, screen.getWidth() - 1, screen.getHeight() - 1);
  }

  /** Writes what stands on the screen now as `<dir>/<name>.png`; the window must be shown. */
  async screenshot(dir: string, name: string): Promise<string> {
    const file = join(dir, `${name}.png`);
    (await this.picture()).savev(file, 'png', [], []);
    return file;
  }

  /** A small picture of the window as PNG; false when it is not on the screen. It must not be covered. */
  async preview(file: string, size: { width: number; height: number }): Promise<boolean> {
    if (!this.window.getMapped()) return false;
    const picture = await this.picture();
    const scale = Math.min(size.width / picture.getWidth(), size.height / picture.getHeight());
    const [width, height] = [picture.getWidth(), picture.getHeight()].map(n => Math.max(1, Math.round(n * scale)));
    const small = picture.scaleSimple(width ?? 1, height ?? 1, 2);
    small?.savev(file, 'png', [], []);
    return small !== null;
  }

  private async picture(): Promise<GdkPixbuf2.Pixbuf> {
    this.update();
    // Sizes are given out in the first frame, what follows from them is drawn in the second.
    await this.nextFrame();
    this.stage.rest();
    await this.nextFrame();
    const surface = this.window.getWindow();
    const picture = surface && Gdk.pixbufGetFromWindow(surface, 0, 0, surface.getWidth(), surface.getHeight());
    if (!picture) throw new Error('the window cannot be read');
    return picture;
  }

  /** Resolves when everything was drawn once more; after a while also when nothing is drawn, as in a hidden window. */
  private nextFrame(): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, FRAME_PATIENCE_MS);
      this.onFrame = () => {
        this.onFrame = null;
        clearTimeout(timer);
        // GTK shows what was drawn after its own handlers have run.
        setTimeout(resolve, 0);
      };
      this.window.queueDraw();
    });
  }

  private resized(width: number, height: number): void {
    if (width === this.size.width && height === this.size.height) return;
    this.size = { width, height };
    setImmediate(
      guard('resize', undefined, () => {
        this.frame = frameFor(width, height, this.options.scaling);
        applyStyle(this.frame);
        this.page.resize(this.frame);
        this.update();
        // GTK begins at the first button, which closes everything: a child that presses Enter means its laptop.
        if (!this.begun) this.stage.buttonFor('mine')?.grabFocus();
        this.begun = true;
      }),
    );
  }

  private key(event: Gdk3.EventKey): boolean {
    const { keyval, state } = event;
    this.onTouch?.();
    const control = (state & MODIFIER.control) !== 0;
    const alt = (state & MODIFIER.alt) !== 0;
    const shift = (state & MODIFIER.shift) !== 0;
    const { kiosk = false } = this.options;
    if (control && (keyval === KEY.q || keyval === KEY.Q)) {
      // A keeper's three keys besides Q; what a visitor presses leads nowhere.
      if (!kiosk || (alt && shift)) this.options.close();
      return true;
    }
    if (alt && keyval === KEY.enter) {
      if (kiosk) return true;
      this.full = !this.full;
      if (this.full) this.window.fullscreen();
      else this.window.unfullscreen();
      return true;
    }
    if (this.toolbar.isWriting && keyval !== KEY.escape) return false;
    if (this.table && this.page.key(event, control)) return true;
    const direction = DIRECTIONS.find(name => KEY[name] === keyval);
    if (direction && !control && !alt) return this.stage.moveFocus(direction);
    if (keyval !== KEY.escape) return false;
    if (this.toolbar.isWriting) this.stage.buttonFor('mine')?.grabFocus();
    if (this.alert.escape() || this.page.escape()) return true;
    if (this.table) this.showTable(false);
    else this.controller.unselect();
    return true;
  }
}
