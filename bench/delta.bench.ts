/**
 * Deltas of what changed between two trees, beside the tools that make the smallest ones and beside no delta at all: bytes and
 * CPU seconds. Usage: npm run bench -- delta [OLD NEW [QUALITIES [TOOLS]]], such as
 * `… build/images/small/v1 build/images/small/v3 5,9,11 zstd,xdelta3`; without TOOLS all of them, with `none` only ours.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { applyDelta } from '../src/core/delta/apply';
import { encodeDelta } from '../src/core/delta/encode';
import { memoryReader } from '../src/core/delta/reader';
import { Scratch } from '../src/core/delta/scratch';
import { ANSWER, encodeAnswerHeader } from '../src/transfer/answers';
import { type Changed, changes, cpu } from './delta/changes';
import { end, workFolder } from './end';

/** So many bytes go into one compressed stream: what is asked of one source at once. */
const STREAM_BYTES = 4 << 20;
const WINDOW_BITS = 22;
/** How much of the source xdelta3 looks at unless told otherwise. */
const XDELTA_BYTES = 64 << 20;

interface Row {
  way: string;
  bytes: number;
  make: number;
  undo: number | null;
}

function brotli(bytes: Buffer, quality: number): number {
  const params = { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS };
  return brotliCompressSync(bytes, { params }).length;
}

const contentOf = (path: string | null) => (path === null ? Buffer.alloc(0) : readFileSync(path));

/** Frames of all files, as many in one piece as are compressed together. */
function* streams(list: readonly Changed[], payload: (file: Changed) => Buffer): Generator<Buffer> {
  let parts: Buffer[] = [];
  let size = 0;
  for (const file of list) {
    const bytes = payload(file);
    parts.push(encodeAnswerHeader(ANSWER.whole, bytes.length), bytes);
    size += bytes.length;
    if (size < STREAM_BYTES) continue;
    yield Buffer.concat(parts);
    parts = [];
    size = 0;
  }
  if (parts.length > 0) yield Buffer.concat(parts);
}

const scratch = new Scratch();

function delta({ path, base }: Changed): Buffer {
  const pieces = encodeDelta(memoryReader(contentOf(base)), memoryReader(readFileSync(path)), scratch);
  return Buffer.concat(Array.from(pieces, piece => Buffer.from(piece)));
}

/** CPU seconds for making all files again from their deltas; fails if one is not what it was. */
async function undo(list: readonly Changed[], payloads: readonly Buffer[]): Promise<number> {
  const before = cpu();
  for (const [index, { path, base, size }] of list.entries()) {
    const [made, wanted] = [createHash('sha1'), createHash('sha1').update(readFileSync(path)).digest('hex')];
    const pieces = (async function* () {
      yield payloads[index]!;
    })();
    for await (const piece of applyDelta(memoryReader(contentOf(base)), pieces, size)) made.update(piece);
    if (made.digest('hex') !== wanted) throw new Error(`${path} comes out as something else`);
  }
  return cpu() - before;
}

async function ours(list: readonly Changed[], qualities: readonly number[]): Promise<Row[]> {
  let before = cpu();
  const payloads = list.map(delta);
  const making = cpu() - before;
  const unmaking = await undo(list, payloads);
  return qualities.map(quality => {
    before = cpu();
    let bytes = 0;
    let next = 0;
    for (const stream of streams(list, () => payloads[next++]!)) bytes += brotli(stream, quality);
    return { way: `our deltas, brotli ${quality}`, bytes, make: making + cpu() - before, undo: unmaking };
  });
}

function each(way: string, list: readonly Changed[], size: (file: Changed) => number): Row {
  console.log(`  ${way} …`);
  const before = cpu();
  const bytes = list.reduce((sum, file) => sum + size(file), 0);
  return { way, bytes, make: cpu() - before, undo: null };
}

/** The tools, each file against its base; where there is none, what the tool or its compressor makes of the file alone. */
function theirs(list: readonly Changed[], work: string, tools: readonly string[] | null): Row[] {
  const out = join(work, 'out');
  const run = (program: string, ...args: string[]) => {
    rmSync(out, { force: true });
    execFileSync(program, args, { stdio: ['ignore', 'ignore', 'ignore'] });
    return statSync(out).size;
  };
  const xdelta = (options: string[]) => (file: Changed) => {
    const source = file.base === null ? [] : ['-s', file.base];
    const buffer = file.base !== null && statSync(file.base).size > XDELTA_BYTES ? ['-B', `${2 * XDELTA_BYTES}`] : [];
    return run('xdelta3', '-9', '-e', '-q', ...buffer, ...options, ...source, file.path, out);
  };
  const bsdiff = ({ base, path }: Changed) => {
    if (base !== null) return run('bsdiff', base, path, out);
    return execFileSync('bzip2', ['-9', '-c', path], { maxBuffer: 1 << 30 }).length;
  };
  const zstd = ({ base, path }: Changed) => {
    const patch = base === null ? [] : ['--long=27', `--patch-from=${base}`];
    return run('zstd', '-q', '-19', '--no-check', ...patch, path, '-o', out);
  };
  const ways: Record<string, (file: Changed) => number> = {
    'xdelta3 -9 -D': xdelta(['-D']),
    'xdelta3 -9 (gzip files come out different)': xdelta([]),
    bsdiff,
    'zstd -19 --patch-from': zstd,
  };
  return Object.entries(ways)
    .filter(([way]) => tools === null || tools.some(tool => way.startsWith(tool)))
    .map(([way, size]) => each(way, list, size));
}

function whole(list: readonly Changed[]): Row[] {
  const together = (quality: number) => {
    const before = cpu();
    let bytes = 0;
    for (const stream of streams(list, ({ path }) => readFileSync(path))) bytes += brotli(stream, quality);
    return { way: `whole files, brotli ${quality}`, bytes, make: cpu() - before, undo: null };
  };
  return [together(5), each('whole files, gzip -6 each', list, ({ path }) => gzipSync(readFileSync(path)).length)];
}

function print(rows: readonly Row[]): void {
  const seconds = (value: number | null) => (value === null ? '' : value.toFixed(1));
  console.log('\n| way | bytes | of the best tool | CPU s to make | to apply |\n| --- | ---: | ---: | ---: | ---: |');
  const best = Math.min(
    ...rows.filter(({ way }) => /^(bsdiff|zstd|xdelta3 -9 -D)/.test(way)).map(({ bytes }) => bytes),
  );
  for (const { way, bytes, make, undo } of rows) {
    const share = Number.isFinite(best) ? (bytes / best).toFixed(3) : '';
    console.log(`| ${way} | ${bytes.toLocaleString('en')} | ${share} | ${seconds(make)} | ${seconds(undo)} |`);
  }
}

async function main([oldTree, newTree, qualities = '5,9', tools]: string[]): Promise<void> {
  const images = resolve('build/images/small');
  const [from, to] = [oldTree ?? join(images, 'v1'), newTree ?? join(images, 'v2')];
  if (oldTree === undefined) execFileSync('bench/images.sh', ['small', images, 'v1', 'v2'], { stdio: 'inherit' });
  for (const tree of [from, to])
    if (!existsSync(tree) || !lstatSync(tree).isDirectory()) throw new Error(`no tree: ${tree}`);
  const list = changes(from, to);
  const size = list.reduce((sum, file) => sum + file.size, 0);
  const bare = list.filter(({ base }) => base === null);
  console.log(
    `${from} → ${to}: ${list.length} files of ${size.toLocaleString('en')} bytes, ${bare.length} without base`,
  );
  const work = workFolder('delta', existsSync('/dev/shm') ? '/dev/shm' : tmpdir());
  print([
    ...(await ours(list, qualities.split(',').map(Number))),
    ...theirs(list, work, tools?.split(',') ?? null),
    ...whole(list),
  ]);
}

end(main(process.argv.slice(2)));
