import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { PassItOnError } from '../../src/core/errors';
import { EMPTY_BLOB, EMPTY_TREE } from '../../src/core/object';
import { encodeTree, MODE, parseTree, type TreeEntry, type TreeMode } from '../../src/core/tree';
import { byteName, CONTENTS, entries, folder, writeFolder } from './arbitraries';
import { withCode } from './assert-error';
import { GitRepository } from './git';

const repository = new GitRepository();
after(() => repository.remove());

const raw = (text: string): Buffer => Buffer.from(text.replaceAll('@', '\x01'.repeat(20)), 'latin1');
const ONES = '01'.repeat(20);
const file = (name: string, mode: TreeMode = MODE.file): TreeEntry => ({ mode, name, oid: ONES });

test('the bytes of a tree, exactly', () => {
  const tree = [
    { mode: MODE.file, name: 'a.txt', oid: EMPTY_BLOB },
    { mode: MODE.dir, name: 'a', oid: EMPTY_TREE },
    { mode: MODE.symlink, name: 'z\xff', oid: ONES },
    { mode: MODE.exec, name: 'b\\x2d', oid: ONES },
  ];
  const bytes = [
    `${hex('100644 a.txt\0')}${EMPTY_BLOB}`,
    `${hex('40000 a\0')}${EMPTY_TREE}`,
    `${hex('100755 b\\x2d\0')}${ONES}`,
    `${hex('120000 z\xff\0')}${ONES}`,
  ];
  assert.equal(encodeTree(tree).toString('hex'), bytes.join(''));
  const documented = readFileSync('docs/formats.md', 'utf8').match(/^(100644 a\.txt|40000 a |100755 b|120000 z).*$/gm);
  assert.deepEqual(
    documented?.map(line => line.split(/ {2,}/).slice(1).join('').replaceAll(' ', '')),
    bytes,
  );
  assert.deepEqual(parseTree(encodeTree(tree)), [tree[0], tree[1], tree[3], tree[2]]);
  assert.deepEqual(parseTree(Buffer.alloc(0)), []);
});

function hex(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex');
}

test('what is no tree of ours is refused, with the reason', () => {
  const refused: [why: RegExp, data: string][] = [
    [/contains "\/"/, '100644 a/b\0@'],
    [/is "." or ".."/, '100644 .\0@'],
    [/is "." or ".."/, '40000 ..\0@'],
    [/is empty/, '100644 \0@'],
    [/longer than 255/, `100644 ${'n'.repeat(256)}\0@`],
    [/"a" twice/, '100644 a\0@100644 a\0@'],
    [/"a" twice/, '100644 a\0@100644 a.b\0@40000 a\0@'],
    [/wrong order at "a"/, '100644 b\0@100644 a\0@'],
    [/wrong order at "a.b"/, '40000 a\0@100644 a.b\0@'],
    [/unknown file mode/, '100664 a\0@'],
    [/unknown file mode/, '160000 a\0@'],
    [/unknown file mode/, '040000 a\0@'],
    [/unknown file mode/, '0100644 a\0@'],
    [/unknown file mode/, ' a\0@'],
    [/unknown file mode at byte 29/, '100644 a\0@garbage'],
    [/cut short at byte 0/, '100644 a'],
    [/cut short at byte 0/, '100644 a\0short'],
    [/cut short at byte 29/, '100644 a\0@100644 b\0\x01\x01'],
  ];
  for (const [why, data] of refused) assert.throws(() => parseTree(raw(data)), withCode('bad-data', why), data);
});

test('the encoder refuses the same, and what no tree can hold', () => {
  const refused: [why: RegExp, list: TreeEntry[]][] = [
    [/contains "\/"/, [file('a/b')]],
    [/contains a NUL/, [file('a\0b')]],
    [/is "." or ".."/, [file('..', MODE.dir)]],
    [/is empty/, [file('')]],
    [/longer than 255/, [file('n'.repeat(256))]],
    [/"a" twice/, [file('a'), file('a', MODE.exec)]],
    [/"a" twice/, [file('a'), file('a.b'), file('a', MODE.dir)]],
    [/mode of "a"/, [file('a', 0o100664 as TreeMode)]],
    [/object name of "a"/, [{ ...file('a'), oid: 'abc' }]],
  ];
  for (const [why, list] of refused) assert.throws(() => encodeTree(list), withCode('bad-data', why), String(why));
  assert.throws(() => encodeTree([file('\u2713')]), RangeError);
});

test('order of the entries given does not matter; git mktree makes the same tree, git ls-tree reads it', () => {
  fc.assert(
    fc.property(entries, list => {
      const data = encodeTree(list);
      const sorted = parseTree(data);
      assert.deepEqual(encodeTree([...list].reverse()), data);
      assert.deepEqual(new Set(sorted), new Set(list));
      assert.equal(sorted.length, list.length);

      const lines = (all: TreeEntry[]): Buffer => Buffer.from(all.map(lsTreeLine).join(''), 'latin1');
      const oid = repository.git(['mktree', '-z', '--missing'], { input: lines(list) });
      assert.equal(repository.write('tree', data), oid.toString().trim());
      assert.deepEqual(repository.git(['ls-tree', '-z', oid.toString().trim()]), lines(sorted));
    }),
    { numRuns: 60 },
  );
});

function lsTreeLine({ mode, oid, name }: TreeEntry): string {
  return `${mode.toString(8).padStart(6, '0')} ${mode === MODE.dir ? 'tree' : 'blob'} ${oid}\t${name}\0`;
}

test('git fsck --full --strict finds nothing wrong with whole images of ours', () => {
  const court = new GitRepository();
  try {
    for (const content of CONTENTS) court.write('blob', content);
    court.write('tree', Buffer.alloc(0));
    const roots = fc.sample(folder, 150).map(image => writeFolder(image, data => court.write('tree', data)));
    assert.ok(new Set(roots).size > 50);
    assert.deepEqual(court.complaints(['fsck', '--full', '--strict', '--no-dangling', ...roots]), {
      status: 0,
      text: '',
    });
  } finally {
    court.remove();
  }
});

test('parseTree refuses with bad-data or gives what encodes to the same bytes, whatever it is fed', () => {
  const anything = fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes));
  const word = fc.constantFrom(
    '100644 ',
    '40000 ',
    '120000 ',
    '100755 ',
    '040000 ',
    'a\0',
    'b\0',
    '.\0',
    '/\0',
    '@',
    '@\0',
  );
  const almost = fc.array(fc.oneof(word, byteName), { maxLength: 12 }).map(words => raw(words.join('')));
  const damaged = fc.tuple(entries, fc.nat(), fc.nat({ max: 255 })).map(([list, at, value]) => {
    const data = encodeTree(list);
    if (data.length > 0) data[at % data.length] = value;
    return data;
  });
  const met = { accepted: 0, refused: 0 };
  fc.assert(
    fc.property(fc.oneof(anything, almost, damaged), data => {
      let list: TreeEntry[];
      try {
        list = parseTree(data);
      } catch (error) {
        assert.ok(error instanceof PassItOnError && error.code === 'bad-data', String(error));
        met.refused++;
        return;
      }
      met.accepted++;
      assert.deepEqual(encodeTree(list), data);
    }),
    { numRuns: 3000 },
  );
  assert.ok(met.accepted > 100 && met.refused > 100, JSON.stringify(met));
});

test('parseTree takes what git fsck --strict takes, and refuses what it calls an error', () => {
  const court = new GitRepository();
  try {
    const names = ['a', 'a', 'a', 'a-', 'a.b', 'b', 'c', 'd', 'a/b', '..', ''];
    const word = fc.tuple(fc.constantFrom('100644', '100755', '120000', '40000'), fc.constantFrom(...names));
    const lists = fc.sample(
      fc.array(
        word.map(pair => pair.join(' ')),
        { maxLength: 3 },
      ),
      400,
    );
    const trees = new Map(
      lists.map(list => raw(list.map(word => `${word}\0@`).join(''))).map(data => [court.write('tree', data), data]),
    );
    const { text } = court.complaints(['fsck', '--full', '--strict']);
    const wrong = new Set(
      [...text.matchAll(/^error in tree ([0-9a-f]{40}): (?!broken links)/gm)].map(match => match[1]),
    );
    for (const [oid, data] of trees) {
      const shown = JSON.stringify(data.toString('latin1'));
      if (wrong.has(oid)) assert.throws(() => parseTree(data), withCode('bad-data'), shown);
      else assert.doesNotThrow(() => parseTree(data), shown);
    }
    assert.ok(wrong.size > 20 && wrong.size < trees.size - 20, `${wrong.size} of ${trees.size}`);
  } finally {
    court.remove();
  }
});
