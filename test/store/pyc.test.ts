/** Which times an image keeps: those that compiled Python files record of their sources, wherever these really are. */
import assert from 'node:assert/strict';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, openStore, PY_TIME, pyc, TIME, TreeBuilder, walk } from './support';

/** As Python 2 writes it: the time right after the magic number. */
function pyc2(time: number): Buffer {
  const data = Buffer.alloc(40);
  data.write('\x03\xf3\r\n', 'latin1');
  data.writeUInt32LE(time, 4);
  return data;
}

test('the time of a source is kept where a compiled file records it, also through symlinks, also of Python 2', async t => {
  const dir = folder(t);
  const tree = new TreeBuilder(join(dir, 'tree'));
  const source = (path: string, time: number): void => void tree.file(path, `# ${path}\n`).time(path, time);
  const compiled = (path: string, time: number): void => void tree.file(path, pyc(time));
  const kept: Record<string, number> = {};
  const keeps = (path: string, time: number): void => {
    source(path, time);
    kept[path] = time;
  };

  keeps('lib/plain.py', PY_TIME);
  compiled('lib/__pycache__/plain.cpython-311.pyc', PY_TIME);
  // As Debian's sitecustomize: the file is in /etc.
  keeps('etc/python/site.py', PY_TIME + 1);
  tree.symlink('lib/site.py', '/etc/python/site.py');
  compiled('lib/__pycache__/site.cpython-311.pyc', PY_TIME + 1);
  // Over a folder that is a symlink, and back up.
  keeps('opt/real/deep.py', PY_TIME + 2);
  tree
    .symlink('opt/alias', 'real')
    .symlink('lib/hop.py', '../opt/alias/../alias/deep.py')
    .symlink('lib/deep.py', 'hop.py');
  compiled('lib/__pycache__/deep.cpython-311.opt-1.pyc', PY_TIME + 2);
  // Another name of one inode.
  keeps('lib/one.py', PY_TIME + 3);
  tree.link('lib/one.py', 'opt/two.py').time('lib/one.py', PY_TIME + 3);
  kept['opt/two.py'] = PY_TIME + 3;
  compiled('lib/__pycache__/one.cpython-311.pyc', PY_TIME + 3);
  keeps('lib/python2/old.py', PY_TIME + 4);
  tree.file('lib/python2/old.pyc', pyc2(PY_TIME + 4)).file('lib/python2/old.pyo', pyc2(5));
  // Nothing is recorded of these, or something else, or nothing is there.
  source('lib/stale.py', PY_TIME);
  compiled('lib/__pycache__/stale.cpython-311.pyc', PY_TIME - 1);
  source('etc/python/stale.py', PY_TIME);
  tree
    .symlink('lib/far.py', '../etc/python/stale.py')
    .symlink('lib/gone.py', 'nowhere')
    .symlink('lib/loop.py', 'loop.py');
  tree.symlink('lib/out.py', '../../../../../../../../etc/passwd').symlink('lib/dir.py', '/etc');
  for (const name of ['far', 'gone', 'loop', 'out', 'dir']) compiled(`lib/__pycache__/${name}.cpython-311.pyc`, 7);
  tree
    .file('lib/short.py', '')
    .file('lib/__pycache__/short.cpython-311.pyc', 'cut')
    .folder('lib/x.pyc')
    .file('lib/x.py', '');

  const store = await openStore(t, join(dir, 'store'));
  const { image } = await store.publish(tree.dir, { name: 'x', version: '1', time: TIME, ownerRoot: true });
  const found: Record<string, number> = {};
  for (const [path] of walk(image.dir)) {
    const seconds = lstatSync(join(image.dir, path)).mtimeMs / 1000;
    if (seconds !== 1) found[path] = seconds;
  }
  assert.deepEqual(found, kept);
});
