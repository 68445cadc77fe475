/** The screen: a client of the service. `Gtk.main()` must be called at the top level, or Node's timers die. */
// First, before anything that may not be installed is loaded.
import '../service/lean';
import './last-words';

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassItOnError } from '../core/errors';
import { connectMachine, connectService, ensureService } from '../service/client';
import type { ServiceClient } from '../service/contract';
import { Activity } from '../sugar/activity';
import { type Launch, readLaunch } from '../sugar/launch';
import { type Profile, readProfile } from '../sugar/profile';
import { Session } from '../sugar/session';
import { withdrawLaunch } from '../sugar/shell';
import { applySugarTheme } from '../sugar/theme';
import { runAuto } from './auto';
import { Controller } from './controller';
import { GLib, Gtk } from './gtk';
import { _, isRightToLeft } from './i18n';
import { Kiosk } from './kiosk';
import { lastWords } from './last-words';
import { saveForPerson } from './save';
import { beTheOnly, meetingPlace } from './single';
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

function connector({ store, storeIsNamed, attach }: Launch, profile: Profile): () => Promise<ServiceClient> {
  if (attach) return () => connectService(store);
  const command = [process.execPath, join(__dirname, 'pass-it-on')];
  const own = () => ensureService({ store, command, serveArgs: serveArgs(profile) });
  return storeIsNamed ? own : async () => (await connectMachine()) ?? own();
}

/** A folder of this person's own; in Sugar one in which an activity may write. */
function runtimeFolder({ sugar }: Launch): string {
  return sugar ? join(sugar.root, 'tmp') : process.env.XDG_RUNTIME_DIR || tmpdir();
}

/** Another screen has come to the front instead of this one, which has shown nothing. */
async function leave({ sugar }: Launch): Promise<void> {
  process.stdout.write('Pass It On is open already; it has been asked to come to the front.\n');
  if (!sugar) return;
  const session = Session.open();
  await withdrawLaunch(session, sugar.activityId).catch(() => {});
  session.close();
}

function start(launch: Launch): void {
  const { sugar, kiosk } = launch;
  GLib.setPrgname(sugar?.bundleId ?? 'pass-it-on');
  GLib.setApplicationName(_('Pass It On'));
  if (!Gtk.initCheck([])[0]) {
    throw new PassItOnError('unsupported', 'There is no display for the screen.', 'Start it inside a desktop session.');
  }
  // Not by GTK's own translation, which a laptop may lack or have for another language.
  Gtk.Widget.setDefaultDirection(isRightToLeft() ? 2 : 1);
  if (sugar) applySugarTheme(launch.scaling, process.env);
  const profile = readProfile();
  const controller = new Controller(connector(launch, profile), profile);

  let closing = false;
  const ends: (() => void | Promise<void>)[] = [() => controller.close()];
  const quit = async (status: number) => {
    if (closing) return;
    closing = true;
    process.exitCode = status;
    for (const end of ends) await end();
    Gtk.mainQuit();
  };
  process.once('SIGTERM', () => void quit(0));
  process.once('SIGINT', () => void quit(0));
  const fail = (thrown: unknown) => {
    process.stderr.write(`${lastWords(thrown)}\n`);
    void quit(1);
  };

  const open = () => {
    let save = saveForPerson;
    const window = new ScreenWindow(controller, {
      ...SIZE,
      scaling: launch.scaling,
      sugar: sugar !== null,
      kiosk,
      save: (name, text) => save(name, text),
      close: () => {
        // At once: what is still written needs no window.
        window.window.hide();
        void quit(0);
      },
    });
    let raise = () => window.raise();
    if (sugar) {
      const activity = new Activity(sugar, controller, window);
      raise = () => activity.raise();
      save = (name, text) => activity.save(name, text);
      ends.push(() => activity.close());
      activity.start().catch(fail);
    }
    window.show();
    controller.start();
    if (kiosk) ends.unshift(runKiosk(launch, controller, window));
    if (launch.auto) runAuto(controller, window, launch.screenshots).then(() => quit(0), fail);
    return () => raise();
  };

  let raise = () => {};
  const begin = async () => {
    if (await beTheOnly(meetingPlace(runtimeFolder(launch), launch.store), () => raise())) {
      raise = open();
      return;
    }
    await leave(launch);
    await quit(0);
  };
  begin().catch(fail);
}

/** Starts the tours; the answer ends them. */
function runKiosk({ pace, home }: Launch, controller: Controller, window: ScreenWindow): () => void {
  const kiosk = new Kiosk({
    controller,
    pace,
    home,
    show: (caption, inviting) => window.toolbar.setCaption(caption, inviting),
    toured: tours => process.stdout.write(`tours: ${tours}\n`),
  });
  window.watchTouches(() => kiosk.touch());
  void kiosk.run();
  return () => kiosk.close();
}

start(readLaunch(process.argv.slice(2), process.env, process.cwd()));
Gtk.main();
process.exit();
