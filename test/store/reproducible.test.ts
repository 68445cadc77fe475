/** The same tree gives the same commit, whoever publishes it, wherever it lies, however the folder lists it. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, isRoot, linkGroups, run, TreeBuilder } from './support';

const tool = join(__dirname, 'store.tool.js');
/** Neither C nor the language of whoever runs the tests; with other rules for sorting and for what is upper case. */
const FOREIGN = { LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8', TZ: 'Pacific/Kiritimati' };

/** Without what only root could read. */
function tree(dir: string): string {
  const tree = new TreeBuilder(dir).folder('empty').folder('tmp', 0o1777).symlink('sh', 'bin/sh');
  tree.file('bin/sh', '#!\n', 0o755).file('bin/su', 's', 0o4755).file('etc/Iıİi', 'turkish').file('etc/\xff', 'bytes');
  for (const name of ['b', 'B', 'a', 'A', 'é', 'z', 'Z', '_', '10', '9', 'a.b', 'a-b'])
    tree.file(`names/${name}/x`, name);
  tree.file('hard/z', 'one').link('hard/z', 'hard/a').link('hard/z', 'bin/m').file('hard/y', 'two').link('hard/y', 'b');
  if (isRoot) tree.owner('bin/su', 0, 8).owner('empty', 1000, 1000).node('null', 'c 1 3', 0o666).node('fifo', 'p');
  // The root's own time counts: it may be the newest.
  run('find', [dir, '-exec', 'touch', '-h', '-d', '2020-01-01', '{}', '+']);
  return dir;
}

/** A copy whose entries were made in the other order, so that inodes and listings differ. */
function reversed(from: string, to: string): string {
  mkdirSync(to, { mode: 0o700 });
  const names = run('ls', ['-A', '-r', from]).trim().split('\n');
  // One call: hard links between them must survive.
  run('cp', ['-a', ...names.map(name => join(from, name)), to]);
  run('touch', ['-d', '2020-01-01', to]);
  chmodSync(to, 0o755);
  return to;
}

interface How {
  env?: Record<string, string>;
  umask?: string;
  nobody?: boolean;
}

/** Publishes in a process of its own; the commit and the manifest's hash are what counts. */
function publish(store: string, dir: string, { env = {}, umask = '022', nobody = false }: How): string {
  mkdirSync(store);
  if (nobody) run('chown', ['65534:65534', store]);
  const user = nobody ? 'setpriv --reuid=65534 --regid=65534 --clear-groups' : '';
  const words = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const script = `umask ${umask}; exec ${user} env ${words.join(' ')} "$0" "$@"`;
  const result = JSON.parse(run('sh', ['-c', script, process.execPath, tool, 'publish', join(store, 's'), dir]));
  assert.equal(typeof result.image?.commit, 'string', JSON.stringify(result));
  return result.image.commit;
}

test('user, umask, language, time zone, order and file system make no difference', t => {
  const dir = folder(t);
  chmodSync(dir, 0o755);
  const one = tree(join(dir, 'tree'));
  const memory = mkdtempSync('/dev/shm/pass-it-on-');
  t.after(() => run('rm', ['-rf', memory]));
  const ways: [string, string, How][] = [
    ['as it is', one, {}],
    ['another language and time zone', one, { env: FOREIGN }],
    ['a strict umask', one, { umask: '077' }],
    ['made in another order', reversed(one, join(dir, 'reversed')), {}],
    // A memory disk lists folders in its own order.
    ['on another file system', reversed(one, join(memory, 'tree')), {}],
  ];
  if (isRoot) ways.push(['an ordinary user', one, { nobody: true, umask: '027', env: FOREIGN }]);
  assert.equal(linkGroups(ways[3]![1]).length, 2);
  const commits = ways.map(([name, tree, how], i) => [name, publish(join(dir, `store-${i}`), tree, how)]);
  assert.deepEqual(
    commits,
    ways.map(([name]) => [name, commits[0]![1]]),
  );
});
