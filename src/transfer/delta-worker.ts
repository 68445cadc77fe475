/** The thread that makes deltas: computing one takes seconds for a large file, and nothing else may wait for that. */
import { closeSync, fstatSync, ftruncateSync, openSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { encodeDelta } from '../core/delta/encode';
import { NO_OUTLINE, type Outline } from '../core/delta/outline';
import { encodeOutlined } from '../core/delta/outlined';
import type { SyncReader } from '../core/delta/reader';
import { Scratch } from '../core/delta/scratch';

/** Paths of the base, of the target, and of the file that the delta is appended to. */
export interface DeltaOrder {
  id: number;
  /** Null: there is only somebody's outline of it. */
  base: string | null;
  target: string;
  file: string;
  outline?: Outline;
}

/** Where in the file the delta stands; null where the whole blob is no longer. */
export interface DeltaDone {
  id: number;
  /** Of the target, in bytes. */
  size: number;
  delta: { start: number; length: number } | null;
  error: string | null;
}

/** Whoever uses the laptop comes first. setpriority(2): on Linux threads have priorities of their own. */
const NICE = 15;
const thread = /(\d+)$/.exec(readlinkSync('/proc/thread-self'))?.[1];
if (parentPort && thread) setPriority(Number(thread), NICE);

const scratch = new Scratch();

function makeDelta({ id, base, target, file, outline = NO_OUTLINE }: DeltaOrder): DeltaDone {
  const opened: number[] = [];
  const openToo = (path: string, flags: string) => {
    opened.push(openSync(path, flags, 0o600));
    return opened.at(-1)!;
  };
  try {
    const to = reader(openToo(target, 'r'));
    const { parts, most } =
      base === null
        ? encodeOutlined(outlineIn(outline), to, scratch)
        : { parts: encodeDelta(reader(openToo(base, 'r')), to, scratch), most: to.size };
    const output = openToo(file, 'a');
    const start = fstatSync(output).size;
    let length = 0;
    try {
      for (const part of parts) {
        length += part.length;
        if (length >= most) break;
        writeWhole(output, part);
      }
    } catch (cause) {
      ftruncateSync(output, start);
      throw cause;
    }
    const useless = length >= most;
    if (useless) ftruncateSync(output, start);
    return { id, size: to.size, delta: useless ? null : { start, length }, error: null };
  } finally {
    for (const file of opened) closeSync(file);
  }
}

/** Between threads a Buffer becomes a plain array of bytes. */
function outlineIn({ hashes, ...shape }: Outline): Outline {
  return { ...shape, hashes: Buffer.from(hashes.buffer, hashes.byteOffset, hashes.length) };
}

function writeWhole(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

function reader(file: number): SyncReader {
  return {
    size: fstatSync(file).size,
    read: (into, position) => readSync(file, into, 0, into.length, position),
  };
}

function doneOf(order: DeltaOrder): DeltaDone {
  try {
    return makeDelta(order);
  } catch (cause) {
    return { id: order.id, size: 0, delta: null, error: String(cause) };
  }
}

/** To wake another thread can take longer than to make a small delta: those made within so many ms are told together. */
const GATHER_MS = 4;
let done: DeltaDone[] = [];
let tellAt = 0;

function tell(): void {
  if (done.length > 0) parentPort?.postMessage(done);
  done = [];
}

parentPort?.on('message', (order: DeltaOrder) => {
  if (done.length === 0) {
    tellAt = performance.now() + GATHER_MS;
    // When all that was ordered by now is made.
    setImmediate(tell);
  }
  done.push(doneOf(order));
  if (performance.now() > tellAt) tell();
});
