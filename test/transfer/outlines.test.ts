/** A donor that has the new version only: what is in common is found by the outline of the old one. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { objectOid } from '../../src/core/object';
import { Store } from '../../src/store/store';
import { ANSWER, answerStream, encodeAnswer, readAnswers } from '../../src/transfer/answers';
import { BlobFetch } from '../../src/transfer/fetch';
import type { Wanted } from '../../src/transfer/scheduler';
import { type AskedBlob, HttpSource, type Source } from '../../src/transfer/source';
import { serveStore } from './serving';

const OLD = randomBytes(700_000);
const NEW = Buffer.concat([Buffer.from('new'), OLD.subarray(0, 400_000), Buffer.alloc(500, 7), OLD.subarray(400_100)]);
const words = randomBytes(60_000).toString('hex');
const packed = (text: string) => execFileSync('gzip', ['-9n'], { input: text });
const OLD_PACKED = packed(`old words\n${words}`);
const NEW_PACKED = packed(`new and more words\n${words}`);

const wanted = (content: Buffer, ...bases: Buffer[]): Wanted => ({
  oid: objectOid('blob', content),
  size: content.length,
  bases: bases.map(base => objectOid('blob', base)),
});

/** Closes what was opened last first; hooks themselves run in the order in which they are told. */
const open = new WeakMap<TestContext, (() => unknown)[]>();
function closing(t: TestContext, close: () => unknown): void {
  const known = open.get(t);
  if (known) known.push(close);
  else {
    const closers = [close];
    open.set(t, closers);
    t.after(async () => {
      for (const one of closers.reverse()) await one();
    });
  }
}

async function storeWith(t: TestContext, ...contents: Buffer[]): Promise<{ store: Store; commit: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'outlines-'));
  closing(t, () => rmSync(folder, { recursive: true }));
  const tree = join(folder, 'tree');
  mkdirSync(tree);
  for (const [at, content] of contents.entries()) writeFileSync(join(tree, `file${at}`), content);
  const store = await Store.open(join(folder, 'store'));
  closing(t, () => store.close());
  const { image } = await store.publish(tree, { name: 'test-os', version: '1', ownerRoot: true });
  return { store, commit: image.commit };
}

async function pair(t: TestContext, donorHas: Buffer[], askerHas: Buffer[]) {
  const donor = await storeWith(t, ...donorHas);
  const asker = await storeWith(t, ...askerHas);
  const server = await serveStore(donor.store);
  closing(t, () => server.close());
  const source = new HttpSource({ host: '127.0.0.1', port: server.port });
  closing(t, () => source.close());
  return { asker: asker.store, from: asker.commit, donor, source };
}

/** Kinds of the frames that came. */
async function fetched(source: Source, asker: Store, from: string, all: Wanted[]): Promise<string[]> {
  const kinds: string[] = [];
  const watched: Source = {
    address: source.address,
    bytesReceived: 0,
    images: signal => source.images(signal),
    trees: (commit, have, signal) => source.trees(commit, have, signal),
    needsOutlines: commit => source.needsOutlines?.(commit) ?? false,
    async *objects(asked, signal, how) {
      for await (const frame of source.objects(asked, signal, how)) {
        kinds.push(frame.kind);
        yield frame;
      }
    },
    close: () => {},
  };
  const stop = new AbortController();
  const fetch = new BlobFetch(all, asker, stop.signal, () => {}, { from, effort: 'bytes' });
  const gone = setInterval(() => {
    if (fetch.waiting) stop.abort(new Error('nobody gives'));
  }, 50);
  fetch.addSource(watched, '');
  await fetch.run().finally(() => clearInterval(gone));
  for (const { oid } of all) assert.equal(objectOid('blob', readFileSync(asker.blobPath(oid))), oid);
  return kinds;
}

test('what is in common by the outline is not sent, and what is in gzip files is compared', async t => {
  const { asker, from, source } = await pair(t, [NEW, NEW_PACKED], [OLD, OLD_PACKED]);
  await source.images();
  const before = source.bytesReceived;
  const all = [wanted(NEW, OLD), wanted(NEW_PACKED, OLD_PACKED)];
  assert.deepEqual(await fetched(source, asker, from, all), [ANSWER.outlined, ANSWER.outlined]);
  const bytes = source.bytesReceived - before;
  assert.ok(bytes < 5_000, `${bytes} bytes for 760 kB`);
});

test('a source that holds the base makes a delta of it; one that has the image is not told outlines', async t => {
  const { asker, from, source, donor } = await pair(t, [OLD, NEW], [OLD]);
  assert.notEqual(from, donor.commit);
  await source.images();
  assert.equal(source.needsOutlines(from), true);
  assert.equal(source.needsOutlines(donor.commit), false);
  assert.deepEqual(await fetched(source, asker, from, [wanted(NEW, OLD)]), [ANSWER.delta]);
});

test('one that was not asked what it holds, or takes no outlines, gives whole blobs', async t => {
  const { asker, from, source } = await pair(t, [NEW], [OLD]);
  assert.deepEqual(await fetched(source, asker, from, [wanted(NEW, OLD)]), [ANSWER.whole]);
});

/** Another content, and nothing that shows it. */
function damage(file: string): void {
  const { atime, mtime } = statSync(file);
  const content = readFileSync(file);
  for (let at = 0; at < content.length; at += 1000) content[at]! ^= 1;
  writeFileSync(file, content);
  utimesSync(file, atime, mtime);
}

test('outlines are for those who take them as they are now', async t => {
  const takes = [[], ['outlines'], ['outlines', 'outlines-2']];
  let asked = 0;
  const server = createServer((_request, response) => {
    const answer = { current: null, images: [], fetching: null, nick: '', announced: null, takes: takes[asked++] };
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  closing(t, () => server.close());
  const source = new HttpSource({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  closing(t, () => source.close());
  const needs: boolean[] = [];
  for (const _ of takes) {
    await source.images();
    needs.push(source.needsOutlines('0'.repeat(40)));
  }
  assert.deepEqual(needs, [false, false, true]);
});

test('a base that is damaged here costs the whole blob, and no more than that', async t => {
  const { asker, from, source } = await pair(t, [NEW], [OLD]);
  await source.images();
  // Between outline and delta nothing tells that it is another; so the outline is taken while it is still right.
  const late: Source = Object.create(source, {
    objects: {
      value: (...args: Parameters<Source['objects']>) => {
        damage(asker.blobPath(objectOid('blob', OLD)));
        return source.objects(...args);
      },
    },
  });
  assert.deepEqual(await fetched(late, asker, from, [wanted(NEW, OLD)]), [ANSWER.outlined, ANSWER.whole]);
});

test('what does not come out right is asked for again, and nothing behind it', async t => {
  const older = [0, 1, 2].map(() => randomBytes(70_000));
  const newer = older.map(content => Buffer.concat([content.subarray(0, 50_000), content.subarray(50_010)]));
  const { asker, from, source } = await pair(t, newer, older);
  await source.images();
  let spoiled = false;
  const late: Source = Object.create(source, {
    objects: {
      value: (...args: Parameters<Source['objects']>) => {
        const [[first]] = args;
        if (!spoiled && first) damage(asker.blobPath(first.bases[0]!));
        spoiled = true;
        return source.objects(...args);
      },
    },
  });
  const all = newer.map((content, at) => wanted(content, older[at]!));
  const { outlined, whole } = ANSWER;
  assert.deepEqual(await fetched(late, asker, from, all), [outlined, outlined, outlined, whole]);
});

test('the second classmate gets it from the cache', async t => {
  const { source, asker, from } = await pair(t, [NEW], [OLD]);
  await source.images();
  const again = (await storeWith(t, OLD)).store;
  await fetched(source, asker, from, [wanted(NEW, OLD)]);
  assert.deepEqual(await fetched(source, again, from, [wanted(NEW, OLD)]), [ANSWER.outlined]);
});

/** Answers outlines with that, and asks for whole blobs with whole ones. */
function answering(payload: Buffer, asked: AskedBlob[]): Source {
  return {
    address: 'stranger',
    bytesReceived: 0,
    images: () => assert.fail('not asked'),
    trees: () => assert.fail('not asked'),
    needsOutlines: () => true,
    objects: blobs => {
      asked.push(...blobs);
      const [{ outline }] = blobs as [AskedBlob];
      const answer = outline ? encodeAnswer(ANSWER.outlined, payload) : encodeAnswer(ANSWER.whole, NEW);
      return readAnswers(answerStream([answer]));
    },
    close: () => {},
  };
}

const NO_RUNS = Buffer.alloc(3);
for (const [what, payload] of [
  ['runs that are no runs', Buffer.from('020000ffff', 'hex')],
  ['runs longer than any', Buffer.from('ffffff', 'hex')],
  ['blocks that there are not', Buffer.from('0300000090ff7f', 'hex')],
  ['no delta', Buffer.concat([NO_RUNS, randomBytes(3000)])],
  ['nothing', NO_RUNS],
] as const) {
  test(`whoever answers an outline with ${what} is asked for the blob as it is`, async t => {
    const { store, commit } = await storeWith(t, OLD);
    const asked: AskedBlob[] = [];
    const kinds = await fetched(answering(payload, asked), store, commit, [wanted(NEW, OLD)]);
    assert.deepEqual(kinds, [ANSWER.outlined, ANSWER.whole]);
    assert.deepEqual(asked.at(-1)!.bases, []);
  });
}

test('one that announces more than any answer to an outline can be has lied', async t => {
  const { store, commit } = await storeWith(t, OLD);
  const stop = new AbortController();
  const fetch = new BlobFetch([wanted(NEW, OLD)], store, stop.signal, () => {}, { from: commit });
  // Many times what the blob's size allows, gzip or not.
  fetch.addSource(answering(Buffer.alloc(20 << 20), []), '');
  while (!fetch.waiting) await new Promise(resolve => setImmediate(resolve));
  assert.equal(fetch.lie?.code, 'source-lied');
  stop.abort(new Error('over'));
  await assert.rejects(fetch.run());
});
