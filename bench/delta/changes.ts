/** What changed between two trees, each file with its base, as an upgrade would choose it. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { Bases } from '../../src/core/delta/base';
import { objectOid } from '../../src/core/object';

export interface Changed {
  path: string;
  oid: string;
  size: number;
  base: string | null;
}

/** Regular files below a folder. */
function files(tree: string): string[] {
  return readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
}

export function changes(oldTree: string, newTree: string): Changed[] {
  const held = files(oldTree).map(path => ({
    path,
    oid: objectOid('blob', readFileSync(path)),
    size: statSync(path).size,
  }));
  const have = new Set(held.map(file => file.oid));
  const byOid = new Map(held.map(file => [file.oid, file.path]));
  const bases = new Bases(held.map(file => ({ ...file, path: relative(oldTree, file.path) })));
  const list: Changed[] = [];
  for (const path of files(newTree)) {
    const content = readFileSync(path);
    const oid = objectOid('blob', content);
    if (have.has(oid)) continue;
    have.add(oid);
    const [base] = bases.for(relative(newTree, path), content.length);
    list.push({ path, oid, size: content.length, base: base === undefined ? null : byOid.get(base)! });
  }
  // Like beside like, for what compresses them together.
  const key = ({ path }: Changed) => `${extname(path)} ${path}`;
  return list.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** CPU seconds of this process and of those it waited for (proc(5), stat: utime, stime, cutime, cstime in hundredths). */
export function cpu(): number {
  const fields = readFileSync('/proc/self/stat', 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}
