/** Deltas made at run time between two real stores: what they save, and what a wrong one can do. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeDelta } from '../../src/core/delta/encode';
import { objectOid } from '../../src/core/object';
import { Store } from '../../src/store/store';
import { ANSWER, encodeAnswer, encodeAnswersEnd } from '../../src/transfer/answers';
import { BlobFetch, type FetchOptions } from '../../src/transfer/fetch';
import type { Wanted } from '../../src/transfer/scheduler';
import { type AskedBlob, HttpSource, type Source } from '../../src/transfer/source';
import { Spare } from '../../src/transfer/spare';
import { closersOf } from '../support/closers';
import { tempFolder } from '../support/temp';
import { giving, HandMade, serveStore, storeWith } from './serving';

const OLD = randomBytes(700_000);
/** A shifted copy with small changes, and an end of its own. */
const NEW = Buffer.concat([Buffer.from('new'), OLD.subarray(0, 400_000), Buffer.alloc(500, 7), OLD.subarray(400_100)]);
const [OLD_OID, NEW_OID] = [objectOid('blob', OLD), objectOid('blob', NEW)];
const WANTED: Wanted = { oid: NEW_OID, size: NEW.length, bases: [OLD_OID] };

async function pair(t: TestContext, ...donorHas: Buffer[]) {
  const closers = closersOf(t);
  const folder = tempFolder(t);
  const donor = await storeWith(closers, join(folder, 'donor'), ...donorHas);
  const asker = await storeWith(closers, join(folder, 'asker'), OLD);
  const { source } = await giving(closers, donor);
  return { folder, closers, asker, source: source() };
}

async function fetchFrom(source: Source, asker: Store, wanted = [WANTED], options?: FetchOptions): Promise<void> {
  const fetch = new BlobFetch(wanted, asker, new AbortController().signal, () => {}, options);
  fetch.addSource(source, '');
  const gone = setInterval(() => {
    if (fetch.waiting) stop.abort(new Error('nobody gives'));
  }, 50);
  const stop = new AbortController();
  const aborted = new Promise<never>((_, reject) =>
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason)),
  );
  await Promise.race([fetch.run(), aborted]).finally(() => clearInterval(gone));
}

async function assertArrived(asker: Store): Promise<void> {
  assert.deepEqual(readFileSync(asker.blobPath(NEW_OID)), NEW);
}

test('where both hold the base only the difference travels', async t => {
  const { asker, source } = await pair(t, OLD, NEW);
  await fetchFrom(source, asker);
  await assertArrived(asker);
  assert.ok(source.bytesReceived < 5_000, `${source.bytesReceived} bytes for 700 kB`);
});

test('bases are named before anything is asked for but raw, and where that fails so does the fetch', async t => {
  const { asker, source } = await pair(t, OLD, NEW);
  const late = { ...WANTED, bases: [] as string[] };
  let named = 0;
  const offerBases = async () => {
    named++;
    await sleep(50);
    late.bases = [OLD_OID];
  };
  const failed = { code: 'damaged' };
  await assert.rejects(fetchFrom(source, asker, [late], { offerBases: () => Promise.reject(failed) }), failed);
  assert.equal(await asker.hasBlob(NEW_OID), false);
  await fetchFrom(source, asker, [late], { offerBases });
  await assertArrived(asker);
  assert.ok(named > 0);
  assert.ok(source.bytesReceived < 5_000, `${source.bytesReceived} bytes for 700 kB`);
});

test('who asks for all raw needs no bases', async t => {
  const { asker, source } = await pair(t, OLD, NEW);
  const offerBases = () => assert.fail('bases were named');
  await fetchFrom(source, asker, [{ ...WANTED, bases: [] }], { offerBases, effort: 'speed' });
  await assertArrived(asker);
});

test('a donor without the base gives the whole blob', async t => {
  const { asker, source } = await pair(t, NEW);
  await fetchFrom(source, asker);
  await assertArrived(asker);
  assert.ok(source.bytesReceived > 600_000);
});

test('the first base that the donor holds is taken, and the second classmate gets it from the cache', async t => {
  const { asker, source } = await pair(t, OLD, NEW);
  const kinds: string[] = [];
  for (let i = 0; i < 2; i++) {
    const asked = [{ ...WANTED, bases: ['f'.repeat(40), OLD_OID] }];
    for await (const { kind, base } of source.objects(asked)) kinds.push(`${kind} ${base}`);
  }
  assert.deepEqual(kinds, ['D 1', 'D 1']);
  assert.ok(await asker.hasBlob(OLD_OID));
});

test('a delta that made the right blob is passed on as it came, where there was room for it', async t => {
  const { closers, source } = await pair(t, OLD, NEW);
  for (const [spare, passedOn] of [
    [new Spare(), true],
    [new Spare(10), false],
  ] as const) {
    const folder = tempFolder(t);
    const middle = await storeWith(closers, join(folder, 'middle'), OLD);
    const server = await serveStore(middle, { deltaWorker: join(folder, 'no such program') });
    closers.push(() => server.close());
    await fetchFrom(source, middle, [WANTED], { received: server.received, spare });
    await assertArrived(middle);
    const next = new HttpSource({ host: '127.0.0.1', port: server.port });
    closers.push(() => next.close());
    const kinds: string[] = [];
    // The middle one cannot make any itself; and which of its bases another one names first says nothing.
    for await (const frame of next.objects([{ ...WANTED, bases: ['f'.repeat(40), OLD_OID] }])) kinds.push(frame.kind);
    assert.deepEqual(kinds, [passedOn ? ANSWER.delta : ANSWER.whole]);
  }
});

test('one request after the other goes over one connection', async t => {
  const closers = closersOf(t);
  const store = await storeWith(closers, join(tempFolder(t), 'donor'), OLD, NEW);
  const { source } = await giving(closers, store);
  const sockets = new Set<Socket>();
  const see = (message: unknown) => void sockets.add((message as { socket: Socket }).socket);
  const requests = channel('http.server.request.start');
  requests.subscribe(see);
  closers.push(() => requests.unsubscribe(see));
  const one = source();
  for (const form of ['delta', 'raw', 'delta', 'raw', 'small'] as const) {
    await one.images();
    for await (const frame of one.objects([WANTED], undefined, { form })) await frame.whole(1 << 20);
  }
  assert.equal(sockets.size, 1);
});

test('a damaged base on this laptop costs the whole blob, and blames nobody', async t => {
  const { asker, source } = await pair(t, OLD, NEW);
  const file = asker.blobPath(OLD_OID);
  const { atime, mtime } = statSync(file);
  const damaged = Buffer.from(OLD);
  damaged[1000]! ^= 1;
  writeFileSync(file, damaged);
  utimesSync(file, atime, mtime);
  await fetchFrom(source, asker);
  await assertArrived(asker);
});

/** One answer for each blob that is asked for, and the end. */
function handMade(answer: (asked: AskedBlob) => Buffer): Source {
  return new HandMade('hand:1', asked => [answer(asked), encodeAnswersEnd()]);
}

/** base: which of those that were named. */
function deltaAnswer(delta: Buffer, base = 0): Buffer {
  return encodeAnswer(ANSWER.delta, delta, base);
}

const reader = (bytes: Buffer) => ({
  size: bytes.length,
  read: (into: Buffer, position: number) => bytes.copy(into, 0, position),
});
const delta = (to: Buffer) =>
  Buffer.concat(Array.from(encodeDelta(reader(OLD), reader(to)), piece => Buffer.from(piece)));
const RIGHT = delta(NEW);
const WHOLE = encodeAnswer(ANSWER.whole, NEW);

test('a wrong delta is thrown away, and the same source is asked for the whole', async t => {
  const { asker, folder, closers } = await pair(t, NEW);
  const flipped = Buffer.from(RIGHT);
  flipped[flipped.length - 1]! ^= 1;
  const ofShorter = delta(NEW.subarray(0, NEW.length - 1));
  const wrong: Buffer[] = [
    deltaAnswer(flipped),
    deltaAnswer(RIGHT.subarray(0, 40)),
    deltaAnswer(Buffer.concat([RIGHT, RIGHT])),
    deltaAnswer(randomBytes(1000)),
    deltaAnswer(ofShorter),
    deltaAnswer(Buffer.alloc(5)),
    deltaAnswer(Buffer.alloc(0)),
  ];
  for (const [at, answer] of wrong.entries()) {
    const source = handMade(({ bases }) => (bases.length > 0 ? answer : WHOLE));
    const other = await Store.open(join(folder, `other${at}`));
    closers.push(() => other.close());
    const receiver = {
      receiveBlob: other.receiveBlob.bind(other),
      resumeBlob: other.resumeBlob.bind(other),
      receiveWhole: other.receiveWhole.bind(other),
      keptBytes: () => 0,
      openBlob: asker.openBlob.bind(asker),
      readSmallBlob: asker.readSmallBlob.bind(asker),
    };
    const fetch = new BlobFetch([WANTED], receiver, new AbortController().signal, () => {});
    fetch.addSource(source, '');
    await fetch.run();
    assert.deepEqual(readFileSync(other.blobPath(NEW_OID)), NEW);
  }
});

test('a delta that nobody asked for, or that promises more than a file needs, is a lie', async t => {
  const { asker } = await pair(t, NEW);
  const unasked = handMade(() => deltaAnswer(RIGHT));
  await assert.rejects(fetchFrom(unasked, asker, [{ ...WANTED, bases: [] }]), /nobody gives/);
  const long = handMade(() => deltaAnswer(Buffer.alloc(NEW.length + 1000)));
  await assert.rejects(fetchFrom(long, asker), /nobody gives/);
  for (const base of [1, 127]) {
    const other = handMade(() => deltaAnswer(RIGHT, base));
    await assert.rejects(fetchFrom(other, asker), /nobody gives/, `base ${base}`);
  }
  assert.equal(await asker.hasBlob(NEW_OID), false);
});
