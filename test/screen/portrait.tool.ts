/**
 * portrait.tool.js FOLDER COUNT PICTURES SIZES [whole]: the screen with real services around it, one state after the
 * other, a picture of each at each size. whole: an upgrade with everything that may happen on the way.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Controller } from '../../src/screen/controller';
import type { ScreenState } from '../../src/screen/state';
import { newest, until } from '../../src/screen/waiting';
import { connectService } from '../../src/service/client';
import { base } from './states';
import { loop, windowOf } from './tool-window';

const [folder = '', count = '8', pictures = '', sizes = '1200x900', whole = ''] = process.argv.slice(2);
const PATIENCE = 60_000;
const RATE = 120_000;

/** The class around this laptop, as a process of its own. */
class Others {
  private constructor(
    private readonly room: ChildProcess,
    readonly store: string,
    private readonly lines: AsyncIterator<string>,
  ) {}

  static async come(): Promise<Others> {
    const args = [join(__dirname, 'classroom.tool.js'), folder, count, String(RATE)];
    const room = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: room.stdout! })[Symbol.asyncIterator]();
    const { value } = (await lines.next()) as { value: string };
    return new Others(room, value, lines);
  }

  async do(line: string): Promise<void> {
    this.room.stdin?.write(`${line}\n`);
    await this.lines.next();
  }

  async end(): Promise<void> {
    this.room.stdin?.end();
    await once(this.room, 'exit');
  }
}

async function portray(): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  const others = await Others.come();
  const controller = new Controller(() => connectService(others.store), base().profile);
  const all = sizes.split(',').map(size => size.split('x').map(Number) as [number, number]);
  const [width, height] = all[0] ?? [1200, 900];
  const scaling = process.env.SUGAR_SCALING;
  const window = windowOf(controller, width, height, scaling);
  window.show();
  window.parkPointer();
  controller.start();
  const reached = (what: (state: ScreenState) => boolean, name: string) => until(controller, what, PATIENCE, name);
  const picture = async (name: string) => {
    for (const [w, h] of all) {
      // Twice: the first time it cannot be smaller than what was laid out for the size before.
      window.window.resize(w, h);
      await window.screenshot(pictures, `${name}-${w}x${h}`);
      window.window.resize(w, h);
      process.stdout.write(`${await window.screenshot(pictures, `${name}-${w}x${h}`)}\n`);
    }
  };
  const here = Number(count);
  await reached(({ link }) => link === 'connected', 'no service');
  const answered = (state: ScreenState) => [...state.neighbours.values()].filter(n => n.confirmed).length;
  await reached(state => answered(state) === here, 'not everybody came');
  await picture(`${here}-idle`);
  if (here === 0) return;
  const chosen = newest(controller.state);
  if (!chosen) throw new Error('nobody has anything newer');
  const compared = async () => {
    controller.tap(`near:${chosen.id}`);
    await reached(({ comparison }) => comparison?.state === 'done', 'no comparison');
  };
  await compared();
  await picture(`${here}-choose`);
  const fetching = ({ upgrade }: ScreenState) =>
    upgrade?.state === 'running' &&
    upgrade.progress.step === 'fetch' &&
    upgrade.progress.sources.some(s => s.bytes > 0);
  controller.act('upgrade');
  await reached(fetching, 'nothing was fetched');
  await picture(`${here}-fetching`);
  if (whole) await misfortunes(controller, others, reached, picture);
  await reached(({ upgrade }) => upgrade?.state === 'staged', 'never ready');
  await picture(`${here}-ready`);
  controller.act('done');
  await picture(`${here}-later`);
  await controller.activate();
  await reached(({ status }) => Boolean(status?.arrived), 'not in use');
  await reached(({ neighbours }) => [...neighbours.values()].some(n => n.relation === 'same'), 'nobody is the same');
  await picture(`${here}-arrived`);
  controller.act('thanks');
  await reached(({ status }) => status?.arrived === null, 'not read');
  controller.act('go-back');
  await picture(`${here}-question`);
  controller.act('cancel');
  controller.close();
  await others.end();
}

/** Stopped, gone on after the service has begun anew, left alone, and helped by who comes back. */
async function misfortunes(
  controller: Controller,
  others: Others,
  reached: (what: (state: ScreenState) => boolean, name: string) => Promise<void>,
  picture: (name: string) => Promise<void>,
): Promise<void> {
  await reached(({ upgrade }) => (upgrade?.progress.filesDone ?? 0) > 0, 'nothing came');
  controller.act('stop');
  await reached(({ upgrade }) => upgrade?.state === 'stopped', 'it did not stop');
  await picture(`${count}-stopped`);
  await others.do('restart');
  await reached(({ link }) => link === 'lost', 'nobody noticed');
  await reached(({ link, upgrade }) => link === 'connected' && upgrade?.state === 'stopped', 'it was forgotten');
  const { bytesDone } = controller.state.upgrade!.progress;
  if (bytesDone === 0) throw new Error('what was fetched is not there any more');
  await reached(state => [...state.neighbours.values()].some(n => n.version === '410'), 'nobody came back');
  controller.act('upgrade');
  await reached(({ upgrade }) => upgrade?.state === 'running' && upgrade.progress.step === 'fetch', 'it did not go on');
  await others.do('leave 410');
  await reached(({ upgrade }) => upgrade?.progress.waiting === true, 'nobody missed them');
  await picture(`${count}-waiting`);
  await others.do('come');
  await reached(({ upgrade }) => upgrade?.progress.waiting === false, 'nobody found them');
  await picture(`${count}-found`);
}

loop(portray);
