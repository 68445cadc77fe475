/** What only shows in a process of its own: memory, mount points, an ordinary user. */
import assert from 'node:assert/strict';
import { chownSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { VerifyReport } from '../../src/store/store';
import { folder, isRoot, run, TreeBuilder } from './support';

const node = process.execPath;
const tool = join(__dirname, 'store.tool.js');

test('memory stays flat whatever the size of a file', t => {
  const dir = folder(t);
  const peak = (name: string, bytes: number): number => {
    const tree = new TreeBuilder(join(dir, name)).file('large', '');
    truncateSync(tree.at('large'), bytes);
    const result = JSON.parse(run(node, [tool, 'publish', join(dir, `${name}-store`), tree.dir]));
    assert.equal(result.bytes, bytes);
    return result.maxRSS / 1024;
  };
  const small = peak('small', 1 << 20);
  const large = peak('large', 300 << 20);
  assert.ok(large < small + 50, `${large} MB for 300 MB, ${small} MB for 1 MB`);
});

test('a mount point in the tree is refused, for what is below it is not the tree', t => {
  const dir = folder(t);
  const tree = new TreeBuilder(join(dir, 'tree')).folder('a/mnt').file('b', '');
  const script = 'mount -t tmpfs none "$1/a/mnt" && "$2" "$3" publish "$4" "$1"';
  const args = ['--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh'];
  const error = JSON.parse(run('unshare', [...args, tree.dir, node, tool, join(dir, 'store')]));
  assert.equal(error.code, 'unsupported');
  assert.equal(error.message, '/a/mnt is on another file system.');
});

test('when the disk is full, publishing says so and leaves room again', t => {
  const dir = folder(t);
  const tree = new TreeBuilder(join(dir, 'tree'));
  for (let i = 0; i < 40; i++) tree.file(`${i}`, Buffer.alloc(200_000, i));
  tree.file('large', Buffer.alloc(3_000_000, 'large'));
  new TreeBuilder(join(dir, 'store'));
  const script =
    'mount -t tmpfs -o size=6m none "$1" && "$2" "$3" publish "$1/store" "$4" && find "$1/store/blobs" -type f';
  const args = ['--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh', join(dir, 'store'), node, tool];
  const [error = '', ...left] = run('unshare', [...args, tree.dir]).split('\n');
  assert.equal(JSON.parse(error).code, 'no-space');
  assert.deepEqual(left, ['']);
});

test('an ordinary user publishes, fetches and verifies; what only root can keep is told apart from damage', t => {
  const dir = folder(t);
  // The tool becomes nobody, if it is root, before it does anything.
  if (isRoot) chownSync(dir, 65534, 65534);
  const { own, fetched, unreadable, uid } = JSON.parse(run(node, [join(__dirname, 'user.tool.js'), dir])) as {
    uid: number;
    own: { rsync: string[]; report: VerifyReport };
    fetched: VerifyReport;
    unreadable: { code: string; message: string };
  };
  assert.notEqual(uid, 0);
  assert.deepEqual(own.rsync, []);
  assert.deepEqual(own.report.problems, []);
  // Recorded as root's, kept as the user's: every path, and the root of the image.
  assert.equal(own.report.notKept.length, own.report.paths + 1);
  assert.ok(own.report.notKept.every(({ problem }) => problem.includes('instead of 0:0')));

  assert.deepEqual(fetched.problems, []);
  const about = (path: string) => fetched.notKept.filter(found => found.path === path).map(({ problem }) => problem);
  assert.match(about('/dev/null').join(), /an empty file: only root makes devices/);
  assert.match(about('/etc/gshadow').join(), /mode 0000 is kept as 0400/);
  assert.match(about('/etc/gshadow').join(), /instead of 0:42/);
  assert.match(about('/locked').join(), /mode 0111 is kept as 0711/);
  assert.equal(unreadable.code, 'no-permission');
  assert.match(unreadable.message, /^\/secret cannot be read/);
});
