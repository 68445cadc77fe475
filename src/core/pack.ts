/**
 * Small git packs (gitformat-pack(5), version 2) and their indexes: whole objects only, no deltas. They carry what
 * git's dumb protocol would not fetch one by one.
 */
import { createHash } from 'node:crypto';
import { deflateSync, inflateSync } from 'node:zlib';
import { badData } from './bad-data';
import { type ObjectType, type Oid, objectOid } from './object';

export interface PackObject {
  type: ObjectType;
  data: Buffer;
}

export interface Pack {
  /** 40 hex digits: its files are called `pack-<name>.pack` and `.idx`. */
  name: string;
  pack: Buffer;
  index: Buffer;
}

const TYPE_NUMBERS: Readonly<Record<ObjectType, number>> = { commit: 1, tree: 2, blob: 3 };
const HEADER_BYTES = 12;
const HASH_BYTES = 20;

/** Deterministic: the same objects give the same pack, whatever their order. */
export function encodePack(objects: readonly PackObject[]): Pack {
  const entries = objects
    .map(({ type, data }) => ({ oid: objectOid(type, data), packed: packEntry(type, data), offset: 0 }))
    .sort((a, b) => (a.oid < b.oid ? -1 : 1));
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('PACK', 'latin1');
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(entries.length, 8);
  let offset = HEADER_BYTES;
  for (const entry of entries) {
    entry.offset = offset;
    offset += entry.packed.length;
  }
  const pack = withHash(Buffer.concat([header, ...entries.map(({ packed }) => packed)]));
  return { name: pack.toString('hex', pack.length - HASH_BYTES), pack, index: encodeIndex(entries, pack) };
}

/** Type and size in groups of 4, then 7 bits, low ones first; then the content as a zlib stream. */
function packEntry(type: ObjectType, data: Buffer): Buffer {
  const bytes: number[] = [];
  let byte = (TYPE_NUMBERS[type] << 4) | (data.length & 0x0f);
  for (let left = Math.floor(data.length / 16); ; left = Math.floor(left / 128)) {
    bytes.push(left > 0 ? byte | 0x80 : byte);
    if (left === 0) break;
    byte = left & 0x7f;
  }
  return Buffer.concat([Buffer.from(bytes), deflateSync(data)]);
}

/** Version 2: fan-out table, names, checksums, offsets, and the hashes of pack and index. */
function encodeIndex(entries: readonly { oid: Oid; packed: Buffer; offset: number }[], pack: Buffer): Buffer {
  const fanout = Buffer.alloc(4 * 256);
  for (let first = 0; first < 256; first++) {
    const upTo = entries.filter(({ oid }) => Number.parseInt(oid.slice(0, 2), 16) <= first).length;
    fanout.writeUInt32BE(upTo, 4 * first);
  }
  return withHash(
    Buffer.concat([
      Buffer.from([0xff, 0x74, 0x4f, 0x63, 0, 0, 0, 2]),
      fanout,
      ...entries.map(({ oid }) => Buffer.from(oid, 'hex')),
      ...entries.map(({ packed }) => uint32(crc32(packed))),
      ...entries.map(({ offset }) => uint32(offset)),
      pack.subarray(pack.length - HASH_BYTES),
    ]),
  );
}

/**
 * The objects of such a pack. Throws 'bad-data' for anything else: deltas, other versions, a wrong hash, or more than
 * `maxBytes` in one object.
 */
export function parsePack(pack: Buffer, maxBytes: number): PackObject[] {
  const end = pack.length - HASH_BYTES;
  const isPack = end >= HEADER_BYTES && pack.toString('latin1', 0, 4) === 'PACK' && pack.readUInt32BE(4) === 2;
  if (!isPack || !withHash(pack.subarray(0, end)).equals(pack)) throw badData('A git pack is damaged or is none.');
  const objects: PackObject[] = [];
  let at = HEADER_BYTES;
  for (let count = pack.readUInt32BE(8); count > 0; count--) {
    const { type, size, start } = entryHeader(pack, at, end);
    if (size > maxBytes) throw badData(`A git pack has an object of ${size} bytes where ${maxBytes} are the most.`);
    const { data, used } = inflateAt(pack.subarray(start, end), size);
    objects.push({ type, data });
    at = start + used;
  }
  if (at !== end) throw badData('A git pack has more in it than it says.');
  return objects;
}

function entryHeader(pack: Buffer, at: number, end: number): { type: ObjectType; size: number; start: number } {
  let position = at;
  const next = (): number => {
    if (position >= end) throw badData('A git pack is cut off.');
    return pack[position++]!;
  };
  let byte = next();
  const number = (byte >> 4) & 7;
  const type = (Object.keys(TYPE_NUMBERS) as ObjectType[]).find(name => TYPE_NUMBERS[name] === number);
  if (type === undefined) throw badData(`A git pack has an object of the kind ${number}, not a whole one.`);
  let size = byte & 0x0f;
  for (let factor = 16; byte >= 0x80; factor *= 128) {
    byte = next();
    size += (byte & 0x7f) * factor;
    if (size > Number.MAX_SAFE_INTEGER) throw badData('A git pack has an object of no possible size.');
  }
  return { type, size, start: position };
}

/** Inflates one stream out of more; `used`: how many bytes it took. */
function inflateAt(data: Buffer, size: number): { data: Buffer; used: number } {
  try {
    // With `info` Node also gives the engine, which has counted what it read.
    const result = inflateSync(data, { maxOutputLength: Math.max(1, size), info: true } as object) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    if (result.buffer.length === size) return { data: result.buffer, used: result.engine.bytesWritten };
  } catch (cause) {
    throw badData('An object of a git pack cannot be inflated.', { cause });
  }
  throw badData('An object of a git pack has another size than it says.');
}

function withHash(data: Buffer): Buffer {
  return Buffer.concat([data, createHash('sha1').update(data).digest()]);
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** As in zlib (Node has it from version 22 on). */
function crc32(data: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}
