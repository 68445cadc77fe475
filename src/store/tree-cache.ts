import { PassItOnError } from '../core/errors';
import { EMPTY_TREE, type Oid } from '../core/object';
import { parseKnownTree, parseTree, type TreeEntry } from '../core/tree';
import type { GitObject } from './objects';

const MOST_ENTRIES = 10_000;
const MOST_BYTES = 4 << 20;

/** The trees read last; content-addressed, so never stale. Of most of them as git writes them, which takes a quarter of the memory. */
export class TreeCache {
  /** What was used last comes last. */
  readonly #parsed = new Map<Oid, TreeEntry[]>();
  #entries = 0;
  readonly #written = new Map<Oid, { start: number; end: number }>();
  /** One behind the other: thousands of little pieces would lie between others that are soon given back. */
  readonly #data: Buffer;
  #end = 0;

  constructor(
    private readonly mostEntries = MOST_ENTRIES,
    mostBytes = MOST_BYTES,
  ) {
    this.#data = Buffer.allocUnsafeSlow(mostBytes);
  }

  /** entries: as parseTree gives them for that data. */
  put(oid: Oid, data: Buffer, entries: TreeEntry[]): void {
    this.#write(oid, data);
    this.#keep(oid, entries);
  }

  /** The tree, read through `read` unless known. Throws 'damaged' when it is not there, 'bad-data' when malformed. */
  get(oid: Oid, read: (oid: Oid) => GitObject | null): TreeEntry[] {
    if (oid === EMPTY_TREE) return [];
    const parsed = this.#parsed.get(oid);
    if (parsed !== undefined) {
      this.#parsed.delete(oid);
      this.#parsed.set(oid, parsed);
      return parsed;
    }
    const written = this.#written.get(oid);
    if (written !== undefined) {
      const entries = parseKnownTree(this.#data.subarray(written.start, written.end));
      this.#keep(oid, entries);
      return entries;
    }
    const object = read(oid);
    if (object?.type !== 'tree') {
      const message = `A folder listing (${oid.slice(0, 12)}) is missing or damaged.`;
      throw new PassItOnError('damaged', message, 'Get the image again from another laptop.');
    }
    const entries = parseTree(object.data);
    this.put(oid, object.data, entries);
    return entries;
  }

  #keep(oid: Oid, entries: TreeEntry[]): void {
    if (this.#parsed.has(oid)) return;
    this.#parsed.set(oid, entries);
    this.#entries += entries.length + 1;
    for (const [oldest, old] of this.#parsed) {
      if (this.#entries <= this.mostEntries || oldest === oid) break;
      this.#parsed.delete(oldest);
      this.#entries -= old.length + 1;
    }
  }

  #write(oid: Oid, data: Buffer): void {
    if (this.#written.has(oid) || data.length > this.#data.length) return;
    if (this.#end + data.length > this.#data.length) {
      this.#written.clear();
      this.#end = 0;
    }
    const start = this.#end;
    this.#end += data.copy(this.#data, start);
    this.#written.set(oid, { start, end: this.#end });
  }
}
