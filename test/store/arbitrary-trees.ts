/** Random root trees for property tests, described and then made on disk. */
import fc from 'fast-check';
import { isRoot, pyc, TreeBuilder } from './support';

type Kind = 'file' | 'symlink' | 'folder' | 'fifo' | 'link' | 'device' | 'python';

export interface Item {
  kind: Kind;
  dir: number;
  name: string;
  content: string;
  mode: number;
  owner: [number, number];
  pick: number;
}

/** Few names and contents, so that versions have much in common; every byte a name may have. */
const name = fc.oneof(
  fc.constantFrom('a', 'b', 'a.b', 'a-b', 'lib', '__pycache__'),
  fc
    .uint8Array({ minLength: 1, maxLength: 12 })
    .map(bytes => Buffer.from(bytes.map(byte => (byte === 0 || byte === 0x2f ? 0x5c : byte))).toString('latin1'))
    .filter(text => text !== '.' && text !== '..'),
);

const kinds: Kind[] = ['file', 'file', 'file', 'symlink', 'folder', 'folder', 'link', 'link', 'python', 'fifo'];

const item: fc.Arbitrary<Item> = fc.record({
  kind: fc.constantFrom(...kinds, ...(isRoot ? (['device'] as const) : [])),
  dir: fc.nat(),
  name,
  content: fc.constantFrom('', 'x', 'y', 'longer content', 'z'.repeat(300_000)),
  // Without root, a file must stay readable and a folder writable for its owner.
  mode: fc.constantFrom(0o644, 0o644, 0o755, 0o600, 0o4755, 0o1777, ...(isRoot ? [0, 0o200, 0o7777] : [0o2700])),
  owner: fc.constantFrom<[number, number]>([0, 0], [0, 0], [1000, 1000], [0, 50], [65534, 4_000_000_000]),
  pick: fc.nat(),
});

export const items = fc.array(item, { maxLength: 40 });

/** Makes a tree; items that collide with earlier ones are left out. */
export function makeTree(dir: string, description: readonly Item[]): TreeBuilder {
  const tree = new TreeBuilder(dir);
  const taken = new Set<string>();
  const caches = new Set<string>();
  const folders = [''];
  const linkable: string[] = [];
  for (const { kind, dir: at, name: own, content, mode, owner, pick } of description) {
    const below = folders[at % folders.length] ?? '';
    const path = below === '' ? own : `${below}/${own}`;
    if (taken.has(path)) continue;
    taken.add(path);
    if (kind === 'folder') {
      tree.folder(path, mode | 0o700);
      folders.push(path);
    } else if (kind === 'symlink') tree.symlink(path, content.slice(0, 50) || '.');
    else if (kind === 'fifo') tree.node(path, 'p', mode);
    else if (kind === 'device') tree.node(path, pick % 2 === 0 ? 'c 1 3' : 'b 259 1048575', mode);
    else if (kind === 'python') {
      const cache = below === '' ? '__pycache__' : `${below}/__pycache__`;
      const compiled = `${cache}/${own}.cpython-311.pyc`;
      const source = `${path}.py`;
      // The cache may be a file by now.
      if (taken.has(source) || taken.has(compiled) || (taken.has(cache) && !caches.has(cache))) continue;
      taken.add(source).add(compiled).add(cache);
      caches.add(cache);
      tree.file(source, content).file(compiled, pyc(pick)).time(source, pick);
      continue;
    } else if (kind === 'link' && linkable.length > 0) tree.link(linkable[pick % linkable.length] ?? '', path);
    else tree.file(path, content, mode);
    if (kind !== 'folder') linkable.push(path);
    if (isRoot && kind !== 'link') tree.owner(path, ...owner);
  }
  return tree;
}
