/**
 * Attributes of one inode on disk: setting them, and telling whether it has them. The only place that knows what an
 * ordinary user cannot keep. Extended attributes are set in bulk, by xattrs.ts.
 */
import { execFile } from 'node:child_process';
import { chmodSync, lchownSync, lutimesSync, renameSync, type Stats } from 'node:fs';
import { promisify } from 'node:util';
import type { FullAttributes } from '../core/attributes';
import { temporaryName } from './atomic';
import type { DiskPath } from './disk';

const run = promisify(execFile);

/** Only root gives files away and makes devices. */
export const privileged = process.geteuid?.() === 0;

/** What stands on disk for a path: for an ordinary user, an empty file stands for a device. */
export function kindOnDisk(full: FullAttributes): FullAttributes['type'] {
  return !privileged && (full.type === 'block' || full.type === 'char') ? 'file' : full.type;
}

/** An ordinary user must still be able to read, serve, and remove what is in the store. */
export function modeOnDisk(full: FullAttributes): number {
  if (privileged || full.type === 'symlink') return full.mode;
  return full.mode | (full.type === 'dir' ? 0o700 : 0o400);
}

export type KnownAttributes = Pick<Stats, 'uid' | 'gid' | 'mode' | 'mtimeMs'>;

/**
 * For a path that nothing else links to, and for folders after their contents. `known`: what is there by now; what is
 * right already is left alone, for in tens of thousands of files a system call saved is a second.
 */
export function setAttributes(path: DiskPath, full: FullAttributes, known: KnownAttributes | null = null): void {
  const owned = !privileged || (known?.uid === full.uid && known.gid === full.gid);
  if (!owned) lchownSync(path, full.uid, full.gid);
  // Order matters: chown clears setuid.
  const moded = full.type === 'symlink' || (owned && known !== null && (known.mode & 0o7777) === modeOnDisk(full));
  if (!moded) chmodSync(path, modeOnDisk(full));
  if (known?.mtimeMs !== full.time * 1000) lutimesSync(path, full.time, full.time);
}

/** True when an inode is what staging would make of `full`; size in bytes of a regular file's content, else null. */
export function hasAttributes(stat: Stats, full: FullAttributes, size: number | null): boolean {
  return (
    isKind(stat, kindOnDisk(full)) &&
    (full.type === 'symlink' || (stat.mode & 0o7777) === modeOnDisk(full)) &&
    (!privileged || (stat.uid === full.uid && stat.gid === full.gid)) &&
    stat.mtimeMs === full.time * 1000 &&
    (size === null || stat.size === size)
  );
}

export function isKind(stat: Stats, kind: FullAttributes['type']): boolean {
  switch (kind) {
    case 'dir':
      return stat.isDirectory();
    case 'file':
      return stat.isFile();
    case 'symlink':
      return stat.isSymbolicLink();
    case 'block':
      return stat.isBlockDevice();
    case 'char':
      return stat.isCharacterDevice();
    case 'fifo':
      return stat.isFIFO();
  }
}

/** Equal in all that an inode holds; a hard-link group is about paths. */
export function sameAttributes(a: FullAttributes, b: FullAttributes): boolean {
  return (
    a.type === b.type &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.time === b.time &&
    a.device?.major === b.device?.major &&
    a.device?.minor === b.device?.minor &&
    sameXattrs(a.xattrs ?? {}, b.xattrs ?? {})
  );
}

export function sameXattrs(a: Readonly<Record<string, Buffer>>, b: Readonly<Record<string, Buffer>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every(name => b[name]?.equals(a[name]!) === true);
}

/**
 * Makes a device or FIFO. Node cannot, so mknod(1) does: under a name of ours, because the arguments of a program are
 * text and a path need not be.
 * @param dir a folder on the same file system for the temporary name.
 */
export async function makeNode(path: DiskPath, full: FullAttributes, dir: string): Promise<void> {
  const temporary = temporaryName(dir, 'node');
  const { major, minor } = full.device ?? { major: 0, minor: 0 };
  const what = full.type === 'fifo' ? ['p'] : [full.type === 'block' ? 'b' : 'c', String(major), String(minor)];
  await run('mknod', ['-m', '600', '--', temporary, ...what]);
  renameSync(temporary, path);
}
