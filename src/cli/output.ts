/** What a command writes: with --json nothing but JSON on stdout, else sentences; progress only to a terminal. */
import type { PassItOnError } from '../core/errors';

export class Output {
  constructor(readonly json: boolean) {}

  /** A line for people; nothing with --json. */
  say(line: string): void {
    if (!this.json) process.stdout.write(`${line}\n`);
  }

  /** What the command was asked for, as it is; an object for scripts. Resolves when the reader has taken all of it. */
  async write(text: string, value: unknown): Promise<void> {
    const data = this.json ? `${JSON.stringify(value)}\n` : text;
    // The process ends when its command has, and would take along what still waits in a full pipe.
    await new Promise<void>(resolve => process.stdout.write(data, () => resolve()));
  }

  /** An object for scripts; nothing without --json. */
  tell(value: unknown): void {
    if (this.json) process.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** A line that the next one overwrites. */
  progress(line: string): void {
    if (!this.json && process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
  }

  endProgress(): void {
    if (!this.json && process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }

  warn(sentence: string): void {
    if (!this.json) process.stderr.write(`Warning: ${sentence}\n`);
  }

  fail(error: PassItOnError): void {
    if (this.json) process.stderr.write(`${JSON.stringify(error)}\n`);
    else process.stderr.write(`Error (${error.code}): ${error.message}\n${error.remedy}\n`);
  }
}
