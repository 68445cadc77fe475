import assert from 'node:assert/strict';
import { lstatSync, promises, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { objectOid } from '../../src/core/object';
import type { Store } from '../../src/store/store';
import { damages } from './damages';
import {
  fetchBlob,
  folder,
  isRoot,
  linkGroups,
  nastyTree,
  openStore,
  rsyncDifferences,
  run,
  TIME,
  TreeBuilder,
} from './support';

/** Bit-rot: the content changes and nothing else does, in whatever has this inode. */
function rot(file: string): void {
  const { atime, mtime } = lstatSync(file);
  const data = readFileSync(file);
  data.writeUInt8(data.readUInt8(data.length >> 1) ^ 0x20, data.length >> 1);
  writeFileSync(file, data);
  utimesSync(file, atime, mtime);
}

async function problems(store: Store, commit: string): Promise<string[]> {
  return (await store.verify(commit)).problems.map(({ path, problem }) => `${path} ${problem}`);
}

test('every kind of damage is mended from what the disk holds, in place', async t => {
  const dir = folder(t);
  const tree = nastyTree(join(dir, 'tree'));
  const store = await openStore(t, join(dir, 'store'));
  const { image } = await store.publish(tree.dir, { name: 'nasty', version: '1', time: TIME });
  const second = await store.publish(tree.file('new', 'n').dir, { name: 'nasty', version: '2', time: TIME });
  const whole = join(dir, 'whole');
  run('cp', ['-a', image.dir, whole]);
  const groups = linkGroups(whole);
  for (const [name, damage] of damages) {
    await t.test(name, async () => {
      damage(image.dir);
      assert.notDeepEqual(await problems(store, image.commit), []);
      const { mended, missing } = await store.repair(image.commit);
      assert.deepEqual(missing, []);
      assert.ok(mended > 0);
      assert.deepEqual(await problems(store, image.commit), []);
      assert.deepEqual(await problems(store, second.image.commit), []);
      assert.deepEqual(rsyncDifferences(whole, image.dir), []);
      assert.deepEqual(linkGroups(image.dir), groups);
      const times = run('find', [
        image.dir,
        '-type',
        'd',
        '!',
        '-newermt',
        '@1',
        '-o',
        '-type',
        'd',
        '-printf',
        '%P %T@\\n',
      ]);
      assert.equal(times, '', 'folders keep their time');
      assert.deepEqual(readdirSync(join(store.dir, 'partial')), []);
    });
  }
  assert.equal((await store.repair(image.commit)).mended, 0);
});

test('a flipped byte is found in all images that share it, and one received blob mends them all', async t => {
  const dir = folder(t);
  const tree = nastyTree(join(dir, 'tree'));
  const from = await openStore(t, join(dir, 'from'));
  const store = await openStore(t, join(dir, 'store'));
  const commits: string[] = [];
  for (const version of ['1', '2', '3']) {
    tree.file('version', version);
    for (const one of [from, store]) {
      const { image } = await one.publish(tree.dir, { name: 'nasty', version, time: TIME });
      if (one === store) commits.push(image.commit);
    }
  }
  const [first = '', ...others] = commits;
  const dirOf = (commit: string): string => store.image(commit)?.dir ?? '';
  for (const path of ['big', 'hard/one', 'version']) rot(join(dirOf(first), path));
  for (const commit of others) assert.notDeepEqual(await problems(store, commit), []);

  const { missing } = await store.repair(first);
  // The contents of the other two are in other files as well.
  assert.equal(missing.length, 1);
  for (const oid of missing) assert.equal(await store.hasBlob(oid), false, 'what is rotten is not given to anybody');
  for (const oid of missing) await fetchBlob(from, store, oid);
  assert.deepEqual((await store.repair(first)).missing, []);
  for (const commit of commits) {
    assert.deepEqual(await problems(store, commit), []);
    assert.deepEqual(rsyncDifferences(from.image(commit)?.dir ?? '', dirOf(commit)), []);
    assert.deepEqual(linkGroups(dirOf(commit)), linkGroups(from.image(commit)?.dir ?? ''));
  }
  const inodes = new Set(commits.map(commit => lstatSync(join(dirOf(commit), 'big')).ino));
  assert.equal(inodes.size, 1, 'the images share the new inode');
});

test('a blob that is lost or rotten comes back from an image whose file is good', async t => {
  const dir = folder(t);
  const tree = new TreeBuilder(join(dir, 'tree')).file('a', 'content a').file('b', 'content b').file('c', 'content a');
  const store = await openStore(t, join(dir, 'store'));
  const { image } = await store.publish(tree.dir, { name: 'x', version: '1', time: TIME });
  const oids = new Map((await store.readTree(image.root)).map(({ name, oid }) => [name, oid]));
  rmSync(store.blobPath(oids.get('b') ?? ''));
  // `a` and `c` are two inodes; one of them is the blob.
  const blob = store.blobPath(oids.get('a') ?? '');
  rot(blob);
  assert.equal((await problems(store, image.commit)).length, 2);
  const { missing } = await store.repair(image.commit);
  assert.deepEqual(missing, []);
  assert.deepEqual(await problems(store, image.commit), []);
  assert.equal(readFileSync(blob, 'utf8'), 'content a');
  assert.equal(lstatSync(store.blobPath(oids.get('b') ?? '')).ino, lstatSync(join(image.dir, 'b')).ino);
});

test('a hundred rotten blobs are mended with the list of hashes written anew a few times, not a hundred', async t => {
  const dir = folder(t);
  const tree = new TreeBuilder(join(dir, 'tree'));
  for (let i = 0; i < 100; i++) tree.file(`f${i}`, `content ${i}`);
  const store = await openStore(t, join(dir, 'store'));
  const { image } = await store.publish(tree.dir, { name: 'x', version: '1', time: TIME });
  for (let i = 0; i < 100; i++) {
    // Another inode with the good content stands in the image; the blob itself has rotted.
    run('cp', ['-a', '--remove-destination', join(tree.dir, `f${i}`), join(image.dir, `f${i}`)]);
    rot(store.blobPath(objectOid('blob', Buffer.from(`content ${i}`))));
  }
  const rename = t.mock.method(promises, 'rename');
  assert.deepEqual((await store.repair(image.commit)).missing, []);
  const writes = rename.mock.calls.filter(({ arguments: [, to] }) => String(to).endsWith('cache/hashes'));
  assert.ok(writes.length > 0 && writes.length < 10, `${writes.length} times`);
  assert.deepEqual(await problems(store, image.commit), []);
});

test('attributes are mended without touching an inode that others share', { skip: !isRoot }, async t => {
  const dir = folder(t);
  const tree = new TreeBuilder(join(dir, 'tree'))
    .file('a', 'x', 0o4755)
    .folder('d')
    .xattr('d', 'user.n', '1')
    .file('d/f', 'f');
  const store = await openStore(t, join(dir, 'store'));
  const { image } = await store.publish(tree.dir, { name: 'x', version: '1', time: TIME });
  run('setfattr', ['-n', 'user.stray', '-v', 'x', join(image.dir, 'a')]);
  run('setfattr', ['-n', 'user.n', '-v', '2', join(image.dir, 'd')]);
  run('setfacl', ['-m', 'u:7:rwx,d:u:8:rwx', join(image.dir, 'd')]);
  const held = lstatSync(join(image.dir, 'a')).ino;
  await store.repair(image.commit);
  assert.deepEqual(await problems(store, image.commit), []);
  assert.deepEqual(rsyncDifferences(tree.dir, image.dir), []);
  assert.notEqual(lstatSync(join(image.dir, 'a')).ino, held);
});

test('lost trees and attributes are told, received and put back', async t => {
  const dir = folder(t);
  const tree = nastyTree(join(dir, 'tree'));
  const from = await openStore(t, join(dir, 'from'));
  let store = await openStore(t, join(dir, 'store'));
  const { image } = await from.publish(tree.dir, { name: 'x', version: '1', time: TIME });
  await store.publish(tree.dir, { name: 'x', version: '1', time: TIME });
  assert.equal(await store.hasObjects(image.commit), true);
  const etc = (await store.readTree(image.root)).find(({ name }) => name === 'etc')?.oid ?? '';
  await store.close();
  const lost = [image.attributes, etc];
  for (const oid of lost) rmSync(join(store.dir, 'git/objects', oid.slice(0, 2), oid.slice(2)));
  store = await openStore(t, join(dir, 'store'));
  assert.equal(await store.hasObjects(image.commit), false);
  await assert.rejects(store.repair(image.commit), { code: 'damaged' });
  const quarantine = await store.quarantine(image.commit);
  for (const oid of lost) {
    const object = await from.readObject(oid);
    await quarantine.putObject(object?.type ?? 'blob', object?.data ?? Buffer.alloc(0));
  }
  await store.restoreObjects(quarantine);
  assert.equal(await store.hasObjects(image.commit), true);
  assert.deepEqual(await problems(store, image.commit), []);
});
