/**
 * Deltas of what changed between two trees for a donor that has the new one only, by outlines with blocks of several sizes: what goes
 * up and what comes down, by the size of the files. Usage: npm run bench -- outlines OLD NEW [BLOCKS], such as
 * `… build/images/small/v1 build/images/small/v3 128,256`; without BLOCKS as the product chooses.
 */
import { readFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';
import { unpack } from '../src/core/delta/gzip/file';
import { hashesLength, NO_OUTLINE, type Outline, outlineOf, shapeFor, shapeOf } from '../src/core/delta/outline';
import { applyOutlined, encodeOutlined } from '../src/core/delta/outlined';
import { memoryReader } from '../src/core/delta/reader';
import { Scratch } from '../src/core/delta/scratch';
import { PassItOnError } from '../src/core/errors';
import { ANSWER, encodeAnswerHeader } from '../src/transfer/answers';
import { type Changed, changes, cpu } from './delta/changes';
import { end } from './end';
import { markdown, megabytes } from './peers/table';

const STREAM_BYTES = 1 << 20;
const WINDOW_BITS = 18;
/** Where one class of sizes ends. */
const CLASSES = [4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, Number.POSITIVE_INFINITY];

const scratch = new Scratch();

class Stream {
  bytes = 0;
  private parts: Buffer[] = [];
  private length = 0;

  add(payload: Buffer): void {
    this.parts.push(encodeAnswerHeader(ANSWER.outlined, payload.length), payload);
    this.length += payload.length;
    if (this.length >= STREAM_BYTES) this.end();
  }

  end(): void {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS };
    if (this.parts.length > 0) this.bytes += brotliCompressSync(Buffer.concat(this.parts), { params }).length;
    this.parts = [];
    this.length = 0;
  }
}

async function comesOut(base: Buffer, outline: Outline, delta: Buffer, target: Buffer): Promise<boolean> {
  let at = 0;
  const stream = {
    read: async (count: number) => {
      at += count;
      return delta.subarray(at - count, at);
    },
    rest: async function* () {
      yield delta.subarray(at);
    },
  };
  let made = 0;
  try {
    for await (const piece of applyOutlined(memoryReader(base), outline, stream, target.length)) {
      if (!piece.equals(target.subarray(made, made + piece.length))) return false;
      made += piece.length;
    }
  } catch (cause) {
    // What cannot be packed again is as wrong as what comes out as something else.
    if (cause instanceof PassItOnError && cause.code === 'bad-data') return false;
    throw cause;
  }
  return true;
}

interface Sum {
  name: string;
  files: number;
  up: number;
  stream: Stream;
  wrong: number;
}

async function one(file: Changed, blockBytes: number | null, sum: Sum): Promise<void> {
  const target = readFileSync(file.path);
  const packed = file.base === null ? Buffer.alloc(0) : readFileSync(file.base);
  const unpacked = unpack(packed);
  const base = unpacked ? Buffer.concat([...unpacked.parts()]) : packed;
  const shape =
    blockBytes === null ? shapeFor(base.length, target.length) : shapeOf(base.length, target.length, blockBytes);
  const outline = file.base === null ? NO_OUTLINE : await outlineOf(memoryReader(base), shape);
  const { parts, most } = encodeOutlined(outline, memoryReader(target), scratch);
  const delta = Buffer.concat(Array.from(parts, part => Buffer.from(part)));
  const isWhole = delta.length === 0 || delta.length >= most;
  sum.files++;
  sum.up += hashesLength(outline);
  if (!isWhole && !(await comesOut(base, outline, delta, target))) {
    sum.wrong++;
    sum.stream.add(target);
  }
  sum.stream.add(isWhole ? target : delta);
}

async function measure(list: readonly Changed[], blockBytes: number | null): Promise<void> {
  const before = cpu();
  const sums: Sum[] = CLASSES.map(end => {
    const name = Number.isFinite(end) ? `below ${end >> 10} KiB` : 'larger';
    return { name, files: 0, up: 0, stream: new Stream(), wrong: 0 };
  });
  for (const file of list) await one(file, blockBytes, sums[CLASSES.findIndex(end => file.size < end)]!);
  const rows = sums.map(({ name, files, up, stream, wrong }) => {
    stream.end();
    return [name, files, megabytes(stream.bytes), megabytes(up), megabytes(stream.bytes + up), wrong];
  });
  const total = [1, 2, 3, 4, 5].map(column => rows.reduce((sum, row) => sum + Number(row[column]), 0));
  console.log(`\nBlocks of ${blockBytes ?? 'a size that is chosen'}; ${(cpu() - before).toFixed(1)} CPU s.\n`);
  const heads = ['size', 'files', 'MB down', 'up', 'together', 'wrong'];
  const columns = heads.map((head, at) => ({ head, digits: at === 0 ? null : at === 1 || at === 5 ? 0 : 3 }));
  console.log(markdown(columns, [...rows, ['all', ...total]]));
}

async function main([oldTree, newTree, blocks]: string[]): Promise<void> {
  if (oldTree === undefined || newTree === undefined) throw new Error('npm run bench -- outlines OLD NEW [BLOCKS]');
  const list = changes(oldTree, newTree);
  for (const blockBytes of blocks?.split(',').map(Number) ?? [null]) await measure(list, blockBytes);
}

end(main(process.argv.slice(2)));
