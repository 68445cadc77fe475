/** Blobs by the beginnings of their oids: the table of records, and what a store says. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { objectOid } from '../../src/core/object';
import { RecordTable } from '../../src/store/record-table';
import { Store } from '../../src/store/store';
import { closersOf } from '../support/closers';
import { tempFolder } from '../support/temp';

const RECORD_BYTES = 24;

function recordOf(oid: string, value: number): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  record.write(oid, 'hex');
  record.writeUInt32LE(value, 20);
  return record;
}

/** Many of them begin alike, and want one place. */
const oid = fc
  .tuple(fc.constantFrom('00000000', '00000001', 'ffffffff', '00000800'), fc.nat(2), fc.nat(3))
  .map(([first, second, last]) => `${first}${second.toString(16).padStart(8, '0')}`.padEnd(39, '0') + last);
const steps = fc.array(fc.tuple(fc.constantFrom('set', 'set', 'delete'), oid, fc.nat(1000)), { maxLength: 200 });

test('the table says what a Map would, and finds oids by what they begin with', () => {
  fc.assert(
    fc.property(steps, list => {
      const table = new RecordTable(RECORD_BYTES);
      const map = new Map<string, number>();
      for (const [what, oid, value] of list) {
        if (what === 'delete') assert.equal(table.delete(oid), map.delete(oid));
        else {
          table.set(recordOf(oid, value));
          map.set(oid, value);
        }
        assert.equal(table.size, map.size);
      }
      assert.deepEqual([...table.oids()].sort(), [...map.keys()].sort());
      for (const [, oid] of list) {
        const at = table.find(oid);
        assert.equal(at < 0 ? undefined : table.records.readUInt32LE(at + 20), map.get(oid));
        for (const digits of [8, 16, 38, 40]) {
          const alike = [...map.keys()].filter(other => other.startsWith(oid.slice(0, digits)));
          assert.equal(table.only(oid.slice(0, digits)), alike.length === 1 ? alike[0] : null);
        }
      }
    }),
  );
});

test('a table of many records grows, and keeps them all', () => {
  const table = new RecordTable(RECORD_BYTES);
  const oids = Array.from({ length: 20_000 }, (_, i) => objectOid('blob', Buffer.from(String(i))));
  for (const [i, oid] of oids.entries()) table.set(recordOf(oid, i));
  for (const oid of oids.slice(0, 10_000)) assert.ok(table.delete(oid));
  for (const [i, oid] of oids.entries()) {
    const at = table.find(oid);
    assert.equal(at < 0 ? null : table.records.readUInt32LE(at + 20), i < 10_000 ? null : i);
    assert.equal(table.only(oid.slice(0, 16)), i < 10_000 ? null : oid);
  }
});

test('what is no oid is not there', () => {
  const table = new RecordTable(RECORD_BYTES);
  table.set(recordOf('ab'.repeat(20), 1));
  for (const wrong of ['', 'ab', 'ab'.repeat(19), 'ab'.repeat(21), 'xy'.repeat(20), `${'ab'.repeat(19)}xy`]) {
    assert.equal(table.find(wrong), -1, wrong);
    assert.equal(table.delete(wrong), false, wrong);
  }
  for (const wrong of ['', 'ab', 'abababa', 'abababax', `${'ab'.repeat(20)}ab`])
    assert.equal(table.only(wrong), null, wrong);
});

test('a store knows its blobs by eight bytes, also after its records were lost', async t => {
  const closers = closersOf(t);
  const folder = tempFolder(t);
  const contents = Array.from({ length: 300 }, (_, i) => Buffer.from(`content ${i}`));
  const oids = contents.map(content => objectOid('blob', content));
  mkdirSync(join(folder, 'tree'));
  for (const [i, content] of contents.entries()) writeFileSync(join(folder, 'tree', String(i)), content);
  let store = await Store.open(join(folder, 'store'));
  closers.push(() => store.close());
  await store.publish(join(folder, 'tree'), { name: 'test-os', version: '1', ownerRoot: true });
  const allAreNamed = async () => {
    for (const oid of oids) assert.equal(await store.blobNamed(oid.slice(0, 16)), oid);
    assert.equal(await store.blobNamed('f'.repeat(16)), null);
    assert.equal(await store.blobNamed('f'.repeat(40)), 'f'.repeat(40));
  };
  await allAreNamed();
  // Two that begin alike: nobody can tell which is meant, but by the whole oid.
  const twin = `${oids[0]!.slice(0, 16)}${'0'.repeat(24)}`;
  await store.close();
  writeFileSync(join(folder, 'store', 'blobs', twin.slice(0, 2), twin.slice(2)), 'twin');
  store = await Store.open(join(folder, 'store'));
  assert.equal(await store.blobNamed(oids[0]!.slice(0, 16)), null);
  assert.equal(await store.blobNamed(oids[0]!), oids[0]);
  await store.close();
  rmSync(join(folder, 'store', 'blobs', twin.slice(0, 2), twin.slice(2)));
  rmSync(join(folder, 'store', 'cache', 'hashes'));
  store = await Store.open(join(folder, 'store'));
  await allAreNamed();
  for (const oid of oids) assert.ok(await store.blobInfo(oid));
  await allAreNamed();
});
