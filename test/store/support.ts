/** What the tests of the store share: folders, trees with everything a Linux file system allows, and oracles. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  type Stats,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { MODE } from '../../src/core/tree';
import { type Quarantine, Store } from '../../src/store/store';
import type { StoreView } from '../../src/store/view';

export const isRoot = process.geteuid?.() === 0;
/** Any release time: tests need the same commit each time. Seconds. */
export const TIME = 1_700_000_000;

/** As the service has it: what is tested is what runs. */
export const INTAKE_WORKER = resolve('dist/intake-worker.js');

const opened = new WeakMap<TestContext, Store[]>();

/** A folder that goes away with the test, whatever names and modes are in it, after the stores in it are closed. */
export function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'pass-it-on-store-'));
  t.after(async () => {
    for (const store of opened.get(t) ?? []) await store.close();
    if (!isRoot) spawnSync('chmod', ['-R', 'u+rwX', dir]);
    execFileSync('rm', ['-rf', dir]);
  });
  return dir;
}

/** A store that is closed with the test, if not before. */
export async function openStore(t: TestContext, dir: string): Promise<Store> {
  const store = await Store.open(dir, { intakeWorker: INTAKE_WORKER });
  opened.set(t, [...(opened.get(t) ?? []), store]);
  return store;
}

/** Runs a program; its output as bytes in a string (latin1), so that names survive. Throws when it fails. */
export function run(program: string, args: string[], options: { cwd?: string; input?: Buffer } = {}): string {
  const result = spawnSync(program, args, { ...options, maxBuffer: 1 << 28 });
  if (result.status === 0) return result.stdout.toString('latin1');
  throw new Error(`${program} ${args.join(' ')}: ${result.status ?? result.signal}: ${result.stderr}`);
}

/** Writes below one folder; names are bytes, written as latin1 strings. */
export class TreeBuilder {
  constructor(readonly dir: string) {
    mkdirSync(dir, { recursive: true });
    chmodSync(dir, 0o755);
  }

  at(path: string): Buffer {
    return Buffer.concat([Buffer.from(`${this.dir}/`), Buffer.from(path, 'latin1')]);
  }

  /** Makes a folder and those above it, 0755 unless told otherwise. */
  folder(path: string, mode = 0o755): this {
    const parts = path.split('/');
    for (let i = 1; i <= parts.length; i++) {
      const at = this.at(parts.slice(0, i).join('/'));
      if (lstatSync(at, { throwIfNoEntry: false }) !== undefined) continue;
      mkdirSync(at);
      chmodSync(at, 0o755);
    }
    chmodSync(this.at(path), mode);
    return this;
  }

  file(path: string, content: string | Buffer, mode = 0o644): this {
    if (path.includes('/')) this.folder(path.slice(0, path.lastIndexOf('/')));
    // An ordinary user writes again only into what he may write to.
    if (!isRoot && existsSync(this.at(path))) chmodSync(this.at(path), 0o600);
    writeFileSync(this.at(path), content);
    chmodSync(this.at(path), mode);
    return this;
  }

  symlink(path: string, target: string): this {
    if (path.includes('/')) this.folder(path.slice(0, path.lastIndexOf('/')));
    symlinkSync(Buffer.from(target, 'latin1'), this.at(path));
    return this;
  }

  link(from: string, to: string): this {
    linkSync(this.at(from), this.at(to));
    return this;
  }

  /** kind: `p`, or `c MAJOR MINOR`, `b MAJOR MINOR` (root only). */
  node(path: string, kind: string, mode = 0o644): this {
    const temporary = join(this.dir, 'node-being-made');
    run('mknod', [temporary, ...kind.split(' ')]);
    chmodSync(temporary, mode);
    renameSync(temporary, this.at(path));
    return this;
  }

  owner(path: string, uid: number, gid: number): this {
    const { mode } = lstatSync(this.at(path));
    lchownSync(this.at(path), uid, gid);
    // chown clears setuid and setgid.
    if (!lstatSync(this.at(path)).isSymbolicLink()) chmodSync(this.at(path), mode & 0o7777);
    return this;
  }

  /** Through setfattr's own text format, in which names can be any bytes. */
  xattr(path: string, name: string, value: string): this {
    const quoted = (text: string) =>
      text.replace(/[\\\n\r=]/g, c => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
    const hex = Buffer.from(value, 'latin1').toString('hex');
    const input = Buffer.from(`# file: ./${quoted(path)}\n${quoted(name)}=0x${hex}\n`, 'latin1');
    const { mode } = lstatSync(this.at(path));
    // An ordinary user gives attributes only to what he may write.
    if (!isRoot) chmodSync(this.at(path), (mode & 0o7777) | 0o200);
    run('setfattr', ['-h', '--restore=-'], { cwd: this.dir, input });
    if (!isRoot) chmodSync(this.at(path), mode & 0o7777);
    return this;
  }

  /** spec: as setfacl(1) takes it. */
  acl(path: string, spec: string): this {
    run('setfacl', ['-m', spec, join(this.dir, path)]);
    return this;
  }

  time(path: string, seconds: number): this {
    lutimesSync(this.at(path), seconds, seconds);
    return this;
  }
}

/** A compiled Python file that records `time` (seconds) of its source, as CPython 3.11 writes it. */
export function pyc(time: number): Buffer {
  const data = Buffer.alloc(64);
  data.writeUInt16LE(3495, 0);
  data.write('\r\n', 2);
  data.writeUInt32LE(time, 8);
  return data;
}

export const PY_TIME = 1_600_000_123;

/** Everything an image must keep; devices and owners only where we may make them. */
export function nastyTree(dir: string): TreeBuilder {
  const tree = new TreeBuilder(dir);
  tree.file('bin/sh', '#!\n', 0o755).symlink('sbin', 'bin').symlink('usr/bin/sh', '../../bin/sh');
  tree.file('bin/sudo', 'setuid', 0o4755).file('bin/wall', 'setgid', 0o2755).file('bin/both', 'both', 0o6711);
  tree.folder('tmp', 0o1777).folder('empty').folder('empty/below/it').folder('setgid', 0o2775);
  // The store keeps folders open for an ordinary user.
  tree.folder('locked', isRoot ? 0o500 : 0o700);
  tree.file('etc/secret', 'x', 0o600).file('etc/readonly', 'y', 0o444).file('etc/odd', 'z', 0o654);
  // Names: no encoding, spaces, newlines, backslashes, git's own, orders that trip git trees.
  tree.file('names/system-systemd\\x2dcryptsetup.slice', '1').file('names/\xff\xfe\x80', 'not utf-8');
  tree.file('names/new\nline', '2').file('names/ space ', '3').file('names/\xc3\xa9t\xc3\xa9', 'utf-8');
  tree.file('names/.git/config', '4').file('names/git~1', '5').file('names/-rf', '6').file('names/#hash', '7');
  tree.file('names/a.b', '8').file('names/a/b', '9').file('names/a-b', '10').file('names/a0', '11');
  tree
    .file(`names/${'l'.repeat(255)}`, '12')
    .file('names/\x01\x7f\x1b[31m', '13')
    .file('names/tab\there', '14');
  tree.symlink('links/broken', '/no/where').symlink('links/bytes', '\xff/\xfe\n').symlink('links/self', 'self');
  // One content, many files: none may become another's hard link.
  for (let i = 0; i < 43; i++) tree.file(`conf/${i}.conf`, '');
  for (let i = 0; i < 3; i++) tree.file(`same/${i}`, 'same content, same attributes');
  tree.file('same/other', 'same content, same attributes', 0o600);
  tree.file('hard/one', 'hard').link('hard/one', 'hard/two').link('hard/one', 'bin/three');
  tree.file('hard/again', 'hard').link('hard/again', 'hard/and-again');
  tree.symlink('hard/soft', 'target').link('hard/soft', 'hard/soft2');
  tree.file('py/mod.py', 'pass').file('py/__pycache__/mod.cpython-311.pyc', pyc(PY_TIME)).time('py/mod.py', PY_TIME);
  tree.file('py/stale.py', 'pass').file('py/__pycache__/stale.cpython-311.opt-1.pyc', pyc(5)).time('py/stale.py', 6);
  tree.file('py/__pycache__/gone.cpython-311.pyc', pyc(7));
  tree.file('big', Buffer.alloc(1_500_000, 'big file, more than one chunk\n'));
  tree.node('fifo', 'p', 0o622).file('deep/'.repeat(60).concat('file'), 'deep');
  tree.xattr('names/new\nline', 'user.a=b\nc\\d \xff', '\0\xff\n=binary').xattr('names/.git/config', 'user.empty', '');
  tree
    .xattr('etc/readonly', 'user.on.readonly', 'x')
    .xattr('hard/again', 'user.linked', 'one inode')
    .xattr('', 'user.root', 'r');
  tree.xattr('same/2', 'user.alone', 'x').xattr('setgid', 'user.folder', 'y').xattr('locked', 'user.folder', 'z');
  tree.acl('etc/odd', 'u:7:rw,g:8:r').folder('acl').acl('acl', 'u:1234:rx,d:u:7:rwx,d:g:8:rx').acl('bin/sudo', 'u:9:x');
  if (isRoot) {
    // setcap cap_net_raw+ep, as Debian's ping has it.
    tree.xattr('bin/wall', 'security.capability', '\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0');
    tree.xattr('links/bytes', 'trusted.symlink', 's').node('fifo2', 'p').xattr('fifo2', 'trusted.fifo', 'f');
    tree.folder('dev').node('dev/null', 'c 1 3', 0o666).node('dev/sda', 'b 8 0', 0o660).node('dev/high', 'c 511 70000');
    tree.link('dev/null', 'dev/zilch').owner('dev/sda', 0, 6);
    tree.file('home/olpc/.keep', '').owner('home/olpc', 500, 500).owner('home/olpc/.keep', 500, 500);
    tree.owner('bin/wall', 0, 5).owner('links/broken', 12, 34).owner('same/2', 1, 0).owner('setgid', 0, 50);
    tree.file('etc/nobody', '', 0).owner('etc/nobody', 65534, 65534).owner('bin/both', 7, 8);
  }
  return tree;
}

/**
 * What rsync would do to make `to` like `from`, times apart: empty when they are the same in content, mode, owner,
 * kind, hard links, and no path more or less. (Without --no-times it names every hard link whose time differs.)
 */
export function rsyncDifferences(from: string, to: string): string[] {
  const out = run('rsync', ['-naHAXc', '--no-times', '--itemize-changes', '--delete', `${from}/`, `${to}/`]);
  return out.split('\n').filter(line => line !== '');
}

/** Groups of paths (latin1) that are one inode, sorted. */
export function linkGroups(dir: string): string[][] {
  const inodes = new Map<number, string[]>();
  for (const [path, stat] of walk(dir)) {
    if (!stat.isDirectory()) inodes.set(stat.ino, [...(inodes.get(stat.ino) ?? []), path]);
  }
  return [...inodes.values()]
    .filter(paths => paths.length > 1)
    .map(paths => paths.sort())
    .sort();
}

export function* walk(dir: string, below = ''): Generator<[string, Stats]> {
  const at = Buffer.concat([Buffer.from(dir), Buffer.from(below, 'latin1')]);
  for (const name of readdirSync(at, { encoding: 'buffer' })) {
    const path = `${below}/${name.toString('latin1')}`;
    const stat = lstatSync(Buffer.concat([Buffer.from(dir), Buffer.from(path, 'latin1')]));
    yield [path.slice(1), stat];
    if (stat.isDirectory()) yield* walk(dir, path);
  }
}

/**
 * Gives an image to another store as a fetch would: objects into quarantine, root first; then the missing blobs.
 * meanwhile: when half of them are there.
 */
export async function fetchInto(
  from: StoreView,
  to: Store,
  commit: string,
  meanwhile: (quarantine: Quarantine) => Promise<void> = async () => {},
  later: () => Promise<void> = async () => {},
): Promise<Quarantine> {
  const quarantine = await to.quarantine(commit);
  const give = async (oid: string): Promise<Buffer> => {
    const object = await from.readObject(oid);
    if (object === null) throw new Error(`no object ${oid}`);
    await quarantine.putObject(object.type, object.data);
    return object.data;
  };
  const image = from.image(commit);
  if (image === null) throw new Error(`no image ${commit}`);
  const tree = /^tree ([0-9a-f]{40})\n/.exec((await give(commit)).toString('latin1'))?.[1] ?? '';
  await give(tree);
  await give(image.attributes);
  const trees = [image.root];
  const blobs: string[] = [];
  for (let oid = trees.pop(); oid !== undefined; oid = trees.pop()) {
    await give(oid);
    for (const entry of await from.readTree(oid)) (entry.mode === MODE.dir ? trees : blobs).push(entry.oid);
  }
  for (const [index, oid] of blobs.entries()) {
    if (index === blobs.length >> 1) await meanwhile(quarantine);
    if (index === (3 * blobs.length) >> 2) await later();
    if (!(await to.hasBlob(oid))) await fetchBlob(from, to, oid);
  }
  return quarantine;
}

export async function fetchBlob(from: StoreView, to: Store, oid: string): Promise<void> {
  const blob = await from.openBlob(oid);
  if (blob === null) throw new Error(`no blob ${oid}`);
  const writer = to.receiveBlob(oid, blob.size);
  for await (const chunk of blob.handle.createReadStream({ highWaterMark: 100_000 })) writer.write(chunk);
  writer.commit();
}
