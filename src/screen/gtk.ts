/**
 * The only module that loads node-gtk. It closes the traps of the binding in one place: callbacks that throw, text that
 * must go through Pango, interface methods that shadow class methods.
 */
import type * as NodeGtk from 'node-gtk';
import type { Atk1, Cairo, Gdk3, GdkPixbuf2, Gtk3, Pango1, GObject as Thing } from 'node-gtk';
import { PassItOnError } from '../core/errors';

export type { Atk1, Cairo, Gdk3, GdkPixbuf2, Gtk3, Pango1 };

/** node-gtk is an optional dependency: without it the sentence must help, not a stack trace. */
function load(): typeof NodeGtk {
  try {
    return require('node-gtk') as typeof NodeGtk;
  } catch (cause) {
    const remedy = 'Install the GTK packages, then run `npm ci` again; the command line works without.';
    throw new PassItOnError('unsupported', 'The screen needs GTK 3 and node-gtk, which are not here.', remedy, {
      cause,
    });
  }
}

const gi = load();
export const Gtk = gi.require('Gtk', '3.0');
export const Gdk = gi.require('Gdk', '3.0');
export const GdkPixbuf = gi.require('GdkPixbuf', '2.0');
export const Gio = gi.require('Gio', '2.0');
export const GLib = gi.require('GLib', '2.0');
export const GObject = gi.require('GObject', '2.0');
export const Pango = gi.require('Pango', '1.0');
export const PangoCairo = gi.require('PangoCairo', '1.0');
const cairo = gi.require('cairo');

/** Names for the numbers of GTK's enumerations that are used here. */
export const HORIZONTAL = 0;
export const VERTICAL = 1;
export const START = 1;
export const END = 2;
export const CENTER = 3;
export const STATE = { active: 1, hover: 2, focused: 32 } as const;
export const KEY = {
  escape: 0xff1b,
  enter: 0xff0d,
  left: 0xff51,
  up: 0xff52,
  right: 0xff53,
  down: 0xff54,
  c: 0x63,
  f: 0x66,
  s: 0x73,
  q: 0x71,
  Q: 0x51,
} as const;
export const MODIFIER = { shift: 1, control: 4, alt: 8 } as const;
const COLOR_AND_ALPHA = 0x3000;
const OPERATOR = { clear: 0, over: 2 } as const;

function report(error: unknown, where: string): void {
  process.stderr.write(`${where}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
}

/** A callback that never throws: a throw in a signal handler would end Gtk.main, in a timer the process. */
export function guard<A extends unknown[], R>(
  where: string,
  fallback: R,
  callback: (...args: A) => R,
): (...args: A) => R {
  return (...args) => {
    try {
      return callback(...args);
    } catch (error) {
      report(error, where);
      return fallback;
    }
  };
}

/** What each signal used here hands over and wants back. */
interface Signals {
  clicked: () => void;
  realize: () => void;
  map: () => void;
  unmap: () => void;
  draw: (cr: Cairo.Context) => boolean;
  'size-allocate': (allocation: Gtk3.Allocation) => void;
  'key-press-event': (event: Gdk3.EventKey) => boolean;
  'delete-event': () => boolean;
  'focus-in-event': () => boolean;
  'focus-out-event': () => boolean;
  'window-state-event': (event: Gdk3.EventWindowState) => boolean;
  'grab-broken-event': () => boolean;
  /** Enter in a text field. */
  activate: () => void;
  /** Of a gesture: number of presses in a row, and where. */
  pressed: (times: number, x: number, y: number) => void;
  /** A selection, or a text. */
  changed: () => void;
  'search-changed': () => void;
  'notify::gtk-enable-animations': () => void;
}

/** Connects a handler whose errors are reported and never reach GTK; after an error the event counts as unhandled. */
export function on<S extends keyof Signals>(object: Thing, signal: S, handler: Signals[S]): void {
  object.on(signal, guard<never[], unknown>(signal, false, handler as (...args: never[]) => unknown));
}

/** As GTK's own setting of that name, which some desktops set to nothing. */
const DOUBLE_CLICK_MS = 400;

/**
 * A button's press, but not the second half of a double click nor a key held down: children press everything twice,
 * and the second press would hit what the button has become by the first.
 */
export function onPress(button: Gtk3.Button, pressed: () => void): void {
  let last = Number.NEGATIVE_INFINITY;
  on(button, 'clicked', () => {
    const now = performance.now();
    const again = now - last < DOUBLE_CLICK_MS;
    last = now;
    if (!again) pressed();
  });
}

/** What a screen reader says of a widget. */
export function describe(widget: Gtk3.Widget, name: string, description = ''): void {
  const accessible = widget.getAccessible();
  if (accessible.accessibleName !== name) accessible.accessibleName = name;
  if (accessible.accessibleDescription !== description) accessible.accessibleDescription = description;
}

const ROLE = { image: 26, alert: 2 } as const;

/** Something drawn, as a picture with a name. */
export function describePicture(widget: Gtk3.Widget, name: string): void {
  widget.getAccessible().setRole(ROLE.image);
  describe(widget, name);
}

/** What appears of itself and wants an answer: screen readers read all of it at once. */
export function describeAlert(widget: Gtk3.Widget, name: string): void {
  widget.getAccessible().setRole(ROLE.alert);
  describe(widget, name);
}

let canAnnounce = true;

/** Lets a screen reader say something that happens where the keyboard is not. */
export function announce(widget: Gtk3.Widget, text: string): void {
  if (!canAnnounce) return;
  try {
    widget.getAccessible().emit('announcement', text);
  } catch (error) {
    // ATK before 2.46 has no such signal; names and values still change there.
    canAnnounce = false;
    report(error, 'announce');
  }
}

/** Sets a label's text only when it differs: each change is told to screen readers and lays out anew. */
export function setLabel(label: Gtk3.Label, text: string): void {
  if (label.label !== text) label.label = text;
}

export function addClass(widget: Gtk3.Widget, ...names: string[]): void {
  const context = widget.getStyleContext();
  for (const name of names) context.addClass(name);
}

export function toggleClass(widget: Gtk3.Widget, name: string, present: boolean): void {
  const context = widget.getStyleContext();
  if (present) context.addClass(name);
  else context.removeClass(name);
}

export function rightToLeft(): boolean {
  return Gtk.Widget.getDefaultDirection() === 2;
}

/** Drawn once and shown many times: kept where the window is, so that showing it is cheap. */
export interface Picture {
  surface: Cairo.Surface;
  width: number;
  height: number;
}

/**
 * Draws into `known`, where it still fits, or into a new one, as large as the widget unless told; null while there is no window.
 * Used again and again, because only the collector gives its memory back, and knows nothing of its size.
 */
export function drawOnce(
  widget: Gtk3.Widget,
  known: Picture | undefined,
  draw: (cr: Cairo.Context) => void,
  size = { width: widget.getAllocatedWidth(), height: widget.getAllocatedHeight() },
): Picture | null {
  const [width, height] = [Math.max(1, size.width), Math.max(1, size.height)];
  const fits = known?.width === width && known.height === height;
  const surface = fits ? known.surface : widget.getWindow()?.createSimilarSurface(COLOR_AND_ALPHA, width, height);
  if (!surface) return null;
  const cr = new cairo.Context(surface);
  cr.setOperator(OPERATOR.clear);
  cr.paint();
  cr.setOperator(OPERATOR.over);
  draw(cr);
  return { surface, width, height };
}

/** The X window of a realized widget; null where there is no X (Wayland). */
export function windowId(widget: Gtk3.Widget): number | null {
  gi.require('GdkX11', '3.0');
  const window = widget.getWindow() as (Gdk3.Window & { getXid?(): bigint | number }) | null;
  return window?.getXid ? Number(window.getXid()) : null;
}

/** Sugar's own helper for window properties; only there where Sugar is. */
export function loadSugarExt(): typeof NodeGtk.SugarExt1 {
  return gi.require('SugarExt', '1.0');
}
