/**
 * gzip files (RFC 1952), taken apart and put together again. A change of one word makes most of a compressed file another one, so
 * that its delta is as large as itself; the delta of what is in it is small. This only helps if the very same file comes out
 * again. Debian's manual pages, changelogs and so on are all made by GNU gzip -9, whose every choice `Deflate` repeats.
 */
import { inflateRawSync } from 'node:zlib';
import { badData } from '../../bad-data';
import { PassItOnError } from '../../errors';
import type { SyncReader } from '../reader';
import { Deflate } from './deflate';

/** Larger ones stay as they are: both sides hold them in memory. */
export const MOST_UNPACKED_BYTES = 8 << 20;
/** Of names and comments there are hardly ever a hundred. */
const MOST_HEAD_BYTES = 64 << 10;

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

/**
 * Bytes before the deflate stream, or null when this is no gzip file, or no usual one.
 * @param start of the file: MOST_HEAD_BYTES at least, or all of it; size: of all of it, in bytes
 */
function headBytes(start: Buffer, size: number): number | null {
  const file = start.subarray(0, MOST_HEAD_BYTES);
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
  return at <= file.length && at + TAIL_BYTES <= size ? at : null;
}

/** A gzip file with its content uncompressed, to be read as if all stood in one piece: to put it into one would take the memory twice. */
export class Unpacked implements SyncReader {
  readonly isInMemory = true;
  readonly size: number;

  constructor(
    private readonly head: Buffer,
    private readonly content: Buffer,
    private readonly tail: Buffer,
  ) {
    this.size = head.length + content.length + tail.length;
  }

  read(into: Buffer, position: number): number {
    let read = 0;
    let start = 0;
    for (const part of this.parts()) {
      const from = position + read - start;
      if (from >= 0 && from < part.length) read += part.copy(into, read, from);
      start += part.length;
    }
    return read;
  }

  parts(): Iterable<Buffer> {
    return [this.head, this.content, this.tail];
  }
}

/** Null when it is not one whole gzip stream, or too large. */
export function unpack(file: Buffer): Unpacked | null {
  const head = headBytes(file, file.length);
  if (head === null || file.length > MOST_UNPACKED_BYTES) return null;
  const packed = file.subarray(head, file.length - TAIL_BYTES);
  const most = MOST_UNPACKED_BYTES - head - TAIL_BYTES;
  // In one piece, if it is what the file says: zlib would gather many, which takes the memory twice.
  const promised = Math.min(Math.max(file.readUInt32LE(file.length - 4), LEAST_CHUNK), most) + 1;
  try {
    const { buffer, engine } = inflateInfo(packed, most, promised);
    // What comes behind the end of the stream would be lost.
    if (engine.bytesWritten !== packed.length) return null;
    // Copies, so that nothing needs the packed file any more.
    return new Unpacked(
      Buffer.from(file.subarray(0, head)),
      buffer,
      Buffer.from(file.subarray(file.length - TAIL_BYTES)),
    );
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

/** The gzip file of what `unpack` gave, which may come in windows: those of a delta, of which the first holds the head. */
export class Packing {
  private deflate: Deflate | null = null;
  private contentLeft = 0;

  /** size: of all of it, unpacked, in bytes. `close` must be called, whatever happens. Throws 'bad-data' as `take` does. */
  constructor(private readonly size: number) {
    if (size < PACKED_HEAD_BYTES + TAIL_BYTES) throw isNone();
  }

  /**
   * What comes next of it; gives what this makes, in pieces that are valid until the next is asked for.
   * @throws PassItOnError 'bad-data' when it is nothing that `unpack` can have given, or would take far longer than any real file
   */
  *take(window: Buffer): Generator<Buffer> {
    let rest = window;
    if (this.deflate === null) {
      const head = headBytes(window, this.size);
      if (head === null) throw isNone();
      yield window.subarray(0, head);
      rest = window.subarray(head);
      this.contentLeft = this.size - head - TAIL_BYTES;
      this.deflate = new Deflate(this.contentLeft, window[EFFORT_AT] === BEST_EFFORT ? 9 : 6);
    }
    const content = rest.subarray(0, this.contentLeft);
    this.contentLeft -= content.length;
    yield* this.deflate.take(content);
    yield rest.subarray(content.length);
  }

  /** Harmless when it is closed already. */
  close(): void {
    this.deflate?.close();
  }
}

function isNone(): PassItOnError {
  return badData('A delta says that it makes a gzip file, but makes something else.');
}

/** All of it at once. Throws as `Packing` does. */
export function* pack(unpacked: Unpacked): Generator<Buffer> {
  const packing = new Packing(unpacked.size);
  try {
    for (const part of unpacked.parts()) yield* packing.take(part);
  } finally {
    packing.close();
  }
}

/** What `unpack` gives, if `pack` makes the very same file of it again; else null. */
export function unpackSurely(file: Buffer): Unpacked | null {
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
