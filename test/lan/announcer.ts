/** A laptop that announces and watches, as its own process (test/neighbours/laptop.tool.ts). */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Announcement, Sighting } from '../../src/neighbours/neighbours';

const TOOL = join(__dirname, '../neighbours/laptop.tool.js');
/** What takes longer than this never comes. */
const PATIENCE_MS = 60_000;

interface Payloads {
  added: Sighting;
  changed: Sighting;
  removed: Sighting;
  list: Sighting[];
  warning: string;
  started: string[];
  /** The command. */
  done: string;
}

type Told = { [E in keyof Payloads]: { event: E; payload: Payloads[E] } }[keyof Payloads];

export class Announcer {
  /** Everything it told, in order. */
  readonly told: Told[] = [];
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  #errors = '';
  readonly #onTold = new Set<() => void>();

  /** @param run starts a program where the laptop is; @param interfaces '' for all; @param more `loopback`: and lo. */
  constructor(
    run: (command: string, args: readonly string[], options: SpawnOptions) => ChildProcess,
    interfaces = '',
    ...more: 'loopback'[]
  ) {
    this.#child = run(process.execPath, [TOOL, interfaces, ...more], { stdio: ['pipe', 'pipe', 'pipe'] });
    createInterface({ input: this.#child.stdout! }).on('line', line => {
      this.told.push(JSON.parse(line) as Told);
      for (const look of this.#onTold) look();
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    this.exited = new Promise(resolve => this.#child.once('close', resolve));
  }

  command(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  announce(announcement: Announcement): void {
    this.command(`announce ${JSON.stringify(announcement)}`);
  }

  /** Resolves with the first thing told from number `from` on that is so; rejects if it never comes. */
  until<E extends keyof Payloads>(
    event: E,
    so: (payload: Payloads[E]) => boolean = () => true,
    from = 0,
  ): Promise<Payloads[E]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#onTold.delete(look);
        reject(new Error(`it never told '${event}', only: ${JSON.stringify(this.told)} ${this.#errors}`));
      }, PATIENCE_MS);
      const look = () => {
        for (const told of this.told.slice(from)) {
          const payload = told.payload as Payloads[E];
          if (told.event !== event || !so(payload)) continue;
          clearTimeout(timer);
          this.#onTold.delete(look);
          resolve(payload);
          return;
        }
      };
      this.#onTold.add(look);
      look();
    });
  }

  /** Who it sees now. */
  async list(): Promise<Sighting[]> {
    const from = this.told.length;
    this.command('list');
    return this.until('list', undefined, from);
  }

  /** Looks at its list until it is so, and returns it then; rejects if it never is. */
  async sees(so: (list: Sighting[]) => boolean): Promise<Sighting[]> {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const list = await this.list();
      if (so(list)) return list;
      if (performance.now() > end) throw new Error(`it never sees what it should, only: ${JSON.stringify(list)}`);
      await sleep(200);
    }
  }

  /** Says goodbye and ends; resolves with the exit status. */
  async close(): Promise<number | null> {
    this.command('close');
    return this.exited;
  }

  /** The lid is closed, and opened again. */
  suspend(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** The power goes. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
