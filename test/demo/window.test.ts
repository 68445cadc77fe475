/**
 * The demo on a desktop that is not Sugar: what `npm start` opens where there is a display. A window that fits, that its
 * close button closes, and Ctrl+Q; and no process is left.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Accessibility, waitFor } from '../screen/atspi';
import { Desktop } from '../screen/desktop';
import { alone } from '../support/alone';

/** Smaller than the window would like to be. */
const SIZE = '1024x600';

describe('the demo on any desktop', () => {
  let folder: string;
  let desktop: Desktop;
  let manager: ChildProcess;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pass-it-on-demo-'));
    desktop = await Desktop.start(join(folder, 'desktop'), SIZE);
    manager = spawn('metacity', ['--sm-disable'], { env: desktop.env, stdio: 'ignore' });
  });

  after(async () => {
    if (manager.exitCode === null) {
      manager.kill('SIGTERM');
      await once(manager, 'exit');
    }
    await desktop.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Processes of the demo: their arguments name its folder. */
  function left(classroom: string): string[] {
    return readdirSync('/proc').flatMap(pid => {
      try {
        const words = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '';
        return words.includes(classroom) ? [words.replaceAll('\0', ' ')] : [];
      } catch {
        // It ended while we looked.
        return [];
      }
    });
  }

  for (const [name, close] of [
    ['its close button', 'alt+F4'],
    ['Ctrl+Q', 'ctrl+q'],
  ] as const) {
    it(`fits, shows the classroom, and is closed by ${name}; no process is left`, async () => {
      const classroom = join(folder, 'classroom');
      const demo = spawn(...alone(process.execPath, resolve('dist/demo.js'), '--folder', classroom), {
        env: desktop.env,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const ended = once(demo, 'exit');
      const person = await Accessibility.connect(desktop.busAddress, 'pass-it-on', () => demo.exitCode === null);
      await person.button('Teacher has 410');
      await person.button('My laptop has 406');
      const { x, y, width, height } = await (await person.find('frame', 'Pass It On')).extents();
      const fits = x >= 0 && y >= 0 && x + width <= 1024 && y + height <= 600;
      assert.ok(fits, `the window: ${width} × ${height} at ${x}, ${y}`);
      const named = execFileSync('xdotool', ['search', '--onlyvisible', '--class', 'pass-it-on'], { env: desktop.env });
      assert.match(named.toString(), /^\d+\n$/);
      await desktop.picture(`desktop-${close}`);
      await desktop.key(close);
      assert.deepEqual(await ended, [0, null]);
      person.close();
      const gone = await waitFor(async () => (left(classroom).length === 0 ? true : null));
      assert.ok(gone, left(classroom).join('\n'));
    });
  }
});
