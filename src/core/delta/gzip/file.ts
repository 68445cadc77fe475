/**
 * gzip files (RFC 1952), taken apart and put together again. A change of one word makes most of a compressed file another one, so
 * that its delta is as large as itself; the delta of what is in it is small. This only helps if the very same file comes out
 * again. Debian's manual pages, changelogs and so on are all made by GNU gzip -9, whose every choice `Deflate` repeats.
 */
import { inflateRawSync } from 'node:zlib';
import { badData } from '../../bad-data';
import { PassItOnError } from '../../errors';
import { Deflate } from './deflate';

/** Larger ones stay as they are: both sides hold them in memory. */
export const MOST_UNPACKED_BYTES = 8 << 20;

/** What zlib takes for the size of a piece. */
const LEAST_CHUNK = 64;
/** CRC and length of the content. */
const TAIL_BYTES = 8;
/** What every gzip file begins with. */
export const PACKED_HEAD_BYTES = 10;
const FLAGS_AT = 3;
const EFFORT_AT = 8;
const BEST_EFFORT = 2;
const FLAG = { headCrc: 2, extra: 4, name: 8, comment: 16 } as const;

/** Whether these first bytes of a file are those of a gzip file. */
export function looksPacked(bytes: Buffer): boolean {
  return bytes.length >= PACKED_HEAD_BYTES && bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8;
}

/** Bytes before the deflate stream, or null when this is no gzip file. */
function headBytes(file: Buffer): number | null {
  if (!looksPacked(file)) return null;
  const flags = file[FLAGS_AT]!;
  let at = PACKED_HEAD_BYTES;
  if (flags & FLAG.extra) at += 2 + (at + 2 <= file.length ? file.readUInt16LE(at) : 0);
  for (const text of [FLAG.name, FLAG.comment]) {
    if ((flags & text) === 0) continue;
    const end = file.indexOf(0, at);
    if (end < 0) return null;
    at = end + 1;
  }
  if (flags & FLAG.headCrc) at += 2;
  return at + TAIL_BYTES <= file.length ? at : null;
}

/** The file with its content uncompressed: head, content, tail. Null when it is not one whole gzip stream, or too large. */
export function unpack(file: Buffer): Buffer | null {
  const head = headBytes(file);
  if (head === null || file.length > MOST_UNPACKED_BYTES) return null;
  const packed = file.subarray(head, file.length - TAIL_BYTES);
  const most = MOST_UNPACKED_BYTES - head - TAIL_BYTES;
  // In one piece, if it is what the file says: zlib would gather many, which takes the memory twice.
  const promised = Math.min(Math.max(file.readUInt32LE(file.length - 4), LEAST_CHUNK), most) + 1;
  try {
    const { buffer, engine } = inflateInfo(packed, most, promised);
    // What comes behind the end of the stream would be lost.
    if (engine.bytesWritten !== packed.length) return null;
    return Buffer.concat([file.subarray(0, head), buffer, file.subarray(file.length - TAIL_BYTES)]);
  } catch {
    // zlib could not: so it is not what it looks like, or larger.
    return null;
  }
}

/** With `info`, node gives how much it read, too; the types do not know that. */
function inflateInfo(
  packed: Buffer,
  maxOutputLength: number,
  chunkSize: number,
): { buffer: Buffer; engine: { bytesWritten: number } } {
  const options = { info: true, maxOutputLength, chunkSize };
  return inflateRawSync(packed, options) as unknown as ReturnType<typeof inflateInfo>;
}

/**
 * The gzip file of what `unpack` gave, in pieces that are valid until the next is asked for.
 * @throws PassItOnError 'bad-data' when it is nothing that `unpack` can have given, or would take far longer than any real file
 */
export function* pack(unpacked: Buffer): Generator<Buffer> {
  const head = headBytes(unpacked);
  if (head === null) throw badData('A delta says that it makes a gzip file, but makes something else.');
  yield unpacked.subarray(0, head);
  const level = unpacked[EFFORT_AT] === BEST_EFFORT ? 9 : 6;
  yield* new Deflate(unpacked.subarray(head, unpacked.length - TAIL_BYTES), level).pieces();
  yield unpacked.subarray(unpacked.length - TAIL_BYTES);
}

/** What `unpack` gives, if `pack` makes the very same file of it again; else null. */
export function unpackSurely(file: Buffer): Buffer | null {
  const unpacked = unpack(file);
  if (unpacked === null) return null;
  let made = 0;
  try {
    for (const piece of pack(unpacked)) {
      if (!piece.equals(file.subarray(made, made + piece.length))) return null;
      made += piece.length;
    }
  } catch (error) {
    if (error instanceof PassItOnError && error.code === 'bad-data') return null;
    throw error;
  }
  return made === file.length ? unpacked : null;
}
