import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { type Oid, objectOid } from '../../src/core/object';
import { encodeTree, parseTree } from '../../src/core/tree';
import type { GitObject } from '../../src/store/objects';
import { TreeCache } from '../../src/store/tree-cache';
import { entries } from '../core/arbitraries';
import { withCode } from '../core/assert-error';

const trees = fc.array(entries, { minLength: 1, maxLength: 12 }).map(lists => {
  const written = lists.map(list => encodeTree(list));
  return new Map(written.map(data => [objectOid('tree', data), data]));
});
const looks = fc.array(fc.nat(), { maxLength: 60 });

test('whatever was put or asked for before, and however little it keeps, a tree is what it was', () => {
  fc.assert(
    fc.property(trees, looks, fc.nat(2000), (all, asked, most) => {
      const cache = new TreeCache(most);
      const oids = [...all.keys()];
      const read = (oid: Oid): GitObject => ({ type: 'tree', data: all.get(oid)! });
      for (const look of asked) {
        const oid = oids[look % oids.length]!;
        const data = all.get(oid)!;
        if (look % 3 === 0) {
          // The memory of what was put is used for something else.
          const lent = Buffer.from(data);
          cache.put(oid, lent);
          lent.fill(0xff);
        }
        assert.deepEqual(cache.get(oid, read), parseTree(data));
      }
    }),
  );
});

test('what fits is read once', () => {
  const lists = Array.from({ length: 50 }, (_, folder) =>
    Array.from({ length: 20 }, (_, file) => ({
      mode: 0o100644 as const,
      name: `${folder}-${file}`,
      oid: objectOid('blob', Buffer.from(`${file}`)),
    })),
  );
  const all = new Map(
    lists.map(list => {
      const data = encodeTree(list);
      return [objectOid('tree', data), data];
    }),
  );
  const reads: Oid[] = [];
  const cache = new TreeCache(1 << 20);
  for (let round = 0; round < 3; round++) {
    for (const oid of all.keys()) {
      cache.get(oid, wanted => {
        reads.push(wanted);
        return { type: 'tree', data: all.get(wanted)! };
      });
    }
  }
  assert.deepEqual(reads, [...all.keys()]);
});

test('one that is not there, or is something else, is said to be damaged', () => {
  const cache = new TreeCache();
  const oid = objectOid('tree', Buffer.from('no tree'));
  assert.throws(() => cache.get(oid, () => null), withCode('damaged'));
  assert.throws(() => cache.get(oid, () => ({ type: 'blob', data: Buffer.alloc(0) })), withCode('damaged'));
  assert.throws(() => cache.get(oid, () => ({ type: 'tree', data: Buffer.from('no tree') })), withCode('bad-data'));
});

test('what nobody has asked for lately is forgotten, and read again', async () => {
  const data = encodeTree([{ mode: 0o100644, name: 'file', oid: objectOid('blob', Buffer.from('content')) }]);
  const oid = objectOid('tree', data);
  const cache = new TreeCache(1 << 20, 1);
  let reads = 0;
  const read = (): GitObject => {
    reads++;
    return { type: 'tree', data };
  };
  cache.put(oid, data);
  while (reads === 0) {
    assert.deepEqual(cache.get(oid, read), parseTree(data));
    await sleep(5);
  }
  assert.equal(reads, 1);
});
