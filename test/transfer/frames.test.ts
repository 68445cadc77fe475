import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PassItOnError } from '../../src/core/errors';
import {
  decodeSizes,
  encodeEnd,
  encodeFrame,
  encodeSizes,
  frameStream,
  KIND,
  MAGIC,
  readFrames,
} from '../../src/transfer/frames';
import { chunks, cuts } from './cutting';

const oid = fc.uint8Array({ minLength: 20, maxLength: 20 }).map(bytes => Buffer.from(bytes).toString('hex'));
const payload = fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes));
const kind = fc.constantFrom(KIND.commit, KIND.tree, KIND.patched, KIND.attributes, KIND.sizes);
const frames = fc.array(fc.tuple(kind, oid, payload), { maxLength: 8 });

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

test('the byte-exact form of docs/protocol.md', async () => {
  const oid = '0123456789abcdef0123456789abcdef01234567';
  const parts: Buffer[] = [];
  for await (const part of frameStream([encodeFrame(KIND.attributes, oid, Buffer.from('#mtree\n'))])) parts.push(part);
  const expected = `50494f31 41 ${oid} 0000000000000007 236d747265650a 45 ${'00'.repeat(28)}`;
  assert.equal(Buffer.concat(parts).toString('hex'), expected.replaceAll(' ', ''));
});
