/** A display and a session bus of the test's own: Xvfb, dbus-daemon, and a person's hands and eyes. */
import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Thing } from './atspi';

const run = promisify(execFile);
const PACE_MS = 500;

export class Desktop {
  private pressed = 0;

  private constructor(
    readonly display: string,
    readonly busAddress: string,
    private readonly folder: string,
    private readonly processes: ChildProcess[],
  ) {}

  /** @param folder for its sockets and settings; empty and the test's own */
  static async start(folder: string, size = '1200x900'): Promise<Desktop> {
    const runtime = join(folder, 'run');
    mkdirSync(runtime, { recursive: true, mode: 0o700 });
    const { xvfb, display } = await startServer(size);
    const env = environment(folder, display);
    const address = `unix:path=${join(runtime, 'bus')}`;
    const bus = mortal('dbus-daemon', ['--session', '--nofork', '--print-address', `--address=${address}`], {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const busAddress = await firstLine(bus, bus.stdout as Readable);
    return new Desktop(display, busAddress, folder, [xvfb, bus]);
  }

  /** The X server's process: it draws what programs ask for. */
  get server(): number {
    return this.processes[0]?.pid ?? 0;
  }

  /** For programs that run on it: nothing of the person who runs the tests. */
  get env(): NodeJS.ProcessEnv {
    return { ...environment(this.folder, this.display), DBUS_SESSION_BUS_ADDRESS: this.busAddress };
  }

  /** Real clicks of a real pointer in the middle of it. */
  async click(thing: Thing, times = 1): Promise<void> {
    const { x, y, width, height } = await thing.extents();
    const at = [String(Math.round(x + width / 2)), String(Math.round(y + height / 2))];
    await this.xdotool('mousemove', ...at, 'click', '--repeat', String(times), '--delay', '80', '1');
  }

  async key(...keys: string[]): Promise<void> {
    for (const key of keys) await this.xdotool('key', key);
  }

  /** Letters, one after the other. */
  async type(text: string): Promise<void> {
    await this.xdotool('type', '--delay', '60', text);
  }

  /** The whole screen, as `build/screenshots/<name>.png`. */
  async picture(name: string): Promise<string> {
    mkdirSync('build/screenshots', { recursive: true });
    const file = join('build/screenshots', `${name}.png`);
    await run('import', ['-window', 'root', file], { env: this.env, timeout: 30_000 });
    return file;
  }

  async close(): Promise<void> {
    for (const child of this.processes.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  }

  private async xdotool(...args: string[]): Promise<void> {
    // At a person's pace: two presses within the time of a double click are one, and meant so.
    await sleep(Math.max(0, this.pressed + PACE_MS - performance.now()));
    this.pressed = performance.now();
    await run('xdotool', args, { env: this.env, timeout: 30_000 });
  }
}

/** How many displays there can be: X11 counts TCP ports from 6000 on, also where it does not listen there. */
const DISPLAYS = 59_000;
const TRIES = 5;
let servers = 0;

/**
 * On a display that nobody else has. Left to itself Xvfb takes the first whose abstract socket is free, and that is so of
 * display 0 in each network namespace: it would take the socket in /tmp from the server of another test.
 */
async function startServer(size: string): Promise<{ xvfb: ChildProcess; display: string }> {
  for (let tries = 1; ; tries++) {
    const display = `:${100 + ((process.pid * 8 + servers++) % DISPLAYS)}`;
    const words = [display, '-displayfd', '3', '-screen', '0', `${size}x24`, '-nolisten', 'tcp', '-noreset', '-ac'];
    const xvfb = mortal('Xvfb', words, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    try {
      await firstLine(xvfb, xvfb.stdio[3] as Readable);
      return { xvfb, display };
    } catch (cause) {
      if (tries === TRIES) throw cause;
    }
  }
}

/** A process that ends with this one, even when a test run is killed. */
function mortal(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  return spawn('setpriv', ['--pdeathsig', 'TERM', program, ...args], options);
}

function environment(folder: string, display: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: folder,
    LANG: 'C.UTF-8',
    DISPLAY: display,
    XDG_RUNTIME_DIR: join(folder, 'run'),
    XDG_DATA_HOME: join(folder, 'data'),
    XDG_CONFIG_HOME: join(folder, 'config'),
    XDG_CACHE_HOME: join(folder, 'cache'),
    GDK_BACKEND: 'x11',
    // Nobody's settings daemon: what a person has set on this machine is not the test's business.
    GSETTINGS_BACKEND: 'memory',
    PASS_IT_ON_SOCKET: join(folder, 'run', 'no-machine.sock'),
  };
}

async function firstLine(child: ChildProcess, stream: Readable): Promise<string> {
  const lines = createInterface({ input: stream });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${child.spawnfile} ended with ${code} before it was ready`);
  });
  ended.catch(() => {});
  const failed = once(child, 'error').then(([error]) => {
    throw error;
  });
  failed.catch(() => {});
  const [line] = (await Promise.race([once(lines, 'line'), ended, failed])) as [string];
  return line.trim();
}
