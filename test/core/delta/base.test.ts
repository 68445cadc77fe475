import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Bases, type HeldFile, maskVersions } from '../../../src/core/delta/base';

const FILES: HeldFile[] = [
  { path: 'usr/lib/libfoo.so.1.2', oid: 'foo', size: 1000 },
  { path: 'usr/lib/libfoo.so.1.2.old', oid: 'foo-old', size: 1001 },
  { path: 'lib/modules/6.1.0-50-amd64/kernel/ext4.ko', oid: 'ext4', size: 500 },
  { path: 'lib/modules/6.1.0-49-amd64/kernel/ext4.ko', oid: 'ext4-before', size: 400 },
  { path: 'usr/share/doc/a/copyright', oid: 'a', size: 10 },
  { path: 'usr/share/doc/b/copyright', oid: 'b', size: 20 },
  { path: 'usr/share/doc/c/copyright', oid: 'c', size: 40 },
  { path: 'usr/share/doc/d/copyright', oid: 'd', size: 0 },
  { path: 'opt/python3.9', oid: 'python', size: 7000 },
  { path: 'README', oid: 'readme', size: 7 },
];
const bases = new Bases(FILES);

test('version numbers are masked, whole', () => {
  assert.equal(maskVersions('lib/modules/6.1.0-50-amd64/x.ko'), 'lib/modules/#-#-amd#/x.ko');
  assert.equal(maskVersions('usr/lib/libfoo.so.1.2'), maskVersions('usr/lib/libfoo.so.10'));
  assert.notEqual(maskVersions('usr/lib/libfoo.so'), maskVersions('usr/lib/libfoo.so.1'));
});

test('the same path comes first, whatever its size', () => {
  assert.deepEqual(bases.for('usr/share/doc/a/copyright', 40), ['a', 'c']);
  assert.deepEqual(bases.for('README', 1_000_000), ['readme']);
});

test('then the same path but for its version, then the same name, then that but for its version', () => {
  assert.deepEqual(bases.for('usr/lib/libfoo.so.1.3', 1001), ['foo']);
  assert.deepEqual(bases.for('lib/modules/6.1.0-56-amd64/kernel/ext4.ko', 501), ['ext4']);
  assert.deepEqual(bases.for('opt/new/README', 7), ['readme']);
  assert.deepEqual(bases.for('usr/bin/python3.11', 7001), ['python']);
});

test('of several the one nearest in size; of two as near the smaller', () => {
  const sizes = [1, 14, 15, 16, 30, 31, 1000];
  assert.deepEqual(
    sizes.map(size => bases.for('usr/share/doc/new/copyright', size)[0]),
    ['a', 'a', 'a', 'b', 'b', 'c', 'c'],
  );
  assert.equal(bases.for('lib/modules/6.2/kernel/ext4.ko', 440)[0], 'ext4-before');
});

test('empty files are no base, and nothing is like nothing', () => {
  assert.deepEqual(bases.for('usr/share/doc/d/copyright', 0), ['a']);
  assert.deepEqual(bases.for('usr/bin/new', 5), []);
  assert.deepEqual(new Bases([]).for('README', 5), []);
});

test('whatever the paths: no oid twice, at most three, all of them held, the same path first', () => {
  const part = fc.constantFrom('a', 'b1', 'b2', 'b1.2', '\xff', 'x-3', '7');
  const path = fc.array(part, { minLength: 1, maxLength: 3 }).map(parts => parts.join('/'));
  const file = fc.record({ path, oid: fc.constantFrom('p', 'q', 'r', 's', 't'), size: fc.nat({ max: 9 }) });
  const files = fc.uniqueArray(file, { selector: ({ path }) => path, maxLength: 30 });
  fc.assert(
    fc.property(files, path, fc.nat({ max: 12 }), (held, wanted, size) => {
      const found = new Bases(held).for(wanted, size);
      assert.equal(new Set(found).size, found.length);
      assert.ok(found.length <= 3);
      for (const oid of found) assert.ok(held.some(one => one.oid === oid && one.size > 0));
      const same = held.find(one => one.path === wanted);
      if (same && same.size > 0) assert.equal(found[0], same.oid);
    }),
  );
});

test('thousands of files of one name are searched, not walked', () => {
  const many = Array.from({ length: 200_000 }, (_, index) => {
    return { path: `doc/${'abcdefgh'[index % 8]}${index}x/copyright`, oid: `${index}`, size: index + 1 };
  });
  const all = new Bases(many);
  // By walking, 4 × 10^10 comparisons.
  for (const { size } of many) assert.equal(all.for('new/copyright', size)[0], `${size - 1}`);
});
