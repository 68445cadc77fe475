import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Attributes, checkAttributes, exceptionFrom, fullAttributes } from '../../src/core/attributes';
import { walkLists } from '../../src/core/diff';
import { EMPTY_BLOB, EMPTY_TREE } from '../../src/core/object';
import { MODE, type TreeMode } from '../../src/core/tree';
import { TreeShelf } from './arbitraries';
import { attributes } from './arbitrary-attributes';
import { withCode } from './assert-error';

const ONES = '01'.repeat(20);

test('defaults', () => {
  const facts = { uid: 0, gid: 0, time: 1 };
  assert.deepEqual(fullAttributes({ mode: MODE.dir }, undefined), { type: 'dir', mode: 0o755, ...facts });
  assert.deepEqual(fullAttributes({ mode: MODE.exec }, undefined), { type: 'file', mode: 0o755, ...facts });
  assert.deepEqual(fullAttributes({ mode: MODE.file }, undefined), { type: 'file', mode: 0o644, ...facts });
  assert.deepEqual(fullAttributes({ mode: MODE.symlink }, undefined), { type: 'symlink', mode: 0o777, ...facts });
  const device = { type: 'char', device: { major: 1, minor: 3 }, mode: 0o666, uid: undefined } as const;
  assert.deepEqual(fullAttributes({ mode: MODE.file }, device), {
    ...facts,
    type: 'char',
    mode: 0o666,
    device: { major: 1, minor: 3 },
  });
});

test('exceptionFrom records exactly what fullAttributes needs to say the same again', () => {
  fc.assert(
    fc.property(fc.constantFrom<TreeMode>(MODE.file, MODE.exec, MODE.dir), attributes, (mode, exception) => {
      const full = fullAttributes({ mode }, exception);
      const recorded = exceptionFrom({ mode }, full);
      const { xattrs, ...rest } = full;
      const again = fullAttributes({ mode }, recorded);
      assert.deepEqual(again, xattrs && Object.keys(xattrs).length > 0 ? full : rest);
      // Nothing that the default says anyway.
      const unsaid = fullAttributes({ mode }, undefined);
      for (const key of ['mode', 'uid', 'gid', 'time'] as const) assert.notEqual(recorded?.[key], unsaid[key], key);
      assert.notDeepEqual(recorded, {});
    }),
  );
  const folder = fullAttributes({ mode: MODE.dir }, undefined);
  assert.throws(() => exceptionFrom({ mode: MODE.file }, folder), withCode('bad-data', /file in the tree and dir/));
});

const shelf = new TreeShelf();
const root = shelf.put([
  { name: 'dir', mode: MODE.dir, oid: EMPTY_TREE },
  { name: 'empty', mode: MODE.file, oid: EMPTY_BLOB },
  { name: 'empty-program', mode: MODE.exec, oid: EMPTY_BLOB },
  { name: 'file', mode: MODE.file, oid: ONES },
  { name: 'link', mode: MODE.symlink, oid: ONES },
  { name: 'program', mode: MODE.exec, oid: ONES },
  { name: 'secret', mode: MODE.file, oid: ONES },
  { name: 'twin', mode: MODE.file, oid: ONES },
]);

async function check(list: [path: string, attributes: Attributes][]): Promise<void> {
  await checkAttributes(new Map(list), walkLists(root, shelf.read));
}

test('attributes that fit the tree', async () => {
  await check([]);
  await check([
    ['', { mode: 0o700, uid: 5 }],
    ['dir', { mode: 0o1777, xattrs: { 'user.a': Buffer.from('b') } }],
    ['empty', { type: 'char', device: { major: 1, minor: 3 }, mode: 0o777 }],
    ['link', { uid: 5 }],
    ['program', { mode: 0o4711 }],
    ['empty-program', { mode: 0o100 }],
    ['secret', { mode: 0o640 }],
    ['file', { hardlink: 1, uid: 7, time: 5 }],
    ['twin', { hardlink: 1, uid: 7, time: 5 }],
  ]);
  await check([
    ['file', { hardlink: 1 }],
    ['twin', { hardlink: 1 }],
  ]);
});

test('attributes that do not', async () => {
  const refused: [why: RegExp, list: [string, Attributes][]][] = [
    [/"file\/x", which the image does not have/, [['file/x', { uid: 5 }]]],
    [/"file".*not an empty file/, [['file', { type: 'fifo' }]]],
    [/"empty-program".*not an empty file/, [['empty-program', { type: 'fifo' }]]],
    [/"dir".*not an empty file/, [['dir', { type: 'fifo' }]]],
    [/"".*not an empty file/, [['', { type: 'fifo' }]]],
    [/"link".*mode to a symlink/, [['link', { mode: 0o700 }]]],
    [/"program".*has anyway/, [['program', { mode: 0o755 }]]],
    [/"".*has anyway/, [['', { mode: 0o755 }]]],
    [/"file".*disagree/, [['file', { mode: 0o700 }]]],
    [/"program".*disagree/, [['program', { mode: 0o611 }]]],
    [/"dir".*hard link of a folder/, [['dir', { hardlink: 1 }]]],
    [
      /"program".*differ from.*"file"/,
      [
        ['file', { hardlink: 1 }],
        ['program', { hardlink: 1 }],
      ],
    ],
    [
      /"twin".*differ from.*"file"/,
      [
        ['file', { hardlink: 1, uid: 5 }],
        ['twin', { hardlink: 1 }],
      ],
    ],
    [
      /"twin".*differ from.*"empty"/,
      [
        ['empty', { hardlink: 1 }],
        ['twin', { hardlink: 1 }],
      ],
    ],
  ];
  for (const [why, list] of refused) await assert.rejects(check(list), withCode('bad-data', why));
});
