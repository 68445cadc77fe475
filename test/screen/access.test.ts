/**
 * For everyone: what a screen reader finds (libatspi, as Orca uses it), what the keyboard reaches and shows, what a
 * finger can hit, and that nothing moves where a person has asked for rest.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { COLUMNS } from '../../src/screen/table-model';
import { waitFor } from './atspi';
import { Desktop } from './desktop';

const run = promisify(execFile);
const READER = 'test/screen/reader.py';
/** Pixels, whatever Sugar's scaling. */
const FINGER = 55;

interface Found {
  role: string;
  name: string;
  description: string;
  states: string[];
  extents?: [number, number, number, number];
  value?: [number, number, number];
  actions: number;
}

/** Shows states in a window of its own, one after the other. */
class Screen {
  private readonly lines: Interface;
  private constructor(
    readonly desktop: Desktop,
    private readonly child: ChildProcess,
  ) {
    this.lines = createInterface({ input: child.stdout! });
  }

  static async open(desktop: Desktop, state: string, env: NodeJS.ProcessEnv = {}): Promise<Screen> {
    const args = ['--enable-source-maps', join(__dirname, 'stay.tool.js'), state];
    const whole = { ...desktop.env, SUGAR_SCALING: '100', ...env };
    const screen = new Screen(
      desktop,
      spawn(process.execPath, args, { env: whole, stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    await once(screen.lines, 'line');
    assert.ok(await waitFor(async () => ((await screen.tree().catch(() => [])).length > 3 ? true : null)));
    return screen;
  }

  async show(state: string): Promise<void> {
    const shown = once(this.lines, 'line');
    this.child.stdin!.write(`${state}\n`);
    await shown;
    // Sizes are given out in the next frames.
    await sleep(300);
  }

  async tree(): Promise<Found[]> {
    const args = ['-W', 'ignore', READER, 'tree', 'stay'];
    const { stdout } = await run('/usr/bin/python3', args, { env: this.desktop.env, maxBuffer: 1 << 24 });
    return JSON.parse(stdout) as Found[];
  }

  async focused(): Promise<Found | undefined> {
    return (await this.tree()).find(({ states }) => states.includes('focused'));
  }

  /** All pixels, as one hash. */
  async look(): Promise<string> {
    const { stdout } = await run('import', ['-window', 'root', '-format', '%#', 'info:'], { env: this.desktop.env });
    return stdout;
  }

  async close(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill();
    await ended;
  }
}

/** Things that a person operates. */
function isControl({ role, states }: Found): boolean {
  return states.includes('focusable') && !['scroll pane', 'frame'].includes(role);
}

const MUST_HAVE_NAMES = [
  'push button',
  'image',
  'drawing area',
  'progress bar',
  'text',
  'table',
  'alert',
  'panel',
  'icon',
];

describe('for everyone', () => {
  let folder: string;
  let desktop: Desktop;
  let screen: Screen | null = null;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pass-it-on-access-'));
    desktop = await Desktop.start(folder);
  });

  after(async () => {
    await screen?.close();
    await desktop?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(state: string, env: NodeJS.ProcessEnv = {}): Promise<Screen> {
    await screen?.close();
    screen = await Screen.open(desktop, state, env);
    return screen;
  }

  const STATES = [
    'idle',
    'asking',
    'choose',
    'confirm-older',
    'fetching',
    'waiting',
    'stopped',
    'failed',
    'ready',
    'odd',
    'problem',
    'kept',
    'nobody',
    'nameless',
    'forty',
    'table:choose',
    'table:problem',
  ];

  it('every picture and every control has a name, and something that it does', async () => {
    const shown = await open('idle');
    for (const state of STATES) {
      await shown.show(state);
      const tree = await shown.tree();
      assert.ok(tree.some(isControl), state);
      for (const found of tree) {
        const { role, name, actions } = found;
        if (MUST_HAVE_NAMES.includes(role)) assert.notEqual(name.trim(), '', `${state}: ${JSON.stringify(found)}`);
        if (role === 'push button') assert.ok(actions > 0, `${state}: ${name}`);
      }
    }
  });

  for (const size of ['1200x900', '1024x768', '800x480']) {
    for (const scaling of ['72', '100']) {
      it(`everything is large enough for a finger at ${size}, scaling ${scaling}`, async () => {
        const shown = await open('idle', { STAY_SIZE: size, SUGAR_SCALING: scaling });
        let measured = 0;
        for (const state of STATES) {
          await shown.show(state);
          for (const { role, name, extents, states } of await shown.tree()) {
            if (!states.includes('focusable') || (role !== 'push button' && role !== 'text')) continue;
            const [, , width = 0, height = 0] = extents ?? [];
            assert.ok(width >= FINGER && height >= FINGER, `${state}: ${name} is ${width} × ${height}`);
            measured++;
          }
        }
        assert.ok(measured > 10 * STATES.length, `${measured} measured`);
      });
    }
  }

  it('what a frame or a place says is said in words, too', async () => {
    const shown = await open('odd');
    const button = async (name: string) => (await shown.tree()).find(found => found.name === name)?.description;
    assert.match((await button('Ana has 407')) ?? '', /^newer than mine/);
    assert.match((await button('Fatima has 405')) ?? '', /^older than mine/);
    assert.match((await button('Oscar has 406')) ?? '', /^same number as mine, but different inside/);
    assert.match((await button('Pia has classmate 12.1')) ?? '', /^another system than mine/);
    await shown.show('choose');
    assert.match((await button('Ana has 407')) ?? '', / · chosen$/);
    assert.match((await button('Ben has 407')) ?? '', /^can help$/);
    await shown.show('fetching');
    assert.match((await button('Ana has 407')) ?? '', /^is helping now/);
    assert.equal(await button('My laptop has 406'), 'getting 407, 49% done');
  });

  it('progress is a value that grows', async () => {
    const shown = await open('comparing');
    const value = async () => (await shown.tree()).find(({ role }) => role === 'progress bar')?.value?.[1] ?? -1;
    const values: number[] = [];
    for (const state of ['comparing', 'fetching', 'checking', 'staging', 'ready']) {
      await shown.show(state);
      values.push(await value());
    }
    assert.ok(
      values.every((one, i) => one >= 0 && one <= 1 && (i === 0 || one > (values[i - 1] ?? 0))),
      `${values}`,
    );
  });

  it('what happens is announced, in order', async () => {
    const shown = await open('choose');
    const args = ['-W', 'ignore', READER, 'listen', 'stay', 'object:announcement'];
    const reader = spawn('/usr/bin/python3', args, { env: desktop.env, stdio: ['ignore', 'pipe', 'inherit'] });
    const heard: string[] = [];
    const lines = createInterface({ input: reader.stdout });
    const ready = once(lines, 'line');
    lines.on('line', line => heard.push((JSON.parse(line) as { text: string }).text));
    try {
      await ready;
      for (const state of ['fetching', 'checking', 'ready', 'failed']) await shown.show(state);
      assert.ok(await waitFor(async () => (heard.length >= 5 ? true : null)), heard.join('\n'));
    } finally {
      const ended = once(reader, 'exit');
      reader.kill();
      await ended;
    }
    assert.match(heard[1] ?? '', /^Getting 407 from Ana, Ben and Carla 14 of 23 MB/);
    assert.match(heard[2] ?? '', /^Checking every file of 407…/);
    assert.match(heard[3] ?? '', /^407 is ready on your laptop!/);
    assert.match(heard[4] ?? '', /^The others have left\./);
  });

  for (const state of ['choose', 'confirm-older', 'stopped', 'table:choose']) {
    it(`the keyboard reaches everything in ${state}, and shows where it is`, async () => {
      const shown = await open(state);
      const id = ({ role, name }: Found) => `${role} ${name}`;
      const wanted = (await shown.tree()).filter(found => isControl(found) && found.states.includes('sensitive'));
      const missing = new Set(wanted.filter(({ role }) => role !== 'table cell').map(id));
      assert.ok(missing.size > 3);
      let before = await shown.look();
      for (let presses = 0; presses < wanted.length + 8 && missing.size > 0; presses++) {
        await desktop.key('Tab');
        const now = await shown.focused();
        if (now) missing.delete(id(now));
        // GTK keeps the headers of a table behind Shift+Tab and arrows.
        if (now?.role === 'table') {
          await desktop.key('shift+Tab');
          for (const _column of COLUMNS) {
            const header = await shown.focused();
            if (header) missing.delete(id(header));
            await desktop.key('Right');
          }
          await desktop.key('Tab');
        }
        const picture = await shown.look();
        assert.notEqual(picture, before, `Tab to ${now && id(now)} changes nothing that can be seen`);
        before = picture;
      }
      assert.deepEqual([...missing], []);
    });
  }

  it('nothing moves where a person has asked for rest', async () => {
    for (const rest of [false, true]) {
      const config = join(folder, `rest-${rest}`);
      mkdirSync(join(config, 'gtk-3.0'), { recursive: true });
      writeFileSync(join(config, 'gtk-3.0', 'settings.ini'), `[Settings]\ngtk-enable-animations=${rest ? 0 : 1}\n`);
      const shown = await open('idle', { XDG_CONFIG_HOME: config });
      for (const state of ['fetching', 'waiting', 'nobody']) {
        await shown.show(state);
        const looks = new Set<string>();
        for (let i = 0; i < 4; i++) looks.add(await shown.look());
        if (rest) assert.equal(looks.size, 1, `${state} moves`);
        else assert.ok(looks.size > 1, `${state} does not move`);
      }
    }
  });
});
