/** Large files go on where they were: after kill -9 of the real service, after sources that die, and past those that lie. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, createServer as createProxy } from 'node:net';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { objectOid } from '../../src/core/object';
import type { Status } from '../../src/service/contract';
import { Store } from '../../src/store/store';
import { ANSWER, encodeAnswerHeader, encodeAnswersEnd } from '../../src/transfer/answers';
import { BlobFetch } from '../../src/transfer/fetch';
import type { Source } from '../../src/transfer/source';
import { Laptop } from '../lan/laptop';
import { differences } from '../lan/same-tree';
import { TreeBuilder } from '../store/support';
import { closersOf } from '../support/closers';
import { sizeOf } from '../support/size';
import { tempFolder } from '../support/temp';
import { giving, HandMade, hangingUp, storeWith } from './serving';

/** More than the thread that receives is worth. */
const BIG = randomBytes(36 << 20);
const BIG_OID = objectOid('blob', BIG);
const BATCH = 4 << 20;

/** A way to a laptop that counts what comes back, no faster than `rate` bytes a second, and can be cut. */
async function slowWay(t: TestContext, port: number, rate: number) {
  const way = { bytes: 0, port: 0 };
  const server = createProxy(client => {
    const laptop = connect(port, '127.0.0.1');
    for (const socket of [client, laptop]) socket.on('error', () => {});
    client.pipe(laptop);
    client.on('close', () => laptop.destroy());
    laptop.on('close', () => client.end());
    laptop.on('data', chunk => {
      way.bytes += chunk.length;
      client.write(chunk);
      laptop.pause();
      setTimeout(() => laptop.resume(), (chunk.length / rate) * 1000);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  way.port = (server.address() as { port: number }).port;
  return way;
}

const kept = (store: string) => sizeOf(join(store, 'partial', `rest-${BIG_OID}`));

test('after kill -9 in the middle of a large file at most one batch comes again', async t => {
  let running: ChildProcess | null = null;
  const closers = closersOf(t);
  closers.push(() => running?.kill('SIGKILL'));
  const folder = tempFolder(t);
  const first = new TreeBuilder(join(folder, 'first')).file('etc/version', '1');
  const second = new TreeBuilder(join(folder, 'second')).file('etc/version', '2').file('usr/big', BIG);
  for (let i = 0; i < 20; i++) second.file(`usr/small/${i}`, randomBytes(10_000));
  const child = new Laptop('child', [], join(folder, 'child'));
  await child.flash(first.dir, 'rest-os', '1');
  // It does not announce itself: the slow way is the only one to it.
  const donor = await Store.open(join(folder, 'donor'));
  closers.push(() => donor.close());
  const { image } = await donor.publish(second.dir, { name: 'rest-os', version: '2' });
  await donor.use(image.commit);
  const { server } = await giving(closers, donor, { onError: hangingUp });
  const way = await slowWay(t, server.port, 12e6);
  const words = ['upgrade', '2', '--from', `127.0.0.1:${way.port}`, '--store', child.store];
  const env = { ...process.env, PASS_IT_ON_ALLOW_UNSIGNED: '1' };
  for (const part of [1 / 4, 5 / 8]) {
    running = spawn(resolve('dist/pass-it-on'), words, { stdio: 'ignore', env });
    while (kept(child.store) < BIG.length * part) await sleep(5);
    running.kill('SIGKILL');
    await once(running, 'exit');
    assert.ok(kept(child.store) < BIG.length, 'it was killed in the middle');
  }
  const before = kept(child.store);
  const result = await child.upgrade('2', '--from', `127.0.0.1:${way.port}`);
  assert.ok(result.bytesReceived < BIG.length - before + BATCH, `${result.bytesReceived} after ${before}`);
  assert.ok(way.bytes < BIG.length + 20 * 10_000 + 3 * BATCH, `${way.bytes} bytes for ${BIG.length}`);
  assert.deepEqual(differences(second.dir, child.stagedTree), []);
  assert.deepEqual(readdirSync(join(child.store, 'partial')), []);
  assert.ok((await child.run<Status>('status'))[0]);
});

const HALF = BIG.length >> 1;
const whole = (content: Buffer) => [encodeAnswerHeader(ANSWER.whole, BIG.length), content];
const rest = (offset: number, content = BIG) => [
  encodeAnswerHeader(ANSWER.rest, BIG.length - offset),
  content.subarray(offset),
];

async function receiving(t: TestContext, ...sources: Source[]) {
  let store: Store | null = null;
  t.after(() => store?.close());
  store = await Store.open(join(tempFolder(t), 'store'));
  const fetch = new BlobFetch(
    [{ oid: BIG_OID, size: BIG.length, bases: [] }],
    store,
    new AbortController().signal,
    () => {},
  );
  for (const source of sources) {
    fetch.addSource(source, '');
    while (fetch.givers.get(source.address)?.state !== 'gone' && !(await store.hasBlob(BIG_OID))) await sleep(10);
  }
  return { store, fetch };
}

test('another source goes on where the last one died', async t => {
  const dying = new HandMade('dying', ({ offset = 0 }) => (offset > 0 ? [] : whole(BIG.subarray(0, HALF))));
  const living = new HandMade('living', ({ offset = 0 }) => [...rest(offset), encodeAnswersEnd()]);
  const { store } = await receiving(t, dying, living);
  assert.deepEqual(readFileSync(store.blobPath(BIG_OID)), BIG);
  assert.deepEqual(
    living.asked.map(({ offset }) => offset),
    [HALF],
  );
});

test('who goes on with what a liar began is not blamed, and gives the whole', async t => {
  const liar = new HandMade('liar', ({ offset = 0 }) => (offset > 0 ? [] : whole(Buffer.alloc(HALF, 'lie'))));
  const honest = new HandMade('honest', ({ offset = 0 }) => [
    ...(offset > 0 ? rest(offset) : whole(BIG)),
    encodeAnswersEnd(),
  ]);
  const { store, fetch } = await receiving(t, liar, honest);
  assert.deepEqual(readFileSync(store.blobPath(BIG_OID)), BIG);
  assert.equal(fetch.lie, null);
  assert.deepEqual(
    honest.asked.map(({ offset }) => offset),
    [HALF, 0],
  );
});

test('a rest that nobody asked for, or of another length, is a lie', async t => {
  for (const parts of [rest(5), rest(HALF)]) {
    const { fetch } = await receiving(t, new HandMade('liar', () => [...parts, encodeAnswersEnd()]));
    assert.equal(fetch.lie?.code, 'source-lied');
  }
  const dying = new HandMade('dying', ({ offset = 0 }) => (offset > 0 ? [] : whole(BIG.subarray(0, HALF))));
  const longer = rest(HALF - 1);
  const { fetch } = await receiving(t, dying, new HandMade('liar', () => [...longer, encodeAnswersEnd()]));
  assert.equal(fetch.lie?.code, 'source-lied');
});

test('a delta is sent to somebody who has a part only where it is shorter than the rest', async t => {
  const closers = closersOf(t);
  const old = Buffer.concat([BIG.subarray(0, 3 << 20), randomBytes(1 << 20)]);
  const target = BIG.subarray(0, 4 << 20);
  const store = await storeWith(closers, tempFolder(t), old, target);
  const { source } = await giving(closers, store, { onError: hangingUp });
  const asking = source();
  const oid = objectOid('blob', target);
  const kinds: string[] = [];
  for (const offset of [0, 1 << 20, (4 << 20) - 1000]) {
    for await (const answer of asking.objects([{ oid, bases: [objectOid('blob', old)], offset }])) {
      kinds.push(answer.kind);
      if (answer.kind !== ANSWER.rest) continue;
      assert.deepEqual(await answer.whole(target.length), target.subarray(offset));
    }
  }
  assert.deepEqual(kinds, [ANSWER.delta, ANSWER.delta, ANSWER.rest]);
});
