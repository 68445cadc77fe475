/**
 * npm run bench -- start [TIMES]: how long it takes from starting the program that Sugar starts to the first picture of
 * the window, its toolbar drawn; and to the first answer of the service, which is started too. Looks at the screen from
 * outside, about ten times a second, so each figure is up to 0.1 s too long.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectService } from '../src/service/client';
import type { Desktop } from '../test/screen/desktop';
import { end } from './end';
import { onDesktop } from './window';

const run = promisify(execFile);
const times = Number(process.argv[2] ?? 5);
/** In the middle of the toolbar, and its colour. */
const PLACE = { x: 700, y: 20, color: '#282828' };
/** What no start may take longer than. */
const PATIENCE_MS = 60_000;

async function painted(desktop: Desktop): Promise<boolean> {
  const crop = `1x1+${PLACE.x}+${PLACE.y}`;
  const { stdout } = await run('import', ['-window', 'root', '-crop', crop, '-depth', '8', 'txt:-'], {
    env: desktop.env,
  });
  return stdout.includes(PLACE.color);
}

/** Processes that serve this store: their command line names it. */
function servicesOf(store: string): number[] {
  return readdirSync('/proc')
    .filter(name => {
      try {
        const words = /^\d+$/.test(name) ? readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0') : [];
        return words.includes('serve') && words.includes(store);
      } catch {
        // It ended while we looked.
        return false;
      }
    })
    .map(Number);
}

async function first(desktop: Desktop, folder: string): Promise<{ paint: number; service: number }> {
  const store = join(folder, 'store');
  const began = performance.now();
  const screen = spawn(process.execPath, ['dist/screen.js', '--store', store], { env: desktop.env, stdio: 'inherit' });
  const since = () => performance.now() - began;
  const until = async (holds: () => Promise<boolean>): Promise<number> => {
    while (!(await holds())) if (since() > PATIENCE_MS) throw new Error('it did not come');
    return since();
  };
  const paint = await until(() => painted(desktop));
  const answers = async () => {
    const client = await connectService(store).catch(() => null);
    client?.close();
    return client !== null;
  };
  const service = await until(answers);
  screen.kill('SIGTERM');
  await once(screen, 'exit');
  // It would live on for an hour, for whoever comes next.
  for (const pid of servicesOf(store)) process.kill(pid, 'SIGTERM');
  return { paint, service };
}

async function main(): Promise<void> {
  process.stdout.write('| start | first picture, s | service, s |\n| ---: | ---: | ---: |\n');
  for (let i = 1; i <= times; i++) {
    await onDesktop('start', async (desktop, folder) => {
      const { paint, service } = await first(desktop, folder);
      process.stdout.write(`| ${i} | ${(paint / 1000).toFixed(1)} | ${(service / 1000).toFixed(1)} |\n`);
    });
  }
}

end(main());
