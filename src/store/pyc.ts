/**
 * Which times of `.py` files matter: compiled files in `__pycache__` record the time of their source, and Python
 * compiles again, or slows down where it cannot write, when the two differ (PEP 3147; the header in PEP 552).
 */
import { closeSync, constants, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { type ByteString, fromBuffer, joinPath } from '../core/bytes';
import { type DiskPath, diskPath } from './disk';
import { breathe } from './pace';

const CACHE = '__pycache__';
const COMPILED_BESIDE = /\.py[co]$/s;
const COMPILED = /^(.+)\.(?!opt-)[^.]+(?:\.opt-[0-9A-Za-z]+)?\.pyc$/s;
const HEADER = 12;

/** The times that one compiled file may mean: since Python 3.7 after four bytes of flags (0: by time), before without. */
function timesIn(file: DiskPath): number[] {
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

/**
 * Times (seconds, modulo 2^32) that compiled files record for the sources in a folder. names: all that is in it. They
 * are in its `__pycache__`; those of Python 2, which laptops in the field have, beside their sources.
 */
export async function recordedTimes(
  base: ByteString,
  dir: ByteString,
  names: readonly ByteString[],
): Promise<Map<ByteString, Set<number>>> {
  const recorded = new Map<ByteString, Set<number>>();
  const note = (source: ByteString, file: ByteString): void => {
    const times = recorded.get(source) ?? new Set();
    for (const time of timesIn(diskPath(base, file))) times.add(time);
    recorded.set(source, times);
  };
  const sources = new Set(names.filter(name => name.endsWith('.py')));
  for (const name of names) {
    const source = COMPILED_BESIDE.test(name) ? name.slice(0, -1) : '';
    if (sources.has(source) && lstatSync(diskPath(base, joinPath(dir, name))).isFile())
      note(source, joinPath(dir, name));
  }
  const cache = joinPath(dir, CACHE);
  if (!names.includes(CACHE) || !lstatSync(diskPath(base, cache)).isDirectory()) return recorded;
  for (const entry of readdirSync(diskPath(base, cache), { encoding: 'buffer', withFileTypes: true })) {
    await breathe();
    // Node's types say string; with encoding 'buffer' it is a Buffer.
    const name = fromBuffer(entry.name as unknown as Buffer);
    const module = COMPILED.exec(name)?.[1];
    if (module === undefined || !entry.isFile()) continue;
    note(`${module}.py`, joinPath(cache, name));
  }
  return recorded;
}
