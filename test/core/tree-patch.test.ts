/** Trees as what differs from others: they come out the same byte for byte, and what does not fit is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareEntries, encodeTree, MODE, parseTree, type TreeEntry } from '../../src/core/tree';
import { applyTreePatch, compareTrees, encodeTreePatch } from '../../src/core/tree-patch';
import { byteName } from './arbitraries';
import { withCode } from './assert-error';

const oid = fc.integer({ min: 0, max: 12 }).map(n => n.toString(16).padStart(40, '0'));
const mode = fc.constantFrom(...Object.values(MODE));
const tree = fc
  .uniqueArray(fc.record({ name: byteName, mode, oid }), { maxLength: 30, selector: ({ name }) => name })
  .map(entries => [...entries].sort(compareEntries));
/** Two that have much in common: names of one in the other, as they are or with another content or mode. */
const pair = fc
  .tuple(tree, tree, fc.array(fc.tuple(fc.constantFrom('keep', 'drop', 'oid', 'mode'), oid, mode), { maxLength: 30 }))
  .map(([base, more, fates]) => {
    const target = new Map<string, TreeEntry>();
    for (const [i, entry] of base.entries()) {
      const [fate, other, kind] = fates[i] ?? ['keep', '', MODE.file];
      if (fate === 'drop') continue;
      const now = fate === 'oid' ? { ...entry, oid: other } : fate === 'mode' ? { ...entry, mode: kind } : entry;
      target.set(entry.name, now);
    }
    for (const entry of more) if (!target.has(entry.name)) target.set(entry.name, entry);
    return [base, [...target.values()].sort(compareEntries)] as const;
  });
const sizeOf = (name: string) => Number.parseInt(name, 16) * 1_000_003;

test('a patch makes the tree again, to the last byte, and tells the sizes of all contents that are new', () => {
  fc.assert(
    fc.property(pair, ([base, target]) => {
      const sizes = new Map(target.map(entry => [entry.oid, sizeOf(entry.oid)]));
      const made = applyTreePatch(base, encodeTreePatch(compareTrees(base, target), sizes));
      assert.deepEqual(encodeTree(made.entries), encodeTree(target));
      const told = new Map(made.sizes);
      for (const { name, oid, mode } of target) {
        const old = base.find(entry => entry.name === name);
        if (mode === MODE.dir || (old?.oid === oid && old.mode === mode)) continue;
        assert.equal(told.get(oid), sizeOf(oid));
      }
    }),
    { numRuns: 2000 },
  );
});

test('whatever comes as a patch, it is refused as bad data or makes no more than base and patch hold', () => {
  fc.assert(
    fc.property(tree, fc.uint8Array({ maxLength: 200 }), (base, bytes) => {
      let made: ReturnType<typeof applyTreePatch>;
      try {
        made = applyTreePatch(base, Buffer.from(bytes));
      } catch (error) {
        assert.ok(withCode('bad-data')(error));
        return;
      }
      assert.ok(made.entries.length <= base.length + bytes.length / 20);
    }),
    { numRuns: 2000 },
  );
});

test('one new file in a folder of a thousand takes little more than its object name', () => {
  const base: TreeEntry[] = Array.from({ length: 1000 }, (_none, i) => {
    return { mode: MODE.file, name: `file${String(i).padStart(4, '0')}`, oid: i.toString(16).padStart(40, 'a') };
  });
  const target = base.map((entry, i) => (i === 500 ? { ...entry, oid: 'f'.repeat(40) } : entry));
  const patch = encodeTreePatch(compareTrees(base, target), new Map([['f'.repeat(40), 123_456]]));
  assert.equal(patch.length, 2 + 1 + 20 + 3);
  assert.deepEqual(applyTreePatch(base, patch).entries, parseTree(encodeTree(target)));
  assert.equal(encodeTreePatch(compareTrees(base, base), new Map()).length, 0);
});
