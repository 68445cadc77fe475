/**
 * npm run bench -- frames: what one picture costs while dots fly, in processor time of the screen and of the X server that
 * draws for it, with few and with many who give. Processor time can be compared on a busy machine, too.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ScreenState } from '../src/screen/state';
import { base, crowd, neighbour, sources, upgrade } from '../test/screen/states';
import { controllerAlone, loop, windowOf } from '../test/screen/tool-window';
import { end } from './end';
import { onDesktop, runScreen } from './window';

const PICTURES = 200;
const NEAR = [1, 8, 40];
/** In which Linux counts processor time, in ms. */
const TICK_MS = 10;

/** Everybody near has it, and gives. */
function flowing(count: number): ScreenState {
  const near = count === 1 ? [neighbour('Ana', '407', 'newer')] : crowd(count);
  const having = near.map(one => ({
    ...one,
    version: '407',
    relation: 'newer' as const,
    commit: near[0]?.commit ?? '',
  }));
  const giving = sources(...having).map(one => ({ ...one, state: 'giving' as const }));
  return base(having, { upgrade: upgrade('running', { sources: giving }) });
}

/** Processor time that the process has taken so far, in ms (stat of proc(5)). */
function cpu(pid: number): number {
  const words = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(words[11]) + Number(words[12])) * TICK_MS;
}

async function measure(server: number): Promise<void> {
  const controller = controllerAlone();
  const window = windowOf(controller);
  window.show();
  for (const count of NEAR) {
    controller.state = flowing(count);
    window.update();
    // The gliding of those who have just come is over then.
    await sleep(2000);
    const { frames } = window.stage;
    const [from, screen, drawing] = [frames.count, cpu(process.pid), cpu(server)];
    while (frames.count - from < PICTURES) await sleep(50);
    const each = (before: number, now: number) => ((now - before) / (frames.count - from)).toFixed(2);
    process.stdout.write(`| ${count} | ${each(screen, cpu(process.pid))} | ${each(drawing, cpu(server))} |\n`);
  }
}

async function bench(): Promise<void> {
  process.stdout.write('| giving | screen, ms a picture | X server, ms a picture |\n| ---: | ---: | ---: |\n');
  await onDesktop('frames', desktop => runScreen(desktop, __filename, String(desktop.server)));
}

const [server] = process.argv.slice(2);
if (server === undefined) end(bench());
else loop(() => measure(Number(server)));
