/**
 * Encodes and applies the delta of two large files and says how far the process grew: memory.tool.js encode BASE TARGET
 * DELTA, or memory.tool.js apply BASE DELTA SIZE. Prints {"grown": bytes, "length": …, "sha256": …} of what it made.
 */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, fstatSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { applyDelta } from '../../../src/core/delta/apply';
import { encodeDelta } from '../../../src/core/delta/encode';
import type { SyncReader } from '../../../src/core/delta/reader';

function fileReader(path: string): SyncReader {
  const fd = openSync(path, 'r');
  return {
    size: fstatSync(fd).size,
    read: (into, position) => readSync(fd, into, 0, into.length, position),
  };
}

/** The most memory this process ever had, in bytes (proc(5), VmHWM). */
function peak(): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'latin1'))![1]) * 1024;
}

async function main([what, base, other, last]: string[]): Promise<void> {
  const hash = createHash('sha256');
  let length = 0;
  const before = peak();
  if (what === 'encode') {
    const fd = openSync(last!, 'w');
    for (const piece of encodeDelta(fileReader(base!), fileReader(other!))) {
      writeSync(fd, piece);
      length += piece.length;
    }
    closeSync(fd);
  } else {
    for await (const piece of applyDelta(fileReader(base!), createReadStream(other!), Number(last))) {
      hash.update(piece);
      length += piece.length;
    }
  }
  console.log(JSON.stringify({ grown: peak() - before, length, sha256: hash.digest('hex') }));
}

main(process.argv.slice(2));
