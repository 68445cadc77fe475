/** Reads the names and attributes of a root tree to publish, depth first, without its contents. */
import { type BigIntStats, lstatSync } from 'node:fs';
import type { FullAttributes } from '../core/attributes';
import { type ByteString, displayName, joinPath } from '../core/bytes';
import { PassItOnError, toPassItOnError } from '../core/errors';
import { diskPath, failedWith, namesIn } from './disk';
import { breathe, stopIfAsked } from './pace';
import { recordedTimes } from './pyc';

/** `path` as people know it; the root of the image is `/`. */
export function shown(path: ByteString): string {
  return `/${displayName(path)}`;
}

export type Found =
  | { kind: 'enter'; path: ByteString; stat: BigIntStats }
  | { kind: 'leave'; path: ByteString }
  | { kind: 'socket'; path: ByteString }
  | {
      kind: 'entry';
      path: ByteString;
      type: Exclude<FullAttributes['type'], 'dir'>;
      stat: BigIntStats;
      /** Times that compiled files record for it, or for the file that a symlink leads to. */
      recorded: ReadonlySet<number> | null;
    };

function typeOf(stat: BigIntStats): FullAttributes['type'] | 'socket' {
  if (stat.isDirectory()) return 'dir';
  if (stat.isFile()) return 'file';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isBlockDevice()) return 'block';
  if (stat.isCharacterDevice()) return 'char';
  return stat.isFIFO() ? 'fifo' : 'socket';
}

/** As makedev(3) packs them. */
export function deviceOf(rdev: bigint): { major: number; minor: number } {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}

/** Whether one of these recorded times is that of the file. */
export function isRecorded(recorded: ReadonlySet<number>, stat: BigIntStats): boolean {
  return recorded.has(Number(BigInt.asUintN(32, stat.mtimeNs / 1_000_000_000n)));
}

/** The error for what happened at one path of the tree. */
export function atPath(path: ByteString, error: unknown): PassItOnError {
  const known = toPassItOnError(error);
  if (error instanceof PassItOnError) return known;
  if (known.code === 'no-permission') {
    const remedy = 'Publish as root, or leave this path out.';
    return new PassItOnError('no-permission', `${shown(path)} cannot be read.`, remedy, { cause: error });
  }
  if (known.code === 'not-found') return changed(path, error);
  if (failedWith(error, 'ENAMETOOLONG')) {
    const remedy = 'Publish it from a folder with a shorter name.';
    return new PassItOnError('unsupported', `The path ${shown(path)} is too long.`, remedy, { cause: error });
  }
  return new PassItOnError(known.code, `${known.message} (${shown(path)})`, known.remedy, { cause: error });
}

/** The error for a file that did not stay as it was. */
export function changed(path: ByteString, cause?: unknown): PassItOnError {
  const remedy = 'Publish a tree that nothing is writing to.';
  return new PassItOnError('unsupported', `${shown(path)} changed while it was being read.`, remedy, { cause });
}

/**
 * Everything below `base`, folders before their contents (`enter`), names in byte order, `leave` after the contents.
 * Throws 'unsupported' for mount points below the root, 'no-permission' for what cannot be read.
 */
export async function* scan(base: ByteString, signal: AbortSignal | undefined): AsyncGenerator<Found> {
  const root = lstatSync(diskPath(base, ''), { bigint: true });
  /** Folders being read, with the names still to come, last first. */
  const stack: { path: ByteString; names: ByteString[]; times: Map<ByteString, Set<number>> }[] = [];

  const enter = async (path: ByteString): Promise<void> => {
    try {
      const names = namesIn(diskPath(base, path));
      const times = await recordedTimes(base, path, names);
      stack.push({ path, names: names.reverse(), times });
    } catch (error) {
      throw atPath(path, error);
    }
  };

  yield { kind: 'enter', path: '', stat: root };
  await enter('');
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    await breathe();
    stopIfAsked(signal);
    const name = top.names.pop();
    if (name === undefined) {
      yield { kind: 'leave', path: top.path };
      stack.pop();
      continue;
    }
    const path = joinPath(top.path, name);
    const stat = lstatAt(base, path);
    if (stat.dev !== root.dev) {
      const remedy = 'Unmount it, or publish a copy of the tree.';
      throw new PassItOnError('unsupported', `${shown(path)} is on another file system.`, remedy);
    }
    const type = typeOf(stat);
    if (type === 'dir') {
      yield { kind: 'enter', path, stat };
      await enter(path);
    } else if (type === 'socket') yield { kind: 'socket', path };
    else {
      yield { kind: 'entry', path, type, stat, recorded: top.times.get(name) ?? null };
    }
  }
}

function lstatAt(base: ByteString, path: ByteString): BigIntStats {
  try {
    return lstatSync(diskPath(base, path), { bigint: true });
  } catch (error) {
    throw atPath(path, error);
  }
}
