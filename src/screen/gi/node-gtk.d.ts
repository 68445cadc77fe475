/**
 * The part of GTK 3 that this program uses, as node-gtk 4.1.1 presents it. Written by hand because the generated types
 * (`npx node-gtk generate-types`) are 3.5 MB, need GTK's introspection data to be made, and leave cairo out; so the
 * type check works on machines without any GTK package. Enumerations are spelt with GTK's values.
 */
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

export class GObject {
  /** A throw in the callback would end Gtk.main: use `on()` of gtk.ts instead. */
  on(signal: string, callback: (...args: never[]) => unknown, after?: boolean): this;
  /** Throws where the object has no such signal. */
  emit(signal: string, ...values: unknown[]): unknown;
}

export namespace Cairo {
  class Surface {}
  /** Only what is not cairo's toy text, which is use-after-free in node-gtk. */
  class Context {
    constructor(surface: Surface);
    /** 0 clear, 2 over */
    setOperator(operator: number): void;
    setSourceSurface(surface: Surface, x: number, y: number): void;
    save(): void;
    restore(): void;
    translate(x: number, y: number): void;
    scale(x: number, y: number): void;
    rotate(radians: number): void;
    setSourceRgb(r: number, g: number, b: number): void;
    setSourceRgba(r: number, g: number, b: number, a: number): void;
    setLineWidth(width: number): void;
    /** 0 butt, 1 round, 2 square */
    setLineCap(cap: number): void;
    /** 0 miter, 1 round, 2 bevel */
    setLineJoin(join: number): void;
    newPath(): void;
    newSubPath(): void;
    closePath(): void;
    moveTo(x: number, y: number): void;
    lineTo(x: number, y: number): void;
    curveTo(x1: number, y1: number, x2: number, y2: number, x3: number, y3: number): void;
    arc(x: number, y: number, radius: number, from: number, to: number): void;
    rectangle(x: number, y: number, width: number, height: number): void;
    fill(): void;
    fillPreserve(): void;
    stroke(): void;
    clip(): void;
    paint(): void;
    paintWithAlpha(alpha: number): void;
    pushGroup(): void;
    popGroupToSource(): void;
  }
}

export namespace GObject2 {
  const TYPE_STRING: bigint;
  class Value {
    init(type: bigint): this;
    setString(text: string): void;
  }
}

export namespace Atk1 {
  class Object extends GObject {
    accessibleName: string;
    accessibleDescription: string;
    setRole(role: number): void;
  }
}

export namespace Pango1 {
  class FontDescription {
    static fromString(text: string): FontDescription;
    setAbsoluteSize(pangoUnits: number): void;
  }
  type Context = GObject;
  const SCALE: number;
  class Layout extends GObject {
    static new(context: Context): Layout;
    setText(text: string, bytes: number): void;
    setFontDescription(font: FontDescription): void;
    /** Pango units (1/1024 px), -1 for none */
    setWidth(units: number): void;
    setHeight(units: number): void;
    /** 0 none, 1 start, 2 middle, 3 end */
    setEllipsize(mode: number): void;
    /** 0 left, 1 centre, 2 right */
    setAlignment(alignment: number): void;
    getPixelSize(): [number, number];
  }
}

export namespace PangoCairo1 {
  function showLayout(cr: Cairo.Context, layout: Pango1.Layout): void;
}

export namespace GdkPixbuf2 {
  class Pixbuf extends GObject {
    getWidth(): number;
    getHeight(): number;
    savev(file: string, type: string, keys: string[], values: string[]): boolean;
    /** interpolation: 2 bilinear */
    scaleSimple(width: number, height: number, interpolation: number): Pixbuf | null;
  }
  class PixbufLoader extends GObject {
    static newWithType(type: string): PixbufLoader;
    setSize(width: number, height: number): void;
    write(data: Buffer): boolean;
    close(): boolean;
    getPixbuf(): Pixbuf | null;
  }
}

export namespace Gdk3 {
  class Screen extends GObject {
    static getDefault(): Screen | null;
    getWidth(): number;
    getHeight(): number;
  }
  class Display extends GObject {
    static getDefault(): Display | null;
    getDefaultSeat(): Seat;
  }
  class Seat extends GObject {
    getPointer(): Device | null;
    /** capabilities: 8 the keyboard. Answers 0 for success. */
    grab(window: Window, capabilities: number, ownerEvents: boolean, cursor: null, event: null, prepare: null): number;
  }
  class Device extends GObject {
    warp(screen: Screen, x: number, y: number): void;
  }
  class Window extends GObject {
    getWidth(): number;
    getHeight(): number;
    /** content: 0x1000 colour, 0x3000 colour and alpha */
    createSimilarSurface(content: number, width: number, height: number): Cairo.Surface;
  }
  class FrameClock extends GObject {
    beginUpdating(): void;
    endUpdating(): void;
  }
  /** What GDK hands to `key-press-event`. */
  interface EventKey {
    keyval: number;
    /** Bits: 1 shift, 4 control, 8 alt */
    state: number;
  }
  /** Bits: 2 iconified */
  interface EventWindowState {
    newWindowState: number;
  }
  function pangoContextGet(): Pango1.Context;
  function cairoSetSourcePixbuf(cr: Cairo.Context, pixbuf: GdkPixbuf2.Pixbuf, x: number, y: number): void;
  function pixbufGetFromWindow(window: Window, x: number, y: number, w: number, h: number): GdkPixbuf2.Pixbuf | null;
}

export namespace GLib2 {
  /** 1: the person's documents; null where there are none. */
  function getUserSpecialDir(directory: number): string | null;
  function setPrgname(name: string): void;
  function setApplicationName(name: string): void;
}

export namespace Gio2 {
  class SettingsSchema extends GObject {
    hasKey(key: string): boolean;
  }
  class SettingsSchemaSource extends GObject {
    static getDefault(): SettingsSchemaSource | null;
    lookup(id: string, recursive: boolean): SettingsSchema | null;
  }
  class Settings extends GObject {
    static new(schema: string): Settings;
    getString(key: string): string;
  }
}

export namespace SugarExt1 {
  function wmSetActivityId(xid: number, id: string): void;
  function wmSetBundleId(xid: number, id: string): void;
}

export namespace Gtk3 {
  function init(argv: string[]): void;
  /** False first: no display. */
  function initCheck(argv: string[]): [boolean, string[] | null];
  function main(): void;
  function mainQuit(): void;
  function eventsPending(): boolean;
  function mainIterationDo(blocking: boolean): boolean;
  const STYLE_PROVIDER_PRIORITY_APPLICATION: number;

  class Settings extends GObject {
    static getDefault(): Settings | null;
    gtkThemeName: string;
    gtkIconThemeName: string;
    gtkFontName: string;
    gtkEnableAnimations: boolean;
  }
  class CssProvider extends GObject {
    loadFromData(css: Buffer): boolean;
  }
  class StyleContext extends GObject {
    static addProviderForScreen(screen: Gdk3.Screen, provider: CssProvider, priority: number): void;
    addClass(name: string): void;
    removeClass(name: string): void;
  }
  interface Allocation {
    x: number;
    y: number;
    width: number;
    height: number;
  }
  class Widget extends GObject {
    /** The CSS name; setName is shadowed by Gtk.Buildable's. */
    name: string;
    visible: boolean;
    sensitive: boolean;
    canFocus: boolean;
    /** Has the focus within its window. */
    isFocus(): boolean;
    hexpand: boolean;
    vexpand: boolean;
    /** 0 fill, 1 start, 2 end, 3 centre */
    halign: number;
    valign: number;
    marginTop: number;
    marginBottom: number;
    marginStart: number;
    marginEnd: number;
    noShowAll: boolean;
    tooltipText: string;
    show(): void;
    showAll(): void;
    hide(): void;
    queueDraw(): void;
    queueDrawArea(x: number, y: number, width: number, height: number): void;
    queueResize(): void;
    setSizeRequest(width: number, height: number): void;
    getAllocation(): Allocation;
    getAllocatedWidth(): number;
    getAllocatedHeight(): number;
    getAccessible(): Atk1.Object;
    getStyleContext(): StyleContext;
    /** Gtk.StateFlags bits: 1 active, 2 under the pointer, 8 insensitive, 32 focused */
    getStateFlags(): number;
    getWindow(): Gdk3.Window | null;
    getMapped(): boolean;
    getRealized(): boolean;
    /** null until it is realized. */
    getFrameClock(): Gdk3.FrameClock | null;
    /** Focused, and the keyboard is in use. */
    hasVisibleFocus(): boolean;
    grabFocus(): void;
    getDirection(): number;
    /** 1 left to right, 2 right to left */
    static getDefaultDirection(): number;
    static setDefaultDirection(direction: number): void;
  }
  class Container extends Widget {
    add(child: Widget): void;
    remove(child: Widget): void;
    getChildren(): Widget[];
    /** Scrolls to whichever child gets the focus. */
    setFocusVadjustment(adjustment: Adjustment): void;
    propagateDraw(child: Widget, cr: Cairo.Context): void;
  }
  class Window extends Container {
    constructor(properties: { title: string });
    title: string;
    setDefaultSize(width: number, height: number): void;
    setDecorated(on: boolean): void;
    maximize(): void;
    fullscreen(): void;
    unfullscreen(): void;
    resize(width: number, height: number): void;
    move(x: number, y: number): void;
    setIcon(icon: GdkPixbuf2.Pixbuf | null): void;
    setFocus(widget: Widget | null): void;
    setDefault(widget: Widget | null): void;
    getFocus(): Widget | null;
    getFocusVisible(): boolean;
    setFocusVisible(visible: boolean): void;
    present(): void;
    deiconify(): void;
    setKeepAbove(on: boolean): void;
  }
  class Box extends Container {
    /** orientation: 0 horizontal, 1 vertical */
    constructor(properties: { orientation: number; spacing?: number });
    spacing: number;
    packStart(child: Widget, expand: boolean, fill: boolean, padding: number): void;
    packEnd(child: Widget, expand: boolean, fill: boolean, padding: number): void;
  }
  class Fixed extends Container {
    put(child: Widget, x: number, y: number): void;
    move(child: Widget, x: number, y: number): void;
  }
  class ScrolledWindow extends Container {
    /** 0 always, 1 automatic, 2 never */
    setPolicy(horizontal: number, vertical: number): void;
    setOverlayScrolling(on: boolean): void;
    getVadjustment(): Adjustment;
  }
  class Adjustment extends GObject {
    getValue(): number;
    setValue(value: number): void;
    getPageSize(): number;
    clampPage(lower: number, upper: number): void;
  }
  class Button extends Container {
    clicked(): void;
    label: string;
  }
  class Entry extends Widget {
    text: string;
    widthChars: number;
    maxWidthChars: number;
    maxLength: number;
    placeholderText: string;
    setMaxLength(characters: number): void;
    selectRegion(from: number, to: number): void;
  }
  class GestureMultiPress extends GObject {
    static new(widget: Widget): GestureMultiPress;
    /** 1 capture: before the widget itself and its children */
    propagationPhase: number;
  }
  class Label extends Widget {
    label: string;
    selectable: boolean;
    wrap: boolean;
    xalign: number;
    yalign: number;
    /** 0 none, 3 end */
    ellipsize: number;
    lines: number;
    widthChars: number;
    maxWidthChars: number;
    /** 0 left, 1 right, 2 centre */
    justify: number;
  }
  class DrawingArea extends Widget {}
  class ProgressBar extends Widget {
    fraction: number;
  }
  class SearchEntry extends Entry {
    /** Takes a key that was pressed elsewhere; true where it was one for it. */
    handleEvent(event: Gdk3.EventKey): boolean;
  }
  class TreePath {
    static newFromString(path: string): TreePath;
    toString(): string;
  }
  /** Opaque; of a ListStore good for as long as its row. */
  class TreeIter {
    private readonly iter: unique symbol;
  }
  class ListStore extends GObject {
    static new(types: bigint[]): ListStore;
    append(): TreeIter;
    remove(row: TreeIter): boolean;
    setValue(row: TreeIter, column: number, value: GObject2.Value): void;
    /** newOrder[new position] = old position */
    reorder(newOrder: number[]): void;
  }
  class TreeSelection extends GObject {
    /** 0 none, 1 single, 2 browse */
    setMode(mode: number): void;
    /** Paths first. */
    getSelectedRows(): [TreePath[], ListStore];
    selectPath(path: TreePath): void;
    unselectAll(): void;
  }
  class CellRendererText extends GObject {
    setFixedSize(width: number, height: number): void;
    /** 3: cut at the end with … */
    ellipsize: number;
    xpad: number;
  }
  class TreeViewColumn extends GObject {
    title: string;
    clickable: boolean;
    resizable: boolean;
    expand: boolean;
    minWidth: number;
    packStart(renderer: CellRendererText, expand: boolean): void;
    addAttribute(renderer: CellRendererText, attribute: string, column: number): void;
    setSortIndicator(shown: boolean): void;
    /** 0 ascending, 1 descending */
    setSortOrder(order: number): void;
    getButton(): Button;
  }
  class TreeView extends Container {
    model: ListStore;
    enableSearch: boolean;
    appendColumn(column: TreeViewColumn): number;
    getSelection(): TreeSelection;
    scrollToCell(path: TreePath, column: null, align: boolean, row: number, column_: number): void;
  }
  class Clipboard extends GObject {
    static getDefault(display: Gdk3.Display): Clipboard;
    setText(text: string, bytes: number): void;
    store(): void;
  }
}
