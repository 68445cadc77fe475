import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { EMPTY_TREE } from '../../src/core/object';
import { encodePack, type PackObject, parsePack } from '../../src/core/pack';
import { withCode } from './assert-error';
import { GitRepository } from './git';

const MAX = 1 << 20;
const contents = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.nat(70_000).map(length => new Uint8Array(length).fill(length)),
);
const blobs = fc.uniqueArray(
  contents.map((data): PackObject => ({ type: 'blob', data: Buffer.from(data) })),
  { selector: ({ data }) => data.toString('latin1'), maxLength: 12 },
);

test('git reads our packs and indexes, and says they are whole', t => {
  const repository = new GitRepository();
  t.after(() => repository.remove());
  fc.assert(
    fc.property(blobs, some => {
      const objects: PackObject[] = [...some, { type: 'tree', data: Buffer.alloc(0) }];
      const { name, pack, index } = encodePack(objects);
      const file = join(repository.dir, 'objects/pack', `pack-${name}`);
      writeFileSync(`${file}.pack`, pack);
      writeFileSync(`${file}.idx`, index);
      const listed = repository.git(['verify-pack', '-v', `${file}.pack`]).toString();
      assert.match(listed, new RegExp(`${EMPTY_TREE} tree`));
      assert.equal(listed.split('\n').filter(line => / blob /.test(line)).length, some.length);
      // The index that git makes of it is ours, byte for byte.
      const own = join(repository.dir, 'own.idx');
      repository.git(['index-pack', '--index-version=2', '-o', own, `${file}.pack`]);
      assert.ok(readFileSync(own).equals(index));
      rmSync(own, { force: true });
    }),
    { numRuns: 15 },
  );
});

test('what was packed comes back; the order given does not matter', () => {
  fc.assert(
    fc.property(blobs, objects => {
      const { pack, name } = encodePack(objects);
      const back = parsePack(pack, MAX).map(({ type, data }) => `${type} ${data.toString('hex')}`);
      assert.deepEqual(back.sort(), objects.map(({ type, data }) => `${type} ${data.toString('hex')}`).sort());
      assert.equal(encodePack([...objects].reverse()).name, name);
    }),
  );
});

test('any byte changed, any byte missing is refused', () => {
  const { pack } = encodePack([
    { type: 'blob', data: Buffer.from('hello') },
    { type: 'tree', data: Buffer.alloc(0) },
  ]);
  for (let at = 0; at < pack.length; at++) {
    const changed = Buffer.from(pack);
    changed[at]! ^= 1;
    assert.throws(() => parsePack(changed, MAX), withCode('bad-data'));
    assert.throws(() => parsePack(pack.subarray(0, at), MAX), withCode('bad-data'));
  }
});

test('an object that says it is too large is not inflated', () => {
  const { pack } = encodePack([{ type: 'blob', data: Buffer.alloc(5000) }]);
  assert.throws(() => parsePack(pack, 4999), withCode('bad-data', /5000/));
});
