/** What getfattr, setcap, getcap and getfacl say is what must be so. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { fullAttributes } from '../../src/core/attributes';
import { MODE } from '../../src/core/tree';
import { asBytes, diskPath } from '../../src/store/disk';
import { readXattrs, setXattrs, type Xattrs } from '../../src/store/xattrs';
import { fetchInto, folder, isRoot, nastyTree, openStore, rsyncDifferences, run, TIME, TreeBuilder } from './support';

const FILE = fullAttributes({ mode: MODE.file }, undefined);
const PATH_OF_TOOLS = ['flock', 'sync', 'xargs', 'mknod'];

/** Any name that Linux takes. */
const names = fc
  .uint8Array({ minLength: 1, maxLength: 60 })
  .map(bytes => Buffer.from(bytes).toString('latin1').replace(/[\0/]/g, '='))
  .filter(name => name !== '.' && name !== '..');
const values = fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes));
const xattrs = fc.dictionary(
  names.map(name => `user.${name}`),
  values,
  { minKeys: 1, maxKeys: 4 },
);

test('whatever bytes are in names of files, names of attributes and values come back', async t => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(names, xattrs, { minKeys: 1, maxKeys: 6 }), async files => {
      const dir = join(folder(t), 'd');
      mkdirSync(dir);
      const base = asBytes(dir);
      const wanted = new Map(Object.entries(files).map(([path, xattrs]) => [path, { ...FILE, xattrs }]));
      for (const path of wanted.keys()) writeFileSync(diskPath(base, path), '');
      await setXattrs(dir, base, wanted);
      const found = await readXattrs(dir, ['', ...wanted.keys()]);
      assert.deepEqual(plain(found), plain(new Map([...wanted].map(([path, { xattrs }]) => [path, xattrs]))));
    }),
    { numRuns: 25 },
  );
});

test('many paths leave no listeners behind on the pipe they go through', async t => {
  const dir = folder(t);
  writeFileSync(join(dir, 'file'), '');
  const warnings: Error[] = [];
  const note = (warning: Error) => void warnings.push(warning);
  process.on('warning', note);
  try {
    await readXattrs(
      dir,
      Array.from({ length: 200_000 }, () => 'file'),
    );
    // A warning is told on the next turn.
    await new Promise(setImmediate);
  } finally {
    process.off('warning', note);
  }
  assert.deepEqual(warnings, []);
});

function plain(found: ReadonlyMap<string, Xattrs>): unknown {
  const text = (xattrs: Xattrs) => Object.entries(xattrs).map(([name, value]) => [name, value.toString('hex')]);
  return [...found].map(([path, xattrs]) => [path, text(xattrs).sort()]).sort();
}

test('capabilities and ACLs are those of the original, after a fetch, too', { skip: !isRoot }, async t => {
  const dir = folder(t);
  const tree = nastyTree(join(dir, 'tree')).folder('usr/bin').folder('var/log/journal', 0o2755);
  copyFileSync('/bin/true', join(tree.dir, 'usr/bin/ping'));
  run('setcap', ['cap_net_raw+ep', join(tree.dir, 'usr/bin/ping')]);
  tree.acl('var/log/journal', 'g:4:rx,d:g:4:rx,d:u:1000:rw').file('var/log/journal/inherits', 'x');
  const from = await openStore(t, join(dir, 'from'));
  const to = await openStore(t, join(dir, 'to'));
  const { image } = await from.publish(tree.dir, { name: 'caps', version: '1', time: TIME });
  const quarantine = await fetchInto(from, to, image.commit);
  await to.checkImage(image.commit, quarantine);
  const fetched = await to.stage(image.commit, quarantine);
  for (const at of [image.dir, fetched.dir]) {
    assert.match(run('getcap', [join(at, 'usr/bin/ping')]), /cap_net_raw=ep/);
    const acl = (root: string): string => run('getfacl', ['-n', '-c', '-p', '-R', 'var', 'etc'], { cwd: root });
    assert.equal(acl(at), acl(tree.dir));
    assert.match(acl(at), /default:user:1000:rw-/);
    assert.deepEqual(rsyncDifferences(tree.dir, at), []);
  }
  assert.deepEqual((await to.verify(image.commit)).problems, []);
});

test('a file with attributes is shared between images, unless the one that is held was tampered with', async t => {
  const dir = folder(t);
  const tree = new TreeBuilder(join(dir, 'tree')).file('a', 'x').file('b', 'y').xattr('a', 'user.n', '1');
  tree.xattr('b', 'user.n', '1');
  const store = await openStore(t, join(dir, 'store'));
  const first = await store.publish(tree.dir, { name: 'x', version: '1', time: TIME });
  run('setfattr', ['-n', 'user.n', '-v', 'tampered', join(first.image.dir, 'b')]);
  const { image } = await store.publish(tree.file('c', '').dir, { name: 'x', version: '2', time: TIME });
  const inode = (root: string, name: string): number => lstatSync(join(root, name)).ino;
  assert.equal(inode(image.dir, 'a'), inode(first.image.dir, 'a'));
  assert.notEqual(inode(image.dir, 'b'), inode(first.image.dir, 'b'));
  assert.deepEqual((await store.verify(image.commit)).problems, []);
  assert.deepEqual(
    (await store.verify(first.image.commit)).problems.map(({ path, problem }) => `${path} ${problem}`),
    isRoot ? ['/b has another attribute user.n'] : [],
  );
});

test('verify tells attributes that are missing, different and too many', { skip: !isRoot }, async t => {
  const dir = folder(t);
  const tree = new TreeBuilder(join(dir, 'tree')).file('a', 'x').xattr('a', 'user.n', '1').folder('d');
  const store = await openStore(t, join(dir, 'store'));
  const { image } = await store.publish(tree.dir, { name: 'x', version: '1', time: TIME });
  const told = async () => (await store.verify(image.commit)).problems.map(({ path, problem }) => `${path} ${problem}`);
  run('setfattr', ['-x', 'user.n', join(image.dir, 'a')]);
  assert.deepEqual(await told(), ['/a lacks the attribute user.n']);
  run('setfattr', ['-n', 'user.n', '-v', '1', join(image.dir, 'a')]);
  run('setfattr', ['-n', 'user.more', join(image.dir, 'd')]);
  assert.deepEqual(await told(), ['/d has the attribute user.more, which does not belong to it']);
});

test('labels of this machine are left out, and the publisher is told', { skip: !isRoot }, async t => {
  const dir = folder(t);
  const tree = new TreeBuilder(join(dir, 'tree')).file('a', 'x').file('b', 'y');
  const store = await openStore(t, join(dir, 'store'));
  const plainOne = await store.publish(tree.dir, { name: 'x', version: '1', time: TIME });
  run('setfattr', ['-n', 'security.selinux', '-v', 'system_u:object_r:etc_t:s0', join(tree.dir, 'a')]);
  const { image, warnings } = await store.publish(tree.dir, { name: 'x', version: '1', time: TIME });
  assert.equal(image.commit, plainOne.image.commit);
  assert.deepEqual(warnings, ['Attributes that mean nothing on other laptops are left out: security.selinux.']);
});

/** Publishes as a process that finds no getfattr. */
function publishWithoutTools(t: TestContext, tree: string): { warnings: string[] } {
  const dir = folder(t);
  mkdirSync(join(dir, 'bin'));
  for (const name of PATH_OF_TOOLS) symlinkSync(run('which', [name]).trim(), join(dir, 'bin', name));
  const words = [join(__dirname, 'store.tool.js'), 'publish', join(dir, 'store'), tree];
  const { stdout, stderr } = spawnSync(process.execPath, words, { env: { PATH: join(dir, 'bin') }, encoding: 'utf8' });
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as { warnings: string[] };
}

test('without getfattr the publisher is told that attributes were not read', t => {
  const tree = new TreeBuilder(join(folder(t), 'tree')).file('a', 'x');
  const { warnings } = publishWithoutTools(t, tree.dir);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /were not read .* package attr is not installed/);
});
