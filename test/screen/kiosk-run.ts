/** The kiosk as it runs at a fair, only faster: the built demo under Xvfb. Counts its tours, weighs its processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { alone } from '../support/alone';
import type { Desktop } from './desktop';

/** Bytes a second and source: the network is not what is looked at here. */
const RATE = 100_000_000;

export class KioskRun {
  tours = 0;
  /** Everything it has said. */
  said = '';
  private readonly waiting: { tours: number; reached: () => void; ended: (error: Error) => void }[] = [];

  private constructor(
    private readonly demo: ChildProcess,
    private readonly folder: string,
  ) {
    for (const stream of [demo.stdout, demo.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', line => this.heard(line));
    }
    demo.once('exit', code => {
      for (const { ended } of this.waiting) ended(new Error(`the kiosk has ended with ${code}:\n${this.said}`));
    });
  }

  /** @param pace how long each thing is shown: 1 is for people, 0 does not wait at all */
  static start(desktop: Desktop, folder: string, pace: number): KioskRun {
    const classroom = join(folder, 'classroom');
    const args = ['--kiosk', '--folder', classroom, '--pace', String(pace), '--rate', String(RATE)];
    const demo = spawn(...alone(process.execPath, resolve('dist/demo.js'), ...args), {
      env: desktop.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new KioskRun(demo, classroom);
  }

  /** Resolves when so many whole tours are behind it; rejects when it ends before. */
  toured(tours: number): Promise<void> {
    if (this.tours >= tours) return Promise.resolve();
    return new Promise((reached, ended) => this.waiting.push({ tours, reached, ended }));
  }

  /** Process of the screen, and of the service of the laptop on it. */
  pids(): { screen: number; service: number } {
    const found = (word: string) =>
      readdirSync('/proc').filter(pid => {
        try {
          if (!/^\d+$/.test(pid)) return false;
          const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
          return words.some(one => one.endsWith(word)) && words.includes(join(this.folder, 'Maya', 'store'));
        } catch {
          // It ended while we looked.
          return false;
        }
      });
    const only = (word: string) => {
      const pids = found(word);
      if (pids.length !== 1) throw new Error(`${pids.length} processes of ${word}:\n${this.said}`);
      return Number(pids[0]);
    };
    return { screen: only('/screen.js'), service: only('serve') };
  }

  /** Resident memory of both, in MB. */
  weigh(): { screen: number; service: number } {
    const { screen, service } = this.pids();
    return { screen: residentMb(screen), service: residentMb(service) };
  }

  /** Its exit status, when it ends of its own will. */
  async ended(): Promise<number | null> {
    if (this.demo.exitCode === null && this.demo.signalCode === null) await once(this.demo, 'exit');
    return this.demo.exitCode;
  }

  async stop(): Promise<void> {
    this.demo.kill('SIGTERM');
    await this.ended();
  }

  private heard(line: string): void {
    this.said += `${line}\n`;
    const tours = /^tours: (\d+)$/.exec(line)?.[1];
    // A screen that was started again counts from the beginning.
    if (tours !== undefined) this.tours += 1;
    for (const waiting of [...this.waiting]) if (this.tours >= waiting.tours) waiting.reached();
  }
}

function residentMb(pid: number): number {
  const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round((Number(kilobytes) * 1024) / 1e5) / 10;
}
