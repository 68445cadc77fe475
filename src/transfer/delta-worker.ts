/** The thread that makes deltas: computing one takes seconds for a large file, and nothing else may wait for that. */
import { closeSync, fstatSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { encodeDelta } from '../core/delta/encode';
import type { SyncReader } from '../core/delta/reader';

/** Paths of the base, of the target, and of the file for a delta that is long. */
export interface DeltaOrder {
  id: number;
  base: string;
  target: string;
  file: string;
}

/** A short delta itself, or the length of what is in the file; nothing where the whole is no longer. */
export interface DeltaDone {
  id: number;
  size: number;
  bytes: Uint8Array | null;
  fileLength: number | null;
  error: string | null;
}

const SHORT_BYTES = 256 << 10;

function makeDelta({ id, base, target, file }: DeltaOrder): DeltaDone {
  const [from, to] = [openSync(base, 'r'), openSync(target, 'r')];
  try {
    const goal = reader(to);
    const { size } = goal;
    const parts: Buffer[] = [];
    let length = 0;
    let output: number | null = null;
    try {
      for (const part of encodeDelta(reader(from), goal)) {
        length += part.length;
        if (length >= size) break;
        if (output === null && length > SHORT_BYTES) output = openSync(file, 'w', 0o600);
        if (output === null) parts.push(part);
        else for (const one of [...parts.splice(0), part]) writeSync(output, one);
      }
    } finally {
      if (output !== null) closeSync(output);
    }
    const useless = length >= size;
    if (useless) rmSync(file, { force: true });
    const short = !useless && output === null;
    const bytes = short ? Buffer.concat(parts) : null;
    return { id, size, bytes, fileLength: useless || short ? null : length, error: null };
  } finally {
    closeSync(from);
    closeSync(to);
  }
}

function reader(file: number): SyncReader {
  return {
    size: fstatSync(file).size,
    read: (into, position) => readSync(file, into, 0, into.length, position),
  };
}

parentPort?.on('message', (order: DeltaOrder) => {
  let done: DeltaDone;
  try {
    done = makeDelta(order);
  } catch (cause) {
    done = { id: order.id, size: 0, bytes: null, fileLength: null, error: String(cause) };
  }
  parentPort?.postMessage(done);
});
