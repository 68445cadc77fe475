/**
 * Makes the demo's images: small root file systems with programs, libraries, texts, links and empty folders, a part of
 * which changes from version to version. The same version is the same to the byte on every machine.
 */
import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { VERSIONS } from './classroom';

const LIBRARIES = 40;
const LIBRARY_BYTES = 400_000;
const PROGRAMS = 30;
const PROGRAM_BYTES = 40_000;
const TEXTS = 240;
/** One file in so many changes in a version. */
const LIBRARY_CHANGES = 2;
const TEXT_CHANGES = 4;
/** 2026-01-01, a day more with each version. */
const FIRST_RELEASE = 1_767_225_600;

const WORDS =
  'the child opens a laptop and learns with friends how trees grow why rivers run what numbers say songs stories maps'.split(
    ' ',
  );

/** Writes the tree of `version` below `folder`; returns its release time in seconds. */
export function makeTree(folder: string, version: string): number {
  const step = VERSIONS.indexOf(version as (typeof VERSIONS)[number]);
  const releaseTime = FIRST_RELEASE + step * 86_400;
  const put = (path: string, content: string | Buffer, mode = 0o644) => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    chmodSync(file, mode);
    utimesSync(file, releaseTime, releaseTime);
  };
  for (let i = 0; i < LIBRARIES; i++) {
    put(`usr/lib/libxo${i}.so.1`, binary(`lib${i}`, LIBRARY_BYTES, revision(`lib${i}`, step, LIBRARY_CHANGES)));
    symlinkSync(`libxo${i}.so.1`, join(folder, `usr/lib/libxo${i}.so`));
  }
  for (let i = 0; i < PROGRAMS; i++) {
    const name = `usr/bin/xo-${WORDS[i % WORDS.length]}${i}`;
    put(name, binary(name, PROGRAM_BYTES, revision(name, step, LIBRARY_CHANGES)), 0o755);
  }
  for (let i = 0; i < TEXTS; i++) {
    const name = `usr/share/books/${Math.floor(i / 40) + 1}/${i}.txt`;
    put(name, prose(`${name} ${revision(name, step, TEXT_CHANGES)}`));
  }
  put('etc/os-release', `NAME="OLPC OS"\nID=olpc-xo\nVERSION_ID=${version}\n`);
  put('etc/hostname', 'xo\n');
  for (const empty of ['proc', 'sys', 'dev', 'run', 'tmp', 'home', 'mnt']) mkdirSync(join(folder, empty));
  if (step > 2) put('usr/share/activities/NewGame.activity/activity.info', `[Activity]\nname = New Game\n`);
  return releaseTime;
}

/** How often that file has changed up to version number `step`. */
function revision(name: string, step: number, oneIn: number): number {
  let changes = 0;
  for (let i = 1; i <= step; i++) if (generator(`${name}@${i}`)() % oneIn === 0) changes++;
  return changes;
}

/** Something like machine code: patterns that repeat, with numbers between; each revision rewrites a twentieth. */
function binary(name: string, bytes: number, revisions: number): Buffer {
  const content = Buffer.alloc(bytes);
  fill(content, 0, bytes, generator(name));
  for (let i = 1; i <= revisions; i++) {
    const next = generator(`${name}#${i}`);
    for (let part = 0; part < 10; part++) {
      const at = next() % bytes;
      fill(content, at, Math.min(bytes, at + bytes / 200), next);
    }
  }
  return content;
}

function fill(content: Buffer, from: number, to: number, next: () => number): void {
  for (let at = from; at + 4 <= to; at += 4) {
    const number = next();
    content.writeUInt32LE(number % 3 === 0 ? number : 0x8b480000 + (number % 64) * 0x101, at);
  }
}

function prose(seed: string): string {
  const next = generator(seed);
  const lines: string[] = [];
  for (let line = 0; line < 40; line++) {
    const words = Array.from({ length: 10 }, () => WORDS[next() % WORDS.length]);
    lines.push(words.join(' '));
  }
  return `${lines.join('\n')}\n`;
}

/** xorshift32 (Marsaglia 2003) from a text: the same numbers everywhere. */
function generator(seed: string): () => number {
  let state = 2_166_136_261;
  for (const char of seed) state = Math.imul(state ^ char.charCodeAt(0), 16_777_619) >>> 0;
  state ||= 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}
