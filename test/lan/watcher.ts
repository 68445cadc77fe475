/** `neighbours --watch --json` on a laptop: what it prints. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { NeighbourEvent } from '../../src/service/contract';
import type { Laptop } from './laptop';

/** What takes longer than this never comes: two minutes are the longest that anything may take. */
const PATIENCE_MS = 150_000;

export class Watcher {
  readonly events: NeighbourEvent[] = [];
  readonly #child: ChildProcess;
  readonly #now = new Map<string, NeighbourEvent>();
  #told = () => {};

  constructor(laptop: Laptop, inside: readonly string[], ...more: string[]) {
    const [program, ...rest] = [...inside, resolve('dist/pass-it-on'), 'neighbours', '--watch', '--json', ...more];
    this.#child = spawn(program!, [...rest, '--store', laptop.store], { stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface({ input: this.#child.stdout! }).on('line', line => {
      const event = JSON.parse(line) as NeighbourEvent;
      this.events.push(event);
      if (event.event === 'removed') this.#now.delete(event.id);
      else this.#now.set(event.id, event);
      this.#told();
    });
  }

  /** Resolves once what is shown is so. */
  until(so: (shown: readonly NeighbourEvent[]) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`it never was so: ${JSON.stringify(this.events)}`));
      const timer = setTimeout(late, PATIENCE_MS);
      this.#told = () => {
        if (!so([...this.#now.values()])) return;
        clearTimeout(timer);
        this.#told = () => {};
        resolve();
      };
      this.#told();
    });
  }

  /** As a person at a terminal does it; resolves with the exit status. */
  async interrupt(): Promise<number | null> {
    this.#child.kill('SIGINT');
    const [status] = (await once(this.#child, 'exit')) as [number | null];
    return status;
  }
}
