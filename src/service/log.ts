/** The service's log: one line an event on stderr, causes included, for people who can help. */
import { inspect } from 'node:util';
import { PassItOnError } from '../core/errors';

/** A command that does the work itself says what it meets in its own words. */
let onlyDefects = false;

export function logOnlyDefects(): void {
  onlyDefects = true;
}

export function logLine(text: string): void {
  if (!onlyDefects) write(text);
}

function write(text: string): void {
  process.stderr.write(`${new Date().toISOString()} ${text}\n`);
}

export function logError(where: string, thrown: unknown): void {
  if (onlyDefects && thrown instanceof PassItOnError && thrown.code !== 'internal') return;
  const causes: string[] = [];
  for (let one: unknown = thrown; one !== undefined && causes.length < 5; one = (one as Error).cause) {
    causes.push(one instanceof PassItOnError ? `${one.code}: ${one.message}` : inspect(one, { depth: 1 }));
    if (!(one instanceof Error)) break;
  }
  write(`${where}: ${causes.join(' <- ')}`);
}
