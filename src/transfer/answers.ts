/**
 * The stream that answers `POST /objects` (docs/protocol.md, "Fetching"): one answer for each blob that was asked for, in that order, so
 * that none need name its blob.
 *
 *     stream = "PIO2" answer* end
 *     answer = kind (1 byte) length payload (length bytes)
 *     end    = "E", length 0
 *
 * Lengths are numbers as in a delta (core/delta/varint.ts). The end tells a whole stream from one that was cut.
 */
import { ByteSink } from '../core/delta/varint';
import { ByteReader, malformed, type Payload } from './byte-reader';

export const ANSWERS_MAGIC = Buffer.from('PIO2', 'latin1');

/** `delta` stands for all kinds from FIRST_DELTA on: which one says which of the bases of its line it is made from. */
export const ANSWER = { whole: 'W', delta: 'D', outlined: 'O', rest: 'R', missing: 'M' } as const;
export type AnswerKind = (typeof ANSWER)[keyof typeof ANSWER];

const KINDS = new Map<number, AnswerKind>(
  [ANSWER.whole, ANSWER.outlined, ANSWER.rest, ANSWER.missing].map(kind => [kind.charCodeAt(0), kind]),
);
/** The first byte of the end. */
export const END = 'E'.charCodeAt(0);
const FIRST_DELTA = 0x80;
/** More bases for one blob cannot be told apart in an answer. */
export const MOST_BASES = 0x100 - FIRST_DELTA;

export interface AnswerHeader {
  kind: AnswerKind;
  /** Of a delta: which of the bases that were named it is made from, from 0. */
  base: number;
  /** Payload length in bytes. */
  length: number;
}

export type Answer = AnswerHeader & Payload;

/** base: of a delta. */
export function encodeAnswerHeader(kind: AnswerKind, length: number, base = 0): Buffer {
  return header(kind === ANSWER.delta ? FIRST_DELTA + base : kind.charCodeAt(0), length);
}

/** base: of a delta. */
export function encodeAnswer(kind: AnswerKind, payload: Buffer, base = 0): Buffer {
  return Buffer.concat([encodeAnswerHeader(kind, payload.length, base), payload]);
}

export function encodeAnswersEnd(): Buffer {
  return header(END, 0);
}

/** The whole stream, of the answers that are given. */
export async function* answerStream(answers: Iterable<Buffer> | AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield ANSWERS_MAGIC;
  yield* answers;
  yield encodeAnswersEnd();
}

/**
 * Answers of a byte stream, up to its end.
 * @throws PassItOnError 'source-lied' on a malformed stream, 'source-gone' on one that ends too early
 */
export async function* readAnswers(stream: AsyncIterable<Buffer>): AsyncGenerator<Answer> {
  const reader = new ByteReader(stream);
  try {
    if (!(await reader.read(ANSWERS_MAGIC.length)).equals(ANSWERS_MAGIC))
      throw malformed('something that is not a stream of answers');
    for (;;) {
      const first = await reader.byte();
      const length = await reader.length();
      if (first === END && length === 0) return;
      const kind = kindOf(first);
      const { finish, ...payload } = reader.payload(length);
      yield { kind, base: Math.max(first - FIRST_DELTA, 0), length, ...payload };
      await finish();
    }
  } finally {
    await reader.close();
  }
}

/** first: the byte that an answer begins with. @throws PassItOnError 'source-lied' for one that none begins with */
export function kindOf(first: number): AnswerKind {
  const kind = first >= FIRST_DELTA ? ANSWER.delta : KINDS.get(first);
  if (kind === undefined) throw malformed(`an answer of unknown kind 0x${first.toString(16)}`);
  return kind;
}

const sink = new ByteSink();

function header(first: number, length: number): Buffer {
  sink.clear();
  sink.bytes(Buffer.of(first));
  sink.number(length);
  return Buffer.from(sink.written);
}
