import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PassItOnError } from '../../src/core/errors';
import { decodeSizes, encodeEnd, encodeFrame, encodeSizes, KIND, MAGIC, readFrames } from '../../src/transfer/frames';

const oid = fc.uint8Array({ minLength: 20, maxLength: 20 }).map(bytes => Buffer.from(bytes).toString('hex'));
const payload = fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes));
const kind = fc.constantFrom(KIND.commit, KIND.tree, KIND.attributes, KIND.sizes, KIND.whole, KIND.missing);
const frames = fc.array(fc.tuple(kind, oid, payload), { maxLength: 8 });

/** The stream cut into chunks of the lengths given, as a network does. */
async function* chunks(stream: Buffer, lengths: number[]): AsyncGenerator<Buffer> {
  for (let at = 0, i = 0; at < stream.length; i++) {
    const length = lengths[i % lengths.length]!;
    yield stream.subarray(at, at + length);
    at += length;
  }
}

const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 10 });

async function readAll(stream: AsyncIterable<Buffer>): Promise<[string, string, string][]> {
  const all: [string, string, string][] = [];
  for await (const frame of readFrames(stream)) {
    all.push([frame.kind, frame.oid, (await frame.whole(1e6)).toString('hex')]);
  }
  return all;
}

test('frames come out as they went in, however the network cuts them', async () => {
  await fc.assert(
    fc.asyncProperty(frames, cuts, async (list, lengths) => {
      const stream = Buffer.concat([MAGIC, ...list.map(one => encodeFrame(...one)), encodeEnd()]);
      const expected = list.map(([kind, oid, payload]) => [kind, oid, payload.toString('hex')]);
      assert.deepEqual(await readAll(chunks(stream, lengths)), expected);
    }),
  );
});

test('a payload that nobody reads is skipped', async () => {
  await fc.assert(
    fc.asyncProperty(frames, cuts, async (list, lengths) => {
      const stream = Buffer.concat([MAGIC, ...list.map(one => encodeFrame(...one)), encodeEnd()]);
      const oids: string[] = [];
      for await (const frame of readFrames(chunks(stream, lengths))) oids.push(frame.oid);
      assert.deepEqual(
        oids,
        list.map(([, oid]) => oid),
      );
    }),
  );
});

test('a stream that is cut anywhere is noticed', async () => {
  await fc.assert(
    fc.asyncProperty(frames, fc.nat(), cuts, async (list, where, lengths) => {
      const stream = Buffer.concat([MAGIC, ...list.map(one => encodeFrame(...one)), encodeEnd()]);
      const cut = stream.subarray(0, where % stream.length);
      await assert.rejects(readAll(chunks(cut, lengths)), { code: 'source-gone' });
    }),
  );
});

test('any bytes at all give frames or a typed error, never another exception', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), cuts, async (bytes, lengths) => {
      const stream = Buffer.concat([MAGIC, Buffer.from(bytes)]);
      await readAll(chunks(stream, lengths)).catch(error => assert.ok(error instanceof PassItOnError, String(error)));
    }),
  );
});

test('a frame longer than the reader allows is refused before it is held', async () => {
  const stream = Buffer.concat([MAGIC, encodeFrame(KIND.tree, 'a'.repeat(40), Buffer.alloc(100)), encodeEnd()]);
  const read = async () => {
    for await (const frame of readFrames(chunks(stream, [1000]))) await frame.whole(99);
  };
  await assert.rejects(read(), { code: 'source-lied' });
});

test('sizes round-trip; a list cut in the middle is refused', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(oid, fc.maxSafeNat())), sizes => {
      const encoded = encodeSizes(sizes);
      assert.deepEqual(decodeSizes(encoded), sizes);
      if (encoded.length > 0) assert.throws(() => decodeSizes(encoded.subarray(1)), { code: 'source-lied' });
    }),
  );
});

test('the byte-exact form of docs/protocol.md', () => {
  const stream = Buffer.concat([
    MAGIC,
    encodeFrame(KIND.whole, '0123456789abcdef0123456789abcdef01234567', Buffer.from('hi')),
    encodeEnd(),
  ]);
  assert.equal(
    stream.toString('hex'),
    `50494f31${'57'}0123456789abcdef0123456789abcdef012345670000000000000002${'6869'}45${'00'.repeat(28)}`,
  );
});
