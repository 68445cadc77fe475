/**
 * npm run bench -- screen: the screen among real services, each process weighed by what the kernel counts. At rest with
 * nobody, one, eight and forty laptops near; and how many pictures a second it shows while an upgrade runs as fast as
 * the machine can.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller } from '../src/screen/controller';
import { newest, until } from '../src/screen/waiting';
import { connectService } from '../src/service/client';
import { Classroom } from '../test/screen/classroom';
import { base } from '../test/screen/states';
import { loop, windowOf } from '../test/screen/tool-window';
import { end } from './end';
import { onDesktop, runScreen } from './window';

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
  const window = windowOf(controller);
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
  process.stdout.write('| near | CPU at rest, % | fetching, s | pictures/s | CPU, % | memory, MB |\n');
  process.stdout.write('| ---: | ---: | ---: | ---: | ---: | ---: |\n');
  await onDesktop('screen', async (desktop, folder) => {
    for (const { count, files } of CLASSES) {
      const dir = join(folder, String(count));
      await runScreen(desktop, __filename, 'screen', dir, String(count), String(files));
      rmSync(dir, { recursive: true, force: true });
    }
  });
}

const [mode, folder = '', count = '0', files = '0'] = process.argv.slice(2);
if (mode === 'room') end(room(folder, Number(count), Number(files)));
else if (mode === 'screen') loop(() => measure(folder, Number(count), Number(files)));
else end(bench());
