/**
 * The store under kill -9 and power failure. A crash may come before or after any single change to the file system;
 * afterwards the store opens, every image in it is whole, nothing half-done remains, and the work can be done again.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { isOid, objectOid } from '../../src/core/object';
import { HashCache } from '../../src/store/hashcache';
import { KEPT } from '../../src/store/layout';
import { Store } from '../../src/store/store';
import { StoreView } from '../../src/store/view';
import { folder, isRoot, linkGroups, pyc, rsyncDifferences, run, TIME, TreeBuilder } from '../store/support';

const tool = join(__dirname, 'store.tool.js');

/** Small, with one of each kind, so that a test can crash at every step of its way. */
function treeOf(dir: string, version: string): TreeBuilder {
  const tree = new TreeBuilder(dir);
  tree.file('bin/sh', 'shell', 0o755).file('version', version).file('etc/empty', '').file('etc/empty2', '');
  tree.file('lib/big', Buffer.alloc(300_000, version)).file('hard/a', 'hard').link('hard/a', 'hard/b').folder('home');
  tree.symlink('sh', 'bin/sh').file('py/m.py', '').file('py/__pycache__/m.cpython-311.pyc', pyc(9)).time('py/m.py', 9);
  if (isRoot) tree.node('null', 'c 1 3', 0o666).file('etc/shadow', 'x', 0o640).owner('etc/shadow', 0, 42);
  return tree;
}

/** Runs the tool; true when it came to its end, with the number of its steps. */
function work(args: string[], crash?: { at: number; when: 'before' | 'after' }): number | null {
  const env = { ...process.env, CRASH_AT: crash === undefined ? '' : String(crash.at), CRASH_WHEN: crash?.when ?? '' };
  if (crash === undefined) delete (env as Partial<typeof env>).CRASH_AT;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [tool, ...args], { env });
  if (signal === 'SIGKILL') return null;
  assert.equal(status, 0, stderr.toString());
  return Number(stdout);
}

/** What power failure may do on top of a crash: whatever was not synced is cut off. `before`: the store as it was. */
function tearUnsynced(dir: string, before: string): void {
  const records = new HashCache(join(dir, 'cache/hashes'), dir, true);
  for (const prefix of existsSync(join(dir, 'blobs')) ? readdirSync(join(dir, 'blobs')) : []) {
    for (const rest of readdirSync(join(dir, 'blobs', prefix))) {
      const path = join(dir, 'blobs', prefix, rest);
      // In an image, on record, or there before: it was on the disk before any of it came to be.
      const { nlink, size } = lstatSync(path);
      const durable =
        nlink > 1 || records.get(prefix + rest) !== null || existsSync(join(before, 'blobs', prefix, rest));
      if (!durable) truncateSync(path, size >> 1);
    }
  }
  for (const name of existsSync(join(dir, 'partial')) ? readdirSync(join(dir, 'partial')) : []) {
    if (!isOid(name) && !name.startsWith(KEPT)) continue;
    for (const line of run('find', [join(dir, 'partial', name), '-type', 'f'])
      .split('\n')
      .filter(Boolean)) {
      truncateSync(line, lstatSync(line).size >> 1);
    }
  }
}

/** What must hold after any crash. */
async function assertSound(dir: string): Promise<void> {
  const store = await Store.open(dir);
  for (const image of store.images()) {
    assert.deepEqual((await store.verify(image.commit)).problems, []);
    run('git', ['--git-dir', join(dir, 'git'), 'ls-tree', '-r', `${image.commit}:root`]);
  }
  const { current } = store.state;
  if (current !== null) assert.equal(readFileSync(join(dir, 'current/version'), 'utf8'), current.version);
  const partial = readdirSync(join(dir, 'partial'));
  // What came of a large blob waits for the rest, for as long as its image is unfinished.
  const unfinished = partial.some(isOid);
  assert.deepEqual(
    partial.filter(name => !isOid(name) && !(unfinished && name.startsWith(KEPT))),
    [],
  );
  const dirs = store.images().map(image => image.dir.slice(image.dir.lastIndexOf('/') + 1));
  assert.deepEqual(readdirSync(join(dir, 'images')).sort(), dirs.sort());
  const tags = run('git', ['--git-dir', join(dir, 'git'), 'tag'])
    .split('\n')
    .filter(Boolean);
  assert.equal(tags.length, dirs.length);
  for (const prefix of readdirSync(join(dir, 'blobs'))) {
    for (const rest of readdirSync(join(dir, 'blobs', prefix))) {
      const held = await store.hasBlob(prefix + rest);
      if (held) assert.equal(objectOid('blob', readFileSync(store.blobPath(prefix + rest))), prefix + rest);
    }
  }
  await store.close();
}

type Crash = { at: number; when: 'before' | 'after'; power: boolean };

/** Steps to crash at: the first, the last, and others that differ each time; EVERY_STEP=1 takes them all (minutes). */
function crashes(steps: number): Crash[] {
  const all = Array.from({ length: steps }, (_, i) => i + 1);
  const some = fc.sample(fc.constantFrom(...all), 10);
  const chosen = process.env.EVERY_STEP === '1' ? all : [...new Set([1, ...some, steps - 2, steps - 1, steps])];
  return chosen.flatMap(at => {
    const [when, power] = fc.sample(
      fc.tuple(fc.constantFrom('before' as const, 'after' as const), fc.boolean()),
      1,
    )[0]!;
    return [{ at, when, power }];
  });
}

interface Scenario {
  name: string;
  /** Arguments of the tool after the store; `from` is a store that holds 1 and 2. */
  args(from: string, trees: string[]): [command: string, ...rest: string[]];
  /** Versions in the store at first, and when the work has been done. */
  first: string[];
  afterwards: string[];
  current: string;
}

const scenarios: Scenario[] = [
  {
    name: 'publishing',
    args: (_, trees) => ['publish', trees[1]!, '2'],
    first: ['1'],
    afterwards: ['2', '1'],
    current: '1',
  },
  {
    name: 'fetching and staging',
    args: from => ['fetch', from, '2'],
    first: ['1'],
    afterwards: ['2', '1'],
    current: '2',
  },
  { name: 'removing', args: () => ['remove', '2'], first: ['1', '2'], afterwards: ['1'], current: '1' },
  { name: 'cleaning', args: () => ['clean'], first: ['1', '2'], afterwards: ['1'], current: '1' },
  { name: 'forgetting', args: from => ['discard', from, '2'], first: ['1'], afterwards: ['1'], current: '1' },
];

for (const { name, args, first, afterwards, current } of scenarios) {
  test(`a crash, or the power going, at any step of ${name}`, async t => {
    const dir = folder(t);
    const trees = ['1', '2'].map(version => treeOf(join(dir, version), version).dir);
    const make = async (at: string, versions: string[]): Promise<void> => {
      const store = await Store.open(at);
      for (const version of versions) {
        await store.publish(trees[Number(version) - 1]!, { name: 'x', version, time: TIME });
      }
      await store.use(store.resolve('1').commit);
      await store.close();
    };
    const [from, template] = [join(dir, 'from'), join(dir, 'template')];
    await make(from, ['1', '2']);
    await make(template, first);
    const [command, ...rest] = args(from, trees);
    const blobs = (store: string): string => run('find', [join(store, 'blobs'), '-type', 'f', '-printf', '%P\\n']);
    const sorted = (lines: string): string[] => lines.split('\n').sort();

    const whole = join(dir, 'whole');
    run('cp', ['-a', template, whole]);
    const steps = work([command, whole, ...rest]) ?? 0;
    assert.ok(steps > 20, `${steps} steps`);

    for (const crash of crashes(steps)) {
      await t.test(`${crash.power ? 'power' : 'crash'} ${crash.when} step ${crash.at} of ${steps}`, async () => {
        const store = join(dir, `at-${crash.at}`);
        run('cp', ['-a', template, store]);
        assert.equal(work([command, store, ...rest], crash), null, 'it came to its end');
        if (crash.power) tearUnsynced(store, template);
        await assertSound(store);
        const versions = await versionsIn(store);
        for (const version of afterwards) if (first.includes(version)) assert.ok(versions.includes(version));

        // Again, unless it had been done; then everything is as if nothing had happened.
        if (command !== 'remove' || versions.includes('2')) work([command, store, ...rest]);
        await assertSound(store);
        assert.deepEqual(await versionsIn(store), afterwards);
        assert.deepEqual(sorted(blobs(store)), sorted(blobs(whole)));
        const reader = await StoreView.open(store);
        assert.equal(reader.state.current?.version, current);
        for (const image of reader.images()) {
          const tree = trees[Number(image.version) - 1]!;
          assert.deepEqual(rsyncDifferences(tree, image.dir), []);
          assert.deepEqual(linkGroups(image.dir), linkGroups(tree));
        }
        run('rm', ['-rf', store]);
      });
    }
  });
}

test('a crash at any step of mending loses nothing that was there, and mending goes on afterwards', async t => {
  const dir = folder(t);
  const template = join(dir, 'template');
  const store = await Store.open(template);
  for (const version of ['1', '2']) {
    await store.publish(treeOf(join(dir, version), version).dir, { name: 'x', version, time: TIME });
  }
  const { dir: image } = store.resolve('1');
  await store.use(store.resolve('1').commit);
  await store.close();
  // Shared with the other image; lost; not a link any more; and something that does not belong there.
  run('chmod', ['600', join(image, 'bin/sh')]);
  run('rm', [join(image, 'lib/big'), join(image, 'hard/a')]);
  run('cp', ['-a', join(image, 'hard/b'), join(image, 'hard/a')]);
  run('cp', ['-a', join(image, 'py'), join(image, 'py2')]);
  const copyOf = (name: string): string => {
    run('cp', ['-a', template, join(dir, name)]);
    return join(dir, name);
  };
  const steps = work(['repair', copyOf('whole'), '1']) ?? 0;
  assert.ok(steps > 20, `${steps} steps`);
  await assertSound(join(dir, 'whole'));
  for (const crash of crashes(steps)) {
    await t.test(`${crash.when} step ${crash.at} of ${steps}`, async () => {
      const at = copyOf(`at-${crash.at}`);
      assert.equal(work(['repair', at, '1'], crash), null, 'it came to its end');
      assert.deepEqual(await versionsIn(at), ['2', '1']);
      work(['repair', at, '1']);
      await assertSound(at);
      run('rm', ['-rf', at]);
    });
  }
});

async function versionsIn(dir: string): Promise<string[]> {
  const store = await StoreView.open(dir);
  return store.images().map(image => image.version);
}
