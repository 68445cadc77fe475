/** Close ones first: two laptops with the same image, one of them a long way off, and who of them is asked for it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { tempFolder } from '../support/temp';
import { Laptop } from './laptop';
import { Lan } from './namespaces';
import { Watcher } from './watcher';

/** One way, in ms: far beyond what a busy machine adds to both. */
const DELAY = 300;

test('the close one of two is asked first and gives most, though the other was there first', {
  timeout: 300_000,
}, async t => {
  const lan = await Lan.create(3, { ipv6: false });
  const folder = tempFolder(t);
  const [asker, far, near] = ['Asker', 'Far', 'Near'].map(
    (nick, i) => new Laptop(nick, lan.laptops[i]!.inside, join(folder, nick)),
  ) as [Laptop, Laptop, Laptop];
  t.after(async () => {
    await Promise.all([asker, far, near].map(laptop => laptop.stop()));
    await lan.close();
  });
  for (const [laptop, version] of [
    [asker, '1'],
    [far, '2'],
    [near, '2'],
  ] as const) {
    const tree = join(folder, `tree-${version}`);
    mkdirSync(laptop.dir);
    if (laptop !== near) {
      mkdirSync(tree);
      for (let i = 0; i < 60; i++) writeFileSync(join(tree, `${version}-${i}`), randomBytes(100_000));
    }
    await laptop.flash(tree, 'made-up', version);
  }
  // The cable of the far one ends at a wire of its own, over which everything takes its time.
  const ip = (...args: string[]) => execFileSync('ip', ['-n', lan.bridge, ...args]);
  ip('link', 'set', 'v1', 'nomaster');
  ip('link', 'add', 'long', 'type', 'veth', 'peer', 'name', 'end');
  ip('link', 'set', 'end', 'master', 'br0', 'up');
  ip('link', 'set', 'long', 'up');
  const relay = lan.runAtBridge('python3', [resolve('test/lan/far.py'), 'v1', 'long', String(DELAY)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(relay.stdout!, 'data');

  await far.serve('--interface', 'eth0');
  await asker.serve('--interface', 'eth0');
  const watcher = new Watcher(asker, lan.laptops[0]!.inside);
  const confirmed = (nick: string) => watcher.until(shown => shown.some(one => one.nick === nick && one.confirmed));
  await confirmed('Far');
  await near.serve('--interface', 'eth0');
  await confirmed('Near');

  const plan = await asker.compare('2');
  assert.deepEqual(
    plan.sources.map(({ nick }) => nick),
    ['Near', 'Far'],
  );
  const { result, progress } = await asker.upgrade('2', '--effort', 'speed');
  assert.equal(result, 'staged');
  const gave = (nick: string) => progress.at(-1)?.sources.find(one => one.nick === nick)?.bytes ?? 0;
  assert.ok(gave('Near') > 2 * gave('Far'), `near ${gave('Near')}, far ${gave('Far')}`);
  assert.equal(await watcher.interrupt(), 0);
});
