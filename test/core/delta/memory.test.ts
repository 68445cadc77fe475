import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { MOST_UNPACKED_BYTES } from '../../../src/core/delta/gzip/file';
import { Dice } from './files';

const folder = mkdtempSync(join(tmpdir(), 'pass-it-on-delta-'));
after(() => rmSync(folder, { recursive: true }));

const MB = 1e6;
const BLOCK = Buffer.alloc(1 << 20);

/**
 * Two versions of a large library: 117 and 120 MB, in which code moved, addresses changed and some is new; the first third
 * of the old one stands last in the new one.
 */
function writePair(base: string, target: string): { size: number; sha256: string } {
  const dice = new Dice(5);
  const source = dice.bytes(BLOCK.length + (1 << 16));
  const [old, young] = [openSync(base, 'w'), openSync(target, 'w')];
  const hash = createHash('sha256');
  let size = 0;
  const put = (bytes: Buffer) => {
    hash.update(bytes);
    size += writeSync(young, bytes);
  };
  const late: Buffer[] = [];
  for (let index = 0; index < 112; index++) {
    // Cut from one random block at other places and added to, so that no two parts of the file are equal.
    source.copy(BLOCK, 0, dice.below(1 << 16));
    for (let at = 0; at < BLOCK.length; at += 64)
      BLOCK.writeInt32LE(Math.imul(index + 1, at) ^ dice.below(1 << 30), at);
    writeSync(old, BLOCK);
    const changed = Buffer.from(BLOCK);
    for (let at = 8 + dice.below(200); at < BLOCK.length - 4; at += 60 + dice.below(400)) {
      changed.writeInt32LE((changed.readInt32LE(at) + 4096 + index) | 0, at);
    }
    if (index < 5) late.push(changed);
    else put(changed);
    if (index % 4 === 0) put(dice.bytes(100_000));
  }
  for (const part of late) put(part);
  closeSync(old);
  closeSync(young);
  return { size, sha256: hash.digest('hex') };
}

function run(...args: string[]): { grown: number; length: number; sha256: string } {
  const program = ['--max-old-space-size=24', join(__dirname, 'memory.tool.js'), ...args];
  return JSON.parse(execFileSync(process.execPath, program, { encoding: 'utf8' }));
}

test('a 120 MB library against one of 117 MB stays within its memory, on both sides', t => {
  const [base, target, delta] = ['base', 'target', 'delta'].map(name => join(folder, name)) as [string, string, string];
  const { size, sha256 } = writePair(base, target);
  const encoded = run('encode', base, target, delta);
  const applied = run('apply', base, delta, String(size));
  t.diagnostic(`delta ${encoded.length}; encoder grew by ${encoded.grown}, decoder by ${applied.grown} bytes`);
  assert.equal(applied.length, size);
  assert.equal(applied.sha256, sha256);
  assert.ok(encoded.length < 10 * MB, `the delta has ${encoded.length} bytes`);
  assert.ok(encoded.grown < 30 * MB, `the encoder grew by ${encoded.grown} bytes`);
  assert.ok(applied.grown < 20 * MB, `the decoder grew by ${applied.grown} bytes`);
});

test('the longest text that is unpacked to be compared is in memory once, on both sides', t => {
  const dice = new Dice(7);
  const words = Array.from({ length: 2000 }, () => dice.bytes(1 + dice.below(5)).toString('hex'));
  const old = Array.from({ length: 1_000_000 }, () => words[dice.below(words.length)]!);
  const text = (all: string[]) => Buffer.from(all.join(' ').slice(0, MOST_UNPACKED_BYTES - 1000));
  const young = [...old.slice(0, 500_000), 'some', 'news', ...old.slice(500_000)];
  const [base, target, delta] = ['old.gz', 'new.gz', 'gz.delta'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const [path, content] of [
    [base, old],
    [target, young],
  ] as const)
    writeFileSync(path, execFileSync('gzip', ['-9', '-n', '-c'], { input: text(content), maxBuffer: 1 << 28 }));
  const file = readFileSync(target);
  const encoded = run('encode', base, target, delta);
  const applied = run('apply', base, delta, String(file.length));
  t.diagnostic(`delta ${encoded.length}; encoder grew by ${encoded.grown}, decoder by ${applied.grown} bytes`);
  assert.equal(applied.sha256, createHash('sha256').update(file).digest('hex'));
  assert.ok(encoded.length < 1000, `the delta has ${encoded.length} bytes`);
  assert.ok(encoded.grown < 39 * MB, `the encoder grew by ${encoded.grown} bytes`);
  assert.ok(applied.grown < 22 * MB, `the decoder grew by ${applied.grown} bytes`);
});
