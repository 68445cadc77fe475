import { lstatSync, readlinkSync } from 'node:fs';
import { type ByteString, fromBuffer, joinPath } from '../core/bytes';
import { diskPath, failedWith } from './disk';

/** As many as the kernel follows (path_resolution(7)). */
const MAX_SYMLINKS = 40;

/**
 * Where a path leads when `base` is the root, as it will be on the laptop: symlinks are followed, absolute ones and `..`
 * stay inside. Null when it leads nowhere. path: below base, without a leading slash.
 */
export function resolveIn(base: ByteString, path: ByteString): ByteString | null {
  const left = path.split('/').reverse();
  let at: ByteString = '';
  let followed = 0;
  while (left.length > 0) {
    const name = left.pop()!;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      at = at.slice(0, Math.max(0, at.lastIndexOf('/')));
      continue;
    }
    const next = joinPath(at, name);
    const target = targetOf(base, next);
    if (target === undefined || followed > MAX_SYMLINKS) return null;
    if (target === null) {
      at = next;
      continue;
    }
    followed += 1;
    if (target.startsWith('/')) at = '';
    left.push(...target.split('/').reverse());
  }
  return at;
}

/** Null: no symlink; undefined: nothing is there. */
function targetOf(base: ByteString, path: ByteString): ByteString | null | undefined {
  try {
    const stat = lstatSync(diskPath(base, path));
    return stat.isSymbolicLink() ? fromBuffer(readlinkSync(diskPath(base, path), { encoding: 'buffer' })) : null;
  } catch (error) {
    if (failedWith(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return undefined;
    throw error;
  }
}
