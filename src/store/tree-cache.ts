import { PassItOnError } from '../core/errors';
import { EMPTY_TREE, type Oid } from '../core/object';
import { parseKnownTree, parseTree, type TreeEntry } from '../core/tree';
import type { GitObject } from './objects';

const MOST_BYTES = 4 << 20;

/**
 * The trees read last; content-addressed, so never stale. As git writes them: their entries would take four times the memory, and an
 * image is walked from end to end, so that those kept would mostly be gone before they are asked for again.
 */
export class TreeCache {
  readonly #written = new Map<Oid, { start: number; end: number }>();
  /** One behind the other: thousands of little pieces would lie between others that are soon given back. */
  readonly #data: Buffer;
  #end = 0;

  constructor(mostBytes = MOST_BYTES) {
    this.#data = Buffer.allocUnsafeSlow(mostBytes);
  }

  /** data: what parseTree has taken, or encodeTree given. */
  put(oid: Oid, data: Buffer): void {
    if (this.#written.has(oid) || data.length > this.#data.length) return;
    if (this.#end + data.length > this.#data.length) {
      this.#written.clear();
      this.#end = 0;
    }
    const start = this.#end;
    this.#end += data.copy(this.#data, start);
    this.#written.set(oid, { start, end: this.#end });
  }

  /** The tree, read through `read` unless known. Throws 'damaged' when it is not there, 'bad-data' when malformed. */
  get(oid: Oid, read: (oid: Oid) => GitObject | null): TreeEntry[] {
    if (oid === EMPTY_TREE) return [];
    const written = this.#written.get(oid);
    if (written !== undefined) return parseKnownTree(this.#data.subarray(written.start, written.end));
    const object = read(oid);
    if (object?.type !== 'tree') {
      const message = `A folder listing (${oid.slice(0, 12)}) is missing or damaged.`;
      throw new PassItOnError('damaged', message, 'Get the image again from another laptop.');
    }
    const entries = parseTree(object.data);
    this.put(oid, object.data);
    return entries;
  }
}
