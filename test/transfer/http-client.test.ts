import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { HttpClient } from '../../src/transfer/http-client';

async function serving(use: (client: HttpClient, connections: () => number) => Promise<void>): Promise<void> {
  let connections = 0;
  const server = createServer((_request, response) => {
    response.end('whole');
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = new HttpClient({ host: '127.0.0.1', port }, 'it', 4);
  try {
    await use(client, () => connections);
  } finally {
    client.close();
    server.closeAllConnections();
    server.close();
  }
}

async function text(client: HttpClient, path: string, signal?: AbortSignal): Promise<string> {
  return (await client.whole(await client.ask('GET', path, { signal }), 100)).toString();
}

test('a signal stops its own request and not the connection that others use after it', async () => {
  await serving(async (client, connections) => {
    const first = new AbortController();
    assert.equal(await text(client, '/', first.signal), 'whole');
    const second = text(client, '/');
    first.abort();
    assert.equal(await second, 'whole');
    assert.equal(await text(client, '/'), 'whole');
    assert.equal(connections(), 1);
  });
});

test('a signal at the very end of an answer harms nobody', async () => {
  await serving(async client => {
    for (let i = 0; i < 5; i++) {
      const stop = new AbortController();
      const answer = await client.ask('GET', '/', { signal: stop.signal });
      const ended = new Promise(resolve => answer.once('close', resolve));
      answer.on('error', () => {});
      // All of it is here, and Node is about to say so.
      answer.once('data', () => stop.abort()).resume();
      await ended;
      assert.equal(await text(client, '/'), 'whole');
    }
  });
});

test('a signal stops a request before its answer, and one that was given before', async () => {
  await serving(async client => {
    const over = new AbortController();
    over.abort();
    await assert.rejects(text(client, '/', over.signal), { name: 'AbortError' });
    const stop = new AbortController();
    const asked = text(client, '/', stop.signal);
    stop.abort();
    await assert.rejects(asked, { name: 'AbortError' });
  });
});
