/**
 * Raw answers into the store as they come, for one batch: a small blob from where it stands in what came, without a promise or an object of
 * its own. What batch.ts does for all other answers, one after the other.
 */
import type { Oid } from '../core/object';
import { ANSWER, ANSWERS_MAGIC, type AnswerKind, END, kindOf } from './answers';
import { cutOff, malformed } from './byte-reader';
import { type BlobSink, brokenOff, fits, otherwise, type Receiver, type Request, resumeBlob } from './incoming';

/** What is told of a blob, whatever form it has. */
export type BlobEvent =
  /** Content is there; a negative number of bytes is not, after all. */
  { kind: 'bytes'; bytes: number } | { kind: 'missing'; oid: Oid } | { kind: 'came'; oid: Oid; outlined: boolean };

export interface RawTaking {
  receiver: Receiver;
  /** Another source was faster with it. */
  isDone(oid: Oid): boolean;
  tell(event: BlobEvent): void;
}

/** A blob on its way. */
interface Coming {
  request: Request;
  kind: AnswerKind;
  /** Of the payload, in bytes. */
  left: number;
  /** What of the blob is here. */
  received: number;
  /** Null: nobody wants it. */
  sink: BlobSink | null;
}

export class RawAnswers {
  private readonly asked: Iterator<Request>;
  /** How much of the magic has come. */
  private magic = 0;
  /** The beginning of a header, as far as it has come. */
  private first: number | null = null;
  private length = 0;
  private scale = 1;
  private coming: Coming | null = null;
  private hasEnded = false;
  /** Broken off. */
  private isOver = false;

  constructor(
    requests: readonly Request[],
    private readonly taking: RawTaking,
  ) {
    this.asked = requests.values();
  }

  /**
   * What came next, valid until it is done. A promise where something has to be waited for.
   * @throws (or rejects with) Doubtful; PassItOnError 'source-lied', and what the store throws
   */
  take(part: Buffer): Promise<void> | undefined {
    return this.takeFrom(part, 0);
  }

  /** All has come. @throws PassItOnError 'source-lied', 'source-gone' when it has not */
  end(): void {
    if (!this.hasEnded) throw cutOff();
    if (!this.asked.next().done) throw otherwise();
  }

  /** Nothing more comes. What came of a large blob is kept, unless that is what is wrong. @returns what is to be thrown */
  breakOff(cause: unknown): unknown {
    const { coming } = this;
    this.coming = null;
    this.isOver = true;
    if (coming === null || coming.sink === null) return cause;
    this.taking.tell({ kind: 'bytes', bytes: -coming.received });
    return brokenOff(coming.sink, coming.kind, coming.request.oid, cause);
  }

  private takeFrom(part: Buffer, from: number): Promise<void> | undefined {
    let at = from;
    while (at < part.length) {
      if (this.coming !== null) {
        at = this.goOn(part, at, this.coming);
        continue;
      }
      if (!this.hears(part[at++]!)) continue;
      const { length } = this;
      const kind = kindOf(this.first!);
      this.first = null;
      const request = this.asked.next().value;
      if (request === undefined) throw otherwise();
      if (kind === ANSWER.whole && length <= part.length - at && fits({ kind, base: 0, length }, request)) {
        this.whole(request, part.subarray(at, at + length));
        at += length;
        continue;
      }
      const wait = this.begin(request, kind, length);
      if (wait !== undefined) return wait.then(() => this.takeFrom(part, at));
    }
    return undefined;
  }

  /** True when a header is complete, but for that of the end. */
  private hears(byte: number): boolean {
    if (this.magic < ANSWERS_MAGIC.length) {
      if (byte !== ANSWERS_MAGIC[this.magic++]) throw malformed('something that is not a stream of answers');
      return false;
    }
    if (this.hasEnded) throw malformed('more than it was asked for');
    if (this.first === null) {
      this.first = byte;
      this.length = 0;
      this.scale = 1;
      return false;
    }
    this.length += (byte & 127) * this.scale;
    this.scale *= 128;
    if (this.length > Number.MAX_SAFE_INTEGER || this.scale > Number.MAX_SAFE_INTEGER * 128)
      throw malformed('a length that no file can have');
    if (byte > 127) return false;
    this.hasEnded = this.first === END && this.length === 0;
    return !this.hasEnded;
  }

  private whole(request: Request, data: Buffer): void {
    const { receiver, isDone, tell } = this.taking;
    const { oid, size } = request;
    if (isDone(oid)) return;
    receiver.receiveWhole(oid, data);
    tell({ kind: 'bytes', bytes: size });
    tell({ kind: 'came', oid, outlined: false });
  }

  private begin(request: Request, kind: AnswerKind, length: number): Promise<void> | undefined {
    const { receiver, isDone, tell } = this.taking;
    const { oid, size } = request;
    if (kind === ANSWER.missing) tell({ kind: 'missing', oid });
    // As no base was named, nothing can be made from one.
    else if (!fits({ kind, base: 0, length }, request)) throw otherwise();
    if (kind === ANSWER.missing || isDone(oid)) {
      this.coming = length > 0 ? { request, kind, left: length, received: 0, sink: null } : null;
      return undefined;
    }
    if (kind === ANSWER.rest) return this.resume(request, length);
    this.coming = { request, kind, left: length, received: 0, sink: receiver.receiveBlob(oid, size) };
    return undefined;
  }

  private async resume(request: Request, length: number): Promise<void> {
    const { receiver, tell } = this.taking;
    const sink = await resumeBlob(receiver, request);
    if (this.isOver) return sink.suspend();
    this.coming = { request, kind: ANSWER.rest, left: length, received: request.offset, sink };
    tell({ kind: 'bytes', bytes: request.offset });
  }

  /** Returns up to where of `part` that has been gone on with. */
  private goOn(part: Buffer, at: number, coming: Coming): number {
    const { sink } = coming;
    const piece = part.subarray(at, at + coming.left);
    coming.left -= piece.length;
    sink?.write(piece);
    if (sink !== null) {
      coming.received += piece.length;
      this.taking.tell({ kind: 'bytes', bytes: piece.length });
    }
    if (coming.left === 0) {
      sink?.commit();
      this.coming = null;
      if (sink !== null) this.taking.tell({ kind: 'came', oid: coming.request.oid, outlined: false });
    }
    return at + piece.length;
  }
}
