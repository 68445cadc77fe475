/** Starts the processes of the demo and ends them; in a kiosk it starts again what has crashed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { serviceEnv } from '../service/client';

/** Pause before something is started again, in ms: what crashes at once must not keep the machine busy. */
const REST_MS = 1000;

export class Keeper {
  private readonly children = new Set<ChildProcess>();
  private ending = false;

  /** @param forever start again what ends by itself */
  constructor(private readonly forever: boolean) {}

  endAll(): void {
    this.ending = true;
    for (const child of this.children) child.kill('SIGTERM');
  }

  /** Starts a service; resolves when it serves. */
  async serve(name: string, args: string[], env: NodeJS.ProcessEnv): Promise<void> {
    const service = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...serviceEnv(), ...env },
    });
    this.children.add(service);
    const lines = createInterface({ input: service.stdout });
    const started = once(lines, 'line');
    const ended = once(service, 'exit').then(([code, signal]) => {
      this.children.delete(service);
      throw new Error(`the service of ${name} did not start (${code ?? signal})`);
    });
    // Once it has started, its end is no error any more.
    ended.catch(() => {});
    await Promise.race([started, ended]);
    if (this.forever) service.once('exit', how => void this.serveAgain(name, args, env, how));
  }

  /** Runs a program to its end; for ever: until it ends of its own will. @returns its exit status */
  async run(args: string[]): Promise<number> {
    for (;;) {
      const program = spawn(process.execPath, args, { stdio: 'inherit' });
      this.children.add(program);
      const [code, signal] = (await once(program, 'exit')) as [number | null, NodeJS.Signals | null];
      this.children.delete(program);
      if (code === 0 || !this.forever || this.ending) return code ?? 1;
      say(`The screen has ended (${code ?? signal}) and is started again.`);
      await sleep(REST_MS);
    }
  }

  private async serveAgain(name: string, args: string[], env: NodeJS.ProcessEnv, how: number | null): Promise<void> {
    while (!this.ending) {
      say(`The service of ${name} has ended (${how ?? 'killed'}) and is started again.`);
      await sleep(REST_MS);
      if (this.ending) return;
      try {
        return await this.serve(name, args, env);
      } catch (error) {
        say(String(error));
      }
    }
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
