/** Root trees made ready for peers that can't carry all there is, and rsync as the judge of what they made. */
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

const MAX_OUTPUT_BYTES = 64 << 20;

export function say(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'latin1', maxBuffer: MAX_OUTPUT_BYTES });
}

/**
 * The same files without device nodes and FIFOs, which ostree refuses and git passes over: by other names, or as copies where the
 * work is done on another disk. Made once.
 */
export function plainTree(tree: string, version: string, work: string): string {
  const plain = join(work, `plain-${version}`);
  if (existsSync(plain)) return plain;
  say('cp', statSync(tree).dev === statSync(work).dev ? '-al' : '-a', tree, plain);
  say('find', plain, '-not', '-type', 'f', '-not', '-type', 'd', '-not', '-type', 'l', '-delete');
  return plain;
}

/**
 * What rsync would still have to do, contents compared; times are left out.
 * @param keeps options for what the peer promises to keep, such as `-pogAX`
 */
export function remaining(original: string, copy: string, keeps: string, ...more: string[]): string[] {
  const args = ['-nrlc', keeps, '--itemize-changes', '--delete', '--no-times', ...more, `${original}/`, `${copy}/`];
  return say('rsync', ...args)
    .split('\n')
    .filter(line => line !== '');
}

/** Bytes on the disk. */
export function diskUse(path: string): number {
  return Number(say('du', '-s', '--block-size=1', path).split('\t')[0]);
}
