/**
 * What the hashes of the blobs were when we last computed them: (oid, SHA-256, size, mtime, inode), as git's index
 * keeps it. A blob that matches its record need not be read to be believed; one that does not, or that has none, is
 * hashed again. So the file can be lost, cut off or deleted at any time and costs nothing but time.
 *
 * File: magic, then records of 80 bytes, the last one of an oid counts. A record becomes durable only after the blob
 * itself has, and leaves the file before the blob does (`flush`): a blob that power failure left half-written has no
 * record, not even an old one that fits by chance, and its hash tells.
 */
import { promises, readFileSync, type Stats } from 'node:fs';
import type { Oid } from '../core/object';
import { replaceFile } from './atomic';
import { RecordTable } from './record-table';

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

export function recordOf(stat: Stats, sha256: string): HashRecord {
  return { sha256, size: stat.size, mtime: stat.mtimeMs, inode: stat.ino };
}

/** Whether that is the file as it was when it was hashed. */
export function matches({ size, mtime, inode }: Omit<HashRecord, 'sha256'>, stat: Stats): boolean {
  return size === stat.size && mtime === stat.mtimeMs && inode === stat.ino && stat.isFile();
}

/** FNV-1a over the record: enough to tell a record that was cut off by a power failure. */
function checksum(data: Buffer, start: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < start + RECORD - 4; i++) hash = Math.imul(hash ^ (data[i] as number), 0x01000193);
  return hash >>> 0;
}

export class HashCache {
  readonly #table = new RecordTable(RECORD);
  /** One that is being made. */
  readonly #record = Buffer.alloc(RECORD);
  #pending = new Set<Oid>();
  #deleted = 0;
  /** Every size seen; a size too many only costs a comparison. */
  #sizes = new Set<number>();
  /** The file holds something that it should not; it is written anew at the next opportunity. */
  #stale = false;

  constructor(
    private readonly file: string,
    private readonly temporaryDir: string,
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
      this.#set(data.subarray(at, at + RECORD));
    }
    const torn = data.length !== MAGIC.length + read * RECORD;
    this.#stale = torn || read > 2 * this.#table.size + 1024;
  }

  #set(record: Buffer): void {
    this.#table.set(record);
    this.#sizes.add(record.readDoubleLE(52));
  }

  /** How many records have gone so far: while none goes, what had one has it still. */
  get deleted(): number {
    return this.#deleted;
  }

  hasSize(size: number): boolean {
    return this.#sizes.has(size);
  }

  has(oid: Oid): boolean {
    return this.#table.find(oid) >= 0;
  }

  /** The only oid with a record that begins with these 8 to 40 hex digits; null where none does, or several do. */
  only(beginning: string): Oid | null {
    return this.#table.only(beginning);
  }

  /** In bytes; null where nothing is recorded. */
  sizeOf(oid: Oid): number | null {
    const at = this.#table.find(oid);
    return at < 0 ? null : this.#table.records.readDoubleLE(at + 52);
  }

  /** Whether there is a record that says so. */
  matches(oid: Oid, size: number, mtime: number, inode: number): boolean {
    const at = this.#table.find(oid);
    const { records } = this.#table;
    if (at < 0 || records.readDoubleLE(at + 52) !== size) return false;
    return records.readDoubleLE(at + 60) === mtime && records.readDoubleLE(at + 68) === inode;
  }

  get(oid: Oid): HashRecord | null {
    const at = this.#table.find(oid);
    if (at < 0) return null;
    const { records } = this.#table;
    return {
      sha256: records.toString('hex', at + 20, at + 52),
      size: records.readDoubleLE(at + 52),
      mtime: records.readDoubleLE(at + 60),
      inode: records.readDoubleLE(at + 68),
    };
  }

  /** Remembers in memory; durable after the next `flush`. */
  put(oid: Oid, record: HashRecord): void {
    // All of it is written anew each time; memory of its own for each would cost more than all else here.
    const data = this.#record;
    data.write(oid, 0, 'hex');
    data.write(record.sha256, 20, 'hex');
    data.writeDoubleLE(record.size, 52);
    data.writeDoubleLE(record.mtime, 60);
    data.writeDoubleLE(record.inode, 68);
    data.writeUInt32LE(checksum(data, 0), 76);
    this.#set(data);
    this.#pending.add(oid);
  }

  /** For a blob whose file is gone; its record leaves the file with the next `flush`. */
  delete(oid: Oid): void {
    if (!this.#table.delete(oid)) return;
    this.#deleted += 1;
    this.#pending.delete(oid);
    this.#stale = true;
  }

  /** Takes the records whose blobs are about to be made durable; hand them to `flush` when they are. */
  takePending(): Set<Oid> {
    const taken = this.#pending;
    this.#pending = new Set();
    return taken;
  }

  /** Their blobs did not reach the disk after all. */
  keepPending(taken: ReadonlySet<Oid>): void {
    for (const oid of taken) if (this.has(oid)) this.#pending.add(oid);
  }

  /**
   * Brings the file up to date: with records of blobs that are on the disk by now (`sync -f`), and without those of
   * deleted ones. One writer at a time.
   */
  async flush(durable: ReadonlySet<Oid>): Promise<void> {
    if (this.readOnly) return;
    if (this.#stale) {
      this.#stale = false;
      const whole = [...this.#table.oids()].filter(oid => !this.#pending.has(oid));
      await replaceFile(this.file, Buffer.concat([MAGIC, ...this.#recordsOf(whole)]), this.temporaryDir, 0o600);
      return;
    }
    const records = this.#recordsOf(durable);
    if (records.length === 0) return;
    const handle = await promises.open(this.file, 'a', 0o600);
    try {
      const { size } = await handle.stat();
      await handle.appendFile(Buffer.concat(size === 0 ? [MAGIC, ...records] : records));
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  #recordsOf(oids: Iterable<Oid>): Buffer[] {
    const records: Buffer[] = [];
    for (const oid of oids) {
      const at = this.#table.find(oid);
      if (at >= 0) records.push(this.#table.records.subarray(at, at + RECORD));
    }
    return records;
  }
}
