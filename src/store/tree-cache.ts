import { PassItOnError } from '../core/errors';
import { EMPTY_TREE, type Oid } from '../core/object';
import { parseKnownTree, parseTree, type TreeEntry } from '../core/tree';
import type { GitObject } from './objects';
import { OID_BYTES, RecordTable } from './record-table';

const MOST_BYTES = 4 << 20;
/** Trees are read in walks from end to end; between these, while an upgrade comes or nobody needs anything, others need the memory. */
const FORGET_MS = 10_000;
/** Behind the oid: where it begins, and where it ends. */
const START_AT = OID_BYTES;
const END_AT = START_AT + 4;
const RECORD_BYTES = END_AT + 4;

/**
 * The trees read last; content-addressed, so never stale. As git writes them: their entries would take four times the memory, and an
 * image is walked from end to end, so that those kept would mostly be gone before they are asked for again.
 */
export class TreeCache {
  #written = new RecordTable(RECORD_BYTES);
  /** One behind the other: thousands of little pieces would lie between others that are soon given back. Null: there are none. */
  #data: Buffer | null = null;
  #end = 0;
  readonly #forgetting: NodeJS.Timeout;
  readonly #record = Buffer.alloc(RECORD_BYTES);

  constructor(
    private readonly mostBytes = MOST_BYTES,
    forgetMs = FORGET_MS,
  ) {
    this.#forgetting = setTimeout(() => this.#clear(null), forgetMs).unref();
  }

  /** data: what parseTree has taken, or encodeTree given. */
  put(oid: Oid, data: Buffer): void {
    if (data.length > this.mostBytes || this.#written.find(oid) >= 0) return;
    this.#data ??= Buffer.allocUnsafeSlow(this.mostBytes);
    this.#forgetting.refresh();
    if (this.#end + data.length > this.#data.length) this.#clear(this.#data);
    this.#record.write(oid, 0, OID_BYTES, 'hex');
    this.#record.writeUInt32LE(this.#end, START_AT);
    this.#end += data.copy(this.#data, this.#end);
    this.#record.writeUInt32LE(this.#end, END_AT);
    this.#written.set(this.#record);
  }

  /** The tree, read through `read` unless known. Throws 'damaged' when it is not there, 'bad-data' when malformed. */
  get(oid: Oid, read: (oid: Oid) => GitObject | null): TreeEntry[] {
    if (oid === EMPTY_TREE) return [];
    const at = this.#written.find(oid);
    if (at >= 0 && this.#data !== null) {
      this.#forgetting.refresh();
      const { records } = this.#written;
      return parseKnownTree(
        this.#data.subarray(records.readUInt32LE(at + START_AT), records.readUInt32LE(at + END_AT)),
      );
    }
    const object = read(oid);
    if (object?.type !== 'tree') {
      const message = `A folder listing (${oid.slice(0, 12)}) is missing or damaged.`;
      throw new PassItOnError('damaged', message, 'Get the image again from another laptop.');
    }
    const entries = parseTree(object.data);
    this.put(oid, object.data);
    return entries;
  }

  #clear(data: Buffer | null): void {
    this.#written = new RecordTable(RECORD_BYTES);
    this.#data = data;
    this.#end = 0;
  }
}
