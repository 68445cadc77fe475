/**
 * npm run bench -- screen: the screen among real services, each process weighed by what the kernel counts. At rest with
 * nobody, one, eight and forty laptops near; and how many pictures a second it shows while an upgrade runs as fast as
 * the machine can.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller } from '../src/screen/controller';
import { Gtk } from '../src/screen/gtk';
import { newest, until } from '../src/screen/waiting';
import { ScreenWindow } from '../src/screen/window';
import { connectService } from '../src/service/client';
import { Classroom } from '../test/screen/classroom';
import { Desktop } from '../test/screen/desktop';
import { base } from '../test/screen/states';
import { alone } from '../test/support/alone';
import { end } from './end';

const PATIENCE = 120_000;
/** The waves of looking rest after twelve seconds. */
const SETTLE_MS = 14_000;
const REST_MS = 30_000;
/** Files of 50 kB that an upgrade fetches: so many that it lasts. */
const FILES = 1200;
const CLASSES = [
  { count: 0, files: 10 },
  { count: 1, files: FILES },
  { count: 8, files: FILES },
  { count: 40, files: FILES / 4 },
];

/** CPU of this process in percent of one core, while `work` lasts. */
async function busy(work: Promise<unknown>): Promise<{ percent: number; seconds: number }> {
  const [began, before] = [performance.now(), process.cpuUsage()];
  await work;
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - began) / 1000;
  return { percent: (user + system) / 1e4 / seconds, seconds };
}

async function room(folder: string, count: number, files: number): Promise<void> {
  process.env.PASS_IT_ON_ALLOW_UNSIGNED = '1';
  const others = await Classroom.open(folder, count, undefined, files);
  process.stdout.write(`${others.store}\n`);
  await once(process.stdin.resume(), 'end');
  await others.close();
}

async function measure(folder: string, count: number, files: number): Promise<void> {
  const class_ = spawn(process.execPath, [__filename, 'room', folder, String(count), String(files)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [store] = (await once(createInterface({ input: class_.stdout! }), 'line')) as [string];
  const controller = new Controller(() => connectService(store), base().profile);
  const window = new ScreenWindow(controller, {
    width: 1200,
    height: 900,
    scaling: undefined,
    sugar: false,
    save: async () => '',
    close: () => {},
  });
  window.show();
  controller.start();
  const here = () => [...controller.state.neighbours.values()].filter(n => n.confirmed).length;
  await until(controller, ({ link }) => link === 'connected' && here() === count, PATIENCE, 'not everybody came');
  await sleep(SETTLE_MS);
  const rest = await busy(sleep(REST_MS));
  let flow = '| – | – | – |';
  const chosen = newest(controller.state);
  if (chosen) {
    controller.tap(`near:${chosen.id}`);
    await until(controller, ({ comparison }) => comparison?.state === 'done', PATIENCE, 'no comparison');
    controller.act('upgrade');
    const giving = () => controller.state.upgrade?.progress.step === 'fetch';
    await until(controller, giving, PATIENCE, 'nothing was fetched');
    const before = window.stage.frames.count;
    const run = await busy(until(controller, () => !giving(), PATIENCE, 'it did not end'));
    const frames = (window.stage.frames.count - before) / run.seconds;
    flow = `| ${run.seconds.toFixed(1)} | ${frames.toFixed(0)} | ${run.percent.toFixed(0)} |`;
  }
  const memory = Math.round(process.memoryUsage.rss() / 1e6);
  process.stdout.write(`| ${count} | ${rest.percent.toFixed(2)} ${flow} ${memory} |\n`);
  controller.close();
  class_.stdin?.end();
  await once(class_, 'exit');
}

async function bench(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pass-it-on-screen-bench-'));
  const desktop = await Desktop.start(join(folder, 'desktop'));
  process.stdout.write('| near | CPU at rest, % | fetching, s | pictures/s | CPU, % | memory, MB |\n');
  process.stdout.write('| ---: | ---: | ---: | ---: | ---: | ---: |\n');
  try {
    for (const { count, files } of CLASSES) {
      const dir = join(folder, String(count));
      const args = alone(process.execPath, __filename, 'screen', dir, String(count), String(files));
      const screen = spawn(...args, {
        env: { ...desktop.env, NO_AT_BRIDGE: '1' },
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      const [code] = (await once(screen, 'exit')) as [number | null];
      if (code !== 0) throw new Error(`the screen ended with ${code}`);
      rmSync(dir, { recursive: true, force: true });
    }
  } finally {
    await desktop.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const [mode, folder = '', count = '0', files = '0'] = process.argv.slice(2);
if (mode === 'room') end(room(folder, Number(count), Number(files)));
else if (mode === 'screen') {
  Gtk.init([]);
  setTimeout(() => end(measure(folder, Number(count), Number(files))), 0);
  Gtk.main();
} else end(bench());
