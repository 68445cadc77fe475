import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Store } from '../../src/store/store';
import { fetchInto, folder, openStore, run, TIME, TreeBuilder } from './support';

/** One MiB that no other number gives. */
function content(of: number): Buffer {
  return Buffer.alloc(1 << 20, `content ${of}\n`);
}

/** Images 1, 2, 3…: each has a file of its own, and one that it shares with the next. */
async function versions(store: Store, dir: string, count: number): Promise<string[]> {
  const commits: string[] = [];
  for (let n = 1; n <= count; n++) {
    const tree = new TreeBuilder(join(dir, `tree-${n}`)).file('own', content(10 * n)).file('a/name\xff', 'x');
    tree.file(`shared-${n}`, content(n)).file(`shared-${n + 1}`, content(n + 1));
    commits.push((await store.publish(tree.dir, { name: 'x', version: `${n}`, time: TIME })).image.commit);
  }
  return commits;
}

/** Bytes on disk, each inode once. */
function usage(dir: string): number {
  return Number(run('du', ['-s', '--block-size=1', dir]).split('\t')[0]);
}

test('removing an image tells how much disk it gave back, as du sees it', async t => {
  const dir = folder(t);
  const store = await openStore(t, join(dir, 'store'));
  const [first = ''] = await versions(store, dir, 2);
  const before = usage(store.dir);
  const { bytesFreed, images } = await store.remove(first);
  assert.deepEqual(
    images.map(({ version }) => version),
    ['1'],
  );
  // `own` and `shared-1`, but not what the second image has as well.
  assert.ok(bytesFreed >= 2 << 20 && bytesFreed < 3 << 20, String(bytesFreed));
  // What is not counted: the ref, and folders of the repository.
  assert.ok(Math.abs(before - usage(store.dir) - bytesFreed) <= 32 << 10, `${before - usage(store.dir)} ${bytesFreed}`);
  assert.deepEqual((await store.verify(store.resolve('2').commit)).problems, []);
});

test('cleaning keeps current, previous, staged and what is in use, and nothing else', async t => {
  const dir = folder(t);
  const store = await openStore(t, join(dir, 'store'));
  const [one = '', two = '', three = '', four = '', five = ''] = await versions(store, dir, 5);
  const other = await openStore(t, join(dir, 'other'));
  const [fetched = '', forgotten = ''] = await versions(other, join(dir, 'others'), 8).then(all => all.slice(6));
  await fetchInto(other, store, fetched);
  await fetchInto(other, store, forgotten);
  for (const commit of [two, three]) await store.use(commit);
  await store.setStaged(two);
  await store.activate();
  await store.setStaged(four);
  assert.deepEqual([store.state.previous?.commit, store.state.current?.commit], [three, two]);

  const before = usage(store.dir);
  const { images, bytesFreed } = await store.clean(() => new Set([five, fetched]));
  assert.deepEqual(
    images.map(({ commit }) => commit),
    [one],
  );
  assert.deepEqual(new Set(store.images().map(({ commit }) => commit)), new Set([two, three, four, five]));
  assert.ok(Math.abs(before - usage(store.dir) - bytesFreed) <= 64 << 10);
  assert.deepEqual(readdirSync(join(store.dir, 'partial')), [fetched]);
  for (const { commit } of store.images()) assert.deepEqual((await store.verify(commit)).problems, []);

  // What was being fetched is complete without another byte.
  const quarantine = await store.quarantine(fetched);
  await store.checkImage(fetched, quarantine);
  await store.stage(fetched, quarantine);
  assert.equal((await store.clean(() => new Set([five, fetched]))).bytesFreed, 0);
});

test('a store without a current image keeps all its images', async t => {
  const dir = folder(t);
  const store = await openStore(t, join(dir, 'store'));
  const commits = await versions(store, dir, 2);
  const other = await openStore(t, join(dir, 'other'));
  const [, , third = ''] = await versions(other, join(dir, 'others'), 3);
  await fetchInto(other, store, third);
  const { images, bytesFreed } = await store.clean(() => new Set());
  assert.deepEqual(images, []);
  assert.ok(bytesFreed > 2 << 20);
  assert.equal(store.images().length, commits.length);
  assert.equal(existsSync(join(store.dir, 'partial', third)), false);
});
