import type { Cairo } from './cairo';
import type { GObject } from './gobject';
import type { Pango1 } from './pango';

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
