/** One blob out of one answer, whatever form it has, into the store. */
import type { FileHandle } from 'node:fs/promises';
import { applyDelta } from '../core/delta/apply';
import { longestDelta } from '../core/delta/format';
import type { Outline } from '../core/delta/outline';
import { applyOutlined, longestOutlined } from '../core/delta/outlined';
import { memoryReader, type RandomReader } from '../core/delta/reader';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import type { LandingField } from '../store/landing';
import type { PackedPart } from '../store/store';
import { ANSWER, type Answer, type AnswerHeader, type AnswerKind } from './answers';
import { openOutlined, outlinesFor } from './outlines';
import type { PatchMemory } from './patch-memory';
import type { ArrivingDelta, ReceivedDeltas } from './received-deltas';
import type { Wanted } from './scheduler';
import type { AskedBlob } from './source';
import type { Spare } from './spare';

/** Where blobs are put: the store. */
export interface Receiver {
  receiveBlob(oid: Oid, size: number): BlobSink;
  /** The same for one whose first `from` bytes are here. */
  resumeBlob(oid: Oid, size: number, from: number): Promise<BlobSink>;
  /** The same for all of a blob at once; `data` may be used for something else afterwards. 'source-lied' when that is another content. */
  receiveWhole(oid: Oid, data: Buffer): void;
  /** How many bytes of a blob came before its receiving was broken off. */
  keptBytes(oid: Oid): number;
  /** Where to keep what came of a large blob as its source packs it; null while somebody else does. released: once closed. */
  packedPart?(oid: Oid, released: () => void): PackedPart | null;
  /** A blob that is here already; null when it is not, or no longer as it was. */
  openBlob(oid: Oid): Promise<{ size: number; handle: FileHandle } | null>;
  /** The content of one that is here and small; null where only openBlob can tell. */
  readSmallBlob(oid: Oid): Buffer | null;
  /** Where what another thread takes in becomes a blob. */
  readonly landing?: LandingField;
}

export interface BlobSink {
  write(chunk: Buffer): void;
  /** 'source-lied' when the contents are not the blob that was asked for. */
  commit(): void;
  abort(): void;
  /** Breaks off and keeps what came, to go on with. */
  suspend(): void;
}

/** A blob as it is asked for. */
export type Request = Wanted & Pick<AskedBlob, 'outline' | 'part'> & { offset: number };

/**
 * A delta did not make the blob, or a rest did not complete it: its source lied, or what was here before is damaged or from
 * somebody else who lied. The whole blob will tell.
 */
export class Doubtful extends Error {
  constructor(
    readonly kind: AnswerKind,
    readonly oid: Oid,
    options: ErrorOptions,
  ) {
    super('what came does not fit what was here', options);
  }
}

/** What came of blobs from this size on is gone on with after a stop; smaller ones are sent again. Bytes. */
export const KEPT_FROM = 1 << 20;

/** What to say of what is here that is like what is wanted. */
export type Like = 'bases' | 'outlines' | 'nothing';

/** How to ask for them, with what is here of each and like each. Those in `plain` are asked for as they are. */
export async function requestsFor(
  receiver: Receiver,
  batch: readonly Wanted[],
  like: Like,
  plain: ReadonlySet<Oid>,
  spare: Spare,
): Promise<Request[]> {
  const outlines = like === 'outlines' ? await outlinesFor(receiver, batch) : null;
  return batch.map((wanted, index) => {
    const begun = wanted.size < KEPT_FROM ? { offset: 0 } : begunOf(receiver, wanted, spare);
    if (like === 'nothing' || plain.has(wanted.oid)) return { ...wanted, bases: [], ...begun };
    // To name more than the one that is outlined would be long, for somebody who is not likely to have it.
    const bases = wanted.bases.slice(0, outlines ? 1 : undefined);
    return { ...wanted, bases, ...begun, outline: outlines?.[index] };
  });
}

function begunOf(receiver: Receiver, { oid, size }: Wanted, spare: Spare): Pick<Request, 'offset' | 'part'> {
  const kept = receiver.keptBytes(oid);
  const part = () => {
    // Packed it is hardly ever longer.
    if (!spare.take(size)) return null;
    const given = receiver.packedPart?.(oid, () => spare.give(size)) ?? null;
    if (given === null) spare.give(size);
    return given;
  };
  return { offset: kept < size ? kept : 0, part };
}

/** Is it what was asked for, as far as its header tells? */
export function fits({ kind, base, length }: AnswerHeader, { size, bases, offset, outline }: Request): boolean {
  if (kind === ANSWER.outlined) return outline !== undefined && length <= longestOutlined(outline, size);
  if (kind === ANSWER.delta) return base < bases.length && length <= longestDelta(size);
  if (kind === ANSWER.rest) return offset > 0 && length === size - offset;
  return kind === ANSWER.whole && length === size;
}

/** What came is not an answer to what was asked. */
export function otherwise(): PassItOnError {
  return new PassItOnError('source-lied', 'A laptop sent something else than was asked for.', 'Try another laptop.');
}

/**
 * Brings the blob into the store. `onBytes` is told what of it is there, and with a negative number that it is not after all.
 * @throws Doubtful; PassItOnError 'source-lied', 'source-gone', and what the store throws
 */
export async function receiveAnswer(
  receiver: Receiver,
  request: Request,
  answer: Answer,
  onBytes: (bytes: number) => void,
  memory: PatchMemory,
  passOn?: PassOn,
): Promise<void> {
  const { kind } = answer;
  const { oid, size, offset } = request;
  // Most blobs are so small that they come in one piece: no more is done for each than has to be.
  const whole = kind === ANSWER.whole ? answer.here() : null;
  if (whole !== null) {
    receiver.receiveWhole(oid, whole);
    return onBytes(size);
  }
  const from = kind === ANSWER.rest ? offset : 0;
  const sink = from > 0 ? await resumeBlob(receiver, request) : receiver.receiveBlob(oid, size);
  let received = from;
  const keeping = new Keeping(request, answer, passOn);
  onBytes(from);
  try {
    const content = contentOf(receiver, request, answer, memory, keeping);
    for await (const chunk of content) {
      sink.write(chunk);
      received += chunk.length;
      onBytes(chunk.length);
    }
    sink.commit();
    keeping.delta?.keep();
  } catch (cause) {
    onBytes(-received);
    throw brokenOff(sink, kind, oid, cause);
  }
}

/** Goes on with what came of it before. @throws Doubtful where that is not here any more */
export async function resumeBlob(receiver: Receiver, { oid, size, offset }: Request): Promise<BlobSink> {
  // Somebody else goes on with it by now: the rest is no use, and not worth waiting for its end.
  if (offset > receiver.keptBytes(oid)) throw new Doubtful(ANSWER.rest, oid, {});
  return receiver.resumeBlob(oid, size, offset);
}

/** Keeps what came of a blob, unless that is what is wrong. @returns what is to be thrown */
export function brokenOff(sink: BlobSink, kind: AnswerKind, oid: Oid, cause: unknown): unknown {
  const wrong = cause instanceof PassItOnError && MADE_WRONG.has(cause.code);
  if (wrong) sink.abort();
  else sink.suspend();
  return wrong && MAY_BE_OURS.has(kind) ? new Doubtful(kind, oid, { cause }) : cause;
}

const MADE_WRONG: ReadonlySet<string> = new Set(['bad-data', 'damaged', 'source-lied']);

/** What came with one of these is put together with what was here. */
const MAY_BE_OURS: ReadonlySet<AnswerKind> = new Set([ANSWER.delta, ANSWER.outlined, ANSWER.rest]);

/** Where deltas that came are kept for others, and how much room there is for them. */
export interface PassOn {
  received: ReceivedDeltas;
  spare: Spare;
}

/** The delta of one answer, as long as nobody knows what it makes. */
class Keeping {
  delta: ArrivingDelta | null = null;

  constructor(
    private readonly request: Request,
    private readonly answer: Answer,
    private readonly passOn: PassOn | undefined,
  ) {}

  /** What is left of the payload, written down on its way. */
  async *payload(base: Oid): AsyncGenerator<Buffer> {
    const { oid: target, size } = this.request;
    const { length } = this.answer;
    this.delta = this.passOn?.received.begin({ base, target, size, length }, this.passOn.spare) ?? null;
    for await (const chunk of this.answer.payload()) {
      this.delta?.write(chunk);
      yield chunk;
    }
  }
}

function contentOf(
  receiver: Receiver,
  { size, bases, outline }: Request,
  answer: Answer,
  memory: PatchMemory,
  keeping: Keeping,
): AsyncGenerator<Buffer> {
  if (answer.kind === ANSWER.delta) return patched(receiver, answer, bases, size, memory, keeping);
  if (answer.kind === ANSWER.outlined && outline) return fromCommon(receiver, answer, bases, outline, size, memory);
  return answer.payload();
}

/** The blob that a answer makes from what its source found in common by the outline of the first base. */
async function* fromCommon(
  receiver: Receiver,
  answer: Answer,
  [base]: readonly Oid[],
  outline: Outline,
  size: number,
  memory: PatchMemory,
): AsyncGenerator<Buffer> {
  const delta = { read: (count: number) => answer.read(count), rest: () => answer.payload() };
  if (outline.count === 0 || base === undefined) {
    yield* memory.using(size, space => applyOutlined(memoryReader(Buffer.alloc(0)), outline, delta, size, space));
    return;
  }
  const opened = await openOutlined(receiver, base);
  if (!opened) throw new PassItOnError('damaged', `Blob ${base} is not as it was.`, 'Repair it with verify.');
  try {
    yield* memory.using(size, space => applyOutlined(opened.content, outline, delta, size, space));
  } finally {
    await opened.close();
  }
}

/** The blob that a delta answer makes from its base. */
async function* patched(
  receiver: Receiver,
  answer: Answer,
  bases: readonly Oid[],
  size: number,
  memory: PatchMemory,
  keeping: Keeping,
): AsyncGenerator<Buffer> {
  const named = bases[answer.base]!;
  const payload = keeping.payload(named);
  const small = receiver.readSmallBlob(named);
  if (small !== null) {
    yield* memory.using(size, space => applyDelta(memoryReader(small), payload, size, space));
    return;
  }
  const base = await receiver.openBlob(named);
  if (!base) throw new PassItOnError('damaged', `Blob ${named} is not as it was.`, 'Repair it with verify.');
  try {
    yield* memory.using(size, space => applyDelta(reader(base), payload, size, space));
  } finally {
    await base.handle.close();
  }
}

function reader({ size, handle }: { size: number; handle: FileHandle }): RandomReader {
  return { size, read: async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead };
}
