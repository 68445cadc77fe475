import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkBounds } from '../../src/core/bounds';
import { walkTree } from '../../src/core/diff';
import { EMPTY_BLOB, EMPTY_TREE, type Oid } from '../../src/core/object';
import { MODE, type TreeEntry } from '../../src/core/tree';
import { withCode } from './assert-error';

/** Trees that are never written: their names are numbers. */
class Trees {
  readonly all = new Map<Oid, TreeEntry[]>();
  reads = 0;

  add(...folders: Oid[]): Oid {
    const oid = (this.all.size + 1).toString(16).padStart(40, '0');
    const entries = folders.map((oid, i): TreeEntry => ({ mode: MODE.dir, name: `d${i}`, oid }));
    this.all.set(oid, [...entries, { mode: MODE.file, name: 'f', oid: EMPTY_BLOB }]);
    return oid;
  }

  read = (oid: Oid): TreeEntry[] => {
    this.reads += 1;
    return this.all.get(oid) ?? assert.fail(oid);
  };
}

test('paths are counted as a walk would find them', async () => {
  const shape = fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 9 });
  await fc.assert(
    fc.asyncProperty(shape, async folders => {
      const trees = new Trees();
      const oids: Oid[] = [EMPTY_TREE];
      for (const below of folders) oids.push(trees.add(...below.map(n => oids[n % oids.length]!)));
      const root = oids.at(-1)!;
      let walked = 0;
      for await (const _ of walkTree(root, trees.read)) walked++;
      trees.reads = 0;
      assert.equal(await checkBounds(root, trees.read), walked);
      assert.ok(trees.reads <= folders.length, 'each folder is read once');
    }),
  );
});

test('folders that name each other again and again are refused after one look at each', async () => {
  const trees = new Trees();
  let oid = trees.add();
  for (let level = 0; level < 100; level++) oid = trees.add(oid, oid);
  await assert.rejects(checkBounds(oid, trees.read), withCode('bad-data', /1000000 paths/));
  assert.ok(trees.reads <= 101);
});

test('4096 levels are the most', async () => {
  const trees = new Trees();
  let oid = trees.add();
  for (let level = 1; level < 4096; level++) oid = trees.add(oid);
  assert.equal(await checkBounds(oid, trees.read), 2 * 4096 - 1);
  await assert.rejects(checkBounds(trees.add(oid), trees.read), withCode('bad-data', /4096 levels/));
});

test('what a sound image has at the same path is neither counted nor looked at', async () => {
  const trees = new Trees();
  const same = trees.add(trees.add());
  const before = trees.add(same, trees.add());
  const after = trees.add(same, trees.add(trees.add()), same);
  const paths = await checkBounds(after, trees.read);
  trees.reads = 0;
  const inSame = await checkBounds(same, trees.read);
  trees.reads = 0;
  assert.equal(await checkBounds(after, trees.read, before), paths - inSame);
  assert.equal(await checkBounds(after, trees.read, after), 0);
});

test('folders that name each other are refused beside a sound image, too', async () => {
  const trees = new Trees();
  const sound = trees.add(trees.add(trees.add()), trees.add());
  let oid = sound;
  for (let level = 0; level < 100; level++) oid = trees.add(oid, oid);
  trees.reads = 0;
  await assert.rejects(checkBounds(oid, trees.read, sound), withCode('bad-data', /1000000 paths/));
  assert.ok(trees.reads <= 300);
  for (let level = 0; level < 4100; level++) oid = trees.add(oid);
  await assert.rejects(checkBounds(oid, trees.read, sound), withCode('bad-data', /4096 levels/));
});
