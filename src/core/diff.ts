/** What differs between two images, found at run time between any two trees; never looks into equal subtrees. */
import { badData } from './bad-data';
import { type ByteString, joinPath } from './bytes';
import { EMPTY_TREE, type Oid } from './object';
import { compareEntries, MAX_PATHS, MODE, type ReadTree, type TreeEntry } from './tree';

export interface Change {
  /**
   * changed: other content (and maybe another mode); mode-changed: same content, file ↔ executable.
   * A folder that appears or goes is an entry of its own, before its contents; one whose contents differ is not
   * reported itself. File ↔ folder and file ↔ symlink are a `removed` and an `added`.
   */
  kind: 'added' | 'removed' | 'changed' | 'mode-changed';
  path: ByteString;
  old: TreeEntry | null;
  new: TreeEntry | null;
}

/** Levels of folders in an image. */
export const MAX_DEPTH = 4096;

/** Two folders of one path, as far as they have been merged. */
interface Frame {
  path: ByteString;
  old: TreeEntry[];
  oldAt: number;
  new: TreeEntry[];
  newAt: number;
}

/**
 * Merges two trees; null stands for no tree at all. The root itself is not reported. Order: that of `git diff-tree -r -t`.
 * Throws 'bad-data' beyond MAX_DEPTH, or MAX_PATHS in the folders that differ, and what `read` throws.
 */
export async function* diffTrees(oldRoot: Oid | null, newRoot: Oid | null, read: ReadTree): AsyncGenerator<Change> {
  if (oldRoot === newRoot) return;
  const stack: Frame[] = [];
  let oldPaths = 0;
  let newPaths = 0;

  const enter = async (path: ByteString, oldTree: Oid | null, newTree: Oid | null): Promise<void> => {
    if (stack.length >= MAX_DEPTH) throw badData(`An image has more than ${MAX_DEPTH} levels of folders.`);
    const [oldEntries, newEntries] = [await entriesOf(oldTree, read), await entriesOf(newTree, read)];
    oldPaths += oldEntries.length;
    newPaths += newEntries.length;
    if (oldPaths > MAX_PATHS || newPaths > MAX_PATHS) throw badData(`An image has more than ${MAX_PATHS} paths.`);
    stack.push({ path, old: oldEntries, oldAt: 0, new: newEntries, newAt: 0 });
  };

  await enter('', oldRoot, newRoot);
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const left = frame.old[frame.oldAt];
    const right = frame.new[frame.newAt];
    if (left === undefined && right === undefined) {
      stack.pop();
      continue;
    }
    const order = left === undefined ? 1 : right === undefined ? -1 : compareEntries(left, right);
    const before = order <= 0 ? left : undefined;
    const after = order >= 0 ? right : undefined;
    if (before !== undefined) frame.oldAt++;
    if (after !== undefined) frame.newAt++;
    if (before?.oid === after?.oid && before?.mode === after?.mode) continue;

    const path = joinPath(frame.path, (before ?? after)!.name);
    const oldTree = before?.mode === MODE.dir ? before.oid : null;
    const newTree = after?.mode === MODE.dir ? after.oid : null;
    if (oldTree === null || newTree === null) yield* changesAt(path, before ?? null, after ?? null);
    if (oldTree !== null || newTree !== null) await enter(path, oldTree, newTree);
  }
}

/** The entries of one path that differ, at most one of them a folder (equal names of unequal kind sort apart). */
function* changesAt(path: ByteString, before: TreeEntry | null, after: TreeEntry | null): Generator<Change> {
  if (before !== null && after !== null && (before.mode === MODE.symlink) === (after.mode === MODE.symlink)) {
    yield { kind: before.oid === after.oid ? 'mode-changed' : 'changed', path, old: before, new: after };
    return;
  }
  if (before !== null) yield { kind: 'removed', path, old: before, new: null };
  if (after !== null) yield { kind: 'added', path, old: null, new: after };
}

async function entriesOf(oid: Oid | null, read: ReadTree): Promise<TreeEntry[]> {
  // As in git, the empty tree need not be stored anywhere.
  return oid === null || oid === EMPTY_TREE ? [] : read(oid);
}

/** A path of an image and what stands there. */
export interface TreePath {
  path: ByteString;
  entry: TreeEntry;
}

/** How many paths of a list are worth a turn of the caller's loop. */
const LIST = 512;

/**
 * Every path of an image, folders before their contents, in git's order; the root itself ('') is not among them. In lists,
 * because a promise for each of 40,000 paths costs more than what is done with it. Throws as diffTrees does.
 */
export async function* walkLists(root: Oid, read: ReadTree): AsyncGenerator<TreePath[]> {
  const stack: { path: ByteString; entries: TreeEntry[]; at: number }[] = [];
  let list: TreePath[] = [];
  let paths = 0;
  const enter = async (path: ByteString, tree: Oid): Promise<void> => {
    if (stack.length >= MAX_DEPTH) throw badData(`An image has more than ${MAX_DEPTH} levels of folders.`);
    const entries = await entriesOf(tree, read);
    paths += entries.length;
    if (paths > MAX_PATHS) throw badData(`An image has more than ${MAX_PATHS} paths.`);
    stack.push({ path, entries, at: 0 });
  };
  await enter('', root);
  for (let folder = stack.at(-1); folder !== undefined; folder = stack.at(-1)) {
    const entry = folder.entries[folder.at++];
    if (entry === undefined) {
      stack.pop();
      continue;
    }
    const path = joinPath(folder.path, entry.name);
    list.push({ path, entry });
    if (list.length >= LIST) {
      yield list;
      list = [];
    }
    if (entry.mode === MODE.dir) await enter(path, entry.oid);
  }
  if (list.length > 0) yield list;
}

/**
 * What stands at these paths, in lists as those of walkLists; what does not exist is left out. Reads only the folders on the way, each
 * once where the paths come in order.
 */
export async function* findPaths(root: Oid, paths: Iterable<ByteString>, read: ReadTree): AsyncGenerator<TreePath[]> {
  type Folder = { path: ByteString; entries: Map<ByteString, TreeEntry> };
  const enter = async (path: ByteString, tree: Oid): Promise<Folder> => {
    return { path, entries: new Map((await entriesOf(tree, read)).map(entry => [entry.name, entry])) };
  };
  const way = [await enter('', root)];
  let list: TreePath[] = [];
  for (const path of paths) {
    while (way.length > 1 && !path.startsWith(`${way.at(-1)!.path}/`)) way.pop();
    for (;;) {
      const folder = way.at(-1)!;
      const from = folder.path === '' ? 0 : folder.path.length + 1;
      const slash = path.indexOf('/', from);
      const entry = folder.entries.get(path.slice(from, slash < 0 ? undefined : slash));
      if (entry !== undefined && slash < 0) list.push({ path, entry });
      if (slash < 0 || entry?.mode !== MODE.dir) break;
      way.push(await enter(path.slice(0, slash), entry.oid));
    }
    if (list.length >= LIST) {
      yield list;
      list = [];
    }
  }
  if (list.length > 0) yield list;
}

/** What walkLists gives, one by one, for who has more to do with each than to wait for it. */
export async function* walkTree(root: Oid, read: ReadTree): AsyncGenerator<TreePath> {
  for await (const list of walkLists(root, read)) yield* list;
}
