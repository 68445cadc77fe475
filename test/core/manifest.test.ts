/** The judge is Debian's mtree (mtree-netbsd), on real folders. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import type { FullAttributes } from '../../src/core/attributes';
import { type ByteString, fromBuffer, joinPath, toBuffer } from '../../src/core/bytes';
import { manifestHeader, manifestLine } from '../../src/core/manifest';
import { compareEntries, MODE } from '../../src/core/tree';
import { byteName } from './arbitraries';
import { withCode } from './assert-error';

const scratch = mkdtempSync(join(tmpdir(), 'pass-it-on-manifest-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const owned = { uid: 0, gid: 0, time: 1 };

test('the bytes of a manifest, exactly', () => {
  const device = { type: 'char', mode: 0o666, device: { major: 1, minor: 3 } } as const;
  const lines = [
    manifestHeader(),
    manifestLine('dev', { ...owned, type: 'dir', mode: 0o755 }, null),
    manifestLine('dev/null', { ...owned, ...device }, null),
    manifestLine('dev/sda', { ...owned, ...device, type: 'block', gid: 6, device: { major: 259, minor: 70000 } }, null),
    manifestLine('run[1]', { ...owned, type: 'fifo', mode: 0, uid: 1000, gid: 1000 }, null),
    manifestLine('su do', { ...owned, type: 'file', mode: 0o4755, time: 5, hardlink: 1 }, { size: 0, sha256: SHA256 }),
    manifestLine('\xff', { ...owned, type: 'symlink', mode: 0o777 }, { link: '../a b\\x2d*\n#' }),
  ];
  const text = `#mtree
. type=dir
./dev type=dir mode=0755 uid=0 gid=0
./dev/null type=char mode=0666 uid=0 gid=0 device=native,1,3
./dev/sda type=block mode=0666 uid=0 gid=6 device=native,259,70000
./run\\134\\1331\\135 type=fifo mode=0 uid=1000 gid=1000
./su\\040do type=file mode=04755 uid=0 gid=0 size=0 sha256digest=${SHA256}
./\\377 type=link mode=0777 uid=0 gid=0 link=../a\\040b\\134x2d\\052\\012\\043
`;
  assert.equal(lines.join(''), text);
  assert.ok(readFileSync('docs/formats.md', 'utf8').includes(text));
});

test('content that does not fit the type is refused, and so is a target that no file system holds', () => {
  const file: FullAttributes = { ...owned, type: 'file', mode: 0o644 };
  const link: FullAttributes = { ...owned, type: 'symlink', mode: 0o777 };
  const wrong = withCode('bad-data', /"a b" is a (file|symlink|fifo), and its content/);
  assert.throws(() => manifestLine('a b', file, null), wrong);
  assert.throws(() => manifestLine('a b', file, { link: 'x' }), wrong);
  assert.throws(() => manifestLine('a b', link, { size: 0, sha256: SHA256 }), wrong);
  assert.throws(() => manifestLine('a b', { ...file, type: 'fifo' }, { size: 0, sha256: SHA256 }), wrong);
  for (const target of ['', 'x\0y', 'x'.repeat(4096)]) {
    assert.throws(() => manifestLine('a b', link, { link: target }), withCode('bad-data', /target/));
  }
  manifestLine('a b', link, { link: 'x'.repeat(4095) });
});

function typeOf(stat: Stats): FullAttributes['type'] {
  if (stat.isDirectory()) return 'dir';
  if (stat.isSymbolicLink()) return 'symlink';
  return stat.isFIFO() ? 'fifo' : 'file';
}

/** The manifest of a real folder, as it is on disk now. */
function manifestOf(root: string): string {
  const lines: string[] = [manifestHeader()];
  const visit = (dir: ByteString): void => {
    const names = readdirSync(toBuffer(joinPath(root, dir)), { encoding: 'buffer' }).map(fromBuffer);
    const entries = names.map(name => {
      const stat = lstatSync(toBuffer(`${root}/${joinPath(dir, name)}`));
      return { name, stat, mode: stat.isDirectory() ? MODE.dir : MODE.file };
    });
    for (const { name, stat } of entries.sort(compareEntries)) {
      const path = joinPath(dir, name);
      const at = toBuffer(`${root}/${path}`);
      const type = typeOf(stat);
      const full: FullAttributes = { type, mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid, time: 1 };
      const sha256 = (): string => createHash('sha256').update(readFileSync(at)).digest('hex');
      if (type === 'file') lines.push(manifestLine(path, full, { size: stat.size, sha256: sha256() }));
      else if (type === 'symlink')
        lines.push(manifestLine(path, full, { link: fromBuffer(readlinkSync(at, 'buffer')) }));
      else lines.push(manifestLine(path, full, null));
      if (type === 'dir') visit(path);
    }
  };
  visit('');
  return lines.join('');
}

let folders = 0;

/** A folder with one of everything that an ordinary user can make. */
function makeFolder(names: ByteString[]): string {
  const root = join(scratch, `folder-${++folders}`);
  mkdirSync(root);
  const at = (path: ByteString): Buffer => toBuffer(`${root}/${path}`);
  names.forEach((name, i) => {
    mkdirSync(at(`d${name}`.slice(0, 255)));
    writeFileSync(at(joinPath(`d${name}`, name)), `content ${i}`);
    writeFileSync(at(`f${name}`), '');
    symlinkSync(toBuffer(name), at(`l${name}`));
  });
  return root;
}

/** mtree's verdict: status 0 and silence when the folder is as the manifest says. Missing and extra paths are only said. */
function mtree(manifest: string, root: string, ...options: string[]): { status: number | null; said: string } {
  const file = join(scratch, 'manifest.mtree');
  writeFileSync(file, manifest, 'latin1');
  const env = { ...process.env, LC_ALL: 'C.UTF-8' };
  const { status, stdout, stderr, error } = spawnSync('mtree', [...options, '-f', file, '-p', root], { env });
  if (error !== undefined) throw error;
  return { status, said: `${stdout}${stderr}` };
}

const AS_IT_SHOULD_BE = { status: 0, said: '' };

const NASTY = [
  'a b',
  'a\\x2d',
  '[ab]',
  '*',
  '?',
  'a\nb',
  '\xff\xfe',
  '#',
  '=',
  'a=b',
  '!',
  '-',
  '$(x)',
  '\x7f',
  'é',
  '~',
  '%41',
  '^a',
  '{b,c}',
];

test('mtree finds a folder as its manifest says, and every change of it', () => {
  const root = makeFolder(NASTY);
  execFileSync('mkfifo', [join(root, 'pipe')]);
  writeFileSync(join(root, 'program'), '#!/bin/sh\n');
  chmodSync(join(root, 'program'), 0o4755);
  const manifest = manifestOf(root);
  assert.deepEqual(mtree(manifest, root), AS_IT_SHOULD_BE);

  const changes: [status: number, what: RegExp, change: () => void, undo: () => void][] = [
    [2, /sha256/, () => writeFileSync(`${root}/d*/*`, 'Content 3'), () => writeFileSync(`${root}/d*/*`, 'content 3')],
    [2, /size/, () => appendFileSync(`${root}/f[ab]`, 'x'), () => writeFileSync(`${root}/f[ab]`, '')],
    [2, /permissions/, () => chmodSync(`${root}/program`, 0o755), () => chmodSync(`${root}/program`, 0o4755)],
    [2, /link ref/, () => relink(`${root}/l#`, 'other'), () => relink(`${root}/l#`, '#')],
    [2, /type/, () => relink(`${root}/f=`, 'other'), () => remake(`${root}/f=`)],
    [0, /missing/, () => unlinkSync(`${root}/fa b`), () => writeFileSync(`${root}/fa b`, '')],
    [0, /extra/, () => writeFileSync(`${root}/more`, ''), () => unlinkSync(`${root}/more`)],
  ];
  for (const [status, what, change, undo] of changes) {
    change();
    const verdict = mtree(manifest, root);
    assert.equal(verdict.status, status, String(what));
    assert.match(verdict.said, what);
    undo();
    assert.deepEqual(mtree(manifest, root), AS_IT_SHOULD_BE, String(what));
  }
});

function relink(at: string, target: string): void {
  unlinkSync(at);
  symlinkSync(target, at);
}

function remake(at: string): void {
  unlinkSync(at);
  writeFileSync(at, '');
}

test('mtree takes every name there is, also side by side with names that it would match as a pattern', () => {
  const sign = fc.constantFrom('*', '?', '[', ']', '\\', '!', '^', 'a', 'b', '-', '\xff');
  const patternName = fc.oneof(
    byteName,
    fc.array(sign, { minLength: 1, maxLength: 5 }).map(signs => signs.join('')),
  );
  fc.assert(
    fc.property(fc.uniqueArray(patternName, { minLength: 1, maxLength: 10 }), names => {
      const root = makeFolder(names);
      const manifest = manifestOf(root);
      assert.deepEqual(mtree(manifest, root), AS_IT_SHOULD_BE);
      writeFileSync(toBuffer(`${root}/f${names[0]}`), 'changed');
      assert.equal(mtree(manifest, root).status, 2);
      rmSync(root, { recursive: true });
    }),
    { numRuns: 40 },
  );
});

test('mtree reads device numbers as we write them: those of this machine, large ones too', () => {
  const node = (name: string): string => {
    const { rdev, mode, uid, gid } = statSync(`/dev/${name}`);
    const device = { major: rdevMajor(rdev), minor: rdevMinor(rdev) };
    return manifestLine(name, { type: 'char', mode: mode & 0o7777, uid, gid, time: 1, device }, null);
  };
  // -e: the rest of /dev is none of our business.
  const ownDevices = manifestHeader() + node('null') + node('zero');
  assert.deepEqual(mtree(ownDevices, '/dev', '-e'), AS_IT_SHOULD_BE);
  assert.equal(mtree(ownDevices.replace('native,1,3', 'native,1,4'), '/dev', '-e').status, 2);
  const large = manifestLine(
    'none',
    { ...owned, type: 'block', mode: 0, device: { major: 4095, minor: 1048575 } },
    null,
  );
  assert.deepEqual(mtree(manifestHeader() + large, '/dev', '-e'), { status: 0, said: 'missing: ./none\n' });
});

/** glibc's gnu_dev_major and gnu_dev_minor, for the 32 bits that the kernel uses. */
function rdevMajor(rdev: number): number {
  return (rdev >>> 8) & 0xfff;
}

function rdevMinor(rdev: number): number {
  return (rdev & 0xff) | ((rdev >>> 12) & 0xfff00);
}
