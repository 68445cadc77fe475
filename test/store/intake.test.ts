import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fromBuffer } from '../../src/core/bytes';
import { objectOid } from '../../src/core/object';
import { type Answer, Intake, identity, type Order } from '../../src/store/intake';
import { IntakePool } from '../../src/store/intake-pool';
import { Store } from '../../src/store/store';
import { folder, INTAKE_WORKER, nastyTree, openStore, TIME, TreeBuilder } from './support';

const OPTIONS = { name: 'x', version: '1', time: TIME };

function orderFor(path: string, likelyHeld = false): Order {
  const stat = lstatSync(path, { bigint: true });
  const type = stat.isSymbolicLink() ? 'symlink' : 'file';
  const absolute = fromBuffer(Buffer.from(path));
  return { path: absolute, type, size: Number(stat.size), identity: identity(stat), likelyHeld };
}

function place(dir: string) {
  const [blobs, temporary] = [join(dir, 'blobs'), join(dir, 'temporary')];
  mkdirSync(blobs);
  mkdirSync(temporary);
  return { blobs, temporary, prefix: 'a', lock: new SharedArrayBuffer(4) };
}

test('with threads and without, the same tree is the same image', async t => {
  const dir = folder(t);
  const tree = nastyTree(join(dir, 'tree'));
  // More than one batch for each thread, one content again and again, and files larger than one buffer.
  for (let i = 0; i < 700; i++) tree.file(`many/${i}`, `content ${i % 350}`);
  tree.file('large', Buffer.alloc(3_000_001, 'large'));
  tree.file('large again', Buffer.alloc(3_000_001, 'large'));
  const threaded = await openStore(t, join(dir, 'threaded'));
  const alone = await Store.open(join(dir, 'alone'));
  t.after(() => alone.close());
  const [one, other] = [await threaded.publish(tree.dir, OPTIONS), await alone.publish(tree.dir, OPTIONS)];
  assert.equal(one.image.commit, other.image.commit);
  assert.equal(one.newObjects, other.newObjects);
  assert.equal(one.newBytes, other.newBytes);
  assert.deepEqual((await threaded.verify(one.image.commit)).problems, []);
  assert.deepEqual(readdirSync(join(threaded.dir, 'partial')), []);
});

test('a blob that rotted is made anew by publishing its content again', async t => {
  for (const size of [5, 3_000_001]) {
    const dir = folder(t);
    const tree = new TreeBuilder(join(dir, 'tree'));
    const content = Buffer.alloc(size, 'good');
    tree.file('file', content);
    const first = await openStore(t, join(dir, 'store'));
    await first.publish(tree.dir, OPTIONS);
    const oid = objectOid('blob', content);
    const path = first.blobPath(oid);
    writeFileSync(path, Buffer.alloc(size, 'evil'));
    const { image } = await first.publish(tree.dir, { ...OPTIONS, version: '2' });
    assert.deepEqual(readFileSync(path), content);
    assert.deepEqual(readFileSync(join(image.dir, 'file')), content);
  }
});

test('each content is taken once, however many threads meet it at the same moment', async t => {
  const dir = folder(t);
  const { blobs } = place(dir);
  const files = Array.from({ length: 200 }, (_, i) => join(dir, `file${i}`));
  for (const file of files) writeFileSync(file, Buffer.alloc(10_000, 'the same'));
  const pool = new IntakePool(blobs, join(dir, 'pool'), INTAKE_WORKER);
  try {
    const answers = await Promise.all(files.map(file => pool.take(orderFor(file))));
    assert.equal(answers.filter(({ kind }) => kind === 'fresh').length, 1);
    assert.equal(answers.filter(({ kind }) => kind === 'there').length, 199);
  } finally {
    await pool.close();
  }
  assert.equal(existsSync(join(dir, 'pool')), false);
});

test('a file that is not the one that was found is told, and leaves nothing', async t => {
  for (const size of [100, 600_000]) {
    for (const likelyHeld of [false, true]) {
      for (const change of [size - 1, size + 1, size]) {
        const dir = folder(t);
        const at = place(dir);
        const file = join(dir, 'file');
        writeFileSync(file, Buffer.alloc(size, 1));
        const order = orderFor(file, likelyHeld);
        if (change === size) writeFileSync(file, Buffer.alloc(size, 2));
        else truncateSync(file, change);
        assert.deepEqual(new Intake(at).take(order), { kind: 'changed' } satisfies Answer);
        assert.deepEqual([readdirSync(at.blobs), readdirSync(at.temporary)], [[], []]);
      }
    }
  }
});

test('what a system call refuses is told with its code', async t => {
  const dir = folder(t);
  const at = place(dir);
  const file = join(dir, 'file');
  writeFileSync(file, 'x');
  const order = orderFor(file);
  const gone = new Intake(at).take({ ...order, path: `${order.path}-not` });
  assert.equal(gone.kind === 'failed' && gone.code, 'ENOENT');
  // A symlink in the place of the file must not be followed.
  const link = new Intake(at).take({ ...order, path: '/proc/self/exe' });
  assert.equal(link.kind === 'failed' && link.code, 'ELOOP');
  const nowhere = new Intake({ ...at, temporary: join(dir, 'nowhere') }).take(order);
  assert.equal(nowhere.kind === 'failed' && nowhere.code, 'ENOENT');
});

test('publishing fails cleanly when a thread ends, and works again afterwards', async t => {
  const dir = folder(t);
  const tree = nastyTree(join(dir, 'tree'));
  const program = join(dir, 'dies.js');
  writeFileSync(program, "require('worker_threads').parentPort.on('message', () => process.exit(3));\n");
  const store = await Store.open(join(dir, 'store'), { intakeWorker: program });
  await assert.rejects(store.publish(tree.dir, OPTIONS), { code: 'internal' });
  assert.deepEqual(readdirSync(join(store.dir, 'partial')), []);
  assert.deepEqual(store.images(), []);
  await store.close();
  const again = await openStore(t, join(dir, 'store'));
  await again.publish(tree.dir, OPTIONS);
});
