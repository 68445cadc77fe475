/**
 * Which files deltas cost most for, in a program that has just begun: gzip files and others by size, what they take to make and to apply, and
 * what they weigh so and whole. Usage: npm run bench -- kinds [OLD NEW], for example `… build/images/full/v1 build/images/full/v2`.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { brotliCompressSync, constants, gunzipSync } from 'node:zlib';
import { applyDelta } from '../src/core/delta/apply';
import { encodeDelta } from '../src/core/delta/encode';
import { looksPacked } from '../src/core/delta/gzip/file';
import { memoryReader } from '../src/core/delta/reader';
import { Scratch } from '../src/core/delta/scratch';
import { changes, cpu } from './delta/changes';
import { end } from './end';

const SIZES: [string, number][] = [
  ['below 16 kB', 16 << 10],
  ['below 1 MB', 1 << 20],
  ['larger', Number.POSITIVE_INFINITY],
];
const PARAMS = { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_LGWIN]: 20 };

interface Kind {
  whole: Buffer[];
  deltas: Buffer[];
  make: number;
  apply: number;
}

function nameOf(content: Buffer): string {
  return `${looksPacked(content) ? 'gzip files' : 'others'}, ${SIZES.find(([, most]) => content.length < most)![0]}`;
}

async function applied(base: Buffer, delta: Buffer, target: Buffer): Promise<void> {
  const pieces = (async function* () {
    yield delta;
  })();
  let at = 0;
  for await (const piece of applyDelta(memoryReader(base), pieces, target.length)) {
    if (!piece.equals(target.subarray(at, at + piece.length))) throw new Error('something else came out');
    at += piece.length;
  }
}

const packed = (parts: readonly Buffer[]) => brotliCompressSync(Buffer.concat(parts), { params: PARAMS }).length / 1e3;

/** Milliseconds of processor time for all these texts in one piece. */
function gzipItself(files: readonly Buffer[]): number {
  const input = Buffer.concat(files.map(file => gunzipSync(file)));
  const before = cpu();
  execFileSync('gzip', ['-9', '-c'], { input, maxBuffer: input.length + 1e6 });
  return (cpu() - before) * 1000;
}

async function main([oldTree, newTree]: string[]): Promise<void> {
  const images = resolve('build/images/small');
  if (oldTree === undefined) execFileSync('bench/images.sh', ['small', images, 'v1', 'v2'], { stdio: 'inherit' });
  const list = changes(oldTree ?? join(images, 'v1'), newTree ?? join(images, 'v2'));
  const kinds = new Map<string, Kind>();
  const scratch = new Scratch();
  for (const { path, base: basePath } of list) {
    const target = readFileSync(path);
    const base = basePath === null ? Buffer.alloc(0) : readFileSync(basePath);
    const name = nameOf(target);
    const kind = kinds.get(name) ?? { whole: [], deltas: [], make: 0, apply: 0 };
    kinds.set(name, kind);
    const begun = performance.now();
    const parts = Array.from(encodeDelta(memoryReader(base), memoryReader(target), scratch), part => Buffer.from(part));
    const made = performance.now();
    const delta = Buffer.concat(parts);
    await applied(base, delta, target);
    kind.make += made - begun;
    kind.apply += performance.now() - made;
    kind.whole.push(target);
    kind.deltas.push(delta);
  }
  console.log(
    '| files | n | ms to make | to apply | kB as deltas | whole |\n| --- | ---: | ---: | ---: | ---: | ---: |',
  );
  for (const [name, { whole, deltas, make, apply }] of [...kinds].sort()) {
    const figures = [make, apply, packed(deltas), packed(whole)].map(value => value.toFixed(0));
    console.log(`| ${name} | ${whole.length} | ${figures.join(' | ')} |`);
  }
  const texts = [...kinds].flatMap(([name, { whole }]) => (name.startsWith('gzip') ? whole : []));
  if (texts.length > 0) console.log(`gzip -9 itself takes ${gzipItself(texts).toFixed(0)} ms for these texts, once.`);
}

end(main(process.argv.slice(2)));
