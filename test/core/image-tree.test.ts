import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeImageTree, imageTree } from '../../src/core/image-tree';
import { EMPTY_BLOB, EMPTY_TREE } from '../../src/core/object';
import { MODE, parseTree, type TreeEntry } from '../../src/core/tree';
import { withCode } from './assert-error';

const attributes: TreeEntry = { mode: MODE.file, name: 'attributes', oid: EMPTY_BLOB };
const root: TreeEntry = { mode: MODE.dir, name: 'root', oid: EMPTY_TREE };

test('the tree of a commit holds the attributes and the root', () => {
  const data = encodeImageTree({ attributes: EMPTY_BLOB, root: EMPTY_TREE });
  assert.deepEqual(parseTree(data), [attributes, root]);
  assert.deepEqual(imageTree(parseTree(data)), { attributes: EMPTY_BLOB, root: EMPTY_TREE });
});

test('every other tree is that of something else', () => {
  const others: TreeEntry[][] = [
    [],
    [attributes],
    [root],
    [attributes, root, { ...root, name: 'srv' }],
    [{ ...attributes, mode: MODE.exec }, root],
    [attributes, { ...root, mode: MODE.symlink }],
    [{ ...attributes, name: 'attribute' }, root],
    [attributes, { ...root, name: 'boot' }],
  ];
  for (const list of others) assert.throws(() => imageTree(list), withCode('bad-data', /not one of an image/));
});
