/** Looking after images, as a person does it: the real commands on real folders, judged by git, mtree, rsync and du. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { AdoptResult, CleanResult, ExportResult, PublishResult, VerifyReport } from '../../src/service/contract';
import { CommandFailed, Laptop } from '../lan/laptop';
import { nastyTree, rsyncDifferences, run, TreeBuilder } from '../store/support';
import { tempFolder } from '../support/temp';

const AS_ROOT = process.getuid?.() === 0;

async function failure(running: Promise<unknown>): Promise<string> {
  const error = await running.then(
    () => assert.fail('it should have failed'),
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof CommandFailed, String(error));
  return (JSON.parse(error.stderr.trim().split('\n').at(-1)!) as { code: string }).code;
}

function classroom(t: TestContext) {
  const folder = tempFolder(t);
  const laptops: Laptop[] = [];
  t.after(() => Promise.all(laptops.map(laptop => laptop.stop())));
  const laptop = (nick: string) => {
    const one = new Laptop(nick, [], join(folder, nick));
    laptops.push(one);
    return one;
  };
  return { folder, laptop };
}

/** Two versions, without names that git refuses to check out. */
function friendlyTrees(folder: string): [string, string] {
  const make = (name: string, version: string): string => {
    const tree = new TreeBuilder(join(folder, name)).file('etc/version', version).file('bin/sh', '#!\n', 0o755);
    tree.folder('empty/below').symlink('sbin', 'bin').file('usr/back\\slash', 'x').file('usr/same', 'same');
    tree
      .file('big', Buffer.alloc(2_000_000, 'incompressible? no\n'))
      .file('usr/sudo', 's', 0o4755)
      .folder('tmp', 0o1777);
    tree.file('usr/a', 'linked').link('usr/a', 'usr/b').xattr('usr/a', 'user.n', 'v').acl('empty', 'u:7:rx');
    if (AS_ROOT) tree.folder('dev').node('dev/null', 'c 1 3', 0o666).file('var/mail', '').owner('var/mail', 0, 8);
    return tree.dir;
  };
  const second = make('second', '2');
  new TreeBuilder(second).file('usr/new', 'new').file('bin/sh', '#!\nnew\n', 0o755);
  rmSync(join(second, 'usr/same'));
  return [make('first', '1'), second];
}

/** The simplest web server there can be: files, no program. */
async function staticServer(t: TestContext, dir: string): Promise<string> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://x').pathname);
    try {
      response.end(readFileSync(join(dir, path)));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise<void>(resolve => server.close(() => resolve())));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Not synchronously: the server is in this process. */
async function git(...args: string[]): Promise<string> {
  const { execFile } = await import('node:child_process');
  return new Promise((resolve, reject) => {
    execFile('git', args, { maxBuffer: 1 << 26 }, (error, stdout, stderr) =>
      error ? reject(new Error(`git ${args.join(' ')}: ${stderr}`)) : resolve(stdout + stderr),
    );
  });
}

test('an export is cloned from a folder and from a plain web server, grows by what is new, and git says it is whole', async t => {
  const { folder, laptop } = classroom(t);
  const ana = laptop('ana');
  const [first, second] = friendlyTrees(folder);
  await ana.flash(first, 'keep-os', '1');
  const out = join(folder, 'export');
  const [before] = await ana.run<ExportResult>('export', out);
  assert.deepEqual(
    before?.images.map(({ version }) => version),
    ['1'],
  );
  await ana.run('publish', second, '--name', 'keep-os', '--version', '2');
  const [after] = await ana.run<ExportResult>('export', out, '2');
  // Three contents, their folders, the commit's own tree and its attributes.
  assert.ok(after!.objects > 0 && after!.objects < 12 && after!.bytes < 10_000, JSON.stringify(after));
  assert.equal((await ana.run<ExportResult>('export', out))[0]?.objects, 0);

  const url = await staticServer(t, out);
  for (const [name, from] of Object.entries({ local: out, web: url })) {
    const clone = join(folder, `clone-${name}`);
    await git('clone', '-q', from, clone);
    assert.equal(await git('-C', clone, 'fsck', '--full', '--strict', '--no-dangling'), '');
    assert.equal(await git('-C', clone, 'tag'), 'keep-os/1\nkeep-os/2\n');
    assert.equal(readFileSync(join(clone, 'root/etc/version'), 'utf8'), '1');
    // Git's view of what is between the two is the plan's.
    const plan = await ana.compare('2');
    const diff = await git(
      '-C',
      clone,
      'diff-tree',
      '-r',
      '-t',
      '--no-renames',
      '--name-status',
      'keep-os/1:root',
      'keep-os/2:root',
    );
    const kinds = diff
      .trim()
      .split('\n')
      .map(line => line.split('\t'));
    // Folders that only differ inside are M for git; the plan does not count them.
    const isFolder = (path: string): boolean => statSync(join(second, path)).isDirectory();
    const count = (kind: string) =>
      kinds.filter(([k, path = '']) => k === kind && !(kind === 'M' && isFolder(path))).length;
    assert.deepEqual([plan.added, plan.changed, plan.removed], [count('A'), count('M'), count('D')]);
  }
});

test('an export goes only where nothing else is', async t => {
  const { folder, laptop } = classroom(t);
  const ana = laptop('ana');
  assert.equal(await failure(ana.run('export', join(folder, 'out'))), 'no-image');
  const [first] = friendlyTrees(folder);
  await ana.flash(first, 'keep-os', '1');
  assert.equal(await failure(ana.run('export', first)), 'usage');
  assert.equal(await failure(ana.run('export', join(folder, 'out'), '99')), 'not-found');
  assert.deepEqual(readdirSync(first).includes('objects'), false);
});

test('a laptop flashed by other means is adopted from its own files; only what differs is fetched', async t => {
  const { folder, laptop } = classroom(t);
  const [ana, ben, carla] = [laptop('ana'), laptop('ben'), laptop('carla')];
  const tree = nastyTree(join(folder, 'tree'));
  await ana.flash(tree.dir, 'keep-os', '1');
  // Ben's running system: used for a while.
  const running = join(folder, 'running');
  run('cp', ['-a', tree.dir, running]);
  const changed = new TreeBuilder(running).file('big', 'was edited').file('home/work', 'mine');
  rmSync(changed.at('etc/odd'));
  changed.symlink('etc/odd', '/etc/passwd');
  const held = lstatSync(join(running, 'bin/sh')).ino;

  await ana.serve('--interface', 'lo', '--port', '0');
  const address = `127.0.0.1:${(await ana.status()).port}`;
  const [adopted] = await ben.run<AdoptResult>('adopt', '1', '--root', running, '--from', address);
  assert.equal(adopted?.isCurrent, true);
  assert.equal(adopted?.image.version, '1');
  const plan = new Set([...readdirSync(join(ben.store, 'blobs'))]);
  assert.ok(plan.size > 10 && adopted!.objectsTaken > 30, JSON.stringify(adopted));
  assert.ok(adopted!.bytesReceived < 100_000, `${adopted!.bytesReceived} bytes came for two small changes`);
  if (AS_ROOT) assert.deepEqual(rsyncDifferences(tree.dir, ben.currentTree), []);
  assert.deepEqual((await ben.verify('1')).problems, []);
  // Nothing in the running system was touched or linked to.
  assert.equal(lstatSync(join(running, 'bin/sh')).ino, held);
  assert.equal(lstatSync(join(running, 'bin/sh')).nlink, lstatSync(tree.at('bin/sh')).nlink);
  assert.equal(readFileSync(join(running, 'big'), 'utf8'), 'was edited');

  // The same from an exported folder; an image in use already stays in use.
  const out = join(folder, 'stick');
  await ana.run('export', out);
  const other = new TreeBuilder(join(folder, 'other')).file('x', 'y');
  await carla.flash(other.dir, 'keep-os', '0');
  const [second] = await carla.run<AdoptResult>('adopt', 'keep-os/1', '--root', running, '--from', out);
  assert.equal(second?.isCurrent, false);
  assert.deepEqual((await carla.verify('1')).problems, []);
  assert.equal((await carla.status()).current?.version, '0');
  assert.equal(await failure(carla.run('adopt', '1', '--root', join(folder, 'nowhere'))), 'not-found');
});

/** Ana has two versions, the first one in use, and both on a stick; ben has nothing yet. */
async function stickOfTwo(t: TestContext) {
  const { folder, laptop } = classroom(t);
  const [ana, ben] = [laptop('ana'), laptop('ben')];
  const [first, second] = friendlyTrees(folder);
  await ana.flash(first, 'keep-os', '1');
  await ana.run('publish', second, '--name', 'keep-os', '--version', '2');
  const out = join(folder, 'stick');
  await ana.run('export', out);
  return { ana, ben, first, second, out };
}

/** One byte of the file changes, and nothing else. */
function rot(file: string): void {
  const { atime, mtime } = lstatSync(file);
  const data = readFileSync(file);
  data[data.length >> 1]! ^= 1;
  writeFileSync(file, data);
  utimesSync(file, atime, mtime);
}

test('bit-rot is found and mended with just the bytes that are lost, from a neighbour or a folder', async t => {
  const { ana, ben, first, second, out } = await stickOfTwo(t);
  await ben.run('adopt', '1', '--root', first, '--from', out);
  await ben.run('adopt', '2', '--root', second, '--from', out);
  const big = join(ben.currentTree, 'big');
  const report = async (...more: string[]) => (await ben.run<VerifyReport>('verify', ...more))[0]!;

  rot(big);
  assert.equal(await failure(ben.run('verify', '1')), 'damaged');
  assert.equal(await failure(ben.run('verify', '2')), 'damaged', 'both images have that file');
  assert.equal(await failure(ben.run('verify', '1', '--repair')), 'no-source');
  const mended = await report('1', '--repair', '--from', out);
  assert.deepEqual([mended.problems, mended.repaired], [[], { paths: 2, objects: 1 }]);
  assert.deepEqual((await report('2')).problems, []);

  rot(big);
  await ana.serve('--interface', 'lo', '--port', '0');
  const again = await report('1', '--repair', '--from', `127.0.0.1:${(await ana.status()).port}`);
  assert.deepEqual([again.problems, again.repaired?.objects], [[], 1]);
  assert.deepEqual((await report('2')).problems, []);
  // What only needs a copy from here asks nobody.
  rmSync(join(ben.currentTree, 'usr'), { recursive: true });
  assert.deepEqual((await report('1', '--repair')).problems, []);
});

test('an image whose own objects rot can be mended, stands in nobody’s way, and can be removed', async t => {
  const { ben, first, second, out } = await stickOfTwo(t);
  const { commit } = (await ben.run<AdoptResult>('adopt', '1', '--root', first, '--from', out))[0]!.image;
  const object = (oid: string): string => join(ben.store, 'git/objects', oid.slice(0, 2), oid.slice(2));
  const git = (...words: string[]): string =>
    execFileSync('git', ['-C', join(ben.store, 'git'), ...words], { encoding: 'utf8' }).trim();
  const [top, attributes, root] = ['^{tree}', ':attributes', ':root'].map(part => git('rev-parse', `${commit}${part}`));
  const mended = async (oid: string): Promise<void> => {
    assert.equal(await failure(ben.run('verify', '--repair')), 'no-source');
    const [report] = await ben.run<VerifyReport>('verify', '--repair', '--from', out);
    assert.deepEqual(report?.problems, []);
    const status = await ben.status();
    assert.equal(status.current?.commit, commit);
    assert.doesNotMatch(status.warnings.join(), /damaged/);
    assert.notEqual(git('cat-file', '-p', oid), '');
  };
  for (const oid of [attributes!, root!]) {
    rot(object(oid));
    // Nobody else is blamed for it. (The attributes are those of the other version as well, and come with it.)
    if (oid === root) assert.equal(await failure(ben.run('compare', '2', '--from', out)), 'damaged');
    rmSync(join(ben.store, 'cache/sizes.json'));
    await mended(oid);
  }
  for (const oid of [top!, commit]) {
    rot(object(oid));
    const { current, warnings } = await ben.status();
    assert.equal(current, null);
    assert.match(warnings.join(), /keep-os 1 on this laptop is damaged: .* verify 1 --repair/);
    assert.equal(await failure(ben.run('verify', '1')), 'damaged');
    assert.deepEqual(rsyncDifferences(first, ben.currentTree), [], 'what stands there stays');
    const blobs = readdirSync(join(ben.store, 'blobs'), { recursive: true });
    await ben.run('gc');
    assert.deepEqual(readdirSync(join(ben.store, 'blobs'), { recursive: true }), blobs, 'what it may need stays');
    await mended(oid);
  }
  assert.equal((await ben.upgrade('2', '--from', out)).version, '2');
  const [extra] = await ben.run<PublishResult>('publish', second, '--name', 'keep-os', '--version', '3');
  rot(object(extra!.image.commit));
  assert.equal(await failure(ben.run('verify', '3')), 'damaged');
  await ben.run('remove', '3');
  assert.deepEqual(
    readdirSync(join(ben.store, 'images')).filter(name => name.startsWith('3')),
    [],
  );
  assert.deepEqual((await ben.run<VerifyReport>('verify', '2'))[0]?.problems, []);
});

test('mtree finds no difference between a staged tree and our manifest', { skip: !AS_ROOT }, async t => {
  const { folder, laptop } = classroom(t);
  const ana = laptop('ana');
  const tree = nastyTree(join(folder, 'tree'));
  await ana.flash(tree.dir, 'keep-os', '1');
  const [said] = await ana.run<{ manifest: string }>('manifest');
  const file = join(folder, 'manifest');
  writeFileSync(file, said?.manifest ?? '');
  const judged = spawnSync('mtree', ['-f', file, '-p', ana.currentTree], { encoding: 'utf8' });
  assert.deepEqual([judged.status, judged.stdout, judged.stderr], [0, '', '']);
  const words = ['manifest', '1', '--store', ana.store];
  assert.equal(execFileSync('dist/pass-it-on', words, { encoding: 'utf8', maxBuffer: 1 << 26 }), said?.manifest);
  const commit = run('git', ['--git-dir', join(ana.store, 'git'), 'cat-file', 'commit', 'HEAD']);
  const sum = run('sha256sum', [file]).split(' ')[0];
  assert.match(commit, new RegExp(`^Manifest-SHA256: ${sum}$`, 'm'));
});

test('removing and cleaning tell what they freed, and refuse what is in use', async t => {
  const { folder, laptop } = classroom(t);
  const ana = laptop('ana');
  const [first, second] = friendlyTrees(folder);
  await ana.flash(first, 'keep-os', '1');
  for (const [version, tree] of [
    ['2', second],
    ['3', first],
    ['4', second],
  ] as const) {
    const more = new TreeBuilder(tree).file('only', Buffer.alloc(1 << 20, version)).dir;
    await ana.run('publish', more, '--name', 'keep-os', '--version', version);
  }
  assert.equal(await failure(ana.run('remove', '1')), 'busy');
  assert.equal(await failure(ana.run('remove', '99')), 'not-found');
  const [removed] = await ana.run<CleanResult>('remove', '2');
  assert.deepEqual(
    removed?.images.map(({ version }) => version),
    ['2'],
  );
  assert.ok(removed!.bytesFreed >= 1 << 20);
  await ana.upgrade('3');
  const [cleaned] = await ana.run<CleanResult>('gc');
  assert.deepEqual(
    cleaned?.images.map(({ version }) => version),
    ['4'],
  );
  assert.ok(cleaned!.bytesFreed >= 1 << 20);
  const status = await ana.status();
  assert.deepEqual([status.current?.version, status.staged?.version], ['1', '3']);
  assert.deepEqual((await ana.verify('3')).problems, []);
});

test('what a neighbour is fetching is not cleaned away under its hands', async t => {
  const { folder, laptop } = classroom(t);
  const [ana, ben] = [laptop('ana'), laptop('ben')];
  const [first, second] = friendlyTrees(folder);
  // Random, so that it cannot be compressed and takes a while.
  run('dd', ['if=/dev/urandom', `of=${join(second, 'large')}`, 'bs=1M', 'count=6']);
  await ana.flash(first, 'keep-os', '1');
  await ana.run('publish', second, '--name', 'keep-os', '--version', '2');
  await ben.flash(first, 'keep-os', '1');
  await ana.serve('--interface', 'lo', '--port', '0', '--rate', '2000000');
  await ben.serve('--interface', 'lo', '--port', '0');
  const running = ben.upgrade('2', '--from', `127.0.0.1:${(await ana.status()).port}`);
  while ((await ben.status()).upgrade?.progress.step !== 'fetch') await new Promise(resolve => setTimeout(resolve, 20));
  const [mine] = await ben.run<CleanResult>('gc');
  const [theirs] = await ana.run<CleanResult>('gc');
  assert.deepEqual([mine?.images, theirs?.images], [[], []]);
  assert.equal((await running).result, 'staged');
  assert.deepEqual((await ben.verify('2')).problems, []);
});

test('many commands at once on one store: each ends as if it had been alone', async t => {
  const { folder, laptop } = classroom(t);
  const ana = laptop('ana');
  const trees = Array.from({ length: 4 }, (_, i) => {
    const tree = new TreeBuilder(join(folder, `tree-${i}`))
      .file('version', `${i}`)
      .file('shared', Buffer.alloc(400_000, 'x'));
    for (let n = 0; n < 150; n++) tree.file(`files/${n % 9}/${n}`, `file ${n} ${n % 3 === 0 ? i : ''}`);
    return tree.dir;
  });
  await ana.flash(trees[0]!, 'keep-os', '0');
  const publish = (i: number) => ana.run('publish', trees[i]!, '--name', 'keep-os', '--version', `${i}`);
  await Promise.all([publish(1), publish(2), publish(3), ana.verify('0'), ana.status(), ana.status(), publish(1)]);
  const versions = async () => (await ana.status()).images.map(({ version }) => version).sort();
  assert.deepEqual(await versions(), ['0', '1', '2', '3']);
  await Promise.all([
    ana.run('remove', '1'),
    ana.verify('2'),
    publish(3),
    ana.run('export', join(folder, 'out'), '2'),
    ana.run('use', '2'),
  ]);
  assert.deepEqual(await versions(), ['0', '2', '3']);
  await Promise.all(['0', '2', '3'].map(async version => assert.deepEqual((await ana.verify(version)).problems, [])));
  assert.equal(await git('-C', join(folder, 'out'), 'fsck', '--full', '--strict', '--no-dangling'), '');
  assert.deepEqual(readdirSync(join(ana.store, 'partial')), []);
});

test('extended attributes are left out when asked to, and only then', async t => {
  const { folder, laptop } = classroom(t);
  const ana = laptop('ana');
  const tree = new TreeBuilder(join(folder, 'tree')).file('f', 'x').xattr('f', 'user.n', 'v');
  const attributes = () =>
    run('getfattr', ['-d', join(ana.currentTree, 'f')])
      .split('\n')
      .filter(line => line.includes('='));
  await ana.run('publish', tree.dir, '--name', 'x', '--version', '1', '--no-xattrs');
  await ana.run('use', '1');
  assert.deepEqual(attributes(), []);
  assert.deepEqual((await ana.verify('1')).problems, []);
  await ana.flash(tree.dir, 'x', '2');
  assert.deepEqual(attributes(), ['user.n="v"']);
});
