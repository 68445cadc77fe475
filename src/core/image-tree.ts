/** The tree of an image's commit: `attributes` (one blob) and `root` (the file system), nothing else. */
import { badData } from './bad-data';
import type { Oid } from './object';
import { encodeTree, MODE, type TreeEntry } from './tree';

export interface ImageTree {
  attributes: Oid;
  root: Oid;
}

export function encodeImageTree({ attributes, root }: ImageTree): Buffer {
  return encodeTree([
    { mode: MODE.file, name: 'attributes', oid: attributes },
    { mode: MODE.dir, name: 'root', oid: root },
  ]);
}

/** @throws PassItOnError 'bad-data' when it is the tree of something else. */
export function imageTree(entries: readonly TreeEntry[]): ImageTree {
  const [attributes, root] = entries;
  const wellFormed =
    entries.length === 2 &&
    attributes?.name === 'attributes' &&
    attributes.mode === MODE.file &&
    root?.name === 'root' &&
    root.mode === MODE.dir;
  if (!wellFormed) throw badData('The commit is not one of an image: its tree must hold "attributes" and "root" only.');
  return { attributes: attributes.oid, root: root.oid };
}
