/**
 * How large an image is, before anybody walks it: thirty folders that name each other twice are a billion paths. Each
 * folder is looked at once, however often it is named.
 */
import { badData } from './bad-data';
import { MAX_DEPTH } from './diff';
import { EMPTY_TREE, type Oid } from './object';
import { MAX_PATHS, MODE, type ReadTree } from './tree';

interface Size {
  paths: number;
  levels: number;
}

const EMPTY: Size = { paths: 0, levels: 1 };

/** Paths below a tree. Throws 'bad-data' for more than MAX_PATHS paths or MAX_DEPTH levels, and what `read` throws. */
export async function checkBounds(root: Oid, read: ReadTree): Promise<number> {
  const known = new Map<Oid, Size>([[EMPTY_TREE, EMPTY]]);
  const stack: { oid: Oid; folders: Oid[]; size: Size }[] = [];
  const enter = async (oid: Oid): Promise<void> => {
    if (stack.length >= MAX_DEPTH) throw badData(`An image has more than ${MAX_DEPTH} levels of folders.`);
    const entries = await read(oid);
    const folders = entries.filter(({ mode }) => mode === MODE.dir).map(entry => entry.oid);
    stack.push({ oid, folders, size: { paths: entries.length, levels: 1 } });
  };
  if (!known.has(root)) await enter(root);
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const next = top.folders.at(-1);
    const inside = next === undefined ? undefined : known.get(next);
    if (next !== undefined && inside === undefined) {
      await enter(next);
    } else if (inside !== undefined) {
      top.folders.pop();
      top.size.paths += inside.paths;
      top.size.levels = Math.max(top.size.levels, inside.levels + 1);
      if (top.size.paths > MAX_PATHS) throw badData(`An image has more than ${MAX_PATHS} paths.`);
      if (top.size.levels > MAX_DEPTH) throw badData(`An image has more than ${MAX_DEPTH} levels of folders.`);
    } else {
      known.set(top.oid, top.size);
      stack.pop();
    }
  }
  return known.get(root)!.paths;
}
