/** The look of everything that GTK draws itself, as one style sheet over whatever theme is there. */
import { GREY } from './draw';
import { Gdk, Gtk } from './gtk';
import { smallestTouch } from './layout';

/** Sizes of the frame around the stage, in pixels. */
export interface Frame {
  /** Sugar's scaling: 1 on an XO, 0.72 on most others. */
  zoom: number;
  /** 1 on a screen of 1200 × 900. */
  unit: number;
}

/** zoom from Sugar where it says; else, like unit, from the size of the window. */
export function frameFor(width: number, height: number, scaling: string | undefined): Frame {
  const unit = Math.min(1.6, Math.max(0.6, Math.min(width / 1200, height / 900)));
  const percent = Number(scaling);
  const told = Number.isFinite(percent) && percent >= 50 && percent <= 300;
  return { zoom: told ? percent / 100 : Math.max(0.72, unit), unit };
}

function css({ zoom, unit }: Frame): string {
  const px = (value: number, least = 1) => `${Math.round(Math.max(least, value))}px`;
  /** So high, or wide, that the whole button is what a finger needs. As GTK gets them: whole pixels. */
  const touch = (padding: number, border: number) =>
    px(smallestTouch(zoom) - 2 * (Math.round(padding) + Math.round(border)));
  const headline = px(22 * unit, 14);
  const line = px(18 * unit, 12);
  return `
.pass-it-on { background: ${GREY.white}; color: ${GREY.text}; font-family: Sans; }
.pass-it-on label { color: ${GREY.text}; }
.pass-it-on button { background: none; border: none; box-shadow: none; text-shadow: none; outline-style: none;
  min-width: 0; min-height: 0; margin: 0; padding: 0; transition: none; -gtk-icon-shadow: none; }
.pass-it-on .toolbar { background: ${GREY.ink}; min-height: ${px(75 * zoom)}; }
.pass-it-on .toolbar label { color: ${GREY.white}; font-size: ${px(22 * zoom, 14)}; }
.pass-it-on .toolbar label.caption { font-size: ${px(24 * unit, 16)}; }
.pass-it-on .toolbar label.invitation { background: ${GREY.white}; color: ${GREY.ink}; font-weight: bold;
  border-radius: ${px(30 * zoom)}; padding: ${px(8 * zoom)} ${px(18 * zoom)}; font-size: ${px(20 * unit, 14)}; }
.pass-it-on .toolbar entry { background: ${GREY.ink}; color: ${GREY.white}; border: ${px(2)} solid ${GREY.ink};
  border-radius: ${px(22 * zoom)}; box-shadow: none; caret-color: ${GREY.white}; font-size: ${px(22 * zoom, 14)};
  min-height: ${px(45 * zoom)}; padding: 0 ${px(15 * zoom)}; }
.pass-it-on .toolbar entry:hover { border-color: #808080; }
.pass-it-on .toolbar entry:focus { background: #E5E5E5; color: #000000; caret-color: #000000; border-color: ${GREY.white}; }
.pass-it-on .toolbar entry selection { background: #A6A6A6; color: #000000; }
.pass-it-on .toolbar button { min-width: ${px(75 * zoom, smallestTouch(zoom))}; min-height: ${px(75 * zoom, smallestTouch(zoom))}; border-radius: 0; }
.pass-it-on .toolbar button:hover { background: #000000; }
.pass-it-on .toolbar button:active { background: #808080; }
.pass-it-on scrolledwindow, .pass-it-on viewport { background: ${GREY.white}; border: none; }
.pass-it-on .alert { background: ${GREY.panel}; border-bottom: ${px(2)} solid ${GREY.line};
  padding: ${px(10 * unit, 6)} ${px(20 * unit, 10)}; }
.pass-it-on .alert .title { font-weight: bold; font-size: ${headline}; }
.pass-it-on .alert .line { font-size: ${line}; }
.pass-it-on .bar { background: ${GREY.panel}; padding: ${px(12 * unit, 6)} ${px(22 * unit, 8)};
  min-height: ${px(100 * unit, 78)}; }
.pass-it-on .card { background: ${GREY.white}; border-radius: ${px(14 * unit, 8)};
  padding: ${px(10 * unit, 5)} ${px(20 * unit, 10)}; }
.pass-it-on .card .headline { font-weight: bold; font-size: ${headline}; }
.pass-it-on .card .line { color: ${GREY.soft}; font-size: ${line}; }
.pass-it-on button.pill { border-radius: ${px(50 * unit, 40)}; padding: ${px(8 * unit, 4)} ${px(30 * unit, 16)};
  border: ${px(4 * unit, 3)} solid ${GREY.ink}; background: ${GREY.white};
  min-height: ${touch(Math.max(4, 8 * unit), Math.max(3, 4 * unit))};
  min-width: ${touch(Math.max(16, 30 * unit), Math.max(3, 4 * unit))}; }
.pass-it-on button.pill label { color: ${GREY.ink}; font-weight: bold; font-size: ${headline}; }
.pass-it-on button.pill label.detail { font-weight: normal; font-size: ${px(19 * unit, 13)}; }
.pass-it-on button.pill:hover { background: #F0F0F0; }
.pass-it-on button.pill:active { background: #A6A6A6; }
.pass-it-on button.pill:focus { outline: ${px(2.5 * unit, 2)} solid ${GREY.ink}; outline-offset: -${px(9 * unit, 7)};
  -gtk-outline-radius: ${px(42 * unit, 34)}; }
.pass-it-on button.pill.go:focus { outline-color: ${GREY.white}; }
.pass-it-on button.pill.go { background: ${GREY.ink}; }
.pass-it-on button.pill.go label { color: ${GREY.white}; }
.pass-it-on button.pill.go:hover { background: #000000; }
.pass-it-on button.pill.go:active { background: #505050; }
.pass-it-on button.pill:disabled { background: #9D9FA1; border-color: ${GREY.line}; }
.pass-it-on button.pill:disabled label { color: #F4F4F4; }
.pass-it-on .alert button.pill, .pass-it-on button.pill.second { padding: ${px(7 * unit, 4)} ${px(20 * unit, 12)};
  min-height: ${touch(Math.max(4, 7 * unit), 2)}; min-width: ${touch(Math.max(12, 20 * unit), 2)}; }
.pass-it-on button.pill.second label { font-weight: normal; font-size: ${line}; }
.pass-it-on button.pill.second { border-width: ${px(2)}; }
.pass-it-on .table-page .tools, .pass-it-on .table-page .foot { background: ${GREY.panel};
  padding: ${px(8 * unit, 5)} ${px(20 * unit, 8)}; }
.pass-it-on .card progressbar { margin-top: ${px(5 * unit, 4)}; }
.pass-it-on .card progressbar trough { min-height: ${px(8 * unit, 5)}; background: ${GREY.track}; border: none; border-radius: ${px(4)}; }
.pass-it-on .card progressbar progress { min-height: ${px(8 * unit, 5)}; background: ${GREY.ink}; border: none; border-radius: ${px(4)}; }
.pass-it-on .table-page .tools button { padding: 0 ${px(16 * unit, 10)};
  min-height: ${touch(0, 2)}; min-width: ${touch(Math.max(10, 16 * unit), 2)}; }
.pass-it-on .table-page entry { min-height: ${touch(0, 2)}; font-size: ${line}; background: ${GREY.white};
  color: ${GREY.ink}; border: ${px(2)} solid ${GREY.line}; border-radius: ${px(8)}; padding: 0 ${px(10)}; box-shadow: none; }
.pass-it-on .table-page entry:focus { border-color: ${GREY.ink}; box-shadow: inset 0 0 0 2px ${GREY.ink}; }
.pass-it-on .table-page .foot label { font-size: ${line}; }
.pass-it-on .table-page .foot .said { font-weight: bold; }
.pass-it-on treeview.table { background: ${GREY.white}; color: ${GREY.ink}; font-size: ${line}; }
.pass-it-on treeview.table:selected { background: ${GREY.panel}; color: ${GREY.ink}; }
.pass-it-on treeview.table:selected:focus { background: ${GREY.ink}; color: ${GREY.white}; }
.pass-it-on treeview.table header button { background: ${GREY.older}; padding: ${px(4)} ${px(8)}; min-height: ${px(47 * zoom, 32)};
  border-bottom: ${px(2)} solid ${GREY.line}; font-weight: bold; }
.pass-it-on treeview.table header button label { color: ${GREY.ink}; font-size: ${line}; }
.pass-it-on treeview.table header button arrow { color: ${GREY.ink}; min-width: ${px(22 * unit, 16)}; min-height: ${px(22 * unit, 16)}; }
.pass-it-on treeview.table header button:focus { box-shadow: inset 0 0 0 3px ${GREY.ink}; }
`;
}

let provider: InstanceType<typeof Gtk.CssProvider> | null = null;

/** Puts the style sheet in force; again after the window has changed its size. */
export function applyStyle(frame: Frame): void {
  const screen = Gdk.Screen.getDefault();
  if (!screen) return;
  if (!provider) {
    provider = new Gtk.CssProvider();
    Gtk.StyleContext.addProviderForScreen(screen, provider, Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION);
  }
  provider.loadFromData(Buffer.from(css(frame)));
}
