/** A stick with exported images: a real mount, seen by a real service in its own mount namespace. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempFolder } from '../support/temp';
import { Laptop } from './laptop';
import { Lan } from './namespaces';
import { Watcher } from './watcher';

const STICK = '/media/ana/BLUE STICK';

test('a stick that is plugged in is a neighbour that can give, until it is pulled out', async t => {
  const lan = await Lan.create(1, { ipv6: false });
  const { inside } = lan.laptops[0]!;
  const folder = tempFolder(t);
  const [ana, ben] = ['ana', 'ben'].map(nick => new Laptop(nick, inside, join(folder, nick))) as [Laptop, Laptop];
  t.after(async () => {
    await ben.stop();
    await lan.close();
  });
  for (const [laptop, version] of [
    [ana, '408'],
    [ben, '407'],
  ] as const) {
    const tree = join(folder, `tree-${version}`, 'etc');
    mkdirSync(tree, { recursive: true });
    mkdirSync(laptop.dir);
    writeFileSync(join(tree, 'version'), version);
    await laptop.flash(join(tree, '..'), 'olpc-xo', version);
  }
  const stick = join(folder, 'stick');
  mkdirSync(stick);
  await ana.run('export', join(stick, 'images'));

  await ben.serve('--interface', 'eth0');
  const mount = (script: string) =>
    void execFileSync('nsenter', ['-t', String(ben.servicePid), '-m', 'sh', '-ec', script, 'sh', STICK, stick]);
  // Nothing outside the service's own mount namespace changes.
  mount('mount -t tmpfs tmpfs /media && mkdir -p "$1"');
  const watcher = new Watcher(ben, inside);

  mount('mount --bind "$2" "$1"');
  await watcher.until(shown => shown.some(({ confirmed }) => confirmed));
  const seen = watcher.events.findLast(({ kind }) => kind === 'stick')!;
  const { id, address, nick, image, version, relation, problem } = seen;
  assert.deepEqual(
    { id, address, nick, image, version, relation, problem },
    {
      id: `${STICK}/images`,
      address: `${STICK}/images`,
      nick: 'BLUE STICK',
      image: 'olpc-xo',
      version: '408',
      relation: 'newer',
      problem: null,
    },
  );
  // It need not be named to give.
  const { result, bytesReceived } = await ben.upgrade('408');
  assert.equal(result, 'staged');
  assert.ok(bytesReceived > 0);

  mount('umount "$1"');
  await watcher.until(shown => shown.length === 0);
  assert.equal(watcher.events.at(-1)?.event, 'removed');

  // And again, with the images not in a folder of their own.
  mount('mount --bind "$2/images" "$1"');
  await watcher.until(shown => shown.some(({ id: again, confirmed }) => again === STICK && confirmed));
  assert.equal(await watcher.interrupt(), 0);
});
