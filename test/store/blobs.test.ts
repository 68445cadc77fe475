import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { EMPTY_BLOB, objectOid } from '../../src/core/object';
import type { Store } from '../../src/store/store';
import { StoreView } from '../../src/store/view';
import { folder, openStore } from './support';

async function emptyStore(t: TestContext): Promise<Store> {
  const store = await openStore(t, join(folder(t), 'store'));
  return store;
}

async function receive(store: Store, content: Buffer, chunk = 65_536): Promise<string> {
  const oid = objectOid('blob', content);
  const writer = store.receiveBlob(oid, content.length);
  for (let at = 0; at < content.length; at += chunk) writer.write(content.subarray(at, at + chunk));
  writer.commit();
  return oid;
}

const partial = (store: Store): string[] => readdirSync(join(store.dir, 'partial'));

test('blobs of any size are kept byte for byte, and nothing else remains', async t => {
  const store = await emptyStore(t);
  const sizes = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(262_143, 262_144, 262_145, 1_000_003));
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 1, max: 400_000 }), async (size, chunk) => {
      const content = randomBytes(size);
      const oid = await receive(store, content, Math.max(chunk, size / 50));
      assert.deepEqual(readFileSync(store.blobPath(oid)), content);
      const sha256 = createHash('sha256').update(content).digest('hex');
      assert.deepEqual(await store.blobInfo(oid), { size, sha256 });
      const blob = await store.openBlob(oid);
      assert.ok(blob !== null);
      assert.deepEqual(await blob.handle.readFile(), content);
      await blob.handle.close();
    }),
    { numRuns: 40 },
  );
  assert.deepEqual(partial(store), []);
});

test('what does not hash to its name is never kept', async t => {
  const store = await emptyStore(t);
  for (const size of [10, 1_000_000]) {
    const content = randomBytes(size);
    const oid = objectOid('blob', content);
    const wrong = Buffer.from(content);
    wrong.writeUInt8(wrong.readUInt8(size - 1) ^ 1, size - 1);

    const flipped = store.receiveBlob(oid, size);
    flipped.write(wrong);
    assert.throws(() => flipped.commit(), { code: 'source-lied' });

    const short = store.receiveBlob(oid, size);
    short.write(content.subarray(1));
    assert.throws(() => short.commit(), { code: 'source-lied' });

    const long = store.receiveBlob(oid, size);
    long.write(content);
    assert.throws(() => long.write(Buffer.from('x')), { code: 'source-lied' });
    long.abort();

    const claimed = store.receiveBlob(oid, size - 1);
    assert.throws(() => claimed.write(content), { code: 'source-lied' });
    claimed.abort();

    const stopped = store.receiveBlob(oid, size);
    stopped.write(content.subarray(0, 5));
    stopped.abort();
    stopped.abort();

    assert.equal(await store.hasBlob(oid), false);
    assert.equal(await store.blobInfo(oid), null);
    assert.equal(await store.openBlob(oid), null);
    assert.equal(existsSync(store.blobPath(oid)), false);
  }
  assert.deepEqual(partial(store), []);
});

test('two sources may bring one blob at once', async t => {
  const store = await emptyStore(t);
  for (const size of [100, 700_000]) {
    const content = randomBytes(size);
    const writers = [1, 2].map(() => store.receiveBlob(objectOid('blob', content), size));
    for (const writer of writers) writer.write(content);
    for (const writer of writers) writer.commit();
    assert.equal(await store.hasBlob(objectOid('blob', content)), true);
  }
  assert.deepEqual(partial(store), []);
});

test('a blob whose file was changed is hashed again, and believed only if it is still what its name says', async t => {
  const store = await emptyStore(t);
  const content = randomBytes(5000);
  const oid = await receive(store, content);
  utimesSync(store.blobPath(oid), 77, 77);
  assert.equal((await store.blobInfo(oid))?.size, 5000);
  chmodSync(store.blobPath(oid), 0o600);
  writeFileSync(store.blobPath(oid), Buffer.alloc(5000));
  assert.equal(await store.openBlob(oid), null);
  assert.equal(await store.hasBlob(oid), false);
  // And it can be fetched again.
  assert.equal(await receive(store, content), oid);
  assert.equal(await store.hasBlob(oid), true);
});

test('the hash cache can be lost, cut off or overwritten without anything being lost', async t => {
  const dir = join(folder(t), 'store');
  const contents = Array.from({ length: 50 }, (_, i) => randomBytes(i * 17));
  const first = await openStore(t, dir);
  const oids = await Promise.all(contents.map(content => receive(first, content)));
  await first.close();
  const cache = join(dir, 'cache/hashes');
  const { size } = lstatSync(cache);
  assert.equal(size, 8 + 80 * 50);
  const damages: (() => void)[] = [
    () => rmSync(cache),
    () => truncateSync(cache, size - 33),
    () => truncateSync(cache, 3),
    () => writeFileSync(cache, randomBytes(size)),
    () => writeFileSync(cache, Buffer.concat([readFileSync(cache).subarray(0, 800), Buffer.alloc(size - 800)])),
  ];
  for (const damage of damages) {
    damage();
    const store = await openStore(t, dir);
    for (const [i, oid] of oids.entries()) {
      const sha256 = createHash('sha256')
        .update(contents[i] ?? '')
        .digest('hex');
      assert.deepEqual(await store.blobInfo(oid), { size: i * 17, sha256 });
    }
    await store.close();
    assert.equal(lstatSync(cache).size, size);
  }
});

test('a blob that a power failure tore is not believed', async t => {
  const dir = join(folder(t), 'store');
  const content = randomBytes(4000);
  const store = await openStore(t, dir);
  const oid = await receive(store, content);
  // What is not synced has no record: as if the power went now.
  const torn = await StoreView.open(dir);
  truncateSync(store.blobPath(oid), 0);
  assert.equal(await torn.hasBlob(oid), false);
  assert.equal(await torn.hasBlob(EMPTY_BLOB), false);
  await store.close();
});

test('an old record never vouches for a new file, even one with the same inode, size and time', async t => {
  const dir = join(folder(t), 'store');
  const store = await openStore(t, dir);
  const content = randomBytes(4000);
  const oid = await receive(store, content);
  const quarantine = await store.quarantine('a'.repeat(40));
  await store.close();

  const again = await openStore(t, dir);
  await (await again.quarantine(basename(quarantine.dir))).discard();
  assert.equal(existsSync(again.blobPath(oid)), false);
  // Discarding swept the blob and its record: a torn file in its place has nobody to speak for it.
  const reader = await StoreView.open(dir);
  mkdirSync(dirname(again.blobPath(oid)), { recursive: true });
  writeFileSync(again.blobPath(oid), Buffer.alloc(4000));
  utimesSync(again.blobPath(oid), 1, 1);
  assert.equal(await reader.hasBlob(oid), false);
  assert.equal(readFileSync(join(dir, 'cache/hashes')).includes(Buffer.from(oid, 'hex')), false);
});

test('names that are no oids are a defect of the caller', async t => {
  const store = await emptyStore(t);
  assert.throws(() => store.blobPath('../../etc/passwd'), RangeError);
  await assert.rejects(store.hasBlob('ABC'), RangeError);
  assert.throws(() => store.receiveBlob('', 3), RangeError);
  assert.throws(() => store.receiveBlob(EMPTY_BLOB, -1), { code: 'source-lied' });
  assert.throws(() => store.receiveBlob(EMPTY_BLOB, Number.NaN), { code: 'source-lied' });
});
