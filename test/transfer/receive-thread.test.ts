/** The thread that receives, between real stores: what comes through it is what would come without it, whatever goes wrong. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { objectOid } from '../../src/core/object';
import type { Store } from '../../src/store/store';
import { ANSWER, ANSWERS_MAGIC, encodeAnswer, encodeAnswersEnd } from '../../src/transfer/answers';
import { BlobFetch, type FetchOptions } from '../../src/transfer/fetch';
import type { Wanted } from '../../src/transfer/scheduler';
import { HttpSource, type Source } from '../../src/transfer/source';
import { closersOf } from '../support/closers';
import { tempFolder } from '../support/temp';
import { giving, hangingUp, serveStore, storeWith } from './serving';

const receiveWorker = resolve('dist/receive-worker.js');

/** Files of all sizes, and the same a little changed. Together enough for a thread. */
const OLD = [30 << 20, 3 << 20, 300_000, 20_000, 400, 1].map(size => randomBytes(size));
const NEW = OLD.map(content => {
  const changed = Buffer.from(content);
  for (let at = 0; at < changed.length; at += 50_000) changed[at]! ^= 1;
  return changed;
});
const WANTED: Wanted[] = NEW.map((content, at) => ({
  oid: objectOid('blob', content),
  size: content.length,
  bases: [objectOid('blob', OLD[at]!)],
}));
const [BIG] = WANTED as [Wanted];

async function pair(t: TestContext) {
  const closers = closersOf(t);
  const folder = tempFolder(t);
  const donor = await storeWith(closers, join(folder, 'donor'), ...OLD, ...NEW);
  const asker = await storeWith(closers, join(folder, 'asker'), ...OLD);
  return { closers, folder, donor, asker };
}

interface Wishes extends FetchOptions {
  stop?: AbortController;
  onProgress?: () => void;
}

async function fetchFrom(source: Source, asker: Store, { stop, onProgress, ...options }: Wishes = {}) {
  const signal = (stop ?? new AbortController()).signal;
  const fetch = new BlobFetch(WANTED, asker, signal, onProgress ?? (() => {}), { receiveWorker, ...options });
  fetch.addSource(source, '');
  try {
    await fetch.run();
  } finally {
    await fetch.close();
  }
  return fetch;
}

function assertArrived(asker: Store): void {
  for (const [at, { oid }] of WANTED.entries()) assert.deepEqual(readFileSync(asker.blobPath(oid)), NEW[at]);
  assert.deepEqual(readdirSync(join(asker.dir, 'partial')), []);
}

test('whole, as deltas or by outlines, every blob arrives, is counted, and leaves nothing else', async t => {
  for (const [effort, holds, most] of [
    ['speed', [...OLD, ...NEW], 35 << 20],
    ['bytes', [...OLD, ...NEW], 1 << 20],
    ['bytes', NEW, 2 << 20],
  ] as const) {
    const { closers, folder, asker } = await pair(t);
    const donor = await storeWith(closers, join(folder, 'other'), ...holds);
    const { source } = await giving(closers, donor);
    const one = source();
    // It learns from that who has what.
    await one.images();
    const from = asker.images()[0]!.commit;
    const fetch = await fetchFrom(one, asker, { effort, from });
    assertArrived(asker);
    assert.equal(fetch.objectsDone, WANTED.length);
    assert.equal(
      fetch.bytesDone,
      WANTED.reduce((sum, { size }) => sum + size, 0),
    );
    assert.ok(one.bytesReceived > 500 && one.bytesReceived < most, `${one.bytesReceived} bytes with ${effort}`);
    for (const { oid } of WANTED) assert.equal((await asker.blobInfo(oid))?.size, asker.recordedSize(oid));
  }
});

test('what it received as deltas is passed on as it came', async t => {
  const { closers, folder, donor, asker } = await pair(t);
  const { source } = await giving(closers, donor);
  const server = await serveStore(asker, { deltaWorker: join(folder, 'no such program') });
  closers.push(() => server.close());
  await fetchFrom(source(), asker, { effort: 'bytes', received: server.received });
  const next = new HttpSource({ host: '127.0.0.1', port: server.port });
  closers.push(() => next.close());
  const kinds: string[] = [];
  for await (const { kind } of next.objects(WANTED)) kinds.push(kind);
  // The smallest are no shorter as deltas.
  assert.deepEqual(kinds.slice(0, 4), [ANSWER.delta, ANSWER.delta, ANSWER.delta, ANSWER.delta]);
});

test('a stop in the middle of a large file ends at once, and the next goes on there', async t => {
  const { closers, donor, asker } = await pair(t);
  const { source } = await giving(closers, donor, { rate: 30e6, onError: hangingUp });
  const stop = new AbortController();
  const onProgress = () => {
    if (asker.keptBytes(BIG.oid) > 0) return;
    if (readdirSync(join(asker.dir, 'partial')).some(name => name.includes(BIG.oid))) {
      setTimeout(() => stop.abort(new Error('stopped')), 100);
    }
  };
  await assert.rejects(fetchFrom(source(), asker, { effort: 'speed', stop, onProgress }), /stopped/);
  const kept = asker.keptBytes(BIG.oid);
  assert.ok(kept > 0 && kept < BIG.size, `${kept} bytes are kept`);
  const again = source();
  await fetchFrom(again, asker, { effort: 'speed' });
  assertArrived(asker);
  assert.ok(again.bytesReceived < (35 << 20) - kept, `${again.bytesReceived} came after ${kept}`);
});

test('a base that is no longer what it was makes nothing wrong: the whole is asked for', async t => {
  const { closers, donor, asker } = await pair(t);
  const { source } = await giving(closers, donor);
  for (const content of OLD) writeFileSync(asker.blobPath(objectOid('blob', content)), Buffer.alloc(content.length, 9));
  await fetchFrom(source(), asker, { effort: 'bytes' });
  assertArrived(asker);
});

test('who lies is dropped, and nothing of it is kept', async t => {
  const { closers, asker } = await pair(t);
  const server = createServer((_request, response) => {
    const lies = WANTED.map(({ size }) => encodeAnswer(ANSWER.whole, Buffer.alloc(size, 'lie')));
    response.end(Buffer.concat([ANSWERS_MAGIC, ...lies, encodeAnswersEnd()]));
  }).listen(0, '127.0.0.1');
  closers.push(() => server.close());
  await new Promise(resolve => server.once('listening', resolve));
  const source = new HttpSource({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  closers.push(() => source.close());
  const stop = new AbortController();
  const fetch = new BlobFetch(WANTED, asker, stop.signal, () => {}, { receiveWorker, effort: 'speed' });
  fetch.addSource(source, 'liar');
  while (fetch.lie === null) await sleep(10);
  assert.equal(fetch.lie.code, 'source-lied');
  assert.equal(fetch.givers.get(source.address)?.state, 'gone');
  stop.abort(new Error('stopped'));
  await assert.rejects(fetch.run(), /stopped/);
  await fetch.close();
  assert.deepEqual(readdirSync(join(asker.dir, 'partial')), []);
  for (const { oid } of WANTED) assert.equal(await asker.hasBlob(oid), false);
});

test('a thread that dies ends the fetch with an error, and holds nobody up', async t => {
  const { closers, folder, donor, asker } = await pair(t);
  const { source } = await giving(closers, donor, { onError: hangingUp });
  const program = join(folder, 'dies.js');
  writeFileSync(
    program,
    'require("node:worker_threads").parentPort.once("message", () => { throw new Error("dead"); });',
  );
  await assert.rejects(fetchFrom(source(), asker, { receiveWorker: program }), { code: 'internal' });
  await fetchFrom(source(), asker, { effort: 'bytes' });
  assertArrived(asker);
});
