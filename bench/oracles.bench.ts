/**
 * Real Debian trees through publish, fetch and stage, judged by others: rsync, getfattr, mtree, git, and Python itself.
 * Prints PASS or FAIL and figures for each; ends with 1 when one failed. Usage: npm run bench -- oracles [small|full]
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { diffTrees } from '../src/core/diff';
import { MODE } from '../src/core/tree';
import { StoreView } from '../src/store/view';
import { Laptop } from '../test/lan/laptop';
import { differences } from '../test/lan/same-tree';
import { linkGroups } from '../test/store/support';
import { end, workFolder } from './end';

const NAME = 'debian';
const MAX_OUTPUT = 1 << 30;

const size = process.argv[2] ?? 'small';
const images = resolve('build/images', size);
const work = workFolder('oracles', images);
const tree = (version: string) => join(images, version);
let failed = 0;

/** Judges; `found`: what was found wrong, none is good. */
async function judge(what: string, look: () => string[] | Promise<string[]>, figure = ''): Promise<void> {
  const begun = performance.now();
  const found = await look();
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`${found.length === 0 ? 'PASS' : 'FAIL'}  ${what}  (${figure}${figure ? ', ' : ''}${seconds} s)`);
  for (const line of found.slice(0, 10)) console.log(`      ${line}`);
  if (found.length > 0) failed += 1;
}

function output(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: 'latin1', maxBuffer: MAX_OUTPUT, stdio: ['ignore', 'pipe', 'pipe'] });
}

function lines(text: string): string[] {
  return text.split('\n').filter(line => line !== '');
}

/** All that a program says, and its status if it is not 0. */
function complaints(program: string, ...args: string[]): string[] {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'latin1', maxBuffer: MAX_OUTPUT });
  return [...lines(stdout), ...lines(stderr), ...(status === 0 ? [] : [`${program} ended with ${status}`])];
}

/** Without holding the event loop. */
function git(...args: string[]): Promise<string[]> {
  return new Promise(done => {
    const child = spawn('git', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (said += chunk));
    child.on('close', status => done(status === 0 ? lines(said) : [...lines(said), `git ended with ${status}`]));
  });
}

function onlyInOne(a: string[], b: string[]): string[] {
  const [left, right] = [new Set(a), new Set(b)];
  return [...a.filter(x => !right.has(x)).map(x => `- ${x}`), ...b.filter(x => !left.has(x)).map(x => `+ ${x}`)];
}

function xattrs(dir: string): string[] {
  return lines(
    spawnSync('getfattr', ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '.'], {
      cwd: dir,
      encoding: 'latin1',
      maxBuffer: MAX_OUTPUT,
    }).stdout,
  );
}

/** Git's view of the difference, as our kinds. */
function gitDiff(repository: string): string[] {
  const words = ['-C', repository, 'diff-tree', '-r', '-t', '-z', '--no-renames', `${NAME}/v1:root`, `${NAME}/v2:root`];
  const fields = output('git', ...words).split('\0');
  const found: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [oldMode = '', newMode = '', oldOid, newOid, kind] = fields[i]!.slice(1).split(' ');
    const path = fields[i + 1]!;
    const isFolder = (mode: string) => mode === '040000';
    if (kind === 'M' && isFolder(oldMode)) continue;
    if (kind === 'T') found.push(`removed ${path}`, `added ${path}`);
    else if (kind === 'M') found.push(`${oldOid === newOid ? 'mode-changed' : 'changed'} ${path}`);
    else found.push(`${kind === 'A' ? 'added' : 'removed'} ${path}`);
    if (kind !== 'M' && kind !== 'T' && !['A', 'D'].includes(kind!)) throw new Error(`git says ${kind} ${newMode}`);
  }
  return found;
}

async function ourDiff(dir: string): Promise<string[]> {
  const store = await StoreView.open(dir);
  const [from, to] = [store.resolve('v1').root, store.resolve('v2').root];
  const found: string[] = [];
  for await (const { kind, path } of diffTrees(from, to, oid => store.readTree(oid))) found.push(`${kind} ${path}`);
  return found;
}

async function pathsOf(dir: string, version: string): Promise<number> {
  const store = await StoreView.open(dir);
  const todo = [store.resolve(version).root];
  let paths = 0;
  for (let oid = todo.pop(); oid !== undefined; oid = todo.pop()) {
    for (const entry of await store.readTree(oid)) {
      paths += 1;
      if (entry.mode === MODE.dir) todo.push(entry.oid);
    }
  }
  return paths;
}

/** What Python complains of when it imports in there. */
function python(root: string): string[] {
  const modules = existsSync(join(root, 'usr/lib/python3/dist-packages/sugar3'))
    ? ', sugar3.util, gi, dbus, numpy'
    : '';
  const words = [
    '/usr/bin/python3',
    '-v',
    '-c',
    `import json, email.message, http.client, logging, unittest${modules}`,
  ];
  const { status, stderr } = spawnSync('chroot', [root, ...words], { encoding: 'utf8', maxBuffer: MAX_OUTPUT });
  const stale = lines(stderr).filter(line => /^# wrote |^# code object from '\/usr\/lib\/.*\.py'|is stale/.test(line));
  const fresh = lines(stderr).filter(line => / matches /.test(line)).length;
  console.log(`      ${fresh} modules from compiled files`);
  return status === 0 && fresh > 20 ? stale : [...stale, `python ended with ${status}`, ...lines(stderr).slice(-3)];
}

async function main(): Promise<void> {
  const missing = ['v1', 'v2'].filter(version => !existsSync(tree(version)));
  if (missing.length > 0) execFileSync('bench/images.sh', [size, images, ...missing], { stdio: 'inherit' });
  const [ana, ben] = [new Laptop('ana', [], join(work, 'ana')), new Laptop('ben', [], join(work, 'ben'))];
  for (const laptop of [ana, ben]) mkdirSync(laptop.dir);
  try {
    for (const version of ['v1', 'v2']) {
      const begun = performance.now();
      const words = ['publish', tree(version), '--name', NAME, '--version', version];
      const [said] = await ana.run<{ paths: number; newObjects: number; newBytes: number; warnings: string[] }>(
        ...words,
      );
      const { paths, newObjects, newBytes, warnings } = said!;
      const seconds = ((performance.now() - begun) / 1000).toFixed(1);
      console.log(`published ${version}: ${paths} paths, ${newObjects} new contents, ${newBytes} bytes, ${seconds} s`);
      for (const warning of warnings) console.log(`      ${warning}`);
    }
    await ana.run('use', 'v2');
    await ben.flash(tree('v1'), NAME, 'v1');
    await ana.serve('--interface', 'lo', '--port', '0');
    const address = `127.0.0.1:${(await ana.status()).port}`;
    const plan = await ben.compare(address);
    await ben.upgrade('v2', '--from', address);

    const [want, got] = [tree('v2'), ben.stagedTree];
    await judge('rsync -naHAXc: staged = original, but times', () => differences(want, got));
    await judge('hard-link groups', () => onlyInOne(linkGroups(want).map(String), linkGroups(got).map(String)));
    const attributes = xattrs(want);
    await judge(
      'getfattr: ACLs and capabilities',
      () => onlyInOne(attributes, xattrs(got)),
      `${attributes.length} lines`,
    );
    const manifest = join(work, 'manifest');
    const text = output('dist/pass-it-on', 'manifest', 'v2', '--store', ben.store);
    writeFileSync(manifest, text, 'latin1');
    await judge(
      'mtree: manifest over the staged tree',
      () => complaints('mtree', '-f', manifest, '-p', `${got}/`),
      `${lines(text).length} lines`,
    );
    await judge('verify', async () =>
      (await ben.verify('v2')).problems.map(({ path, problem }) => `${path} ${problem}`),
    );
    if (existsSync(join(want, 'usr/bin/python3'))) {
      const list = () => lines(output('find', `${got}/`, '-printf', '%P %T@ %i\\n')).sort();
      const before = list();
      await judge('python3 -v in a chroot: nothing stale', () => python(got));
      await judge('python3 wrote nothing', () => onlyInOne(before, list()));
    }

    const clone = join(work, 'clone');
    const paths = await pathsOf(ana.store, 'v2');
    await judge(
      'git clone over HTTP from a laptop',
      () => git('clone', '-q', '--bare', `http://${address}/`, clone),
      `${paths} paths`,
    );
    await judge('git fsck --full --strict of the clone', () =>
      git('-C', clone, 'fsck', '--full', '--strict', '--no-dangling', '--no-progress'),
    );
    await judge('git clone with its files', () => git('clone', '-q', clone, join(work, 'files')));
    await judge('git status of the files', () => git('-C', join(work, 'files'), 'status', '--porcelain'));
    const theirs = gitDiff(clone);
    await judge(
      'git diff-tree = our diff',
      async () => onlyInOne(theirs, await ourDiff(ana.store)),
      `${theirs.length} changes`,
    );
    const count = (kind: string) => theirs.filter(line => line.startsWith(`${kind} `)).length;
    await judge('git diff-tree = the plan', () => {
      const [git, ours] = [
        [count('added'), count('changed'), count('removed')],
        [plan.added, plan.changed, plan.removed],
      ];
      return String(git) === String(ours) ? [] : [`git ${git}, plan ${ours}`];
    });
    const out = join(work, 'export');
    await ana.run('export', out);
    await judge('git fsck --full --strict of an export', () =>
      git('-C', out, 'fsck', '--full', '--strict', '--no-dangling', '--no-progress'),
    );
  } finally {
    await Promise.all([ana.stop(), ben.stop()]);
  }
  if (failed > 0) throw new Error(`${failed} failed.`);
  console.log('All passed.');
}

end(main());
