/** A laptop as a person at its terminal has it: the command `pass-it-on` with a store, inside a network namespace. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { NeighbourEvent, Plan, Progress, Status, UpgradeResult, VerifyReport } from '../../src/service/contract';

const PROGRAM = resolve('dist/pass-it-on');
/** The largest image of a bench takes minutes; what takes longer than this hangs. */
const COMMAND_TIMEOUT_MS = 20 * 60_000;
/** In which Linux counts for user space. */
const TICKS_A_SECOND = 100;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** A command that refused or failed: what it said on stderr, as it said it. */
export class CommandFailed extends Error {
  constructor(
    readonly args: readonly string[],
    readonly status: number | string,
    readonly stderr: string,
  ) {
    super(`pass-it-on ${args.join(' ')} ended with ${status}: ${stderr}`);
  }
}

export interface UpgradeRun extends UpgradeResult {
  progress: Progress[];
}

export class Laptop {
  private service: ChildProcess | null = null;
  private log = '';

  /**
   * @param nick how it introduces itself
   * @param inside the words before a command that run it in the laptop's network namespace
   * @param dir its own folder; the store lies in it
   * @param more environment; without it, unsigned images are welcome: most tests are about other things
   */
  constructor(
    readonly nick: string,
    private readonly inside: readonly string[],
    readonly dir: string,
    private readonly more: Record<string, string> = {},
  ) {}

  private get env(): NodeJS.ProcessEnv {
    return { ...process.env, PASS_IT_ON_ALLOW_UNSIGNED: '1', ...this.more };
  }

  get store(): string {
    return join(this.dir, 'store');
  }

  /** The complete root tree of the image in use. */
  get currentTree(): string {
    return join(this.store, 'current');
  }

  get stagedTree(): string {
    return join(this.store, 'staged');
  }

  /**
   * Runs one command with --json.
   * @returns the JSON lines that it printed
   * @throws CommandFailed
   */
  run<T = unknown>(...args: string[]): Promise<T[]> {
    const [program, ...rest] = [...this.inside, PROGRAM, ...args, '--store', this.store, '--json'];
    return new Promise((resolve, reject) => {
      const options = { timeout: COMMAND_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES, env: this.env };
      execFile(program!, rest, options, (error, stdout, stderr) => {
        if (error) return reject(new CommandFailed(args, error.code ?? error.signal ?? 'no status', stderr));
        resolve(
          stdout
            .split('\n')
            .filter(line => line !== '')
            .map(line => JSON.parse(line) as T),
        );
      });
    });
  }

  private async one<T>(...args: string[]): Promise<T> {
    const lines = await this.run<T>(...args);
    if (lines.length !== 1) throw new Error(`pass-it-on ${args.join(' ')} printed ${lines.length} lines, not one`);
    return lines[0]!;
  }

  /** Makes it as a flashed laptop would be: one image, in use. */
  async flash(tree: string, name: string, version: string): Promise<void> {
    await this.run('publish', tree, '--name', name, '--version', version);
    await this.run('use', version);
  }

  status(): Promise<Status> {
    return this.one<Status>('status');
  }

  compare(target: string): Promise<Plan> {
    return this.one<Plan>('compare', target);
  }

  activate(): Promise<Status> {
    return this.one<Status>('activate');
  }

  verify(version: string): Promise<VerifyReport> {
    return this.one<VerifyReport>('verify', version);
  }

  neighbours(seconds: number): Promise<NeighbourEvent[]> {
    return this.run<NeighbourEvent>('neighbours', '--wait', String(seconds));
  }

  async upgrade(version: string, ...more: string[]): Promise<UpgradeRun> {
    const lines = await this.run<Progress | UpgradeResult>('upgrade', version, ...more);
    const result = lines.pop();
    if (!result || !('result' in result)) throw new Error('the last line of upgrade is not its result');
    return { ...result, progress: lines as Progress[] };
  }

  /** Starts the service: it announces and serves until `stop`. Resolves once it listens. */
  async serve(...more: string[]): Promise<void> {
    const [program, ...rest] = [...this.inside, PROGRAM, 'serve', '--nick', this.nick, ...more];
    const child = spawn(program!, [...rest, '--store', this.store, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.env,
    });
    this.service = child;
    child.stderr.setEncoding('utf8').on('data', text => {
      this.log += text;
    });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the service of ${this.nick} ended with ${code} before it was ready: ${this.log}`);
    });
    const lines = createInterface({ input: child.stdout });
    await Promise.race([once(lines, 'line'), ended]);
    ended.catch(() => {});
  }

  /** Its process. */
  get servicePid(): number {
    return this.service!.pid!;
  }

  /** What the service has written to its log so far. */
  get serviceLog(): string {
    return this.log;
  }

  /** The most memory that the service has taken so far, in bytes (VmHWM of proc(5)). */
  get peakMemory(): number {
    const status = readFileSync(`/proc/${this.service?.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  /** Seconds of processors that the service and its ended children have taken so far (stat of proc(5)). */
  get cpu(): number {
    const stat = readFileSync(`/proc/${this.service?.pid}/stat`, 'latin1').replace(/^.*\) /, '');
    const [user, system, childrenUser, childrenSystem] = stat.split(' ').slice(11, 15).map(Number);
    return (user! + system! + childrenUser! + childrenSystem!) / TICKS_A_SECOND;
  }

  /** Ends the service as a shutdown would. */
  stop(): Promise<void> {
    return this.end('SIGTERM');
  }

  /** Ends it as an empty battery would: without a word. */
  kill(): Promise<void> {
    return this.end('SIGKILL');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.service;
    this.service = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }
}
