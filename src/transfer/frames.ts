/**
 * The frame stream that answers `GET /images/<commit>/trees` (docs/protocol.md, "Fetching").
 *
 *     stream = "PIO1" frame* end
 *     frame  = kind (1 byte, ASCII) oid (20 bytes) length (8 bytes, big endian) payload (length bytes)
 *     end    = a frame of kind "E" with a zero oid and length 0
 *
 * The end frame tells a whole stream from one that was cut.
 */
import type { Oid } from '../core/object';
import { ByteReader, malformed, type Payload } from './byte-reader';

export const MAGIC = Buffer.from('PIO1', 'latin1');
export const HEADER_BYTES = 29;
const ZERO_OID: Oid = '0'.repeat(40);

/** patched: a tree. */
export const KIND = {
  commit: 'C',
  tree: 'T',
  patched: 'P',
  attributes: 'A',
  sizes: 'S',
  end: 'E',
} as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

const KINDS = new Set<string>(Object.values(KIND));

export interface FrameHeader {
  kind: Kind;
  oid: Oid;
  /** Payload length in bytes. */
  length: number;
}

export type Frame = FrameHeader & Payload;

export function encodeHeader(kind: Kind, oid: Oid, length: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(kind, 0, 'latin1');
  header.write(oid, 1, 'hex');
  header.writeBigUInt64BE(BigInt(length), 21);
  return header;
}

export function encodeFrame(kind: Kind, oid: Oid, payload: Buffer): Buffer {
  return Buffer.concat([encodeHeader(kind, oid, payload.length), payload]);
}

export function encodeEnd(): Buffer {
  return encodeHeader(KIND.end, ZERO_OID, 0);
}

/** The whole stream, of the frames that are given. */
export async function* frameStream(frames: Iterable<Buffer> | AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield MAGIC;
  yield* frames;
  yield encodeEnd();
}

/** @throws PassItOnError 'source-lied' on an unknown kind or a length no file can have. */
export function decodeHeader(bytes: Buffer): FrameHeader {
  const kind = bytes.toString('latin1', 0, 1);
  const length = bytes.readBigUInt64BE(21);
  if (!KINDS.has(kind)) throw malformed(`a frame of unknown kind 0x${bytes.toString('hex', 0, 1)}`);
  if (length > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed(`a frame of ${length} bytes`);
  return { kind: kind as Kind, oid: bytes.toString('hex', 1, 21), length: Number(length) };
}

/**
 * Frames of a byte stream, up to and without the end frame.
 * @throws PassItOnError 'source-lied' on a malformed stream, 'source-gone' on one that ends too early.
 */
export async function* readFrames(stream: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  const reader = new ByteReader(stream);
  try {
    if (!(await reader.read(MAGIC.length)).equals(MAGIC)) throw malformed('something that is not a frame stream');
    for (;;) {
      const header = decodeHeader(await reader.read(HEADER_BYTES));
      if (header.kind === KIND.end) return;
      const { finish, ...payload } = reader.payload(header.length);
      yield { ...header, ...payload };
      await finish();
    }
  } finally {
    await reader.close();
  }
}

/** What the payload of a patched tree begins with: the tree that it is made from. What follows is core/tree-patch's. */
export const PATCH_HEAD_BYTES = 20;

/** `oid size` pairs of a sizes frame: 20 + 8 bytes each. */
export function encodeSizes(sizes: Iterable<[Oid, number]>): Buffer {
  const parts: Buffer[] = [];
  for (const [oid, size] of sizes) {
    const part = Buffer.alloc(28);
    part.write(oid, 0, 'hex');
    part.writeBigUInt64BE(BigInt(size), 20);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

export function decodeSizes(payload: Buffer): [Oid, number][] {
  if (payload.length % 28 !== 0) throw malformed('a list of sizes that is cut off');
  const sizes: [Oid, number][] = [];
  for (let at = 0; at < payload.length; at += 28) {
    const size = payload.readBigUInt64BE(at + 20);
    if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed(`a file of ${size} bytes`);
    sizes.push([payload.toString('hex', at, at + 20), Number(size)]);
  }
  return sizes;
}
