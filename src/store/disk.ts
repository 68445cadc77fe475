/** Small helpers at the edge to the file system, where names are bytes. */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  rmdirSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { type ByteString, fromBuffer, joinPath, toBuffer } from '../core/bytes';
import { breathe } from './pace';

/** A path of ours (text) as bytes, to join paths of images to. */
export function asBytes(path: string): ByteString {
  return fromBuffer(Buffer.from(path, 'utf8'));
}

/** A path for `fs`: text where it is ASCII, as most are, which costs no object of its own; else bytes. */
export type DiskPath = string | Buffer;

const NOT_ASCII = /[^\0-\x7f]/;

/** What to hand to `fs` for the path of an image that lies under `base`. */
export function diskPath(base: ByteString, path: ByteString): DiskPath {
  const whole = path === '' ? base : `${base}/${path}`;
  return NOT_ASCII.test(whole) ? toBuffer(whole) : whole;
}

/** Names in a directory, in byte order. */
export function namesIn(dir: DiskPath): ByteString[] {
  return readdirSync(dir, { encoding: 'buffer' })
    .map(name => fromBuffer(name))
    .sort();
}

/** True for the error of a system call that ended so. */
export function failedWith(error: unknown, ...codes: string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException | null)?.code ?? '');
}

/** A file that is what `isRight` says, open for reading, and looked at through that; null where it is not, or not there. */
export function openFileIf(path: string, isRight: (stat: Stats) => boolean): number | null {
  let fd: number;
  try {
    // Nor does it wait for whoever might write into a FIFO of that name.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (failedWith(error, 'ENOENT', 'ELOOP')) return null;
    throw error;
  }
  let isIt = false;
  try {
    isIt = isRight(fstatSync(fd));
    return isIt ? fd : null;
  } finally {
    if (!isIt) closeSync(fd);
  }
}

/** The `size` bytes of such a file; null where it is none, or shorter. */
export function readFileIf(path: string, size: number, isRight: (stat: Stats) => boolean): Buffer | null {
  const fd = openFileIf(path, isRight);
  if (fd === null) return null;
  try {
    const content = Buffer.allocUnsafe(size);
    for (let at = 0; at < size; ) {
      const read = readSync(fd, content, at, size - at, at);
      if (read === 0) return null;
      at += read;
    }
    return content;
  } finally {
    closeSync(fd);
  }
}

/** st_blocks of stat(2) counts in these, whatever the file system's own are. Bytes. */
const STAT_BLOCK = 512;

/** Removes a name; bytes of disk that this gives back: none while the inode has other names. Throws like unlink(2). */
export function unlinkFreeing(path: DiskPath): number {
  const { nlink, blocks } = lstatSync(path);
  unlinkSync(path);
  return nlink === 1 ? blocks * STAT_BLOCK : 0;
}

/** `rm -rf` for names that are not UTF-8, too, without holding the event loop. Returns bytes of disk given back. */
export async function removeTree(dir: string): Promise<number> {
  const base = asBytes(dir);
  /** Directories still to remove; `emptied` ones have had their contents removed or pushed above them. */
  const stack: { path: ByteString; emptied: boolean }[] = [{ path: '', emptied: false }];
  if (lstatSync(dir, { throwIfNoEntry: false }) === undefined) return 0;
  let freed = 0;
  while (stack.length > 0) {
    await breathe();
    const top = stack[stack.length - 1] as { path: ByteString; emptied: boolean };
    const at = diskPath(base, top.path);
    if (top.emptied) {
      freed += lstatSync(at).blocks * STAT_BLOCK;
      rmdirSync(at);
      stack.pop();
      continue;
    }
    top.emptied = true;
    if (!lstatSync(at).isDirectory()) {
      freed += unlinkFreeing(at);
      stack.pop();
      continue;
    }
    for (const entry of readdirSync(at, { encoding: 'buffer', withFileTypes: true })) {
      // Node's types say string; with encoding 'buffer' it is a Buffer.
      const path = joinPath(top.path, fromBuffer(entry.name as unknown as Buffer));
      if (entry.isDirectory()) stack.push({ path, emptied: false });
      else freed += unlinkFreeing(diskPath(base, path));
      await breathe();
    }
  }
  return freed;
}
