/** Raw answers of the real server: exact, whatever the sizes, and with nothing left open or held, whoever goes away. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readlinkSync, truncateSync } from 'node:fs';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { objectOid } from '../../src/core/object';
import { ANSWER, encodeAnswer, encodeAnswersEnd } from '../../src/transfer/answers';
import { holdingsOf } from '../../src/transfer/holdings';
import { encodeRequest, SHORT_NAME_BYTES } from '../../src/transfer/request';
import { giveRaw } from '../../src/transfer/server-raw';
import type { AskedBlob, HttpSource } from '../../src/transfer/source';
import { closersOf } from '../support/closers';
import { tempFolder } from '../support/temp';
import { giving, hangingUp, storeWith } from './serving';

const KIB = 1 << 10;
const SIZES = [1, 100, 64 * KIB - 1, 64 * KIB, 256 * KIB - 7, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 3 << 20, 0];
const CONTENTS = SIZES.map(size => randomBytes(size));
const oidOf = (content: Buffer) => objectOid('blob', content);

async function donor(t: TestContext, ...contents: Buffer[]) {
  const closers = closersOf(t);
  const store = await storeWith(closers, tempFolder(t), ...contents);
  return { store, ...(await giving(closers, store, { onError: hangingUp })) };
}

/** The stream that answers. */
async function ask(source: HttpSource, asked: AskedBlob[]): Promise<Buffer> {
  const parts: Buffer[] = [];
  assert.equal(await source.raw(asked, part => void parts.push(Buffer.from(part))), true);
  return Buffer.concat(parts);
}

test('every blob comes byte for byte, from wherever it is asked for, and what is missing is said to be', async t => {
  const { source } = await donor(t, ...CONTENTS);
  const missing = oidOf(Buffer.from('nowhere'));
  const half = (size: number) => Math.floor(size / 2);
  const asked: AskedBlob[] = [...CONTENTS, ...CONTENTS].map((content, i) => {
    const offset = i < CONTENTS.length ? 0 : half(content.length);
    return { oid: oidOf(content), bases: [], offset };
  });
  asked.splice(3, 0, { oid: missing, bases: [] });
  const answers = asked.map(({ oid, offset = 0 }) => {
    const content = CONTENTS.find(one => oidOf(one) === oid);
    if (content === undefined) return encodeAnswer(ANSWER.missing, Buffer.alloc(0));
    return encodeAnswer(offset > 0 ? ANSWER.rest : ANSWER.whole, content.subarray(offset));
  });
  const stream = await ask(source(), asked);
  assert.ok(stream.equals(Buffer.concat([Buffer.from('PIO2'), ...answers, encodeAnswersEnd()])));
});

test('an answer that lasts longer than the pause between two signs of life comes whole as well', async t => {
  const contents = [1 << 20, 2 << 20, 100, 2 << 20].map(size => randomBytes(size));
  const { store } = await donor(t, ...contents);
  // Two signs of life, while both of its buffers wait for their turn.
  const { source } = await giving(closersOf(t), store, { rate: 550e3, onError: hangingUp });
  const asked = contents.map(content => ({ oid: oidOf(content), bases: [] }));
  const answers = contents.map(content => encodeAnswer(ANSWER.whole, content));
  const stream = await ask(source(), asked);
  assert.ok(stream.equals(Buffer.concat([Buffer.from('PIO2'), ...answers, encodeAnswersEnd()])));
});

test('a file that loses its end while it is given breaks the answer off', async t => {
  const content = randomBytes(3 << 20);
  const { store } = await donor(t, content);
  const memory = Buffer.alloc(256 * KIB);
  let given = 0;
  const sink = {
    write: async () => {},
    room: async (most: number) => memory.subarray(0, most),
    took: (bytes: number) => {
      given += bytes;
      if (given > 1e6) truncateSync(store.blobPath(oidOf(content)), 1.5e6);
    },
  };
  await assert.rejects(giveRaw(holdingsOf(store), [{ oid: oidOf(content) }], sink), { code: 'damaged' });
  assert.equal(given, 1.5e6);
});

test('who reads nothing is sent no more than the kernel holds, and leaves no file open when it goes', async t => {
  const content = randomBytes(48 << 20);
  const { store, server } = await donor(t, content);
  const path = store.blobPath(oidOf(content));
  const isOpen = () =>
    readdirSync('/proc/self/fd').some(fd => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === path;
      } catch {
        return false;
      }
    });
  const body = encodeRequest([{ oid: oidOf(content), bases: [] }], { bases: false, nameBytes: SHORT_NAME_BYTES });
  const socket = connect(server.port, '127.0.0.1').pause();
  socket.write(`POST /objects HTTP/1.1\r\nHost: it\r\nContent-Length: ${body.length}\r\n\r\n`);
  socket.write(body);
  while (!isOpen()) await sleep(5);
  const before = process.memoryUsage().rss;
  await sleep(300);
  assert.ok(isOpen(), 'it waits for its reader');
  assert.ok(process.memoryUsage().rss - before < 24 << 20);
  socket.destroy();
  for (let i = 0; isOpen() && i < 200; i++) await sleep(10);
  assert.equal(isOpen(), false);
});
