import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { ChunkedBody, NotHttp } from '../../src/transfer/chunked';
import { cuts } from './cutting';

/** What comes of these bytes when they come in pieces of those lengths. */
function read(bytes: Buffer, lengths: number[]): { body: ChunkedBody; content: Buffer } {
  const body = new ChunkedBody();
  const parts: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    // Memory that is used again, as the reader's is.
    const piece = Buffer.from(bytes.subarray(at, at + lengths[i % lengths.length]!));
    body.feed(piece);
    for (let part = body.part(); part !== null; part = body.part()) parts.push(Buffer.from(part));
    at += piece.length;
    if (body.isWhole) break;
    piece.fill(0);
  }
  return { body, content: Buffer.concat(parts) };
}

test('a body in chunks comes out as it was, wherever the network cuts it', () => {
  const chunk = fc.uint8Array({ minLength: 1, maxLength: 300 });
  const extension = fc.constantFrom('', ';a', '; a="b"', ' ');
  const trailer = fc.tuple(fc.stringMatching(/^[a-z-]{1,9}$/), fc.stringMatching(/^[a-z0-9.:]{0,9}$/));
  fc.assert(
    fc.property(fc.array(fc.tuple(chunk, extension)), fc.array(trailer), cuts, (chunks, trailers, lengths) => {
      const framed = chunks.flatMap(([data, more]) => [`${data.length.toString(16)}${more}\r\n`, data, '\r\n']);
      const ends = trailers.map(([name, value]) => `${name.toUpperCase()}: ${value}\r\n`);
      const bytes = Buffer.concat([...framed, '0\r\n', ...ends, '\r\n'].map(part => Buffer.from(part as string)));
      const { body, content } = read(bytes, lengths);
      assert.deepEqual(content, Buffer.concat(chunks.map(([data]) => data)));
      assert.equal(body.isWhole, true);
      assert.equal(body.behind, 0);
      assert.deepEqual(body.trailers, new Map(trailers));
    }),
  );
});

test("so does what node's own server sends", async () => {
  const written = [Buffer.alloc(3, 'a'), Buffer.alloc(70_000, 'b'), Buffer.alloc(1, 'c')];
  const server = createServer((_, response) => {
    response.writeHead(200, { Trailer: 'x-end' });
    for (const one of written) response.write(one);
    response.addTrailers({ 'X-End': 'yes' });
    response.end();
  }).listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.end('GET / HTTP/1.1\r\nHost: it\r\nTE: trailers\r\nConnection: close\r\n\r\n');
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  server.close();
  const all = Buffer.concat(parts);
  for (const lengths of [[1], [all.length], [4096]]) {
    const { body, content } = read(all.subarray(all.indexOf('\r\n\r\n') + 4), lengths);
    assert.deepEqual(content, Buffer.concat(written));
    assert.deepEqual([body.isWhole, ...body.trailers], [true, ['x-end', 'yes']]);
  }
});

test('what is no such body is refused, and what follows one is noticed', () => {
  const wrong = ['x\r\n', '\r\n', '-1\r\n', '0x5\r\n', '5\nhello', '5\r\nhelloo\r\n', `${'1'.repeat(20)}\r\n`];
  for (const text of [...wrong, `1;${'x'.repeat(5000)}`, '0\r\nnothing\r\n', '0\r\n: a\r\n']) {
    for (const lengths of [[1], [6000]]) assert.throws(() => read(Buffer.from(text), lengths), NotHttp, text);
  }
  assert.equal(read(Buffer.from('0\r\n\r\nHTTP'), [100]).body.behind, 4);
  assert.equal(read(Buffer.from('2\r\na'), [1]).body.isWhole, false);
});
