/**
 * What a screen reader knows and does: a small client of AT-SPI over D-Bus (org.a11y.atspi.*, at-spi2-core's xml/).
 * Tests find widgets by role and name as people do, so what a blind child cannot find, the tests cannot either.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Message, type MessageBus, sessionBus } from '@particle/dbus-next';

const ACCESSIBLE = 'org.a11y.atspi.Accessible';
const PATIENCE_MS = 60_000;
const POLL_MS = 60;
/** AtspiStateType of at-spi2-core's atspi-constants.h. */
const STATE = { sensitive: 24, showing: 25, focused: 12 } as const;

interface Reference {
  bus: string;
  path: string;
}

export interface Extents {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** One accessible object of an application. */
export class Thing {
  constructor(
    private readonly desk: Accessibility,
    private readonly at: Reference,
    readonly role: string,
    readonly name: string,
  ) {}

  /** Does its first action: what Enter or a tap does. */
  async press(): Promise<void> {
    await this.desk.call(this.at, 'org.a11y.atspi.Action', 'DoAction', 'i', [0]);
  }

  async grabFocus(): Promise<void> {
    await this.desk.call(this.at, 'org.a11y.atspi.Component', 'GrabFocus');
  }

  description(): Promise<string> {
    return this.desk.property(this.at, 'Description');
  }

  /** On the screen, in pixels. */
  async extents(): Promise<Extents> {
    const [[x, y, width, height]] = (await this.desk.call(
      this.at,
      'org.a11y.atspi.Component',
      'GetExtents',
      'u',
      [0],
    )) as [[number, number, number, number]];
    return { x, y, width, height };
  }

  async is(state: keyof typeof STATE): Promise<boolean> {
    const [[low = 0]] = (await this.desk.call(this.at, ACCESSIBLE, 'GetState')) as [[number, number]];
    return (low & (1 << STATE[state])) !== 0;
  }
}

export class Accessibility {
  private constructor(
    private readonly bus: MessageBus,
    private readonly application: string,
    private readonly isAlive: () => boolean,
  ) {}

  /**
   * @param application the program's name, as GLib's prgname
   * @param isAlive false once it has ended: then nothing is waited for
   */
  static async connect(sessionAddress: string, application: string, isAlive = () => true): Promise<Accessibility> {
    const session = sessionBus({ busAddress: sessionAddress });
    const answer = await session.call(
      new Message({
        destination: 'org.a11y.Bus',
        path: '/org/a11y/bus',
        interface: 'org.a11y.Bus',
        member: 'GetAddress',
      }),
    );
    session.disconnect();
    const bus = sessionBus({ busAddress: answer?.body[0] as string });
    return new Accessibility(bus, application, isAlive);
  }

  close(): void {
    this.bus.disconnect();
  }

  async call(at: Reference, iface: string, member: string, signature = '', body: unknown[] = []): Promise<unknown[]> {
    const message = new Message({
      destination: at.bus,
      path: at.path,
      interface: iface,
      member,
      signature,
      body,
    });
    const answer = await this.bus.call(message);
    return answer?.body ?? [];
  }

  async property(at: Reference, name: string): Promise<string> {
    const [value] = await this.call(at, 'org.freedesktop.DBus.Properties', 'Get', 'ss', [ACCESSIBLE, name]);
    return String((value as { value: unknown }).value);
  }

  /** Everything the application shows now, parents before children. Objects may vanish while we look: then fewer. */
  async all(): Promise<Thing[]> {
    const root = { bus: 'org.a11y.atspi.Registry', path: '/org/a11y/atspi/accessible/root' };
    const things: Thing[] = [];
    for (const app of await this.children(root)) {
      const name = await this.property(app, 'Name').catch(() => '');
      if (name === this.application) await this.walk(app, things);
    }
    return things;
  }

  private async walk(at: Reference, things: Thing[]): Promise<void> {
    try {
      const [role] = await this.call(at, ACCESSIBLE, 'GetRoleName');
      const thing = new Thing(this, at, String(role), await this.property(at, 'Name'));
      if (thing.role !== 'application' && !(await thing.is('showing'))) return;
      things.push(thing);
      for (const child of await this.children(at)) await this.walk(child, things);
    } catch {
      // Gone while we looked at it.
    }
  }

  private async children(at: Reference): Promise<Reference[]> {
    const [list] = (await this.call(at, ACCESSIBLE, 'GetChildren')) as [[string, string][]];
    return list.map(([bus, path]) => ({ bus, path }));
  }

  /** Waits until something with that role and name shows, and answers it. */
  async find(role: string, name: string | RegExp): Promise<Thing> {
    const fits = (thing: Thing) =>
      thing.role === role && (typeof name === 'string' ? thing.name === name : name.test(thing.name));
    let seen: Thing[] = [];
    const found = await waitFor(async () => {
      if (!this.isAlive()) throw new Error(`${this.application} has ended`);
      seen = await this.all().catch(() => []);
      return seen.find(fits) ?? null;
    });
    if (found) return found;
    const shown = seen.filter(({ name: n }) => n !== '').map(thing => `${thing.role}: ${thing.name}`);
    throw new Error(`no ${role} ${name} appeared; there is\n  ${shown.join('\n  ')}`);
  }

  button(name: string | RegExp): Promise<Thing> {
    return this.find('push button', name);
  }

  text(name: string | RegExp): Promise<Thing> {
    return this.find('label', name);
  }

  /** Waits until nothing with that role and name shows any more. */
  async gone(role: string, name: string | RegExp): Promise<void> {
    const left = await waitFor(async () => {
      const things = await this.all().catch(() => []);
      return things.some(t => t.role === role && (typeof name === 'string' ? t.name === name : name.test(t.name)))
        ? null
        : true;
    });
    if (!left) throw new Error(`${role} ${name} is still there`);
  }
}

/** Asks again and again until the answer is not null; null after a minute. */
export async function waitFor<T>(ask: () => Promise<T | null>): Promise<T | null> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (performance.now() > deadline) return null;
    await sleep(POLL_MS);
  }
}
