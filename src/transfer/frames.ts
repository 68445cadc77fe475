/**
 * The frame stream that answers `GET /images/<commit>/trees` and `POST /objects` (docs/protocol.md, "Fetching").
 *
 *     stream = "PIO1" frame* end
 *     frame  = kind (1 byte, ASCII) oid (20 bytes) length (8 bytes, big endian) payload (length bytes)
 *     end    = a frame of kind "E" with a zero oid and length 0
 *
 * The end frame tells a whole stream from one that was cut. Payloads are never held whole here: a reader hands them on
 * chunk by chunk, so memory stays flat whatever a file's size.
 */
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';

export const MAGIC = Buffer.from('PIO1', 'latin1');
export const HEADER_BYTES = 29;
const ZERO_OID: Oid = '0'.repeat(40);

/** commit, tree, patched (a tree), attributes and sizes describe an image; whole, delta, outlined, rest and missing answer a request for a blob. */
export const KIND = {
  commit: 'C',
  tree: 'T',
  patched: 'P',
  attributes: 'A',
  sizes: 'S',
  whole: 'W',
  delta: 'D',
  outlined: 'O',
  rest: 'R',
  missing: 'M',
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

export interface Frame extends FrameHeader {
  /** The next bytes of the payload, exactly so many; 'source-lied' when it has fewer. */
  read(count: number): Promise<Buffer>;
  /** The payload, or what is left of it, as it arrives; to be read before the next frame is asked for, or it is skipped. */
  payload(): AsyncGenerator<Buffer>;
  /** The payload in one piece; 'source-lied' when it is longer than `limit` bytes. */
  whole(limit: number): Promise<Buffer>;
}

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
      let left = header.length;
      const payload = async function* () {
        while (left > 0) {
          const chunk = await reader.some(left);
          left -= chunk.length;
          yield chunk;
        }
      };
      const whole = async (limit: number) => {
        if (left > limit) throw malformed(`a frame of ${left} bytes where ${limit} is the most`);
        const bytes = await reader.read(left);
        left = 0;
        return bytes;
      };
      const read = async (count: number) => {
        if (left < count) throw malformed(`a frame of ${header.length} bytes, which is too short`);
        left -= count;
        return reader.read(count);
      };
      yield { ...header, read, payload, whole };
      while (left > 0) left -= (await reader.some(left)).length;
    }
  } finally {
    await reader.close();
  }
}

/** What a delta frame's payload begins with: the base (20 bytes) and the size of the blob that is made (8 bytes). */
export const DELTA_HEAD_BYTES = 28;

export function encodeDeltaHead(base: Oid, size: number): Buffer {
  return encodeSizes([[base, size]]);
}

export function decodeDeltaHead(bytes: Buffer): { base: Oid; size: number } {
  const [[base, size]] = decodeSizes(bytes) as [[Oid, number]];
  return { base, size };
}

/** What the payload of a patched tree begins with: the tree that it is made from. What follows is core/tree-patch's. */
export const PATCH_HEAD_BYTES = 20;

/** What the payload of a rest begins with: how many bytes of the blob come before it (8 bytes). */
export const REST_HEAD_BYTES = 8;

export function encodeRestHead(offset: number): Buffer {
  const head = Buffer.alloc(REST_HEAD_BYTES);
  head.writeBigUInt64BE(BigInt(offset));
  return head;
}

export function decodeRestHead(head: Buffer): number {
  return Number(head.readBigUInt64BE());
}

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

function malformed(what: string): PassItOnError {
  return new PassItOnError('source-lied', `A laptop sent ${what}.`, 'Try another laptop.');
}

/** Exact reads over a stream of chunks of any size. */
class ByteReader {
  private readonly source: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.source = stream[Symbol.asyncIterator]();
  }

  /** The next 1 to `most` bytes, as they come. */
  async some(most: number): Promise<Buffer> {
    while (this.rest.length === 0) await this.fill();
    const chunk = this.rest.subarray(0, most);
    this.rest = this.rest.subarray(chunk.length);
    return chunk;
  }

  /** Exactly `count` bytes. */
  async read(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let missing = count; missing > 0; ) {
      const part = await this.some(missing);
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  async close(): Promise<void> {
    await this.source.return?.();
  }

  private async fill(): Promise<void> {
    const next = await this.source.next();
    if (next.done) {
      throw new PassItOnError(
        'source-gone',
        'The other laptop stopped in the middle.',
        'Try again, or try another laptop.',
      );
    }
    this.rest = next.value;
  }
}
