import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createRawServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RawClient } from '../../src/transfer/raw-client';

async function clientOf(t: TestContext, server: Server): Promise<RawClient> {
  server.listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const client = new RawClient({ host: '127.0.0.1', port: (server.address() as { port: number }).port }, 'it');
  t.after(() => {
    client.close();
    server.close();
  });
  return client;
}

/** The answer and its trailers; null where it is left to others. */
async function text(client: RawClient, body = 'asked', signal?: AbortSignal) {
  const parts: Buffer[] = [];
  const take = (part: Buffer) => void parts.push(Buffer.from(part));
  const trailers = await client.post('/objects', Buffer.from(body), take, signal);
  return trailers && { text: Buffer.concat(parts).toString(), trailers };
}

/** Tells what it was asked, in two chunks and a trailer. */
const echo: RequestListener = async (request, response) => {
  response.writeHead(200, { Trailer: 'x-end' });
  response.write(`${request.method} ${request.url} ${request.headers['accept-encoding']} `);
  for await (const part of request) response.write(part);
  response.addTrailers({ 'X-End': 'yes' });
  response.end();
};

test('requests go one after another over one connection, and as many as there are at once over their own', async t => {
  const server = createServer(echo);
  let connections = 0;
  server.on('connection', () => connections++);
  const client = await clientOf(t, server);
  for (let i = 0; i < 3; i++) {
    const answer = { text: `POST /objects identity ${i}`, trailers: new Map([['x-end', 'yes']]) };
    assert.deepEqual(await text(client, `${i}`), answer);
  }
  assert.equal(connections, 1);
  const answers = await Promise.all(['a', 'b', 'c'].map(body => text(client, body)));
  assert.deepEqual(
    answers.map(answer => answer?.text.at(-1)),
    ['a', 'b', 'c'],
  );
  assert.equal(connections, 3);
});

test('an answer that is not the usual one is left to others, and nothing of it is taken', async t => {
  const unusual: RequestListener[] = [
    (_, response) => response.writeHead(503, { 'Retry-After': '1' }).end(),
    (_, response) => response.end('whole'),
    (_, response) => response.writeHead(200, { 'Content-Encoding': 'br' }).end('packed'),
    (_, response) => response.writeHead(404).end('no'),
  ];
  let at = 0;
  const client = await clientOf(
    t,
    createServer((request, response) => (unusual[at++] ?? echo)(request, response)),
  );
  for (const _ of unusual) assert.equal(await text(client), null);
  assert.equal((await text(client))?.text, 'POST /objects identity asked');
});

test('a connection that the other side closed meanwhile is left to others, one that breaks in the middle is gone', async t => {
  const once = createRawServer(socket => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n');
      socket.once('data', () => socket.resetAndDestroy());
    });
  });
  const client = await clientOf(t, once);
  assert.equal((await text(client))?.text, 'a');
  assert.equal(await text(client), null);
  assert.equal((await text(client))?.text, 'a');

  const breaking = createRawServer(socket => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc'));
  });
  await assert.rejects(text(await clientOf(t, breaking)), { code: 'source-gone' });
  const talking = createRawServer(socket => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n'));
  });
  await assert.rejects(text(await clientOf(t, talking)), { code: 'source-gone' });
});

test('what goes wrong with a part is told as it is, and ends the connection', async t => {
  const server = createServer((_, response) => void response.write('part'));
  const closed = new Promise(resolve => server.on('connection', socket => socket.once('close', resolve)));
  const client = await clientOf(t, server);
  const full = new Error('disk full');
  const take = () => {
    throw full;
  };
  await assert.rejects(client.post('/', Buffer.alloc(0), take), full);
  await closed;
  await assert.rejects(
    client.post('/', Buffer.alloc(0), () => Promise.reject(full)),
    full,
  );
});

test('a signal stops it before, while waiting and in the middle', async t => {
  const client = await clientOf(
    t,
    createServer((request, response) => {
      if (request.headers['content-length'] !== '0') response.write('part');
    }),
  );
  await assert.rejects(text(client, '', AbortSignal.abort()), { name: 'AbortError' });
  for (const body of ['', 'x']) {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    await assert.rejects(text(client, body, stop.signal), { name: 'AbortError' });
  }
});

test('who takes slowly is sent no more than the kernel holds, and gets it all in its order', async t => {
  const CHUNK = 1 << 20;
  const CHUNKS = 40;
  let written = 0;
  const server = createServer(async (_, response) => {
    for (let i = 0; i < CHUNKS; i++) {
      await new Promise(resolve => response.write(Buffer.alloc(CHUNK, i), resolve));
      written++;
    }
    response.end();
  });
  const client = await clientOf(t, server);
  let received = 0;
  let most = 0;
  const take = (part: Buffer): Promise<void> | undefined => {
    for (const at of [0, part.length - 1]) assert.equal(part[at], Math.floor((received + at) / CHUNK));
    const isFirst = received === 0;
    received += part.length;
    if (!isFirst) return undefined;
    return sleep(300).then(() => {
      most = written;
    });
  };
  assert.ok(await client.post('/', Buffer.alloc(0), take));
  assert.equal(received, CHUNKS * CHUNK);
  assert.ok(most < CHUNKS / 2, `${most} of ${CHUNKS} chunks were sent meanwhile`);
});
