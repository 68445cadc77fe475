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

/** A folder, and the one at the same path of an image that is sound. */
interface Pair {
  oid: Oid;
  sound: Oid | null;
}

/** Where nothing of the sound one is at the same path, a folder is the same wherever it is named. */
function keyOf({ oid, sound }: Pair): string {
  return sound === null ? oid : `${oid} ${sound}`;
}

/**
 * Paths below a tree; those in folders that `sound` has at the same path are not counted, and not looked at: of these there
 * are no more than it has. sound: the root of an image that has passed this before.
 * Throws 'bad-data' for more than MAX_PATHS paths or MAX_DEPTH levels, and what `read` throws.
 */
export async function checkBounds(root: Oid, read: ReadTree, sound: Oid | null = null): Promise<number> {
  const known = new Map<string, Size>([[EMPTY_TREE, EMPTY]]);
  const sizeOf = (pair: Pair) => (pair.oid === pair.sound ? EMPTY : known.get(keyOf(pair)));
  const stack: { pair: Pair; folders: Pair[]; size: Size }[] = [];
  const enter = async (pair: Pair): Promise<void> => {
    if (stack.length >= MAX_DEPTH) throw badData(`An image has more than ${MAX_DEPTH} levels of folders.`);
    const entries = await read(pair.oid);
    const beside = new Map<string, Oid>();
    for (const { mode, name, oid } of pair.sound === null ? [] : await read(pair.sound)) {
      if (mode === MODE.dir) beside.set(name, oid);
    }
    const folders = entries
      .filter(({ mode }) => mode === MODE.dir)
      .map(({ oid, name }) => ({ oid, sound: beside.get(name) ?? null }));
    stack.push({ pair, folders, size: { paths: entries.length, levels: 1 } });
  };
  const whole = { oid: root, sound };
  if (sizeOf(whole) === undefined) await enter(whole);
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const next = top.folders.at(-1);
    const inside = next === undefined ? undefined : sizeOf(next);
    if (next !== undefined && inside === undefined) {
      await enter(next);
    } else if (inside !== undefined) {
      top.folders.pop();
      top.size.paths += inside.paths;
      top.size.levels = Math.max(top.size.levels, inside.levels + 1);
      if (top.size.paths > MAX_PATHS) throw badData(`An image has more than ${MAX_PATHS} paths.`);
      if (top.size.levels > MAX_DEPTH) throw badData(`An image has more than ${MAX_DEPTH} levels of folders.`);
    } else {
      known.set(keyOf(top.pair), top.size);
      stack.pop();
    }
  }
  return sizeOf(whole)!.paths;
}
