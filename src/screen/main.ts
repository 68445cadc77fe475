/** The screen: a client of the service. `Gtk.main()` must be called at the top level, or Node's timers die. */
// First, before anything that may not be installed is loaded.
import './last-words';

import { join } from 'node:path';
import { PassItOnError } from '../core/errors';
import { ensureService } from '../service/client';
import { type Launch, readLaunch } from '../sugar/launch';
import { type Profile, readProfile } from '../sugar/profile';
import { markWindow, serveActivity } from '../sugar/shell';
import { applySugarTheme } from '../sugar/theme';
import { runAuto } from './auto';
import { Controller } from './controller';
import { GLib, Gtk } from './gtk';
import { _ } from './i18n';
import { lastWords } from './last-words';
import { ScreenWindow } from './window';

/** Seconds a service that this screen has started lives on when nobody needs it. */
const LINGER = 3600;
const SIZE = { width: 1200, height: 900 };

function serveArgs(profile: Profile): string[] {
  const args = ['--linger', String(LINGER)];
  if (profile.nick) args.push('--nick', profile.nick);
  if (profile.colors) args.push('--colors', profile.colors.join(','));
  return args;
}

function start(launch: Launch): void {
  const { sugar } = launch;
  GLib.setPrgname(sugar?.bundleId ?? 'pass-it-on');
  GLib.setApplicationName(_('Pass It On'));
  if (!Gtk.initCheck([])[0]) {
    throw new PassItOnError('unsupported', 'There is no display for the screen.', 'Start it inside a desktop session.');
  }
  if (sugar) applySugarTheme(launch.scaling, process.env);
  const profile = readProfile();
  const connect = () =>
    ensureService({
      store: launch.store,
      command: [process.execPath, join(__dirname, 'pass-it-on')],
      serveArgs: serveArgs(profile),
    });
  const controller = new Controller(connect, profile);

  let closing = false;
  let leaveShell: (() => void) | null = null;
  const quit = (status: number) => {
    if (closing) return;
    closing = true;
    process.exitCode = status;
    controller.close();
    leaveShell?.();
    Gtk.mainQuit();
  };
  process.once('SIGTERM', () => quit(0));
  process.once('SIGINT', () => quit(0));
  const fail = (thrown: unknown) => {
    process.stderr.write(`${lastWords(thrown)}\n`);
    quit(1);
  };

  const window = new ScreenWindow(controller, {
    ...SIZE,
    scaling: launch.scaling,
    sugar: sugar !== null,
    close: () => quit(0),
  });
  if (sugar) {
    markWindow(window.window, sugar.activityId, sugar.bundleId);
    serveActivity(sugar.activityId, { setActive: active => window.setActive(active) }).then(leave => {
      leaveShell = leave;
    }, fail);
  }
  window.show();
  controller.start();
  if (launch.auto) {
    runAuto(controller, window, launch.screenshots).then(() => quit(0), fail);
  }
}

start(readLaunch(process.argv.slice(2), process.env));
Gtk.main();
process.exit();
