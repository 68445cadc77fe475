/** What a plan needs, over HTTP: folders as what differs from those at hand, and whole where that does not come out right. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Oid } from '../../src/core/object';
import { MODE } from '../../src/core/tree';
import type { Quarantine, Store } from '../../src/store/store';
import { KIND } from '../../src/transfer/frames';
import { receiveTrees } from '../../src/upgrade/compare';
import { folder, openStore, TIME, TreeBuilder } from '../store/support';
import { giving } from './serving';

const NEVER = new AbortController().signal;

/** A giver with two versions, and a laptop that has the first. */
async function twoVersions(t: TestContext) {
  const dir = folder(t);
  const closers: (() => unknown)[] = [];
  t.after(async () => {
    for (const close of closers.reverse()) await close();
  });
  const tree = new TreeBuilder(join(dir, 'tree'));
  for (let i = 0; i < 500; i++) tree.file(`usr/share/many/file${i}`, `old ${i}`);
  tree.file('usr/bin/tool', 'tool').file('etc/gone/inner', 'gone').file('etc/kind', 'a file');
  const [giver, laptop] = [await openStore(t, join(dir, 'giver')), await openStore(t, join(dir, 'laptop'))];
  const publish = (store: Store, version: string) =>
    store.publish(tree.dir, { name: 'test-os', version, time: TIME, ownerRoot: true });
  const old = (await publish(laptop, '1')).image;
  assert.equal((await publish(giver, '1')).image.commit, old.commit);
  await laptop.use(old.commit);
  rmSync(join(tree.dir, 'etc/gone'), { recursive: true });
  rmSync(join(tree.dir, 'etc/kind'));
  tree.file('etc/kind/now', 'a folder').file('usr/share/many/file250', 'new').file('usr/bin/tool', 'tool', 0o755);
  const image = (await publish(giver, '2')).image;
  const { source } = await giving(closers, giver);
  return { giver, laptop, old, image, source: source() };
}

/** Every tree of an image, from wherever they are. */
async function treesOf(root: Oid, from: Pick<Quarantine, 'readTree'>): Promise<string[]> {
  const entries = await from.readTree(root);
  const below = entries.filter(({ mode }) => mode === MODE.dir).map(({ oid }) => treesOf(oid, from));
  return [root, ...(await Promise.all(below)).flat()];
}

test('a folder at hand comes as what differs, with the sizes of what is new, and in a fraction of the bytes', async t => {
  const { laptop, giver, old, image, source } = await twoVersions(t);
  const kinds: string[] = [];
  for await (const frame of source.trees(image.commit, old.root)) kinds.push(frame.kind);
  // The commit's own, the root, etc, usr, bin, share, many; and etc/kind, which was no folder.
  assert.equal(kinds.filter(kind => kind === KIND.patched).length, 6);
  assert.equal(kinds.filter(kind => kind === KIND.tree).length, 2);
  const before = source.bytesReceived;
  const quarantine = await laptop.quarantine(image.commit);
  const sizes = await receiveTrees(source, quarantine, image.commit, old.root, NEVER);
  assert.ok(source.bytesReceived - before < 2500, `${source.bytesReceived - before} bytes`);
  assert.deepEqual([...sizes.values()].sort(), [3, 4, 8]);
  assert.deepEqual(await treesOf(image.root, quarantine), await treesOf(image.root, giver));
});

test('a folder that is damaged here makes nothing wrong: whole ones come', async t => {
  const { laptop, giver, old, image, source } = await twoVersions(t);
  const usr = (await laptop.readTree(old.root)).find(({ name }) => name === 'usr')!;
  writeFileSync(join(laptop.dir, 'git/objects', usr.oid.slice(0, 2), usr.oid.slice(2)), 'rotten');
  // What was read before is still in memory.
  await laptop.close();
  const again = await (await openStore(t, laptop.dir)).quarantine(image.commit);
  const sizes = await receiveTrees(source, again, image.commit, old.root, NEVER);
  assert.ok(sizes.size > 500);
  assert.deepEqual(await treesOf(image.root, again), await treesOf(image.root, giver));
});
