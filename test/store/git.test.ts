/** Real git reads what the store writes. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { looseObject } from '../../src/core/object';
import { Store } from '../../src/store/store';
import { folder, nastyTree, openStore, run, TIME, TreeBuilder, walk } from './support';

test('git reads commits, refs and trees, names that are not text included', async t => {
  const dir = folder(t);
  const tree = nastyTree(join(dir, 'tree'));
  const store = await openStore(t, join(dir, 'store'));
  const { image } = await store.publish(tree.dir, { name: 'nasty', version: '1.0', time: TIME });
  await store.use(image.commit);
  const git = (...args: string[]) => run('git', ['--git-dir', join(store.dir, 'git'), ...args]);

  assert.equal(
    git('for-each-ref', '--format=%(objecttype) %(objectname) %(refname)'),
    `commit ${image.commit} refs/heads/current\ncommit ${image.commit} refs/tags/nasty/1.0\n`,
  );
  assert.equal(git('symbolic-ref', 'HEAD'), 'refs/heads/current\n');
  assert.equal(git('rev-parse', 'HEAD'), `${image.commit}\n`);
  assert.equal(git('log', '-1', '--format=%ad %cd %s', '--date=unix'), `${TIME} ${TIME} nasty 1.0\n`);
  assert.equal(git('rev-parse', 'HEAD:root', 'HEAD:attributes'), `${image.root}\n${image.attributes}\n`);

  const listed = git('ls-tree', '-r', '-z', '--name-only', `${image.commit}:root`).split('\0').slice(0, -1);
  const onDisk = [...walk(tree.dir)].filter(([, stat]) => !stat.isDirectory()).map(([path]) => path);
  assert.deepEqual(listed.sort(), onDisk.sort());
  assert.deepEqual(
    git('cat-file', '-p', image.attributes),
    (await store.readObject(image.attributes))?.data.toString('latin1'),
  );
});

test('with the blobs added, git fsck finds nothing wrong and a clone has the contents', async t => {
  const dir = folder(t);
  // git itself refuses to check out `.git` and the like, so that this one holds friendlier names.
  const tree = new TreeBuilder(join(dir, 'tree'));
  tree
    .file('bin/sh', '#!\n', 0o755)
    .symlink('sh', 'bin/sh')
    .folder('empty')
    .file('etc/\xff\\x', 'bytes')
    .file('a.b', '');
  const store = await openStore(t, join(dir, 'store'));
  const { image } = await store.publish(tree.dir, { name: 'x', version: '1', time: TIME });
  await store.use(image.commit);
  await store.close();

  const whole = join(dir, 'whole.git');
  run('cp', ['-a', join(store.dir, 'git'), whole]);
  for (const prefix of readdirSync(join(store.dir, 'blobs'))) {
    mkdirSync(join(whole, 'objects', prefix), { recursive: true });
    for (const rest of readdirSync(join(store.dir, 'blobs', prefix))) {
      const content = readFileSync(join(store.dir, 'blobs', prefix, rest));
      writeFileSync(join(whole, 'objects', prefix, rest), looseObject('blob', content));
    }
  }
  assert.equal(run('git', ['--git-dir', whole, 'fsck', '--full', '--strict', '--no-dangling']), '');
  run('git', ['clone', '-q', whole, join(dir, 'clone')]);
  assert.equal(run('git', ['-C', join(dir, 'clone'), 'status', '--porcelain']), '');
  assert.equal(readFileSync(join(dir, 'clone/root/bin/sh'), 'utf8'), '#!\n');
  assert.ok(existsSync(join(dir, 'clone/attributes')));
});

test('a store whose repository lost its HEAD in a crash gets it back', async t => {
  const dir = folder(t);
  const store = await openStore(t, join(dir, 'store'));
  await store.close();
  run('rm', [join(store.dir, 'git/HEAD')]);
  await (await Store.open(join(dir, 'store'))).close();
  assert.equal(readFileSync(join(store.dir, 'git/HEAD'), 'utf8'), 'ref: refs/heads/current\n');
});
