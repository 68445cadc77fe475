import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Oid, objectOid } from '../../src/core/object';
import { ANSWER, ANSWERS_MAGIC, encodeAnswer, encodeAnswersEnd } from '../../src/transfer/answers';
import { Doubtful, type Receiver, type Request } from '../../src/transfer/incoming';
import { RawAnswers } from '../../src/transfer/raw-answers';
import { cuts } from './cutting';

/** Keeps blobs in memory; `kept`: beginnings of some. */
class Shelf implements Receiver {
  readonly held = new Map<Oid, Buffer>();
  readonly suspended = new Map<Oid, Buffer>();
  open = 0;

  constructor(private readonly kept = new Map<Oid, Buffer>()) {}

  keptBytes = (oid: Oid) => this.kept.get(oid)?.length ?? 0;
  openBlob = async () => null;
  readSmallBlob = () => null;
  receiveWhole = (oid: Oid, data: Buffer) => void this.held.set(oid, Buffer.from(data));
  receiveBlob = (oid: Oid, _size: number, begun: Buffer = Buffer.alloc(0)) => {
    const parts = [begun];
    this.open++;
    const over = (into: Map<Oid, Buffer> | null) => () => {
      this.open--;
      into?.set(oid, Buffer.concat(parts));
    };
    const write = (chunk: Buffer) => void parts.push(Buffer.from(chunk));
    return { write, commit: over(this.held), abort: over(null), suspend: over(this.suspended) };
  };
  resumeBlob = async (oid: Oid, size: number, from: number) =>
    this.receiveBlob(oid, size, this.kept.get(oid)!.subarray(0, from));
}

interface One {
  content: Buffer;
  how: 'whole' | 'missing' | 'rest' | 'done';
}

function requestFor({ content, how }: One): Request {
  const offset = how === 'rest' ? Math.ceil(content.length / 2) : 0;
  return { oid: objectOid('blob', content), size: content.length, bases: [], offset };
}

function answerTo(one: One): Buffer {
  if (one.how === 'missing') return encodeAnswer(ANSWER.missing, Buffer.alloc(0));
  if (one.how !== 'rest') return encodeAnswer(ANSWER.whole, one.content);
  return encodeAnswer(ANSWER.rest, one.content.subarray(requestFor(one).offset));
}

async function feed(answers: RawAnswers, stream: Buffer, lengths: number[]): Promise<void> {
  for (let at = 0, i = 0; at < stream.length; i++) {
    const part = Buffer.from(stream.subarray(at, at + lengths[i % lengths.length]!));
    await answers.take(part);
    at += part.length;
    part.fill(0);
  }
  answers.end();
}

/** What a batch of them brings, and what is told. */
async function take(ones: One[], stream: Buffer, lengths: number[]) {
  const begun = ones.filter(({ how }) => how === 'rest');
  const shelf = new Shelf(new Map(begun.map(({ content }) => [objectOid('blob', content), content])));
  const told = { bytes: 0, missing: [] as Oid[], came: [] as Oid[] };
  const done = new Set(ones.filter(({ how }) => how === 'done').map(one => requestFor(one).oid));
  const answers = new RawAnswers(ones.map(requestFor), {
    receiver: shelf,
    isDone: oid => done.has(oid),
    tell: event => {
      if (event.kind === 'bytes') told.bytes += event.bytes;
      else told[event.kind].push(event.oid);
    },
  });
  try {
    await feed(answers, stream, lengths);
    return { shelf, told, failure: null };
  } catch (cause) {
    return { shelf, told, failure: answers.breakOff(cause) };
  }
}

const one = fc.record<One>({
  content: fc.uint8Array({ minLength: 3, maxLength: 200 }).map(data => Buffer.from(data)),
  how: fc.constantFrom('whole', 'missing', 'rest', 'done'),
});
const batch = fc.uniqueArray(one, { selector: ({ content }) => content.toString('hex'), maxLength: 20 });

const streamOf = (ones: One[]) => Buffer.concat([ANSWERS_MAGIC, ...ones.map(answerTo), encodeAnswersEnd()]);

test('every blob comes out as it was, wherever the network cuts the stream', async () => {
  await fc.assert(
    fc.asyncProperty(batch, cuts, async (ones, lengths) => {
      const { shelf, told, failure } = await take(ones, streamOf(ones), lengths);
      assert.equal(failure, null);
      const come = ones.filter(({ how }) => how === 'whole' || how === 'rest');
      assert.deepEqual(shelf.held, new Map(come.map(({ content }) => [objectOid('blob', content), content])));
      assert.deepEqual(told, {
        bytes: come.reduce((sum, { content }) => sum + content.length, 0),
        missing: ones.filter(({ how }) => how === 'missing').map(missing => requestFor(missing).oid),
        came: come.map(come => requestFor(come).oid),
      });
      assert.equal(shelf.open, 0);
    }),
  );
});

test('one that is cut off, wherever, tells so, counts what is whole and keeps what came of the rest', async () => {
  await fc.assert(
    fc.asyncProperty(batch, cuts, fc.double({ min: 0, max: 0.999, noNaN: true }), async (ones, lengths, share) => {
      const stream = streamOf(ones);
      const { shelf, told, failure } = await take(ones, stream.subarray(0, stream.length * share), lengths);
      assert.equal((failure as { code?: string }).code, 'source-gone');
      let bytes = 0;
      for (const content of shelf.held.values()) bytes += content.length;
      assert.equal(told.bytes, bytes);
      assert.equal(shelf.open, 0);
      for (const [oid, begun] of shelf.suspended) {
        const { content } = ones.find(asked => requestFor(asked).oid === oid)!;
        assert.deepEqual(content.subarray(0, begun.length), begun);
      }
    }),
  );
});

test('what was not asked for is a lie', async () => {
  const content = Buffer.from('what was asked for');
  const asked: One = { content, how: 'whole' };
  const whole = answerTo(asked);
  const lies: Buffer[][] = [
    [Buffer.from('PIO1'), whole],
    [ANSWERS_MAGIC, Buffer.from('?\0')],
    [ANSWERS_MAGIC, encodeAnswer(ANSWER.whole, content.subarray(1))],
    [ANSWERS_MAGIC, encodeAnswer(ANSWER.rest, content)],
    [ANSWERS_MAGIC, encodeAnswer(ANSWER.outlined, content)],
    [ANSWERS_MAGIC, encodeAnswer(ANSWER.delta, content, 0)],
    [ANSWERS_MAGIC, Buffer.from('W'), Buffer.alloc(9, 0xff)],
    [ANSWERS_MAGIC, whole, whole],
    [ANSWERS_MAGIC, encodeAnswersEnd()],
    [ANSWERS_MAGIC, whole, encodeAnswersEnd(), whole],
  ];
  for (const lie of lies) {
    for (const lengths of [[1], [5], [1000]]) {
      const { failure, shelf } = await take([asked], Buffer.concat(lie), lengths);
      assert.equal((failure as { code?: string }).code, 'source-lied', lie.join('|'));
      assert.equal(shelf.open, 0);
    }
  }
});

test('a rest of what is not here any more is doubtful', async () => {
  const asked: One = { content: Buffer.from('large enough'), how: 'rest' };
  const answers = new RawAnswers([requestFor(asked)], { receiver: new Shelf(), isDone: () => false, tell: () => {} });
  await assert.rejects(feed(answers, streamOf([asked]), [100]), Doubtful);
});
