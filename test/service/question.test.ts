/** One question over HTTP, to those who answer at once, late, and never. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { askSource } from '../../src/service/question';

const ANSWER = { current: null, nick: 'Ana', fetching: null, takes: [], announced: null, images: [] };
/** Answers after a while, in a process of its own. */
const SERVER = `
const answer = JSON.stringify(${JSON.stringify(ANSWER)});
const server = require('node:http').createServer((request, response) => setTimeout(() => response.end(answer), 300));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

describe('a question', { timeout: 60_000 }, () => {
  it('that is taken but not answered is late, for somebody is there', async t => {
    const sockets: Socket[] = [];
    const server = createServer(socket => sockets.push(socket)).listen(0, '127.0.0.1');
    t.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    await once(server, 'listening');
    const at = server.address();
    assert.ok(at !== null && typeof at !== 'string');
    assert.equal(await askSource(`127.0.0.1:${at.port}`, undefined), 'late');
  });

  it('that nobody takes fails', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const at = server.address();
    assert.ok(at !== null && typeof at !== 'string');
    server.close();
    await once(server, 'close');
    await assert.rejects(askSource(`127.0.0.1:${at.port}`, undefined), { code: 'source-gone' });
  });

  it('is answered where the answer came while this machine had no time to look', async t => {
    const child = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => child.kill());
    const [port] = await once(child.stdout, 'data');
    // Twice as long as anybody waits for an answer.
    setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000), 100);
    const answer = await askSource(`127.0.0.1:${Number(String(port))}`, undefined);
    assert.equal(answer === 'late' ? answer : answer.nick, 'Ana');
  });
});
