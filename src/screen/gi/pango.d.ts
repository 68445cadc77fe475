import type { Cairo } from './cairo';
import type { GObject } from './gobject';

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
