/**
 * Records of one length, each beginning with the oid that it is of, and where they stand: a hash table with open addressing (Knuth,
 * The Art of Computer Programming 3, §6.4, algorithms L and R) whose keys are in the records themselves. A Map of 40-digit strings
 * takes nine times the memory, and cannot find an oid by its beginning.
 */
import type { Oid } from '../core/object';

export const OID_BYTES = 20;
/** Where to look for an oid is said by so many of its bytes: no beginning may be shorter. */
const HASHED_BYTES = 4;
const FIRST_RECORDS = 1024;

export class RecordTable {
  /** Those deleted stay in it until all is written anew. */
  #records: Buffer;
  #count = 0;
  /** Numbers of records from 1 on, 0 where there is none; twice as many as records at least. */
  #slots = new Int32Array(2 * FIRST_RECORDS);
  #size = 0;
  readonly #key = Buffer.alloc(OID_BYTES);

  /** bytes: of a record. */
  constructor(private readonly bytes: number) {
    this.#records = Buffer.alloc(bytes * FIRST_RECORDS);
  }

  get size(): number {
    return this.#size;
  }

  /** All records; valid until the next `set`. */
  get records(): Buffer {
    return this.#records;
  }

  /** Where in `records` the one of that oid begins; -1 where there is none. */
  find(oid: Oid): number {
    if (oid.length !== 2 * OID_BYTES || this.#key.write(oid, 0, OID_BYTES, 'hex') !== OID_BYTES) return -1;
    const slot = this.#slotOf(this.#key);
    return slot < 0 ? -1 : this.#at(slot);
  }

  /** The only oid that begins with these 8 to 40 hex digits; null where none does, or several do. */
  only(beginning: string): Oid | null {
    const bytes = Buffer.from(beginning, 'hex');
    if (bytes.length < HASHED_BYTES || bytes.length * 2 !== beginning.length) return null;
    let found = -1;
    for (let slot = this.#home(bytes, 0); this.#slots[slot] !== 0; slot = this.#next(slot)) {
      const at = this.#at(slot);
      if (this.#records.compare(bytes, 0, bytes.length, at, at + bytes.length) !== 0) continue;
      if (found >= 0) return null;
      found = at;
    }
    return found < 0 ? null : this.#records.toString('hex', found, found + OID_BYTES);
  }

  /** In the place of the one of the same oid, if there is one. record: valid until this returns. */
  set(record: Buffer): void {
    const known = this.#slotOf(record);
    if (known >= 0) {
      record.copy(this.#records, this.#at(known));
      return;
    }
    const at = this.#count++ * this.bytes;
    if (at + this.bytes > this.#records.length) {
      this.#records = Buffer.concat([this.#records, Buffer.alloc(this.#records.length)]);
    }
    record.copy(this.#records, at);
    if (2 * ++this.#size > this.#slots.length) this.#grow();
    this.#place(this.#count);
  }

  /** Whether there was one. */
  delete(oid: Oid): boolean {
    if (this.find(oid) < 0) return false;
    let hole = this.#slotOf(this.#key);
    const mask = this.#slots.length - 1;
    for (let slot = this.#next(hole); this.#slots[slot] !== 0; slot = this.#next(slot)) {
      // Those that would not be found from where they belong if nothing stood in the hole move up into it.
      const home = this.#home(this.#records, this.#at(slot));
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      this.#slots[hole] = this.#slots[slot]!;
      hole = slot;
    }
    this.#slots[hole] = 0;
    this.#size--;
    return true;
  }

  *oids(): Generator<Oid> {
    for (const number of this.#slots) {
      const at = (number - 1) * this.bytes;
      if (number !== 0) yield this.#records.toString('hex', at, at + OID_BYTES);
    }
  }

  #at(slot: number): number {
    return (this.#slots[slot]! - 1) * this.bytes;
  }

  #next(slot: number): number {
    return (slot + 1) & (this.#slots.length - 1);
  }

  /** Oids are evenly spread. */
  #home(key: Buffer, at: number): number {
    return key.readUInt32BE(at) & (this.#slots.length - 1);
  }

  /** Of the record whose oid the key begins with; -1 where there is none. */
  #slotOf(key: Buffer): number {
    for (let slot = this.#home(key, 0); this.#slots[slot] !== 0; slot = this.#next(slot)) {
      if (this.#isOf(key, this.#at(slot))) return slot;
    }
    return -1;
  }

  #isOf(key: Buffer, at: number): boolean {
    for (let byte = 0; byte < OID_BYTES; byte += 4) {
      if (key.readInt32LE(byte) !== this.#records.readInt32LE(at + byte)) return false;
    }
    return true;
  }

  #place(number: number): void {
    let slot = this.#home(this.#records, (number - 1) * this.bytes);
    while (this.#slots[slot] !== 0) slot = this.#next(slot);
    this.#slots[slot] = number;
  }

  #grow(): void {
    const numbers = this.#slots;
    this.#slots = new Int32Array(2 * numbers.length);
    for (const number of numbers) if (number !== 0) this.#place(number);
  }
}
