/** rsync as the judge of whether two root trees are the same. */
import { execFileSync } from 'node:child_process';

/**
 * What rsync would still have to do to make `copy` into `original`, by content, mode, owner, links, ACLs and extended
 * attributes. Times are left out: those of an image are constant, so that its files can be shared between images.
 * @returns lines of rsync --itemize-changes; empty when the trees are the same
 */
export function differences(original: string, copy: string): string[] {
  const args = ['-naHAXc', '--itemize-changes', '--delete', '--no-times', `${original}/`, `${copy}/`];
  const text = execFileSync('rsync', args, { encoding: 'latin1', maxBuffer: 64 * 1024 * 1024 });
  return text.split('\n').filter(line => line !== '');
}
