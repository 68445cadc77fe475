/** A disk that something else fills while an upgrade is on its way: it is said, and what came is not lost. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { closersOf } from '../support/closers';
import { tempFolder } from '../support/temp';
import { CommandFailed, Laptop } from './laptop';
import { Lan } from './namespaces';
import { differences } from './same-tree';

const PORT = 20707;
/** Enough for a thread of its own to receive it. Bytes. */
const SIZES = [...Array.from({ length: 100 }, () => 100_000), ...Array.from({ length: 8 }, () => 5 << 20)];
/** What else fills the disk leaves so much, in bytes, and writes so much at a time. */
const LEFT = 2 << 20;
const PIECE = Buffer.alloc(2 << 20);
const TOTAL = SIZES.reduce((sum, size) => sum + size, 0);

test('an upgrade says that the disk is full, and goes on where it was once there is room', async t => {
  const closers = closersOf(t);
  const folder = tempFolder(t);
  const [first, second, disk] = ['first', 'second', 'disk'].map(name => join(folder, name)) as [string, string, string];
  for (const one of [first, second, disk]) mkdirSync(one);
  writeFileSync(join(first, 'version'), '1');
  for (const [at, size] of SIZES.entries()) writeFileSync(join(second, `file${at}`), randomBytes(size));
  const lan = await Lan.create(2, { shape: { rate: '80mbit', burst: '64kb', latency: '100ms' } });
  closers.push(() => lan.close());
  const [ana, ben] = lan.laptops.map(({ inside }, at) => new Laptop(`${at}`, inside, join(disk, `${at}`))) as [
    Laptop,
    Laptop,
  ];
  mkdirSync(ana.dir);
  await ana.flash(second, 'test-os', '2');
  // Seen by nobody outside this test's own mount namespace.
  mkdirSync(ben.dir);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${2 * TOTAL}`, 'tmpfs', ben.dir]);
  closers.push(() => execFileSync('umount', ['-l', ben.dir]));
  closers.push(() => ana.stop());
  await ben.flash(first, 'test-os', '1');
  await ana.serve('--port', String(PORT));
  const from = ['--from', `${lan.laptops[0]!.address}:${PORT}`];

  const room = () => {
    const { bavail, bsize } = statfsSync(ben.dir);
    return bavail * bsize;
  };
  const before = room();
  const refused = assert.rejects(ben.upgrade('2', ...from), (error: CommandFailed) => {
    assert.ok(error instanceof CommandFailed);
    assert.equal((JSON.parse(error.stderr.trim().split('\n').at(-1)!) as { code: string }).code, 'no-space');
    return true;
  });
  while (before - room() < TOTAL / 4) await sleep(10);
  const filler = join(ben.dir, 'filler');
  const file = openSync(filler, 'w');
  // In pieces: what comes meanwhile takes room, too.
  for (let much = room() - LEFT; much > 0; much = room() - LEFT)
    writeSync(file, PIECE, 0, Math.min(much, PIECE.length));
  closeSync(file);
  await refused;

  rmSync(filler);
  const { result, bytesReceived } = await ben.upgrade('2', ...from);
  assert.equal(result, 'staged');
  assert.ok(bytesReceived < TOTAL, `${bytesReceived} of ${TOTAL} bytes came again`);
  assert.deepEqual(differences(second, ben.stagedTree), []);
});
