/** Our diff and git's, on the same trees: random ones, and real folders in two real commits. */
import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, cpSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { fromBuffer, toBuffer } from '../../src/core/bytes';
import { type Change, diffTrees, walkTree } from '../../src/core/diff';
import { EMPTY_TREE, type Oid } from '../../src/core/object';
import { encodeTree, MODE, parseTree, type ReadTree } from '../../src/core/tree';
import { folderPair, writeFolder } from './arbitraries';
import { GitRepository } from './git';

const repository = new GitRepository();
after(() => repository.remove());
repository.write('tree', Buffer.alloc(0));

/** `git diff-tree -t` in our words: it reports folders that differ inside (we do not), and type changes as one `T`. */
function gitDiff(git: GitRepository, before: Oid, now: Oid): string[] {
  const raw = fromBuffer(git.git(['diff-tree', '-r', '-t', '-z', '--raw', '--no-abbrev', '--no-renames', before, now]));
  const words = raw.split('\0').slice(0, -1);
  const changes: string[] = [];
  for (let i = 0; i < words.length; i += 2) {
    const [oldMode, newMode, old, current, status] = words[i]!.slice(1).split(' ');
    const path = words[i + 1]!;
    if (status === 'D' || status === 'T') changes.push(`removed ${oldMode} ${old} ${path}`);
    if (status === 'A' || status === 'T') changes.push(`added ${newMode} ${current} ${path}`);
    if (status === 'M' && oldMode !== '040000') {
      changes.push(`${old === current ? 'mode-changed' : 'changed'} ${oldMode} ${old} ${newMode} ${current} ${path}`);
    }
  }
  return changes;
}

async function ourDiff(before: Oid, now: Oid, read: ReadTree): Promise<string[]> {
  const changes: string[] = [];
  for await (const { kind, path, old, new: current } of diffTrees(before, now, read)) {
    changes.push([kind, ...side(old), ...side(current), path].join(' '));
  }
  return changes;
}

function side(entry: Change['old']): string[] {
  return entry === null ? [] : [entry.mode.toString(8).padStart(6, '0'), entry.oid];
}

test('random trees: the same changes as git diff-tree, in the same order', async () => {
  const trees = new Map<Oid, Buffer>();
  const write = (data: Buffer): Oid => {
    const oid = repository.write('tree', data);
    trees.set(oid, data);
    return oid;
  };
  const read: ReadTree = oid => parseTree(trees.get(oid)!);
  const kinds = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(folderPair, async pair => {
      const [before, now] = [writeFolder(pair.old, write), writeFolder(pair.new, write)];
      const ours = await ourDiff(before, now, read);
      assert.deepEqual(ours, gitDiff(repository, before, now));
      for (const change of ours) {
        const kind = change.slice(0, change.indexOf(' '));
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      }
    }),
    { numRuns: 150 },
  );
  for (const kind of ['added', 'removed', 'changed', 'mode-changed']) assert.ok(kinds.has(kind), kind);
});

/** Packages that every checkout has, and the links that npm made to their programs. */
const REAL = ['typescript', '@types/node', 'isomorphic-git', '.bin'];

test('real folders, added by git itself: the same trees byte for byte, the same diff between two commits', async () => {
  const git = new GitRepository('with files');
  try {
    for (const name of REAL) {
      cpSync(join('node_modules', name), join(git.dir, name), { recursive: true, verbatimSymlinks: true });
    }
    const first = commitAll(git);
    changeAsAReleaseWould(git.dir);
    const second = commitAll(git);

    const bytes = new Map<Oid, Buffer>();
    const read: ReadTree = oid => {
      const data = git.read(oid, 'tree');
      bytes.set(oid, data);
      return parseTree(data);
    };
    for (const tree of [first, second]) {
      const paths: string[] = [];
      for await (const { path, entry } of walkTree(tree, read)) if (entry.mode !== MODE.dir) paths.push(path);
      const theirs = fromBuffer(git.git(['ls-tree', '-r', '-z', '--name-only', tree]));
      assert.deepEqual(paths, theirs.split('\0').slice(0, -1));
      assert.ok(paths.length > 500, String(paths.length));
    }
    for (const data of bytes.values()) assert.deepEqual(encodeTree(parseTree(data)), data);

    const changes = await ourDiff(first, second, read);
    assert.deepEqual(changes, gitDiff(git, first, second));
    const kinds = new Set(changes.map(change => change.split(' ')[0]));
    assert.deepEqual([...kinds].sort(), ['added', 'changed', 'mode-changed', 'removed']);
    assert.deepEqual(await ourDiff(second, first, read), gitDiff(git, second, first));
    assert.deepEqual(await ourDiff(EMPTY_TREE, second, read), gitDiff(git, EMPTY_TREE, second));
  } finally {
    git.remove();
  }
});

/** The oid of the tree of a new commit of all files there are. */
function commitAll(git: GitRepository): Oid {
  // -f: packages may bring a .gitignore.
  git.git(['add', '-A', '-f']);
  git.git(['commit', '-q', '-m', 'All there is']);
  return git.git(['rev-parse', 'HEAD^{tree}']).toString().trim();
}

function changeAsAReleaseWould(dir: string): void {
  const at = (name: string): Buffer => Buffer.concat([Buffer.from(`${dir}/`), toBuffer(name)]);
  rmSync(join(dir, 'isomorphic-git'), { recursive: true });
  writeFileSync(at('isomorphic-git'), 'now a file\n');
  renameSync(at('@types/node/fs'), at('@types/node/file systems'));
  appendFileSync(at('@types/node/buffer.d.ts'), '// newer\n');
  chmodSync(at('@types/node/index.d.ts'), 0o755);
  unlinkSync(at('typescript/package.json'));
  symlinkSync('README.md', at('typescript/package.json'));
  const nasty = ['system-system\\x2dcryptsetup.slice', 'two\nlines', '-rf', 'not \xff UTF-8', ' ', '*?[x]', '"quoted"'];
  for (const name of nasty) writeFileSync(at(`typescript/${name}`), name);
}
