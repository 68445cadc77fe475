import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  folder,
  isRoot,
  linkGroups,
  nastyTree,
  openStore,
  PY_TIME,
  rsyncDifferences,
  run,
  TIME,
  TreeBuilder,
  walk,
} from './support';

test('an image on disk is the published tree in all but times', async t => {
  const dir = folder(t);
  const tree = nastyTree(join(dir, 'tree'));
  const store = await openStore(t, join(dir, 'store'));
  const { image, paths, bytes, newObjects } = await store.publish(tree.dir, {
    name: 'nasty',
    version: '1',
    time: TIME,
  });

  assert.deepEqual(rsyncDifferences(tree.dir, image.dir), []);
  assert.deepEqual(linkGroups(image.dir), linkGroups(tree.dir));
  const files = [...walk(tree.dir)].filter(([, stat]) => stat.isFile());
  assert.equal(paths, [...walk(tree.dir)].length);
  assert.equal(
    bytes,
    files.reduce((sum, [, stat]) => sum + Number(stat.size), 0),
  );
  const content = (path: string): string => {
    const at = tree.at(path);
    if (lstatSync(at).isSymbolicLink()) return readlinkSync(at, 'latin1');
    return lstatSync(at).isFile() ? readFileSync(at, 'latin1') : '';
  };
  const contents = [...walk(tree.dir)].filter(([, stat]) => !stat.isDirectory()).map(([path]) => content(path));
  assert.equal(newObjects, new Set(contents).size);
  assert.equal(image.bytes, bytes);

  const report = await store.verify(image.commit);
  assert.deepEqual(report.problems, []);
  assert.deepEqual(report.notKept, []);
  assert.equal(report.paths, paths);
});

test('every time is 1 but those of sources whose compiled file records them', async t => {
  const dir = folder(t);
  const store = await openStore(t, join(dir, 'store'));
  const { image } = await store.publish(nastyTree(join(dir, 'tree')).dir, { name: 'nasty', version: '1', time: TIME });
  const others = [...walk(image.dir)].filter(([, stat]) => Number(stat.mtimeMs) !== 1000);
  assert.deepEqual(
    others.map(([path, stat]) => [path, Number(stat.mtimeMs) / 1000]),
    [['py/mod.py', PY_TIME]],
  );
});

test('the same tree is the same commit anywhere, and publishing a published image again changes nothing', async t => {
  const dir = folder(t);
  const tree = nastyTree(join(dir, 'tree'));
  const store = await openStore(t, join(dir, 'store'));
  const options = { name: 'nasty', version: '1', time: TIME };
  const first = await store.publish(tree.dir, options);
  const before = run('find', [store.dir, '-printf', '%P %i %T@\\n']);
  const again = await store.publish(tree.dir, options);
  assert.deepEqual(again.image, first.image);
  assert.equal(again.newObjects, 0);
  assert.equal(again.newBytes, 0);
  // Only the folder in which temporary files come and go has another time.
  const settled = (text: string) => text.split('\n').filter(line => !line.startsWith('partial '));
  assert.deepEqual(settled(run('find', [store.dir, '-printf', '%P %i %T@\\n'])), settled(before));

  const elsewhere = await openStore(t, join(dir, 'elsewhere'));
  const fromImage = await elsewhere.publish(first.image.dir, options);
  assert.equal(fromImage.image.commit, first.image.commit);
});

test('two versions share the inodes of what did not change, and only of that', async t => {
  const dir = folder(t);
  const tree = nastyTree(join(dir, 'tree'));
  const store = await openStore(t, join(dir, 'store'));
  const one = (await store.publish(tree.dir, { name: 'nasty', version: '1', time: TIME })).image;
  tree.file('etc/odd', 'changed', 0o654).file('etc/readonly', 'y', 0o440).file('new', 'new');
  const two = (await store.publish(tree.dir, { name: 'nasty', version: '2', time: TIME })).image;

  assert.deepEqual(rsyncDifferences(tree.dir, two.dir), []);
  assert.deepEqual(linkGroups(two.dir), linkGroups(tree.dir));
  const inodes = new Map([...walk(one.dir)].map(([path, stat]) => [path, stat.ino]));
  const apart = [...walk(two.dir)].filter(([path, stat]) => !stat.isDirectory() && inodes.get(path) !== stat.ino);
  assert.deepEqual(apart.map(([path]) => path).sort(), ['etc/odd', 'etc/readonly', 'new']);
  assert.deepEqual((await store.verify(one.commit)).problems, []);
});

test('two trees may claim one version: both are kept, the publisher is warned, and only the oid tells them apart', async t => {
  const dir = folder(t);
  const store = await openStore(t, join(dir, 'store'));
  const tree = new TreeBuilder(join(dir, 'tree')).file('a', '1');
  const one = await store.publish(tree.dir, { name: 'x', version: '1', time: TIME });
  assert.deepEqual(one.warnings, []);
  tree.file('a', '2');
  const two = await store.publish(tree.dir, { name: 'x', version: '1', time: TIME });
  assert.equal(two.warnings.length, 1);
  assert.match(two.warnings[0] ?? '', new RegExp(one.image.commit.slice(0, 7)));
  assert.deepEqual(
    store.refs().map(({ ref }) => ref),
    store
      .images()
      .map(image =>
        image.commit === one.image.commit ? 'refs/tags/x/1' : `refs/tags/x/1+${image.commit.slice(0, 7)}`,
      ),
  );
  assert.throws(() => store.resolve('1'), { code: 'ambiguous' });
  assert.throws(() => store.resolve('x/1'), { code: 'ambiguous' });
  assert.equal(store.resolve(two.image.commit.slice(0, 7)).commit, two.image.commit);
  assert.equal(store.resolve(`x/1+${two.image.commit.slice(0, 7)}`).commit, two.image.commit);
  assert.equal(readFileSync(join(two.image.dir, 'a'), 'utf8'), '2');
});

test('the release time is the given one, else SOURCE_DATE_EPOCH, else the newest time in the tree', async t => {
  const dir = folder(t);
  const store = await openStore(t, join(dir, 'store'));
  const tree = new TreeBuilder(join(dir, 'tree')).file('a', '1').time('a', 1234567).time('.', 1000);
  const timeOf = async (version: string, time?: number) =>
    (await store.publish(tree.dir, { name: 'x', version, time })).image.releaseTime;
  const epoch = process.env.SOURCE_DATE_EPOCH;
  t.after(() => {
    if (epoch === undefined) delete process.env.SOURCE_DATE_EPOCH;
    else process.env.SOURCE_DATE_EPOCH = epoch;
  });
  delete process.env.SOURCE_DATE_EPOCH;
  assert.equal(await timeOf('1'), '1970-01-15T06:56:07.000Z');
  process.env.SOURCE_DATE_EPOCH = '86400';
  assert.equal(await timeOf('2'), '1970-01-02T00:00:00.000Z');
  assert.equal(await timeOf('3', 60), '1970-01-01T00:01:00.000Z');
  process.env.SOURCE_DATE_EPOCH = 'yesterday';
  await assert.rejects(timeOf('4'), { code: 'usage' });
});

test('what must not be passed on is told', async t => {
  const dir = folder(t);
  const store = await openStore(t, join(dir, 'store'));
  const tree = new TreeBuilder(join(dir, 'tree'));
  tree.file('etc/shadow', 'root:*:1::::::\nbin:!:1::::::\nolpc::1::::::\nnew:!!:1::::::\n').file('etc/machine-id', '');
  tree.folder('home').file('etc/ssh/ssh_host_rsa_key.pub', 'public');
  assert.deepEqual((await store.publish(tree.dir, { name: 'x', version: '1', time: TIME })).warnings, []);
  tree
    .file('etc/shadow', 'root:*:1::::::\nolpc:$y$j9T$abcdefgh$ijklmnop:1::::::\n')
    .file('etc/machine-id', '0123abcd\n');
  tree.file('etc/ssh/ssh_host_rsa_key', 'secret').file('home/olpc/diary', 'dear');
  const { warnings } = await store.publish(tree.dir, { name: 'x', version: '2', time: TIME });
  assert.deepEqual(
    warnings.map(warning => warning.replace(/[:. ].*$/s, '')),
    ['/etc/machine-id', '/etc/shadow', '/etc/ssh/ssh_host_rsa_key', '1'],
  );
});

test('a socket is left out with a warning', async t => {
  const dir = folder(t);
  const store = await openStore(t, join(dir, 'store'));
  const tree = new TreeBuilder(join(dir, 'tree')).file('a', '1');
  run('python3', ['-c', 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])', join(tree.dir, 'sock')]);
  const { warnings, paths } = await store.publish(tree.dir, { name: 'x', version: '1', time: TIME });
  assert.equal(paths, 1);
  assert.deepEqual(warnings, ['/sock is a socket: left out.']);
});

test('what cannot be published is refused, and the store is as before', async t => {
  const dir = folder(t);
  const store = await openStore(t, join(dir, 'store'));
  const tree = new TreeBuilder(join(dir, 'tree')).file('a', '1');
  const contents = () => run('find', [store.dir, '-type', 'f', '-printf', '%P %s\\n']).split('\n').sort();
  const before = contents();
  const options = { name: 'x', version: '1', time: TIME };
  await assert.rejects(store.publish(join(dir, 'nothing'), options), { code: 'not-found' });
  await assert.rejects(store.publish(join(tree.dir, 'a'), options), { code: 'not-found' });
  await assert.rejects(store.publish(tree.dir, { ...options, name: '../x' }), { code: 'bad-name' });
  await assert.rejects(store.publish(tree.dir, { ...options, version: '' }), { code: 'bad-name' });
  await assert.rejects(store.publish(dir, options), { code: 'usage' });
  await assert.rejects(store.publish(tree.dir, { ...options, signal: AbortSignal.abort() }), { code: 'stopped' });
  assert.deepEqual(contents(), before);
  assert.deepEqual(readdirSync(join(store.dir, 'partial')), []);
});

test('a file that changes while it is read is refused', async t => {
  const dir = folder(t);
  const store = await openStore(t, join(dir, 'store'));
  const tree = new TreeBuilder(join(dir, 'tree')).file('b', Buffer.alloc(30_000_000, 'b'));
  for (let i = 0; i < 20; i++) tree.file(`a${i}`, String(i));
  // Somebody who never stops writing into the large file.
  const writer = spawn('sh', ['-c', 'echo on; while printf x >>b; do :; done'], { cwd: tree.dir, stdio: 'pipe' });
  try {
    await once(writer.stdout, 'data');
    await assert.rejects(store.publish(tree.dir, { name: 'x', version: '1', time: TIME }), {
      code: 'unsupported',
      message: '/b changed while it was being read.',
    });
  } finally {
    // Before the folder goes, or it would write into that.
    writer.kill('SIGKILL');
    await once(writer, 'close');
  }
  assert.deepEqual(store.images(), []);
  assert.deepEqual(
    readdirSync(join(store.dir, 'blobs')).flatMap(name => readdirSync(join(store.dir, 'blobs', name))),
    [],
  );
});

test('owners are recorded as root where that is asked for', async t => {
  const dir = folder(t);
  const store = await openStore(t, join(dir, 'store'));
  const tree = new TreeBuilder(join(dir, 'tree')).file('a', '1');
  if (isRoot) tree.owner('a', 1, 2).owner('.', 3, 4);
  const { image } = await store.publish(tree.dir, { name: 'x', version: '1', time: TIME, ownerRoot: true });
  const attributes = await store.readObject(image.attributes);
  assert.equal(attributes?.data.toString(), '#mtree\n');
});
