/** The stream that answers a request for blobs: what goes in comes out, and nothing that is sent can do harm. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PassItOnError } from '../../src/core/errors';
import {
  ANSWER,
  ANSWERS_MAGIC,
  type AnswerKind,
  answerStream,
  encodeAnswer,
  encodeAnswerHeader,
  encodeAnswersEnd,
  MOST_BASES,
  readAnswers,
} from '../../src/transfer/answers';
import { chunks, cuts } from './cutting';

type Told = [kind: AnswerKind, payload: Buffer, base: number];

const payload = fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes));
const plain = fc.constantFrom(ANSWER.whole, ANSWER.outlined, ANSWER.rest, ANSWER.missing);
const answer: fc.Arbitrary<Told> = fc.oneof(
  fc.tuple(plain, payload, fc.constant(0)),
  fc.tuple(fc.constant(ANSWER.delta), payload, fc.nat(MOST_BASES - 1)),
);
const answers = fc.array(answer, { maxLength: 8 });

async function streamOf(list: readonly Told[]): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of answerStream(list.map(one => encodeAnswer(...one)))) parts.push(part);
  return Buffer.concat(parts);
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Told[]> {
  const all: Told[] = [];
  for await (const { kind, base, whole } of readAnswers(stream)) all.push([kind, await whole(1e6), base]);
  return all;
}

test('answers come out as they went in, however the network cuts them', async () => {
  await fc.assert(
    fc.asyncProperty(answers, cuts, async (list, lengths) => {
      assert.deepEqual(await readAll(chunks(await streamOf(list), lengths)), list);
    }),
  );
});

test('what of a payload has come already is given in one piece, or nothing of it is taken', async () => {
  await fc.assert(
    fc.asyncProperty(answers, cuts, fc.nat(5), async (list, lengths, begin) => {
      const read: Told[] = [];
      for await (const { kind, base, length, here, ...answer } of readAnswers(chunks(await streamOf(list), lengths))) {
        const first = await answer.read(Math.min(begin, length));
        const rest = here() ?? (await answer.whole(1e6));
        read.push([kind, Buffer.concat([first, rest]), base]);
      }
      assert.deepEqual(read, list);
    }),
  );
});

test('a payload that nobody reads, or only the beginning of, is skipped', async () => {
  await fc.assert(
    fc.asyncProperty(answers, cuts, fc.nat(5), async (list, lengths, begin) => {
      const read: [AnswerKind, number, number][] = [];
      for await (const { kind, base, length, read: take } of readAnswers(chunks(await streamOf(list), lengths))) {
        await take(Math.min(begin, length));
        read.push([kind, length, base]);
      }
      assert.deepEqual(
        read,
        list.map(([kind, { length }, base]) => [kind, length, base]),
      );
    }),
  );
});

test('a stream that is cut anywhere is noticed', async () => {
  await fc.assert(
    fc.asyncProperty(answers, fc.nat(), cuts, async (list, where, lengths) => {
      const stream = await streamOf(list);
      const cut = stream.subarray(0, where % stream.length);
      await assert.rejects(readAll(chunks(cut, lengths)), { code: 'source-gone' });
    }),
  );
});

test('any bytes at all give answers or a typed error, never another exception', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), cuts, fc.boolean(), async (bytes, lengths, begun) => {
      const stream = Buffer.concat(begun ? [ANSWERS_MAGIC, Buffer.from(bytes)] : [Buffer.from(bytes)]);
      await readAll(chunks(stream, lengths)).catch(error => {
        assert.ok(error instanceof PassItOnError, String(error));
        assert.ok(['source-lied', 'source-gone'].includes(error.code));
      });
    }),
  );
});

test('lengths of all sizes come out as they went in; one that no file can have is a lie', async () => {
  const lengthIn = async (header: Buffer) => {
    for await (const { length } of readAnswers(chunks(Buffer.concat([ANSWERS_MAGIC, header]), [3]))) return length;
    return null;
  };
  await fc.assert(
    fc.asyncProperty(fc.maxSafeNat(), async length => {
      assert.equal(await lengthIn(encodeAnswerHeader(ANSWER.whole, length)), length);
    }),
  );
  for (const wrong of ['ffffffffffffff7f', '8080808080808010', 'ffffffffffffffffff01', '80'.repeat(40)]) {
    await assert.rejects(lengthIn(Buffer.from(`57${wrong}`, 'hex')), { code: 'source-lied' }, wrong);
  }
});

test('what is no answer, and a stream of another kind, are lies', async () => {
  for (const wrong of ['50494f31', '50494f32 5800', '50494f32 4501', '50494f32 4400', '50494f32 0000']) {
    const stream = Buffer.concat([Buffer.from(wrong.replaceAll(' ', ''), 'hex'), encodeAnswersEnd()]);
    await assert.rejects(readAll(chunks(stream, [1000])), { code: 'source-lied' }, wrong);
  }
});

test('an answer longer than the reader allows is refused before it is held', async () => {
  const stream = await streamOf([[ANSWER.whole, Buffer.alloc(100), 0]]);
  for await (const { whole } of readAnswers(chunks(stream, [1000]))) {
    await assert.rejects(whole(99), { code: 'source-lied' });
  }
});

test('the byte-exact form of docs/protocol.md', async () => {
  const stream = await streamOf([
    [ANSWER.whole, Buffer.from('hi'), 0],
    [ANSWER.missing, Buffer.alloc(0), 0],
    [ANSWER.delta, Buffer.alloc(300, 'x'), 1],
  ]);
  assert.equal(stream.toString('hex'), `50494f3257026869${'4d00'}81ac02${'78'.repeat(300)}4500`);
});
