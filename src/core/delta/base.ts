/** Which file of the image one has is the best base for a file of the image one wants. */
import type { ByteString } from '../bytes';
import type { Oid } from '../object';

export interface HeldFile {
  path: ByteString;
  oid: Oid;
  /** Bytes. */
  size: number;
}

/** Names with the same key, by size. */
type Group = HeldFile[];

/** As many as are worth telling a source, which takes the first that it has, too. */
const MOST_BASES = 3;

/** Every version number becomes `#`: `lib/modules/6.1.0-50` and `-56` are alike, and `libfoo.so.1.2` and `.1.3`. */
export function maskVersions(path: ByteString): ByteString {
  return path.replace(/\d+(?:\.\d+)*/g, '#');
}

function basename(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Only files that have this in common with a wanted one are ever its base: names without folders and version numbers. */
export function kindOfName(path: ByteString): ByteString {
  return maskVersions(basename(path));
}

/** The files of one image as bases. Built once for an image (40,000 paths: 0.1 s), asked for each file that is wanted. */
export class Bases {
  private readonly byPath = new Map<ByteString, HeldFile>();
  private readonly byMasked = new Map<ByteString, Group>();
  private readonly byName = new Map<ByteString, Group>();
  private readonly byMaskedName = new Map<ByteString, Group>();

  /** @param files regular files; empty ones are no base */
  constructor(files: Iterable<HeldFile>) {
    for (const file of files) {
      if (file.size === 0) continue;
      const name = basename(file.path);
      this.byPath.set(file.path, file);
      add(this.byMasked, maskVersions(file.path), file);
      add(this.byName, name, file);
      add(this.byMaskedName, kindOfName(name), file);
    }
    for (const groups of [this.byMasked, this.byName, this.byMaskedName]) {
      for (const group of groups.values()) group.sort((a, b) => a.size - b.size);
    }
  }

  /**
   * Oids of the best bases for a wanted file, best first, at most three, none twice: the same path, the same path but for version
   * numbers, the same name anywhere, the same name but for version numbers; of several the one nearest in size. None
   * when nothing is like it.
   *
   * @param size of the wanted file, in bytes
   */
  for(path: ByteString, size: number): Oid[] {
    const name = basename(path);
    const candidates = [
      this.byPath.get(path),
      nearest(this.byMasked.get(maskVersions(path)), size),
      nearest(this.byName.get(name), size),
      nearest(this.byMaskedName.get(kindOfName(name)), size),
    ];
    const oids = new Set(candidates.flatMap(file => (file === undefined ? [] : [file.oid])));
    return [...oids].slice(0, MOST_BASES);
  }
}

function add(groups: Map<ByteString, Group>, key: ByteString, file: HeldFile): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [file]);
  else group.push(file);
}

/** By binary search: a thousand files may be called `copyright`. Of two equally near the smaller. */
function nearest(group: Group | undefined, size: number): HeldFile | undefined {
  if (group === undefined) return undefined;
  let low = 0;
  let high = group.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (group[middle]!.size < size) low = middle + 1;
    else high = middle;
  }
  const below = group[low - 1];
  const above = group[low];
  if (below === undefined || above === undefined) return below ?? above;
  return size - below.size <= above.size - size ? below : above;
}
