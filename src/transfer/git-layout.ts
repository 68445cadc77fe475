/**
 * What a git repository of images says of itself to a client of the dumb protocol (gitprotocol-http(5)): refs, and packs.
 *
 * Git has the empty tree built in, so a clone over the dumb protocol never fetches it, and `git fsck` of that clone then
 * misses it. What it does fetch whole are packs. So each commit is given in a small pack of its own, with the empty
 * tree beside it, and not as a loose object: who wants the commit gets both.
 */
import { EMPTY_TREE, type Oid } from '../core/object';
import { encodePack, type Pack } from '../core/pack';

/** The branch that HEAD names. */
export const CURRENT_REF = 'refs/heads/current';
export const HEAD_TEXT = `ref: ${CURRENT_REF}\n`;

/** Loose, the empty tree is there for those who look for it by themselves. */
export const ALWAYS_LOOSE: Oid = EMPTY_TREE;

export function packOfCommit(data: Buffer): Pack {
  return encodePack([
    { type: 'commit', data },
    { type: 'tree', data: Buffer.alloc(0) },
  ]);
}

/** `info/refs`: lines of oid, TAB, ref, in the order of the refs' names. */
export function refsText(refs: ReadonlyMap<string, Oid>): string {
  return sorted(refs, '\t');
}

/** The file `packed-refs`. */
export function packedRefsText(refs: ReadonlyMap<string, Oid>): string {
  return `# pack-refs with: peeled fully-peeled sorted \n${sorted(refs, ' ')}`;
}

function sorted(refs: ReadonlyMap<string, Oid>, between: string): string {
  const names = [...refs.keys()].sort((a, b) => (a < b ? -1 : 1));
  return names.map(name => `${refs.get(name)}${between}${name}\n`).join('');
}

/** `objects/info/packs`. */
export function packsText(names: readonly string[]): string {
  return `${names.map(name => `P pack-${name}.pack\n`).join('')}\n`;
}
