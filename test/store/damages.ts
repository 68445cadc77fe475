/** Everything that can be wrong with an image on disk: how to do it to the nasty tree, and what verify must say. */
import {
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { isRoot, run } from './support';

/** What verify must find after a change to the image on disk: [path, problem]. */
export type Damage = [name: string, damage: (dir: string) => void, expected: [string, RegExp][]];

/** Changes the content and nothing else, in an inode of its own. */
function flipByte(file: string): void {
  const data = readFileSync(file);
  data.writeUInt8(data.readUInt8(data.length >> 1) ^ 0x20, data.length >> 1);
  run('cp', ['-a', file, `${file}.new`]);
  writeFileSync(`${file}.new`, data);
  utimesSync(`${file}.new`, 1, 1);
  renameSync(`${file}.new`, file);
}

const everybodys: Damage[] = [
  ['a flipped byte', dir => flipByte(join(dir, 'etc/odd')), [['/etc/odd', /other content/]]],
  ['a flipped byte in a large file', dir => flipByte(join(dir, 'big')), [['/big', /other content/]]],
  ['a longer file', dir => writeFileSync(join(dir, 'etc/odd'), 'more', { flag: 'a' }), [['/etc/odd', /other content/]]],
  ['a wrong mode', dir => chmodSync(join(dir, 'bin/sudo'), 0o755), [['/bin/sudo', /mode 0755 instead of 4755/]]],
  ['a wrong mode of a folder', dir => chmodSync(join(dir, 'tmp'), 0o755), [['/tmp', /mode 0755 instead of 1777/]]],
  ['a wrong mode of the root', dir => chmodSync(dir, 0o700), [['/', /mode 0700 instead of 0755/]]],
  ['a missing file', dir => rmSync(join(dir, 'etc/odd')), [['/etc/odd', /missing/]]],
  ['a missing folder, told once', dir => rmSync(join(dir, 'py'), { recursive: true }), [['/py', /missing/]]],
  ['an extra file', dir => writeFileSync(join(dir, 'etc/x\ny'), ''), [['/etc/x\\ny', /not belong/]]],
  [
    'an extra folder',
    dir => mkdirSync(join(dir, 'empty/new/sub'), { recursive: true }),
    [['/empty/new', /not belong/]],
  ],
  [
    'another link target',
    dir => {
      rmSync(join(dir, 'links/self'));
      symlinkSync('other', join(dir, 'links/self'));
    },
    [['/links/self', /elsewhere/]],
  ],
  [
    'a folder where a link was',
    dir => {
      rmSync(join(dir, 'sbin'));
      mkdirSync(join(dir, 'sbin'));
    },
    [['/sbin', /not a symlink/]],
  ],
  [
    'a link where a folder was',
    dir => {
      renameSync(join(dir, 'py'), join(dir, 'py.old'));
      symlinkSync('py.old', join(dir, 'py'));
    },
    [
      ['/py.old', /not belong/],
      ['/py', /not a dir/],
    ],
  ],
  [
    'a broken hard link',
    dir => {
      cpSync(join(dir, 'hard/one'), join(dir, 'hard/copy'), { preserveTimestamps: true });
      renameSync(join(dir, 'hard/copy'), join(dir, 'hard/two'));
    },
    [['/hard/two', /no longer a hard link of/]],
  ],
  [
    'a hard link too many',
    dir => {
      rmSync(join(dir, 'same/1'));
      linkSync(join(dir, 'same/0'), join(dir, 'same/1'));
    },
    [['/same/1', /shares its inode with \/same\/0/]],
  ],
  ['a time that matters', dir => utimesSync(join(dir, 'py/mod.py'), 1, 1), [['/py/mod.py', /time/]]],
  [
    'a file instead of a FIFO',
    dir => {
      rmSync(join(dir, 'fifo'));
      writeFileSync(join(dir, 'fifo'), '');
    },
    [['/fifo', /not a fifo/]],
  ],
];

const asRoot: Damage[] = [
  ['a wrong owner', dir => run('chown', ['9', join(dir, 'etc/odd')]), [['/etc/odd', /belongs to 9:0 instead of 0:0/]]],
  [
    'a wrong group',
    dir => run('chown', ['-h', ':9', join(dir, 'links/self')]),
    [['/links/self', /0:9 instead of 0:0/]],
  ],
  [
    'another device',
    dir => {
      rmSync(join(dir, 'dev/high'));
      run('mknod', ['-m', '644', join(dir, 'dev/high'), 'c', '1', '5']);
    },
    [['/dev/high', /device 1,5 instead of 511,70000/]],
  ],
];

/** Those that whoever runs the tests can do. */
export const damages: Damage[] = [...everybodys, ...(isRoot ? asRoot : [])];
