export class GObject {
  /** A throw in the callback would end Gtk.main: use `on()` of gtk.ts instead. */
  on(signal: string, callback: (...args: never[]) => unknown, after?: boolean): this;
  /** Throws where the object has no such signal. */
  emit(signal: string, ...values: unknown[]): unknown;
}

export namespace GObject2 {
  const TYPE_STRING: bigint;
  class Value {
    init(type: bigint): this;
    setString(text: string): void;
  }
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
