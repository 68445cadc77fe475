/**
 * Which times of `.py` files matter: compiled files in `__pycache__` record the time of their source, and Python
 * compiles again, or slows down where it cannot write, when the two differ (PEP 3147; the header in PEP 552).
 */
import { closeSync, constants, openSync, readdirSync, readSync } from 'node:fs';
import { type ByteString, fromBuffer, joinPath } from '../core/bytes';
import { diskPath } from './disk';
import { breathe } from './pace';

const CACHE = '__pycache__';
const COMPILED = /^(.+)\.[^.]+?(?:\.opt-[0-9A-Za-z]+)?\.pyc$/s;
const HEADER = 12;

/** The times that one compiled file may mean: since Python 3.7 after four bytes of flags (0: by time), before without. */
function timesIn(file: Buffer): number[] {
  const header = Buffer.alloc(HEADER);
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (readSync(fd, header) < HEADER) return [];
  } finally {
    closeSync(fd);
  }
  const flagsOrTime = header.readUInt32LE(4);
  return flagsOrTime === 0 ? [header.readUInt32LE(8)] : [flagsOrTime];
}

/** Times (seconds, modulo 2^32) that compiled files record for the sources in a folder which has a `__pycache__`. */
export async function recordedTimes(base: ByteString, dir: ByteString): Promise<Map<ByteString, Set<number>>> {
  const recorded = new Map<ByteString, Set<number>>();
  const cache = joinPath(dir, CACHE);
  for (const entry of readdirSync(diskPath(base, cache), { encoding: 'buffer', withFileTypes: true })) {
    await breathe();
    // Node's types say string; with encoding 'buffer' it is a Buffer.
    const name = fromBuffer(entry.name as unknown as Buffer);
    const module = COMPILED.exec(name)?.[1];
    if (module === undefined || !entry.isFile()) continue;
    const source = `${module}.py`;
    const times = recorded.get(source) ?? new Set();
    for (const time of timesIn(diskPath(base, joinPath(cache, name)))) times.add(time);
    recorded.set(source, times);
  }
  return recorded;
}
