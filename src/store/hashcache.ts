/**
 * What the hashes of the blobs were when we last computed them: (oid, SHA-256, size, mtime, inode), as git's index
 * keeps it. A blob that matches its record need not be read to be believed; one that does not, or that has none, is
 * hashed again. So the file can be lost, cut off or deleted at any time and costs nothing but time.
 *
 * File: magic, then records of 80 bytes, the last one of an oid counts. A record becomes durable only after the blob
 * itself has (`flush`): a blob that power failure left half-written has no record, and its hash tells.
 */
import { closeSync, fsyncSync, openSync, promises, readFileSync, renameSync, writeSync } from 'node:fs';
import type { Oid } from '../core/object';

const MAGIC = Buffer.from('PIOhash1');
/** oid 20, SHA-256 32, size 8, mtime 8, inode 8 (doubles), checksum 4. */
const RECORD = 80;

export interface HashRecord {
  sha256: string;
  size: number;
  /** Milliseconds, as stat(2) gives it. */
  mtime: number;
  inode: number;
}

/** FNV-1a over the record: enough to tell a record that was cut off by a power failure. */
function checksum(data: Buffer, start: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < start + RECORD - 4; i++) hash = Math.imul(hash ^ (data[i] as number), 0x01000193);
  return hash >>> 0;
}

export class HashCache {
  /** oid → number of its record. */
  #index = new Map<Oid, number>();
  #records = Buffer.alloc(RECORD * 1024);
  #count = 0;
  #pending = new Set<Oid>();
  /** Every size seen; a size too many only costs a comparison. */
  #sizes = new Set<number>();

  constructor(
    private readonly file: string,
    private readonly readOnly: boolean,
  ) {
    this.#load();
  }

  #load(): void {
    let data: Buffer;
    try {
      data = readFileSync(this.file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    const ours = data.subarray(0, MAGIC.length).equals(MAGIC);
    let read = 0;
    for (let at = MAGIC.length; ours && at + RECORD <= data.length; at += RECORD) {
      if (data.readUInt32LE(at + 76) !== checksum(data, at)) break;
      read += 1;
      this.#set(data.toString('hex', at, at + 20), data.subarray(at, at + RECORD));
    }
    const torn = data.length !== MAGIC.length + read * RECORD;
    if (torn || read > 2 * this.#index.size + 1024) this.#rewrite();
  }

  #set(oid: Oid, record: Buffer): void {
    let at = this.#index.get(oid);
    if (at === undefined) {
      at = this.#count++;
      this.#index.set(oid, at);
      if (this.#count * RECORD > this.#records.length) {
        this.#records = Buffer.concat([this.#records, Buffer.alloc(this.#records.length)]);
      }
    }
    record.copy(this.#records, at * RECORD);
    this.#sizes.add(record.readDoubleLE(52));
  }

  hasSize(size: number): boolean {
    return this.#sizes.has(size);
  }

  get(oid: Oid): HashRecord | null {
    const index = this.#index.get(oid);
    if (index === undefined) return null;
    const at = index * RECORD;
    return {
      sha256: this.#records.toString('hex', at + 20, at + 52),
      size: this.#records.readDoubleLE(at + 52),
      mtime: this.#records.readDoubleLE(at + 60),
      inode: this.#records.readDoubleLE(at + 68),
    };
  }

  /** Remembers in memory; durable after the next `flush`. */
  put(oid: Oid, record: HashRecord): void {
    const data = Buffer.alloc(RECORD);
    data.write(oid, 0, 'hex');
    data.write(record.sha256, 20, 'hex');
    data.writeDoubleLE(record.size, 52);
    data.writeDoubleLE(record.mtime, 60);
    data.writeDoubleLE(record.inode, 68);
    data.writeUInt32LE(checksum(data, 0), 76);
    this.#set(oid, data);
    this.#pending.add(oid);
  }

  /** Forgets in memory; a record left in the file matches no blob and does no harm. */
  delete(oid: Oid): void {
    this.#index.delete(oid);
    this.#pending.delete(oid);
  }

  /** Records not yet in the file. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Takes the records whose blobs are about to be made durable; hand them to `flush` when they are. */
  takePending(): Set<Oid> {
    const taken = this.#pending;
    this.#pending = new Set();
    return taken;
  }

  /** Appends records. Call only when the blobs themselves are on the disk (`sync -f`). */
  async flush(durable: Iterable<Oid>): Promise<void> {
    const parts: Buffer[] = [];
    for (const oid of durable) {
      const index = this.#index.get(oid);
      if (index !== undefined) parts.push(this.#records.subarray(index * RECORD, (index + 1) * RECORD));
    }
    if (this.readOnly || parts.length === 0) return;
    const handle = await promises.open(this.file, 'a', 0o600);
    try {
      const { size } = await handle.stat();
      await handle.appendFile(Buffer.concat(size === 0 ? [MAGIC, ...parts] : parts));
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  #rewrite(): void {
    if (this.readOnly) return;
    const temporary = `${this.file}.new`;
    const fd = openSync(temporary, 'w', 0o600);
    try {
      const live = [...this.#index.values()].map(at => this.#records.subarray(at * RECORD, (at + 1) * RECORD));
      writeSync(fd, Buffer.concat([MAGIC, ...live]));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, this.file);
  }
}
