/** One blob out of one frame, whatever form it has, into the store. */
import type { FileHandle } from 'node:fs/promises';
import { applyDelta } from '../core/delta/apply';
import { longestDelta } from '../core/delta/format';
import type { RandomReader } from '../core/delta/reader';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import {
  DELTA_HEAD_BYTES,
  decodeDeltaHead,
  decodeRestHead,
  type Frame,
  KIND,
  type Kind,
  REST_HEAD_BYTES,
} from './frames';
import type { Wanted } from './scheduler';

/** Where blobs are put: the store. */
export interface Receiver {
  receiveBlob(oid: Oid, size: number, from?: number): Promise<BlobSink>;
  /** How many bytes of a blob came before its receiving was broken off. */
  keptBytes(oid: Oid): number;
  /** A blob that is here already; null when it is not, or no longer as it was. */
  openBlob(oid: Oid): Promise<{ size: number; handle: FileHandle } | null>;
}

export interface BlobSink {
  write(chunk: Buffer): Promise<void>;
  /** 'source-lied' when the contents are not the blob that was asked for. */
  commit(): Promise<void>;
  abort(): Promise<void>;
  /** Breaks off and keeps what came, to go on with. */
  suspend(): Promise<void>;
}

/** A blob as it is asked for. */
export type Request = Wanted & { offset: number };

/**
 * A delta did not make the blob, or a rest did not complete it: its source lied, or what was here before is damaged or from
 * somebody else who lied. The whole blob will tell.
 */
export class Doubtful extends Error {
  constructor(
    readonly kind: Kind,
    options: ErrorOptions,
  ) {
    super('what came does not fit what was here', options);
  }
}

/** What came of blobs from this size on is gone on with after a stop; smaller ones are sent again. Bytes. */
const KEPT_FROM = 1 << 20;

/** How to ask for it, with what is here of it. */
export function requestFor(receiver: Receiver, wanted: Wanted, deltas: boolean): Request {
  const kept = wanted.size < KEPT_FROM ? 0 : receiver.keptBytes(wanted.oid);
  return { ...wanted, bases: deltas ? wanted.bases : [], offset: kept < wanted.size ? kept : 0 };
}

/** Is it what was asked for, as far as its header tells? */
export function fits({ kind, length }: Frame, { size, bases, offset }: Request): boolean {
  if (kind === KIND.delta) return bases.length > 0 && length <= DELTA_HEAD_BYTES + longestDelta(size);
  if (kind === KIND.rest) return offset > 0 && length === REST_HEAD_BYTES + size - offset;
  return kind === KIND.whole && length === size;
}

/**
 * Brings the blob into the store. `onBytes` is told what of it is there, and with a negative number that it is not after all.
 * @throws Doubtful; PassItOnError 'source-lied', 'source-gone', and what the store throws
 */
export async function receiveFrame(
  receiver: Receiver,
  { oid, size, bases, offset }: Request,
  frame: Frame,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const { kind } = frame;
  const from = kind === KIND.rest ? await restFrom(frame, offset) : 0;
  // Somebody else goes on with it by now: the rest is no use, and not worth waiting for its end.
  if (from > receiver.keptBytes(oid)) throw new Doubtful(kind, {});
  const sink = await receiver.receiveBlob(oid, size, from);
  let received = from;
  onBytes(from);
  try {
    const content = kind === KIND.delta ? patched(receiver, frame, bases, size) : frame.payload();
    for await (const chunk of content) {
      await sink.write(chunk);
      received += chunk.length;
      onBytes(chunk.length);
    }
    await sink.commit();
  } catch (cause) {
    onBytes(-received);
    const wrong = cause instanceof PassItOnError && MADE_WRONG.has(cause.code);
    await (wrong ? sink.abort() : sink.suspend());
    if (wrong && (kind === KIND.delta || kind === KIND.rest)) throw new Doubtful(kind, { cause });
    throw cause;
  }
}

const MADE_WRONG: ReadonlySet<string> = new Set(['bad-data', 'damaged', 'source-lied']);

/** The blob that a delta frame makes from its base. */
async function* patched(receiver: Receiver, frame: Frame, bases: readonly Oid[], size: number): AsyncGenerator<Buffer> {
  const head = decodeDeltaHead(await frame.read(DELTA_HEAD_BYTES));
  if (!bases.includes(head.base) || head.size !== size) {
    throw new PassItOnError('source-lied', 'A laptop sent a delta for other files.', 'Try another laptop.');
  }
  const base = await receiver.openBlob(head.base);
  if (!base) throw new PassItOnError('damaged', `Blob ${head.base} is not as it was.`, 'Repair it with verify.');
  try {
    yield* applyDelta(reader(base), frame.payload(), size);
  } finally {
    await base.handle.close();
  }
}

/** @throws PassItOnError 'source-lied' */
async function restFrom(frame: Frame, offset: number): Promise<number> {
  if (decodeRestHead(await frame.read(REST_HEAD_BYTES)) === offset) return offset;
  throw new PassItOnError('source-lied', 'A laptop sent another part of a file.', 'Try another laptop.');
}

function reader({ size, handle }: { size: number; handle: FileHandle }): RandomReader {
  return { size, read: async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead };
}
