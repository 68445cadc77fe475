/** Removes what no image needs: mark and sweep over blobs and git objects. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isOid, type Oid } from '../core/object';
import { MODE, parseTree } from '../core/tree';
import type { Blobs } from './blobs';
import { unlinkFreeing } from './disk';
import type { GitObject, LooseObjects, ObjectReader } from './objects';
import { breathe } from './pace';

/** Adds an object and all that it leads to; objects that are not there lead nowhere. */
async function mark(oid: Oid, reader: ObjectReader, marked: Set<Oid>): Promise<void> {
  const todo: Oid[] = [oid];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (marked.has(next)) continue;
    marked.add(next);
    await breathe();
    const object = reader.read(next);
    if (object === null) continue;
    for (const { oid: child, isTree } of childrenOf(object)) {
      if (isTree) todo.push(child);
      else marked.add(child);
    }
  }
}

function childrenOf({ type, data }: GitObject): { oid: Oid; isTree: boolean }[] {
  if (type === 'tree') return parseTree(data).map(entry => ({ oid: entry.oid, isTree: entry.mode === MODE.dir }));
  if (type !== 'commit') return [];
  const tree = /^tree ([0-9a-f]{40})\n/.exec(data.toString('latin1', 0, 46))?.[1];
  return tree === undefined ? [] : [{ oid: tree, isTree: true }];
}

export interface Roots {
  reader: ObjectReader;
  oids: Iterable<Oid>;
}

/**
 * Removes every blob and every object of `objects` that none of the roots leads to. Nothing may be published or staged
 * meanwhile; receiving may go on. Returns bytes of disk given back.
 */
export async function collect(roots: () => Iterable<Roots>, objects: LooseObjects, blobs: Blobs): Promise<number> {
  const marked = new Set<Oid>();
  let freed = await blobs.sweep(async () => {
    for (const { reader, oids } of roots()) for (const oid of oids) await mark(oid, reader, marked);
    return marked;
  });
  for (const prefix of readdirSync(objects.dir)) {
    if (!/^[0-9a-f]{2}$/.test(prefix)) continue;
    for (const rest of readdirSync(join(objects.dir, prefix))) {
      await breathe();
      if (isOid(prefix + rest) && !marked.has(prefix + rest)) freed += unlinkFreeing(join(objects.dir, prefix, rest));
    }
  }
  return freed;
}
