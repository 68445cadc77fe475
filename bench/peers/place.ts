/** Programs inside one laptop's network namespace, with what they took. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Serving, Usage } from './peer';

const run = promisify(execFile);
const MAX_OUTPUT_BYTES = 64 << 20;
const READY_TRIES = 200;
const READY_EVERY_MS = 50;

export interface Place {
  /** The words before a command that run it there; none: outside of all namespaces. */
  inside: readonly string[];
  address: string;
}

/** This machine itself, for what happens before anything is measured. */
export const HERE: Place = { inside: [], address: '127.0.0.1' };

export const NOTHING: Usage = { cpu: 0, memory: 0 };

/** One after the other on the same side. */
export function together(...usages: readonly Usage[]): Usage {
  return {
    cpu: usages.reduce((sum, { cpu }) => sum + cpu, 0),
    memory: Math.max(...usages.map(({ memory }) => memory)),
  };
}

/** What time(1) wrote with -f '%U %S %M': of a program and of all children that it waited for. */
function usageIn(file: string): Usage {
  const last = readFileSync(file, 'utf8').trim().split('\n').at(-1)!;
  const [user = Number.NaN, system = Number.NaN, kilobytes = Number.NaN] = last.split(' ').map(Number);
  return { cpu: user + system, memory: kilobytes * 1024 };
}

function timed({ inside }: Place, note: string, words: readonly string[]): [string, string[]] {
  const [program, ...args] = [...inside, 'time', '-f', '%U %S %M', '-o', note, ...words];
  return [program!, args];
}

/**
 * Runs commands one after the other to their ends.
 * @param work for what time(1) writes
 * @throws when one of them fails, with what it said
 */
export async function measured(place: Place, work: string, ...commands: string[][]): Promise<Usage> {
  mkdirSync(work, { recursive: true });
  const notes = mkdtempSync(join(work, 'time-'));
  try {
    const usages: Usage[] = [];
    for (const [index, words] of commands.entries()) {
      const note = join(notes, String(index));
      await run(...timed(place, note, words), { maxBuffer: MAX_OUTPUT_BYTES });
      usages.push(usageIn(note));
    }
    return together(...usages);
  } finally {
    rmSync(notes, { recursive: true });
  }
}

/**
 * Starts a server and waits until `ready`, a command inside the same namespace, succeeds.
 * @param work for what time(1) writes
 */
export async function serving(place: Place, work: string, words: string[], ready: string[]): Promise<Serving> {
  mkdirSync(work, { recursive: true });
  const notes = mkdtempSync(join(work, 'serving-'));
  const note = join(notes, 'time');
  const child = spawn(...timed(place, note, words), { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [program, ...args] = [...place.inside, ...ready];
  for (let tries = 0; ; tries++) {
    const answered = await run(program!, args).then(
      () => true,
      () => false,
    );
    if (answered) break;
    if (tries === READY_TRIES || child.exitCode !== null) {
      child.kill();
      throw new Error(`${words.join(' ')} did not start: ${said}`);
    }
    await sleep(READY_EVERY_MS);
  }
  return {
    stop: async () => {
      await endChild(child);
      const usage = usageIn(note);
      rmSync(notes, { recursive: true });
      return usage;
    },
  };
}

/** Ends what time(1) runs, not time(1) itself: that writes when its child has ended. */
async function endChild(time: ChildProcess): Promise<void> {
  const ended = once(time, 'exit');
  const children = readFileSync(`/proc/${time.pid}/task/${time.pid}/children`, 'utf8').trim();
  for (const pid of children.split(' ').filter(word => word !== '')) process.kill(Number(pid), 'SIGTERM');
  await ended;
}
