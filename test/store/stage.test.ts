/** From one store to another, as a fetch would: objects, blobs, check, stage. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeAttributes, parseAttributes } from '../../src/core/attributes';
import { encodeCommit, parseCommit } from '../../src/core/commit';
import { encodeTree, MODE } from '../../src/core/tree';
import { type HeldImage, type Quarantine, Store } from '../../src/store/store';
import { items, makeTree } from './arbitrary-trees';
import {
  fetchBlob,
  fetchInto,
  folder,
  isRoot,
  linkGroups,
  nastyTree,
  openStore,
  rsyncDifferences,
  run,
  TIME,
  TreeBuilder,
  walk,
} from './support';

test('an image fetched from another laptop is the tree that was published there', async t => {
  const dir = folder(t);
  const tree = nastyTree(join(dir, 'tree'));
  const [from, to] = [await openStore(t, join(dir, 'from')), await openStore(t, join(dir, 'to'))];
  const { image } = await from.publish(tree.dir, { name: 'nasty', version: '1', time: TIME });
  const quarantine = await fetchInto(from, to, image.commit);
  assert.deepEqual(to.images(), []);
  assert.equal(await to.readObject(image.root), null, 'what is in quarantine is not held');
  assert.equal(await quarantine.has(image.root), true);

  const progress: number[][] = [];
  await to.checkImage(image.commit, quarantine);
  const staged = await to.stage(image.commit, quarantine, { onProgress: (...numbers) => progress.push(numbers) });
  assert.deepEqual(rsyncDifferences(tree.dir, staged.dir), []);
  assert.deepEqual(linkGroups(staged.dir), linkGroups(tree.dir));
  assert.deepEqual((await to.verify(image.commit)).problems, []);
  assert.deepEqual({ ...staged, dir: '' }, { ...image, dir: '' });
  assert.deepEqual(to.state, { current: null, previous: null, staged: null });
  const [files, filesTotal, bytes, bytesTotal] = progress.at(-1) ?? [];
  assert.equal(files, filesTotal);
  assert.equal(bytes, bytesTotal);
  assert.equal(bytes, image.bytes);
  assert.deepEqual(readdirSync(join(to.dir, 'partial')), []);
  // The same objects, byte for byte in meaning: git sees one repository.
  const objects = (store: Store) =>
    run('git', ['--git-dir', join(store.dir, 'git'), 'cat-file', '--batch-all-objects', '--batch-check']);
  assert.equal(objects(to), objects(from));
});

test('staging that was begun is gone when it is given up, and before anything is repaired', async t => {
  const dir = folder(t);
  const tree = nastyTree(join(dir, 'tree'));
  const [from, to] = [await openStore(t, join(dir, 'from')), await openStore(t, join(dir, 'to'))];
  const { image } = await from.publish(tree.dir, { name: 'nasty', version: '1', time: TIME });
  const { image: other } = await to.publish(new TreeBuilder(join(dir, 'other')).file('a', 'b').dir, {
    name: 'other',
    version: '1',
    time: TIME,
  });
  const begun = () => readdirSync(join(to.dir, 'partial')).filter(name => name.startsWith('stage-'));
  const stopped = AbortSignal.abort();
  const begin = async (half: Quarantine) => {
    await to.beginStage(image.commit, half);
    await assert.rejects(to.continueStage(image.commit, { signal: stopped }), { code: 'stopped' });
    assert.deepEqual(begun(), []);
    await to.beginStage(image.commit, half);
  };
  const placed = () => readdirSync(join(to.dir, 'partial', begun()[0]!), { recursive: true }).length;
  const quarantine = await fetchInto(from, to, image.commit, begin, async () => {
    const before = placed();
    await to.continueStage(image.commit);
    assert.ok(placed() > before);
  });
  assert.equal(begun().length, 1);
  await to.abandonStage();
  assert.deepEqual(begun(), []);
  await to.beginStage(image.commit, quarantine);
  await to.repair(other.commit);
  assert.deepEqual(begun(), []);
  await assert.rejects(to.beginStage(image.commit, quarantine, { signal: stopped }), { code: 'stopped' });
  assert.deepEqual(begun(), []);
  // Given up: nothing is there to go on with.
  await to.continueStage(image.commit);
  assert.deepEqual(begun(), []);
  await to.beginStage(image.commit, quarantine);
  await to.checkImage(image.commit, quarantine);
  const staged = await to.stage(image.commit, quarantine);
  assert.deepEqual(rsyncDifferences(tree.dir, staged.dir), []);
  assert.deepEqual((await to.verify(image.commit)).problems, []);
});

test('what staging has written down of the manifest tells a wrong commit and a content that is missing, and leaves nothing', async t => {
  const dir = folder(t);
  const tree = nastyTree(join(dir, 'tree'));
  const [from, to] = [await openStore(t, join(dir, 'from')), await openStore(t, join(dir, 'to'))];
  const { image } = await from.publish(tree.dir, { name: 'nasty', version: '1', time: TIME });
  const { commit } = image;
  const byRecord = { byRecord: true };
  const drafts = () => {
    const open = readdirSync('/proc/self/fd').map(fd => readlinkOf(join('/proc/self/fd', fd)));
    return [...readdirSync(join(to.dir, 'partial')), ...open].filter(name => name.includes('draft-')).length;
  };
  const quarantine = await fetchInto(from, to, commit, async half => {
    await to.beginStage(commit, half);
    assert.equal(drafts(), 1);
    await assert.rejects(to.checkImage(commit, half, byRecord), { code: 'damaged' });
  });
  const progress: number[] = [];
  await to.checkImage(commit, quarantine, { ...byRecord, onProgress: done => progress.push(done) });
  assert.ok(progress.at(-1)! > 10);
  const honest = parseCommit((await from.readObject(commit))!.data);
  const forged = await quarantine.putObject('commit', encodeCommit({ ...honest, manifestSha256: '0'.repeat(64) }));
  await to.beginStage(forged, quarantine);
  assert.equal(drafts(), 1, 'that of the image before is gone');
  await assert.rejects(to.checkImage(forged, quarantine, byRecord), { code: 'bad-data' });
  await assert.rejects(to.checkImage(commit, quarantine, { ...byRecord, signal: AbortSignal.abort() }), {
    code: 'stopped',
  });
  await to.checkImage(commit, quarantine, byRecord);
  await to.abandonStage();
  assert.equal(drafts(), 0);
  await to.beginStage(commit, quarantine);
  await assert.rejects(to.checkImage(commit, quarantine, { ...byRecord, signal: AbortSignal.abort() }), {
    code: 'stopped',
  });
  await to.checkImage(commit, quarantine, byRecord);
  // What was here when its path was passed is lost before the check.
  const [lost] = (await from.readTree(image.root)).filter(({ mode }) => mode === MODE.file);
  rmSync(to.blobPath(lost!.oid));
  assert.equal(await to.hasBlob(lost!.oid), false);
  await assert.rejects(to.checkImage(commit, quarantine, byRecord), { code: 'damaged' });
  await fetchBlob(from, to, lost!.oid);
  // Given up in the middle: the image is walked instead.
  const checked = to.checkImage(commit, quarantine, byRecord);
  await Promise.all([checked, to.abandonStage()]);
  const staged = await to.stage(commit, quarantine);
  assert.equal(drafts(), 0);
  assert.deepEqual(rsyncDifferences(tree.dir, staged.dir), []);
});

/** Where a descriptor leads; '' when it is closed by now. */
function readlinkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

test('any two random versions, fetched in either order, come out as published', async t => {
  const dir = folder(t);
  let round = 0;
  await fc.assert(
    fc.asyncProperty(
      items,
      items,
      items,
      fc.boolean(),
      fc.boolean(),
      async (common, first, second, oldFirst, early) => {
        round += 1;
        const at = (name: string) => join(dir, `${round}-${name}`);
        const trees = [makeTree(at('a'), [...common, ...first]), makeTree(at('b'), [...second, ...common])];
        const from = await Store.open(at('from'));
        const to = await Store.open(at('to'));
        const published: HeldImage[] = [];
        for (const [i, tree] of trees.entries()) {
          published.push((await from.publish(tree.dir, { name: 'x', version: String(i), time: TIME })).image);
        }
        for (const i of oldFirst ? [0, 1] : [1, 0]) {
          const tree = trees[i]!;
          const image = published[i]!;
          assert.deepEqual(rsyncDifferences(tree.dir, image.dir), []);
          const begin = (half: Quarantine) => (early ? to.beginStage(image.commit, half) : Promise.resolve());
          const goOn = () => to.continueStage(image.commit);
          const quarantine = await fetchInto(from, to, image.commit, begin, goOn);
          // By records: then what staging has passed is not walked once more.
          await to.checkImage(image.commit, quarantine, { byRecord: early });
          const staged = await to.stage(image.commit, quarantine);
          assert.deepEqual(rsyncDifferences(tree.dir, staged.dir), []);
          assert.deepEqual(linkGroups(staged.dir), linkGroups(tree.dir));
          assert.equal(staged.bytes, image.bytes);
        }
        for (const image of published) {
          assert.deepEqual((await to.verify(image.commit)).problems, []);
          assert.deepEqual((await from.verify(image.commit)).problems, []);
        }
        await from.close();
        await to.close();
        run('rm', ['-rf', at('a'), at('b'), at('from'), at('to')]);
      },
    ),
    { numRuns: 15 },
  );
});

test('an image that is not complete, or not what its commit says, is not called ready', async t => {
  const dir = folder(t);
  const tree = new TreeBuilder(join(dir, 'tree')).file('a', '1', 0o600).file('b', '2').folder('c');
  const [from, to] = [await openStore(t, join(dir, 'from')), await openStore(t, join(dir, 'to'))];
  const { image } = await from.publish(tree.dir, { name: 'x', version: '1', time: TIME });
  const { commit } = image;

  const nothing = await to.quarantine(commit);
  await assert.rejects(to.checkImage(commit, nothing), { code: 'damaged' });
  await assert.rejects(to.stage(commit, nothing), { code: 'damaged' });
  const quarantine = await fetchInto(from, to, commit);
  const [, b] = await from.readTree(image.root);
  rmSync(to.blobPath(b?.oid ?? ''));
  await assert.rejects(to.checkImage(commit, quarantine), { code: 'damaged' });
  await assert.rejects(to.stage(commit, quarantine), { code: 'damaged' });
  assert.deepEqual(to.images(), []);
  assert.deepEqual(readdirSync(join(to.dir, 'partial')), [commit]);

  // Forged: right objects, wrong promises in the commit.
  const honest = parseCommit((await from.readObject(commit))?.data ?? Buffer.alloc(0));
  const again = await fetchInto(from, to, commit);
  const forge = async (change: Partial<typeof honest>, code: string) => {
    const data = encodeCommit({ ...honest, ...change });
    const oid = await again.putObject('commit', data);
    await assert.rejects(to.checkImage(oid, again), { code });
  };
  await forge({ manifestSha256: '0'.repeat(64) }, 'bad-data');
  await forge({ attributesSha256: '0'.repeat(64) }, 'bad-data');
  const root = { mode: MODE.dir, name: 'root', oid: image.root };
  const attributes = { mode: MODE.file, name: 'attributes', oid: image.attributes };
  await forge({ tree: await again.putObject('tree', encodeTree([root])) }, 'bad-data');
  const more = encodeTree([root, attributes, { ...attributes, name: 'more' }]);
  await forge({ tree: await again.putObject('tree', more) }, 'bad-data');
  await forge({ tree: image.root }, 'bad-data');
  await forge({ tree: 'f'.repeat(40) }, 'damaged');
  const map = parseAttributes((await from.readObject(image.attributes))?.data ?? Buffer.alloc(0));
  map.set('not/there', { uid: 3 });
  const data = encodeAttributes(map);
  const other = await again.putObject('blob', data);
  await forge(
    {
      tree: await again.putObject('tree', encodeTree([root, { ...attributes, oid: other }])),
      attributesSha256: createHash('sha256').update(data).digest('hex'),
    },
    'bad-data',
  );
  await assert.rejects(again.putObject('tree', Buffer.from('100644 ../x\0aaaaaaaaaaaaaaaaaaaa')), { code: 'bad-data' });

  await to.checkImage(commit, again);
  await to.stage(commit, again);
});

test('a torn object in quarantine counts as missing and can be put again', async t => {
  const dir = folder(t);
  const store = await openStore(t, join(dir, 'store'));
  const quarantine = await store.quarantine('a'.repeat(40));
  const data = encodeTree([{ mode: MODE.dir, name: 'x', oid: 'b'.repeat(40) }]);
  const oid = await quarantine.putObject('tree', data);
  const file = join(quarantine.dir, oid.slice(0, 2), oid.slice(2));
  for (const damage of [
    () => truncateSync(file, 5),
    () => writeFileSync(file, ''),
    () => writeFileSync(file, 'junk'),
  ]) {
    damage();
    assert.equal(await quarantine.has(oid), false);
    assert.equal(await quarantine.putObject('tree', data), oid);
    assert.deepEqual((await quarantine.readObject(oid))?.data, data);
  }
  await quarantine.discard();
  assert.equal(lstatSync(quarantine.dir, { throwIfNoEntry: false }), undefined);
});

test('what was fetched is there after a restart, and discarding drops what only it needed', async t => {
  const dir = folder(t);
  const tree = new TreeBuilder(join(dir, 'tree')).file('shared', 'both').file('old', 'only one');
  const from = await openStore(t, join(dir, 'from'));
  const one = (await from.publish(tree.dir, { name: 'x', version: '1', time: TIME })).image;
  tree.file('new', 'only two');
  const two = (await from.publish(tree.dir, { name: 'x', version: '2', time: TIME })).image;
  const first = await Store.open(join(dir, 'to'));
  await first.stage(one.commit, await fetchInto(from, first, one.commit));
  await fetchInto(from, first, two.commit);
  await first.close();

  const to = await openStore(t, join(dir, 'to'));
  const quarantine = await to.quarantine(two.commit);
  assert.equal(await quarantine.has(two.root), true);
  assert.deepEqual(await quarantine.readTree(two.root), await from.readTree(two.root));
  const fresh = (await from.readTree(two.root)).find(entry => entry.name === 'new');
  const shared = (await from.readTree(two.root)).find(entry => entry.name === 'shared');
  assert.equal(await to.hasBlob(fresh?.oid ?? ''), true);
  await quarantine.discard();
  assert.equal(await to.hasBlob(fresh?.oid ?? ''), false);
  assert.equal(await to.hasBlob(shared?.oid ?? ''), true);
  assert.deepEqual((await to.verify(one.commit)).problems, []);
  assert.deepEqual(readdirSync(join(to.dir, 'partial')), []);
});

test('staging never changes an inode that another image uses, and heals from what was tampered with', async t => {
  const dir = folder(t);
  const tree = new TreeBuilder(join(dir, 'tree')).file('a', 'content').file('b', 'other');
  const store = await openStore(t, join(dir, 'store'));
  const one = (await store.publish(tree.dir, { name: 'x', version: '1', time: TIME })).image;
  tree.file('a', 'content', 0o600);
  const two = (await store.publish(tree.dir, { name: 'x', version: '2', time: TIME })).image;
  assert.equal(statSync(join(one.dir, 'a')).mode & 0o777, 0o644);
  assert.equal(statSync(join(two.dir, 'a')).mode & 0o777, 0o600);

  chmodSync(join(one.dir, 'b'), 0o666);
  tree.file('c', 'new');
  const three = (await store.publish(tree.dir, { name: 'x', version: '3', time: TIME })).image;
  assert.deepEqual((await store.verify(three.commit)).problems, []);
  assert.notEqual((await store.verify(one.commit)).problems.length, 0);
});

test('a stopped stage leaves nothing but the quarantine, and can be done again', async t => {
  const dir = folder(t);
  const tree = new TreeBuilder(join(dir, 'tree'));
  for (let i = 0; i < 300; i++) tree.file(`dir${i % 7}/${i}`, String(i));
  const [from, to] = [await openStore(t, join(dir, 'from')), await openStore(t, join(dir, 'to'))];
  const { image } = await from.publish(tree.dir, { name: 'x', version: '1', time: TIME });
  const quarantine = await fetchInto(from, to, image.commit);
  const stop = new AbortController();
  const onProgress = (files: number) => files === 100 && stop.abort();
  await assert.rejects(to.stage(image.commit, quarantine, { onProgress, signal: stop.signal }), { code: 'stopped' });
  assert.deepEqual(readdirSync(join(to.dir, 'partial')), [image.commit]);
  assert.deepEqual(readdirSync(join(to.dir, 'images')), []);
  await to.stage(image.commit, quarantine);
  assert.deepEqual(rsyncDifferences(tree.dir, to.resolve('1').dir), []);
});

test('whoever looks at the inodes of an image sees the owners that were published', async t => {
  const dir = folder(t);
  const tree = nastyTree(join(dir, 'tree'));
  const store = await openStore(t, join(dir, 'store'));
  const { image } = await store.publish(tree.dir, { name: 'x', version: '1', time: TIME });
  const facts = (root: string) =>
    [...walk(root)].map(([path, { mode, uid, gid, rdev }]) => [path, mode, uid, gid, rdev].join(' ')).sort();
  assert.deepEqual(facts(image.dir), facts(tree.dir));
  assert.equal(
    facts(image.dir).some(line => line.startsWith('dev/null ')),
    isRoot,
  );
});
