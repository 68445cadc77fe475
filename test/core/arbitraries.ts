/** Random names, folders and pairs of folders for property tests; the names are as nasty as Linux allows. */
import fc from 'fast-check';
import type { ByteString } from '../../src/core/bytes';
import { EMPTY_TREE, type Oid, objectOid } from '../../src/core/object';
import {
  encodeTree,
  MODE,
  nameProblem,
  parseTree,
  type ReadTree,
  type TreeEntry,
  type TreeMode,
} from '../../src/core/tree';

/** Few and alike, so that two random folders share names, and files and folders meet in git's strange order. */
const TELLING_NAMES = [
  'a',
  'a.b',
  'a-',
  'a0',
  'a b',
  'a\\x2d',
  'a\nb',
  '-a',
  '-',
  '\xff',
  '\xc3\xa9',
  '..a',
  '*',
  '"a"',
];

export const byteName: fc.Arbitrary<ByteString> = fc
  .uint8Array({ minLength: 1, maxLength: 12 })
  .map(bytes => Buffer.from(bytes).toString('latin1'))
  .filter(name => nameProblem(name) === null);

export const name: fc.Arbitrary<ByteString> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...TELLING_NAMES) },
  { weight: 1, arbitrary: byteName },
);

/** Contents of files; few, so that the same turns up in many places. */
export const CONTENTS = ['', 'one', 'two\n', '\0\xff'].map(text => Buffer.from(text, 'latin1'));
export const oid: fc.Arbitrary<Oid> = fc.constantFrom(...CONTENTS.map(content => objectOid('blob', content)));

export type Leaf = { mode: Exclude<TreeMode, typeof MODE.dir>; oid: Oid };
export type Folder = Map<ByteString, Leaf | Folder>;

const leaf: fc.Arbitrary<Leaf> = fc.record({ mode: fc.constantFrom(MODE.file, MODE.exec, MODE.symlink), oid });

/** One place in two images: the same in both, different, in one only, or a folder that differs inside. */
type Pair = { old: Leaf | Folder | null; new: Leaf | Folder | null };

function folderOf(pairs: Map<ByteString, Pair>, side: 'old' | 'new'): Folder {
  return new Map([...pairs].flatMap(([at, pair]) => (pair[side] === null ? [] : [[at, pair[side]] as const])));
}

function mapOf<T>(value: fc.Arbitrary<T>): fc.Arbitrary<Map<ByteString, T>> {
  return fc.uniqueArray(fc.tuple(name, value), { selector: ([at]) => at, maxLength: 6 }).map(list => new Map(list));
}

const trees = fc.letrec<{ node: Leaf | Folder; folder: Folder; pair: Pair; pairs: { old: Folder; new: Folder } }>(
  tie => ({
    node: fc.oneof({ maxDepth: 4, withCrossShrink: true }, leaf, tie('folder')),
    folder: mapOf(tie('node')),
    pair: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf.map(same => ({ old: same, new: same })),
      fc.tuple(leaf, leaf).map(([one, other]) => ({ old: one, new: { ...other, oid: one.oid } })),
      fc.record({ old: tie('node'), new: tie('node') }),
      fc.record({ old: tie('node'), new: fc.constant(null) }),
      fc.record({ old: fc.constant(null), new: tie('node') }),
      tie('node').map(same => ({ old: same, new: same })),
      tie('pairs'),
    ),
    pairs: mapOf(tie('pair')).map(pairs => ({ old: folderOf(pairs, 'old'), new: folderOf(pairs, 'new') })),
  }),
);

export const folder: fc.Arbitrary<Folder> = trees.folder;
export const folderPair: fc.Arbitrary<{ old: Folder; new: Folder }> = trees.pairs;

/** Of one folder; what they name is there only in part. */
export const entries: fc.Arbitrary<TreeEntry[]> = fc.uniqueArray(
  fc.oneof(
    fc.record({ name, mode: fc.constantFrom(MODE.file, MODE.exec, MODE.symlink), oid }, { noNullPrototype: true }),
    fc.record(
      { name, mode: fc.constant(MODE.dir), oid: fc.constantFrom(EMPTY_TREE, '12'.repeat(20)) },
      { noNullPrototype: true },
    ),
  ),
  { selector: entry => entry.name, maxLength: 20 },
);

/** Writes a folder and all below it, children first; gives its oid. */
export function writeFolder(from: Folder, write: (data: Buffer, list: TreeEntry[]) => Oid): Oid {
  const list: TreeEntry[] = [...from].map(([at, node]) =>
    node instanceof Map ? { name: at, mode: MODE.dir, oid: writeFolder(node, write) } : { name: at, ...node },
  );
  return write(encodeTree(list), list);
}

/** Trees in memory, counting who reads them. */
export class TreeShelf {
  readonly trees = new Map<Oid, TreeEntry[]>();
  reads = 0;

  put(list: TreeEntry[]): Oid {
    const data = encodeTree(list);
    const at = objectOid('tree', data);
    this.trees.set(at, parseTree(data));
    return at;
  }

  readonly read: ReadTree = at => {
    this.reads++;
    const found = this.trees.get(at);
    if (found === undefined) throw new Error(`No tree ${at}`);
    return found;
  };
}
