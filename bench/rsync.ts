/** rsync between the same laptops, over the same link: what everybody would use today. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface Measured {
  seconds: number;
  /** Peak memory of the largest process on each side, in bytes. */
  receiver: number;
  sender: number;
}

const PORT = 8730;
const run = promisify(execFile);

/** What `time -f %M` wrote: kilobytes, on its last line. */
function peak(file: string): number {
  return Number(readFileSync(file, 'utf8').trim().split('\n').at(-1)) * 1024;
}

async function daemonAt(sender: Side, tree: string, work: string): Promise<ChildProcess> {
  const config = join(work, 'rsyncd.conf');
  const module = `[tree]\npath = ${tree}\nread only = yes\n`;
  writeFileSync(config, `uid = root\ngid = root\nuse chroot = no\nreverse lookup = no\n${module}`);
  const daemon = ['rsync', '--daemon', '--no-detach', `--config=${config}`, `--port=${PORT}`];
  const words = [...sender.inside, 'time', '-f', '%M', '-o', join(work, 'sender'), ...daemon];
  const child = spawn(words[0]!, words.slice(1), { stdio: ['ignore', 'ignore', 'inherit'], detached: true });
  for (let tries = 0; tries < 100; tries++) {
    const [program, ...args] = [...sender.inside, 'rsync', `rsync://127.0.0.1:${PORT}/`];
    const answered = await run(program!, args).then(
      () => true,
      () => false,
    );
    if (answered) return child;
    await sleep(50);
  }
  throw new Error('the rsync daemon did not start');
}

export interface Side {
  inside: readonly string[];
  address: string;
}

/**
 * Copies `tree` from one laptop to the other, which has `base`, as hard links where nothing changed.
 * @param to a folder that does not exist yet; removed afterwards
 */
export async function measureRsync(
  sender: Side,
  receiver: Side,
  { tree, base, to, work, compress }: { tree: string; base: string; to: string; work: string; compress: boolean },
): Promise<Measured> {
  const daemon = await daemonAt(sender, tree, work);
  try {
    const copy = ['rsync', compress ? '-aHAXz' : '-aHAX', '--numeric-ids', `--link-dest=${base}`];
    const words = ['time', '-f', '%M', '-o', join(work, 'receiver'), ...copy];
    const [program, ...args] = [...receiver.inside, ...words, `rsync://${sender.address}:${PORT}/tree/`, `${to}/`];
    const start = performance.now();
    await run(program!, args);
    const seconds = (performance.now() - start) / 1000;
    // `time` writes when the daemon, its child, has ended: a signal to the whole group would end `time` itself first.
    const ended = once(daemon, 'exit');
    await run('pkill', ['-TERM', '-P', String(daemon.pid), 'rsync']);
    await ended;
    return { seconds, receiver: peak(join(work, 'receiver')), sender: peak(join(work, 'sender')) };
  } finally {
    rmSync(to, { recursive: true, force: true });
  }
}
