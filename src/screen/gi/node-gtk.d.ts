/**
 * The part of GTK 3 that this program uses, as node-gtk 4.1.1 presents it. Written by hand because the generated types
 * (`npx node-gtk generate-types`) are 3.5 MB, need GTK's introspection data to be made, and leave cairo out; so the
 * type check works on machines without any GTK package. Enumerations are spelt with GTK's values.
 */
import type { Atk1 } from './atk';
import type { Cairo } from './cairo';
import type { Gdk3, GdkPixbuf2 } from './gdk';
import type { GLib2, GObject2, Gio2 } from './gobject';
import type { Gtk3, SugarExt1 } from './gtk3';
import type { Pango1, PangoCairo1 } from './pango';

export type * from './atk';
export type * from './cairo';
export type * from './gdk';
export type * from './gobject';
export type * from './gtk3';
export type * from './pango';

export function require(ns: 'Gtk', version: '3.0'): typeof Gtk3;
export function require(ns: 'Gdk', version: '3.0'): typeof Gdk3;
export function require(ns: 'GdkPixbuf', version: '2.0'): typeof GdkPixbuf2;
export function require(ns: 'Gio', version: '2.0'): typeof Gio2;
export function require(ns: 'GLib', version: '2.0'): typeof GLib2;
export function require(ns: 'Pango', version: '1.0'): typeof Pango1;
/** Contexts and surfaces of its own making. */
export function require(ns: 'cairo'): typeof Cairo;
export function require(ns: 'PangoCairo', version: '1.0'): typeof PangoCairo1;
/** Only there where gir1.2-sugarext-1.0 is installed; throws elsewhere. */
export function require(ns: 'SugarExt', version: '1.0'): typeof SugarExt1;
/** Must have been required before a GdkX11.X11Window is seen. */
export function require(ns: 'GdkX11', version: '3.0'): object;

export function require(ns: 'GObject', version: '2.0'): typeof GObject2;
