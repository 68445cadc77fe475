/** Inside a running Sugar session: the shell and its datastore over D-Bus, an activity's processes and log. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Message, type MessageBus, sessionBus } from '@particle/dbus-next';
import { Accessibility, type Thing, waitFor } from '../screen/atspi';

export const BUNDLE_ID = 'org.laptop.PassItOn';
const SHELL = 'org.laptop.Shell';
const DATASTORE = 'org.laptop.sugar.DataStore';
/** Slower than a double click, as people are. */
const PACE_MS = 500;
const run = promisify(execFile);

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** As `waitFor`, and says what did not come. */
export async function eventually(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  assert.ok((await waitFor(async () => ((await holds()) ? true : null))) !== null, what);
}

export interface Running {
  id: string;
  person: Accessibility;
}

export class SugarSession {
  readonly bus: MessageBus = sessionBus();
  readonly profile = join(
    process.env.SUGAR_HOME ?? join(process.env.HOME ?? '', '.sugar'),
    process.env.SUGAR_PROFILE ?? 'default',
  );
  private pressed = 0;

  constructor(private readonly launcher: string) {}

  /** SUGAR_ACTIVITY_ROOT of the activity. */
  get root(): string {
    return join(this.profile, BUNDLE_ID);
  }

  get shellLog(): string {
    return readFileSync(join(this.profile, 'logs', 'shell.log'), 'utf8');
  }

  async call(to: string, path: string, iface: string, member: string, signature = '', ...body: unknown[]) {
    const message = new Message({ destination: to, path, interface: iface, member, signature, body });
    return (await this.bus.call(message))?.body ?? [];
  }

  async shell(member: string, ...body: string[]): Promise<unknown> {
    return (await this.call(SHELL, '/org/laptop/Shell', SHELL, member, 's'.repeat(body.length), ...body))[0];
  }

  async activity(id: string, member: string, ...body: string[]): Promise<unknown> {
    const [answer] = await this.call(
      `org.laptop.Activity${id}`,
      `/org/laptop/Activity/${id}`,
      'org.laptop.Activity',
      member,
      's'.repeat(body.length),
      ...body,
    );
    return answer;
  }

  datastore(member: string, signature: string, ...body: unknown[]): Promise<unknown[]> {
    return this.call(DATASTORE, '/org/laptop/sugar/DataStore', DATASTORE, member, signature, ...body);
  }

  /** Installs the bundle with Sugar's own program; answers where. */
  async install(bundle: string): Promise<string> {
    const bundlePath = () => this.shell('GetBundlePath', BUNDLE_ID).catch(() => null);
    await eventually('the shell answers', async () => (await bundlePath()) !== null);
    await run('sugar-install-bundle', [bundle]);
    const path = await waitFor(async () => ((await bundlePath()) as string) || null);
    if (!path?.endsWith('PassItOn.activity')) throw new Error(`installed at ${path}`);
    return path;
  }

  /** Starts the activity; resumes an entry where one is named. */
  async launch(...resumed: [activityId: string, objectId: string] | []): Promise<string> {
    const { stdout } = await run('/usr/bin/python3', [this.launcher, BUNDLE_ID, ...resumed]);
    return stdout.trim();
  }

  /** As `launch`; resolves when the window is there, for the shell too. */
  async open(...resumed: [activityId: string, objectId: string] | []): Promise<Running> {
    const before = this.shellLog.length;
    const id = await this.launch(...resumed);
    const person = await Accessibility.connect(process.env.DBUS_SESSION_BUS_ADDRESS ?? '', BUNDLE_ID);
    await person.button('Stop');
    // The shell's own word that it knows the window by its properties: without them it gives up after 90 seconds.
    const launched = () => new RegExp(`${id} launched in ([\\d.]+)`).exec(this.shellLog.slice(before))?.[1];
    await eventually('the launch succeeds', () => launched() !== undefined);
    say(`launched in ${launched()} seconds, says the shell`);
    return { id, person };
  }

  /** Presses Stop, and sees it end. */
  async stop({ id, person }: Running): Promise<void> {
    assert.ok(this.processes(id).length > 0);
    await (await person.button('Stop')).press();
    await eventually('the activity ends', () => this.processes(id).length === 0);
    person.close();
  }

  /** Processes of the activity's own: their arguments name it. */
  processes(id: string): string[] {
    return readdirSync('/proc').filter(pid => {
      try {
        return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(id);
      } catch {
        return false;
      }
    });
  }

  /** What the activity has complained of, in all its logs; Sugar's own theme makes GTK complain, which is not ours. */
  complaints(): string[] {
    const logs = join(this.profile, 'logs');
    return readdirSync(logs)
      .filter(name => name.startsWith(BUNDLE_ID))
      .flatMap(name => readFileSync(join(logs, name), 'utf8').split('\n'))
      .filter(line => line.trim() !== '' && !line.includes('Theme parsing error'))
      .filter(line => !line.startsWith('Normal successful completion'));
  }

  /** A real pointer in the middle of it. */
  async click(thing: Thing): Promise<void> {
    const { x, y, width, height } = await thing.extents();
    const at = [String(Math.round(x + width / 2)), String(Math.round(y + height / 2))];
    await this.xdotool('mousemove', ...at, 'click', '1');
  }

  async xdotool(...args: string[]): Promise<void> {
    await new Promise(resolve => setTimeout(resolve, Math.max(0, this.pressed + PACE_MS - performance.now())));
    this.pressed = performance.now();
    await run('xdotool', args, { timeout: 30_000 });
  }

  async picture(file: string): Promise<void> {
    await run('import', ['-window', 'root', file]);
  }
}

/** Ends the program with 0, or with 1 and why not. */
export function conclude(sugar: SugarSession, work: Promise<void>): void {
  work.then(
    () => process.exit(0),
    error => {
      say(`The activity said: ${sugar.complaints().join('\n')}`);
      say(error instanceof Error ? (error.stack ?? error.message) : String(error));
      process.exit(1);
    },
  );
}
