/** An export behind web servers that know nothing of us, honest and other ones. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync } from 'node:zlib';
import { looseObject, type Oid, objectOid } from '../../src/core/object';
import type { AdoptResult, ExportResult } from '../../src/service/contract';
import { Store } from '../../src/store/store';
import { BlobFetch } from '../../src/transfer/fetch';
import { decodeSizes, KIND } from '../../src/transfer/frames';
import { openSource } from '../../src/transfer/open-source';
import type { Wanted } from '../../src/transfer/scheduler';
import { Laptop } from '../lan/laptop';
import { differences } from '../lan/same-tree';
import { TreeBuilder } from '../store/support';
import { tempFolder } from '../support/temp';
import { nginx, python } from './web-server';

const BIG = randomBytes(9_000_000);

function trees(folder: string): [string, string] {
  const first = new TreeBuilder(join(folder, 'first')).file('etc/version', '1').folder('empty').symlink('a', 'etc');
  const second = new TreeBuilder(join(folder, 'second')).file('etc/version', '2').folder('empty').symlink('a', 'etc');
  for (let i = 0; i < 60; i++) {
    first.file(`usr/share/${i}`, `this is file ${i}\n`.repeat(i));
    second.file(`usr/share/${i}`, `that is file ${i}\n`.repeat(i));
  }
  second.file('usr/lib/big', BIG).file('usr/lib/none', '');
  return [first.dir, second.dir];
}

async function school(t: TestContext) {
  const laptops: Laptop[] = [];
  const closers: (() => unknown)[] = [];
  // Hooks run in the order in which they are told: the folder goes last.
  t.after(async () => {
    await Promise.all(laptops.map(laptop => laptop.stop()));
    for (const close of closers) await close();
  });
  const folder = tempFolder(t);
  const [first, second] = trees(folder);
  const laptop = (nick: string) => {
    const one = new Laptop(nick, [], join(folder, nick));
    laptops.push(one);
    return one;
  };
  const publisher = laptop('publisher');
  await publisher.flash(first, 'web-os', '1');
  const out = join(folder, 'export');
  await publisher.run('export', out);
  await publisher.run('publish', second, '--name', 'web-os', '--version', '2');
  const [grown] = await publisher.run<ExportResult>('export', out);
  const [again] = await publisher.run<ExportResult>('export', out);
  return { closers, folder, first, second, laptop, publisher, out, grown: grown!, again: again! };
}

test('nginx over an export is a source: two requests for the plan, and one for each file that is missing', async t => {
  const { folder, first, second, laptop, out, grown, again } = await school(t);
  // What is new: 61 contents, three folders, attributes, the commit's tree, and one file with all trees.
  assert.ok(grown.objects < 70, `${grown.objects} written`);
  assert.deepEqual([again.objects, again.bytes], [0, 0]);
  mkdirSync(join(folder, 'site'));
  renameSync(out, join(folder, 'site/images'));
  const server = await nginx(t, join(folder, 'site'));
  const child = laptop('child');
  await child.flash(first, 'web-os', '1');
  const plan = await child.run<{ objects: number }>('compare', '2', '--from', `${server.url}images`);
  assert.equal(plan[0]?.objects, 61);
  assert.equal(server.requests().length, 2, server.requests().join('\n'));
  const result = await child.upgrade('2', '--from', `${server.url}images/`);
  assert.deepEqual(differences(second, child.stagedTree), []);
  assert.ok(result.bytesReceived > BIG.length && result.bytesReceived < BIG.length * 1.02, `${result.bytesReceived}`);
  const gets = server.requests().filter(line => line.startsWith('GET /images/objects/'));
  assert.equal(gets.length, 61);

  // One that runs the image already, flashed by other means, takes almost nothing from there.
  const adopted = laptop('adopted');
  const [taken] = await adopted.run<AdoptResult>('adopt', '2', '--root', second, '--from', `${server.url}images`);
  assert.ok(taken!.bytesReceived < 20_000 && taken!.isCurrent, JSON.stringify(taken));
  assert.deepEqual(differences(second, adopted.currentTree), []);
});

test('the web server of Python does as well, and its address alone is enough', async t => {
  const { first, second, laptop, out } = await school(t);
  const server = await python(t, out);
  const child = laptop('child');
  await child.flash(first, 'web-os', '1');
  await child.upgrade('2', '--from', `127.0.0.1:${server.port}`);
  assert.deepEqual(differences(second, child.stagedTree), []);
});

type Tamper = (path: string, body: Buffer, range: string | undefined) => Buffer | number | { cut: Buffer; of: number };

/** Files, tampered with: another content, a status, or a connection that ends too early. */
async function tampering(t: TestContext, dir: string, tamper: Tamper): Promise<string> {
  const server = createServer((request, response) => {
    let body: Buffer;
    try {
      body = readFileSync(join(dir, new URL(request.url ?? '/', 'http://x').pathname));
    } catch {
      response.writeHead(404).end();
      return;
    }
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const given = tamper(request.url ?? '', body.subarray(from), request.headers.range);
    if (typeof given === 'number') return response.writeHead(given).end();
    if (Buffer.isBuffer(given)) return response.writeHead(from > 0 ? 206 : 200).end(given);
    response.writeHead(from > 0 ? 206 : 200, { 'Content-Length': given.of });
    response.write(given.cut, () => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/x/..`;
}

const isObject = (path: string) => path.includes('/objects/');
const LIES: Record<string, { tamper: Tamper; codes: string[] }> = {
  'other files in their places': {
    tamper: (path, body) => (isObject(path) ? looseObject('blob', Buffer.from('hi')) : body),
    codes: ['source-lied'],
  },
  'a page for lost visitors': {
    tamper: (path, body) => (isObject(path) ? Buffer.from('<html>Sorry!</html>') : body),
    codes: ['source-lied'],
  },
  'files that are cut off': {
    tamper: (path, body) => (isObject(path) ? body.subarray(0, body.length >> 1) : body),
    codes: ['source-lied'],
  },
  'connections that end too early': {
    tamper: (path, body) => (isObject(path) ? { cut: body.subarray(0, body.length >> 1), of: body.length } : body),
    codes: [],
  },
  'an inner mistake': { tamper: (path, body) => (isObject(path) ? 500 : body), codes: [] },
  nothing: { tamper: (path, body) => (isObject(path) ? 404 : body), codes: [] },
};

/** A store of its own, an honest source, and what is to be fetched. */
async function receiver(t: TestContext) {
  const { closers, folder, out } = await school(t);
  const honest = openSource(out);
  const store = await Store.open(join(folder, 'receiver'));
  closers.push(() => store.close());
  const commit = (await honest.images()).images.find(({ version }) => version === '2')!.commit;
  const wanted: Wanted[] = [];
  for await (const frame of honest.trees(commit, null)) {
    if (frame.kind !== KIND.sizes) continue;
    for (const [oid, size] of decodeSizes(await frame.whole(1 << 20))) wanted.push({ oid, size, bases: [] });
  }
  return { closers, folder, out, honest, store, commit, wanted };
}

test('a web server that lies, lacks or breaks off costs a batch at most, and harms no honest one', async t => {
  const { closers, folder, out, honest, wanted } = await receiver(t);
  for (const [at, [what, { tamper, codes }]] of Object.entries(LIES).entries()) {
    const store = await Store.open(join(folder, `receiver${at}`));
    closers.push(() => store.close());
    const bad = openSource(await tampering(t, out, tamper));
    closers.push(() => bad.close());
    const fetch = new BlobFetch(wanted, store, new AbortController().signal, () => {});
    fetch.addSource(bad, 'bad');
    // Alone it gives up without hanging; what else it does is in its state.
    while (!fetch.waiting) await sleep(20);
    assert.deepEqual(fetch.lie === null ? [] : [fetch.lie.code], codes, what);
    assert.equal(fetch.objectsDone, 0, what);
    fetch.addSource(honest, 'honest');
    await fetch.run();
    for (const { oid } of wanted) assert.ok(await store.hasBlob(oid), what);
    assert.ok(bad.bytesReceived <= 4 * BIG.length, `${what}: ${bad.bytesReceived}`);
  }
});

test('a list of trees that is cut off, is something else or is not there is an error', async t => {
  const { closers, out, commit } = await receiver(t);
  const answers: Record<string, (body: Buffer) => Buffer | number> = {
    'source-gone': body => body.subarray(0, 100),
    'source-lied': () => brotliCompressSync('no frames at all'),
    'no-source': () => 404,
  };
  for (const [code, answer] of Object.entries(answers)) {
    const source = openSource(await tampering(t, out, (path, body) => (path.endsWith('.pio') ? answer(body) : body)));
    closers.push(() => source.close());
    assert.ok((await source.images()).images.some(image => image.commit === commit));
    const reading = async () => {
      for await (const _ of source.trees(commit, null));
    };
    await assert.rejects(reading(), { code });
  }
});

test('a long file that breaks off is gone on with where it was', async t => {
  const { closers, store, out } = await receiver(t);
  let sent = 0;
  const ranges: (string | undefined)[] = [];
  const url = await tampering(t, out, (path, body, range) => {
    if (!isObject(path) || body.length < 1_000_000) return body;
    ranges.push(range);
    const cut = body.subarray(0, 4_000_000);
    sent += cut.length;
    return { cut, of: body.length };
  });
  const source = openSource(url);
  closers.push(() => source.close());
  const oid: Oid = objectOid('blob', BIG);
  const wanted: Wanted[] = [{ oid, size: BIG.length, bases: [] }];
  const fetch = new BlobFetch(wanted, store, new AbortController().signal, () => {});
  fetch.addSource(source, '');
  await fetch.run();
  assert.deepEqual(readFileSync(store.blobPath(oid)), BIG);
  assert.ok(sent < BIG.length * 1.1, `${sent} sent`);
  assert.ok(ranges.length >= 3 && ranges.slice(1).every(range => range !== undefined), ranges.join());
});
