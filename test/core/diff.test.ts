import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Change, diffTrees, findPaths, MAX_DEPTH, walkTree } from '../../src/core/diff';
import { EMPTY_BLOB, EMPTY_TREE, type Oid } from '../../src/core/object';
import { MAX_PATHS, MODE, type TreeEntry, type TreeMode } from '../../src/core/tree';
import { type Folder, folder, folderPair, TreeShelf, writeFolder } from './arbitraries';
import { withCode } from './assert-error';

const ONES = '01'.repeat(20);
const entry = (name: string, oid: Oid, mode: TreeMode = MODE.file): TreeEntry => ({ name, oid, mode });

async function all<T>(generator: AsyncGenerator<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of generator) list.push(item);
  return list;
}

async function told(generator: AsyncGenerator<Change>): Promise<string[]> {
  return (await all(generator)).map(change => `${change.kind} ${change.path}`);
}

test('each kind of change, folders before their contents, type changes as removed and added', async () => {
  const shelf = new TreeShelf();
  const inside = shelf.put([entry('x', EMPTY_BLOB)]);
  const before = shelf.put([
    entry('content', EMPTY_BLOB),
    entry('mode', EMPTY_BLOB),
    entry('both', EMPTY_BLOB),
    entry('gone', EMPTY_BLOB),
    entry('same', inside, MODE.dir),
    entry('becomes-file', inside, MODE.dir),
    entry('becomes-dir', EMPTY_BLOB),
    entry('becomes-link', EMPTY_BLOB),
    entry('dir', inside, MODE.dir),
    entry('goes', inside, MODE.dir),
  ]);
  const after = shelf.put([
    entry('content', ONES),
    entry('mode', EMPTY_BLOB, MODE.exec),
    entry('both', ONES, MODE.exec),
    entry('same', inside, MODE.dir),
    entry('becomes-file', EMPTY_BLOB),
    entry('becomes-dir', inside, MODE.dir),
    entry('becomes-link', EMPTY_BLOB, MODE.symlink),
    entry('dir', EMPTY_TREE, MODE.dir),
    entry('comes', EMPTY_TREE, MODE.dir),
  ]);
  assert.deepEqual(await told(diffTrees(before, after, shelf.read)), [
    'removed becomes-dir',
    'added becomes-dir',
    'added becomes-dir/x',
    'added becomes-file',
    'removed becomes-file',
    'removed becomes-file/x',
    'removed becomes-link',
    'added becomes-link',
    'changed both',
    'added comes',
    'changed content',
    'removed dir/x',
    'removed goes',
    'removed goes/x',
    'removed gone',
    'mode-changed mode',
  ]);
  const changes = await all(diffTrees(before, after, shelf.read));
  assert.deepEqual(
    changes.find(change => change.path === 'both'),
    {
      kind: 'changed',
      path: 'both',
      old: entry('both', EMPTY_BLOB),
      new: entry('both', ONES, MODE.exec),
    },
  );
});

test('no tree at all is different from the empty one only for what reads it', async () => {
  const shelf = new TreeShelf();
  const root = shelf.put([entry('a', EMPTY_BLOB)]);
  for (const nothing of [null, EMPTY_TREE]) {
    assert.deepEqual(await told(diffTrees(nothing, root, shelf.read)), ['added a']);
    assert.deepEqual(await told(diffTrees(root, nothing, shelf.read)), ['removed a']);
  }
  assert.deepEqual(await told(diffTrees(null, null, shelf.read)), []);
  assert.equal(shelf.trees.has(EMPTY_TREE), false);
});

test('equal subtrees are never read', async () => {
  const shelf = new TreeShelf();
  const never = '77'.repeat(20);
  const tree = (changed: Oid): Oid => {
    const dir = shelf.put([entry('file', changed), entry('large', never, MODE.dir)]);
    return shelf.put([entry('dir', dir, MODE.dir), entry('large', never, MODE.dir)]);
  };
  const [before, after] = [tree(EMPTY_BLOB), tree(ONES)];
  assert.deepEqual(await told(diffTrees(before, after, shelf.read)), ['changed dir/file']);
  assert.equal(shelf.reads, 4);
  assert.deepEqual(await told(diffTrees(before, before, shelf.read)), []);
  assert.equal(shelf.reads, 4);
});

test('the changes, applied to the old image, make the new one', async () => {
  await fc.assert(
    fc.asyncProperty(folderPair, async ({ old, new: wanted }) => {
      const shelf = new TreeShelf();
      const [before, after] = [put(old, shelf), put(wanted, shelf)];
      const paths = flat(old);
      // Removals first: a folder that becomes a file is told in git's order, which has the file first.
      const changes = await all(diffTrees(before, after, shelf.read));
      for (const change of changes) if (change.kind === 'removed') assert.ok(paths.delete(change.path), change.path);
      for (const { kind, path, old: was, new: is } of changes) {
        if (kind === 'removed') continue;
        assert.equal(paths.has(path), kind !== 'added', `${kind} ${path}`);
        if (kind === 'changed') assert.notEqual(was?.oid, is?.oid);
        if (kind === 'mode-changed') assert.ok(was?.oid === is?.oid && was?.mode !== is?.mode);
        paths.set(path, kindOf(is!));
      }
      assert.deepEqual(sorted(paths), sorted(flat(wanted)));
    }),
    { numRuns: 500 },
  );
});

test('back is forth with old and new exchanged', async () => {
  const opposite = { added: 'removed', removed: 'added', changed: 'changed', 'mode-changed': 'mode-changed' };
  await fc.assert(
    fc.asyncProperty(folderPair, async ({ old, new: wanted }) => {
      const shelf = new TreeShelf();
      const [before, after] = [put(old, shelf), put(wanted, shelf)];
      const forth = await all(diffTrees(before, after, shelf.read));
      const back = await all(diffTrees(after, before, shelf.read));
      const key = (kind: string, path: string): string => `${kind} ${path}`;
      assert.deepEqual(
        forth.map(change => key(change.kind, change.path)).sort(),
        back.map(change => key(opposite[change.kind], change.path)).sort(),
      );
    }),
    { numRuns: 200 },
  );
});

test('walking gives every path once, folders before what is in them, whether reading waits or not', async () => {
  await fc.assert(
    fc.asyncProperty(folder, async image => {
      const shelf = new TreeShelf();
      const root = put(image, shelf);
      const walked = await all(walkTree(root, shelf.read));
      const later = await all(walkTree(root, async oid => shelf.read(oid)));
      assert.deepEqual(walked, later);
      const seen = new Set(['']);
      for (const { path } of walked) {
        assert.ok(!seen.has(path) && seen.has(path.split('/').slice(0, -1).join('/')), path);
        seen.add(path);
      }
      assert.deepEqual(sorted(new Map(walked.map(at => [at.path, kindOf(at.entry)]))), sorted(flat(image)));
    }),
    { numRuns: 200 },
  );
});

test('folders nested too deep are refused, at the limit they are not', async () => {
  const shelf = new TreeShelf();
  let root = shelf.put([entry('end', EMPTY_BLOB)]);
  for (let level = 1; level < MAX_DEPTH; level++) root = shelf.put([entry('d', root, MODE.dir)]);
  assert.equal((await all(walkTree(root, shelf.read))).length, MAX_DEPTH);
  const deeper = shelf.put([entry('d', root, MODE.dir)]);
  const refused = withCode('bad-data', /more than 4096 levels/);
  await assert.rejects(all(walkTree(deeper, shelf.read)), refused);
  await assert.rejects(all(diffTrees(deeper, root, shelf.read)), refused);
  // A tree cannot name itself (its oid is a hash), but a broken store could answer so.
  const endless = [entry('d', ONES, MODE.dir)];
  await assert.rejects(all(walkTree(ONES, () => endless)), refused);
});

test('a handful of folders that stand for millions of paths is refused, in little time and memory', async () => {
  const shelf = new TreeShelf();
  const thousand = (changed: Oid): TreeEntry[] => [
    ...Array.from({ length: 999 }, (_, i) => entry(`f${i}`, EMPTY_BLOB)),
    entry('x', changed),
  ];
  const bomb = (changed: Oid): Oid => {
    let oid = shelf.put(thousand(changed));
    for (let level = 0; level < 8; level++) {
      const inside = oid;
      oid = shelf.put(Array.from({ length: 1000 }, (_, i) => entry(`d${i}`, inside, MODE.dir)));
    }
    return oid;
  };
  const refused = withCode('bad-data', /more than 1000000 paths/);
  let changes = 0;
  const count = async (): Promise<void> => {
    for await (const _ of diffTrees(bomb(EMPTY_BLOB), bomb(ONES), shelf.read)) changes++;
  };
  await assert.rejects(count(), refused);
  assert.ok(changes > 900 && changes < 1000, String(changes));
  await assert.rejects(all(walkTree(ONES, () => new Array(MAX_PATHS + 1))), refused);
});

test('what reading throws comes through', async () => {
  const gone = new Error('disk gone');
  const read = (): never => {
    throw gone;
  };
  await assert.rejects(all(diffTrees(ONES, null, read)), gone);
});

function put(image: Folder, shelf: TreeShelf): Oid {
  return writeFolder(image, (_, list) => shelf.put(list));
}

function kindOf({ mode, oid }: Pick<TreeEntry, 'mode' | 'oid'>): string {
  return mode === MODE.dir ? 'dir' : `${mode.toString(8)} ${oid}`;
}

function flat(image: Folder, prefix = ''): Map<string, string> {
  const paths = new Map<string, string>();
  for (const [name, node] of image) {
    paths.set(prefix + name, node instanceof Map ? 'dir' : kindOf(node));
    if (node instanceof Map) for (const [path, what] of flat(node, `${prefix}${name}/`)) paths.set(path, what);
  }
  return paths;
}

function sorted(paths: Map<string, string>): [string, string][] {
  return [...paths].sort(([a], [b]) => (a < b ? -1 : 1));
}

test('paths are found as a walk meets them, and what does not exist is left out', async () => {
  await fc.assert(
    fc.asyncProperty(folder, fc.array(fc.nat()), fc.boolean(), async (tree, picks, shuffled) => {
      const shelf = new TreeShelf();
      const root = writeFolder(tree, (_, list) => shelf.put(list));
      const walked = await all(walkTree(root, shelf.read));
      const chosen = walked.filter((_, index) => picks.includes(index) || index % 3 === 0);
      if (shuffled) chosen.reverse();
      const asked = chosen.flatMap(({ path }) => [path, `${path}/no such`, `${path} neither`]);
      const found = (await all(findPaths(root, asked, shelf.read))).flat();
      assert.deepEqual(found, chosen);
    }),
  );
});
