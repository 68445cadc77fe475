import type { Atk1 } from './atk';
import type { Cairo } from './cairo';
import type { Gdk3, GdkPixbuf2 } from './gdk';
import type { GObject, GObject2 } from './gobject';

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
    /** Least and wished. */
    getPreferredWidth(): [number, number];
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
    getVscrollbar(): Widget | null;
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

export namespace SugarExt1 {
  function wmSetActivityId(xid: number, id: string): void;
  function wmSetBundleId(xid: number, id: string): void;
}
