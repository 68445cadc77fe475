/**
 * The body of `POST /objects` (docs/protocol.md): which blobs, and what the asker has that is like each; blobs by the beginnings of their
 * oids, for what is random cannot be packed.
 *
 *     request = bytes count line* hashes*
 *     line    = head name base* [blocks blockBytes hashBits] [offset]
 *     head    = 4 * bases + 2 where there is an outline + 1 where there is an offset
 *
 * Names and bases are of `bytes` bytes each, all else are numbers as in a delta (core/delta/varint.ts).
 */
import { badData } from '../core/bad-data';
import { hashesLength, isShape, MOST_BLOCK_BYTES, type Outline } from '../core/delta/outline';
import { ByteSink, ByteSource } from '../core/delta/varint';
import { MOST_BASES } from './answers';
import type { AskedBlob } from './source';

/** Outlines are most of it. */
export const MAX_REQUEST_BYTES = 1 << 20;
/** Asking for more takes another request. */
export const MAX_LINES = 10_000;

/** With 64 bits, of 100,000 blobs none has another's name by accident (1 to 4 * 10^9). */
export const SHORT_NAME_BYTES = 8;
export const WHOLE_NAME_BYTES = 20;

const OUTLINE_BIT = 2;
const OFFSET_BIT = 1;

/** A blob as it is asked for: by the hex digits that its oid begins with, as are the bases. */
export interface NamedBlob {
  name: string;
  bases: readonly string[];
  outline?: Outline;
  /** 0: from the beginning. */
  offset: number;
}

export interface Saying {
  /** Whether to say what is here that is like what is asked for; else the blobs are asked for as they are. */
  bases: boolean;
  /** SHORT_NAME_BYTES or more. */
  nameBytes: number;
}

export function encodeRequest(asked: readonly AskedBlob[], { bases, nameBytes }: Saying): Buffer {
  const sink = new ByteSink();
  const hashes: Buffer[] = [];
  const name = (oid: string) => sink.bytes(Buffer.from(oid.slice(0, 2 * nameBytes), 'hex'));
  sink.number(nameBytes);
  sink.number(asked.length);
  for (const one of asked) {
    const named = bases ? one.bases.slice(0, MOST_BASES) : [];
    const outline = bases ? one.outline : undefined;
    sink.number(4 * named.length + (outline ? OUTLINE_BIT : 0) + (one.offset ? OFFSET_BIT : 0));
    for (const oid of [one.oid, ...named]) name(oid);
    if (outline) {
      for (const number of [outline.count, outline.blockBytes, outline.hashBits]) sink.number(number);
      hashes.push(outline.hashes);
    }
    if (one.offset) sink.number(one.offset);
  }
  return Buffer.concat([sink.written, ...hashes]);
}

/** @throws PassItOnError 'bad-data' */
export function parseRequest(body: Buffer): NamedBlob[] {
  const source = new ByteSource(body, 'lines of a request');
  const nameBytes = source.number(WHOLE_NAME_BYTES);
  if (nameBytes < SHORT_NAME_BYTES) throw badData(`A request names blobs by ${nameBytes} bytes.`);
  const asked = Array.from({ length: source.number(MAX_LINES) }, () => parseLine(source, nameBytes));
  for (const { outline } of asked) if (outline) outline.hashes = source.bytes(hashesLength(outline));
  source.end();
  return asked;
}

/** The hashes of its outline are still to come. */
function parseLine(source: ByteSource, nameBytes: number): NamedBlob {
  const head = source.number(4 * MOST_BASES + OUTLINE_BIT + OFFSET_BIT);
  const name = () => source.bytes(nameBytes).toString('hex');
  const line: NamedBlob = { name: name(), bases: Array.from({ length: head >> 2 }, name), offset: 0 };
  if (head & OUTLINE_BIT) line.outline = parseShape(source);
  if (head & OFFSET_BIT) line.offset = source.number(Number.MAX_SAFE_INTEGER);
  return line;
}

function parseShape(source: ByteSource): Outline {
  const count = source.number(Number.MAX_SAFE_INTEGER);
  const shape = { count, blockBytes: source.number(MOST_BLOCK_BYTES), hashBits: source.number(MOST_BLOCK_BYTES) };
  if (!isShape(shape)) throw badData('A request has an outline that nobody can have meant.');
  return { ...shape, hashes: Buffer.alloc(0) };
}
