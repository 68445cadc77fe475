/** Which mounts may be sticks; what is on real ones is tried in test/lan/stick.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { removable } from '../../src/service/media';

const line = (path: string, type: string) => `36 35 98:0 / ${path} rw,noatime shared:1 master:2 - ${type} /dev/sdb1 rw`;

test('what is mounted where people and desktops mount sticks may be one', () => {
  const paths = [
    '/',
    '/media/ana/BLUE\\040STICK',
    '/run/media/ana/x',
    '/mnt',
    '/mnt/usb',
    '/mediaeval',
    '/run/mount',
    '/home',
  ];
  const text = `${paths.map(path => line(path, 'vfat')).join('\n')}\n`;
  assert.deepEqual(removable(text), ['/media/ana/BLUE STICK', '/run/media/ana/x', '/mnt', '/mnt/usb']);
});

test('what would make us wait for another machine is not looked into', () => {
  for (const type of ['nfs', 'nfs4', 'cifs', 'autofs', 'fuse.sshfs']) {
    assert.deepEqual(removable(line('/mnt/school', type)), []);
  }
  assert.deepEqual(removable(line('/mnt/stick', 'fuseblk')), ['/mnt/stick']);
});

test('one mount over another is one place, and there are never too many', () => {
  assert.deepEqual(removable(`${line('/mnt', 'ext4')}\n${line('/mnt', 'tmpfs')}`), ['/mnt']);
  const many = Array.from({ length: 100 }, (_none, i) => line(`/media/${i}`, 'vfat'));
  assert.equal(removable(many.join('\n')).length, 16);
});

test('names are read as the kernel writes them', () => {
  const escaped = (name: string) =>
    name.replace(/[ \t\n\\]/g, char => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, unit: 'grapheme' }).map(name => name.replace(/[\0/\uFFFD\r]/g, '_')),
      name => {
        assert.deepEqual(removable(line(`/media/${escaped(name)}`, 'vfat')), [`/media/${name}`]);
      },
    ),
  );
});

test('whatever stands there does no harm', () => {
  fc.assert(fc.property(fc.string(), text => void removable(text)));
});
