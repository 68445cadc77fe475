/** What the benches of the screen share: a desktop of their own, and on it a process that is weighed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Desktop } from '../test/screen/desktop';
import { alone } from '../test/support/alone';
import { workFolder } from './end';

/** With a desktop in a folder of the bench's own. */
export async function onDesktop(
  name: string,
  work: (desktop: Desktop, folder: string) => Promise<void>,
): Promise<void> {
  const folder = workFolder(name);
  const desktop = await Desktop.start(join(folder, 'desktop'));
  try {
    await work(desktop, folder);
  } finally {
    await desktop.close();
  }
}

/** Runs a program that is the screen there to its end. @throws when it fails */
export async function runScreen(desktop: Desktop, program: string, ...args: string[]): Promise<void> {
  const screen = spawn(...alone(process.execPath, program, ...args), {
    env: { ...desktop.env, NO_AT_BRIDGE: '1' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(screen, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`the screen ended with ${code}`);
}
