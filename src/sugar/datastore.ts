/** The Journal's datastore over D-Bus (carquinyol, org.laptop.sugar.DataStore). */
import { isUtf8 } from 'node:buffer';
import { DBusError, Variant } from '@particle/dbus-next';
import type { Session } from './session';

const STORE = {
  destination: 'org.laptop.sugar.DataStore',
  path: '/org/laptop/sugar/DataStore',
  interface: 'org.laptop.sugar.DataStore',
} as const;

/** Metadata of an entry: texts, but for what is no text, such as the preview. */
export type Properties = Record<string, string | number | Buffer>;

export class Datastore {
  constructor(private readonly session: Session) {}

  /** @param file moved into the datastore; @returns the entry's id */
  async create(properties: Properties, file: string): Promise<string> {
    const [uid] = await this.session.call(STORE, 'create', 'a{sv}sb', [toWire(properties), file, true]);
    return String(uid);
  }

  /** Properties that are not given are removed: pass on what `properties` answers. */
  async update(uid: string, properties: Properties, file: string): Promise<void> {
    await this.session.call(STORE, 'update', 'sa{sv}sb', [uid, toWire(properties), file, true]);
  }

  /** null when there is no such entry (any more). */
  async properties(uid: string): Promise<Properties | null> {
    try {
      const [wire] = (await this.session.call(STORE, 'get_properties', 's', [uid])) as [Record<string, Variant>];
      return fromWire(wire ?? {});
    } catch (error) {
      // It has no word of its own for that: the exception of whoever could not open the entry's folder.
      if (error instanceof DBusError && error.type === 'org.freedesktop.DBus.Python.OSError') return null;
      throw error;
    }
  }

  /** A copy of the entry's file, the caller's own; '' where it has none. */
  async file(uid: string): Promise<string> {
    const [path] = await this.session.call(STORE, 'get_filename', 's', [uid]);
    return String(path);
  }
}

function toWire(properties: Properties): Record<string, Variant> {
  const wire = (value: string | number | Buffer) =>
    typeof value === 'number'
      ? new Variant('i', value)
      : typeof value === 'string'
        ? new Variant('s', value)
        : new Variant('ay', value);
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, wire(value)]));
}

/** The datastore keeps bytes and tells bytes: those that are text become text again, as in Sugar's own toolkit. */
function fromWire(wire: Record<string, Variant>): Properties {
  const properties: Properties = {};
  for (const [name, { value }] of Object.entries(wire)) {
    if (typeof value === 'number' || typeof value === 'string') properties[name] = value;
    else if (Buffer.isBuffer(value)) properties[name] = isUtf8(value) ? value.toString('utf8') : value;
  }
  return properties;
}
