/** How a bench ends, and what goes with it. What it started is ended by scripts/bench.mjs, whatever becomes of the bench. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** By this process number scripts/bench.mjs knows which folders a run that was killed has left. */
const RUN = process.env.PASS_IT_ON_BENCH ?? process.pid;

const folders: string[] = [];
process.once('exit', () => {
  // Those who were ended at the same moment may still be writing.
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

/** A folder that goes away with the bench. */
export function workFolder(name: string, parent = tmpdir()): string {
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, `bench-${name}-${RUN}-`));
  folders.push(folder);
  return folder;
}

/** A bench is done when its work is, whatever a library keeps open; what went wrong is said, and is its exit status. */
export function end(work: Promise<void>): void {
  // An end without a table is a failure, also when nothing was left to wait for.
  process.exitCode = 1;
  work.then(
    () => process.exit(0),
    error => {
      process.stderr.write(`${error instanceof Error ? error.stack : JSON.stringify(error)}\n`);
      process.exit(1);
    },
  );
}
