/**
 * The kiosk, for real: the demo classroom with its services and the screen under a window manager, ten and more times
 * as fast as for people. It shows itself, gives way to a visitor, survives crashes, and only a keeper leaves it.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connectService } from '../../src/service/client';
import { Accessibility, waitFor } from './atspi';
import { Desktop } from './desktop';
import { KioskRun } from './kiosk-run';

const PACE = 0.03;
/** Tours whose memory is compared: what is filled once is full before. */
const [WARM, MANY] = [4, 12];
const ALLOWED_MB = 40;

describe('a kiosk', () => {
  let folder: string;
  let desktop: Desktop;
  let manager: ChildProcess;
  let kiosk: KioskRun;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pass-it-on-kiosk-'));
    desktop = await Desktop.start(join(folder, 'desktop'));
    manager = spawn('metacity', ['--sm-disable'], { env: desktop.env, stdio: 'ignore' });
    kiosk = KioskRun.start(desktop, folder, PACE);
  });

  after(async () => {
    await kiosk?.stop();
    if (manager.exitCode === null) {
      manager.kill('SIGTERM');
      await once(manager, 'exit');
    }
    await desktop?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('upgrades, goes back and begins anew by itself, and does not grow', async t => {
    await kiosk.toured(WARM);
    const before = kiosk.weigh();
    await kiosk.toured(MANY);
    const now = kiosk.weigh();
    t.diagnostic(`MB after ${WARM} tours: ${JSON.stringify(before)}; after ${MANY}: ${JSON.stringify(now)}`);
    assert.ok(now.screen - before.screen < ALLOWED_MB, 'the screen');
    assert.ok(now.service - before.service < ALLOWED_MB, 'the service');
    assert.doesNotMatch(kiosk.said, /^kiosk: /m);
  });

  it('lets a visitor drive, then begins anew', async () => {
    const person = await Accessibility.connect(desktop.busAddress, 'pass-it-on');
    // Whatever is touched: from then on nothing moves by itself.
    const carla = await person.button('Carla has 407');
    await desktop.click(carla);
    await person.text(/^(Your turn! Tap a laptop\.|Starting over in)/);
    const tours = kiosk.tours;
    await kiosk.toured(tours + 1);
    person.close();
  });

  it('is not left by what a visitor presses', async () => {
    const { screen } = kiosk.pids();
    const visible = () =>
      execFileSync('xdotool', ['search', '--onlyvisible', '--class', 'pass-it-on'], { env: desktop.env }).toString();
    const before = visible();
    // The last ones are metacity's own: put the window away, show the desktop, the next window.
    await desktop.key('Escape', 'ctrl+q', 'alt+F4', 'alt+Return', 'F11', 'super+h', 'ctrl+alt+d', 'alt+Tab');
    assert.equal(visible(), before);
    await kiosk.toured(kiosk.tours + 1);
    assert.equal(kiosk.pids().screen, screen);
  });

  it('goes on after its service has crashed, and after the screen has', async () => {
    const first = kiosk.pids();
    process.kill(first.service, 'SIGKILL');
    await kiosk.toured(kiosk.tours + 2);
    const second = kiosk.pids();
    assert.notEqual(second.service, first.service);
    assert.equal(second.screen, first.screen);
    process.kill(first.screen, 'SIGKILL');
    await kiosk.toured(kiosk.tours + 1);
    assert.notEqual(kiosk.pids().screen, first.screen);
  });

  it('is left by the keeper, and leaves no process behind', async () => {
    const store = join(folder, 'classroom', 'Maya', 'store');
    await desktop.key('ctrl+alt+shift+q');
    assert.equal(await kiosk.ended(), 0);
    const gone = () =>
      connectService(store).then(
        client => {
          client.close();
          return null;
        },
        () => true,
      );
    assert.ok(await waitFor(gone), 'the service has ended, too');
  });
});
