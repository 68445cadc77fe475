/** The HTTP server over a real store: what a stranger on the network can and cannot get. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import type { Oid } from '../../src/core/object';
import { Store } from '../../src/store/store';
import { ANSWER } from '../../src/transfer/answers';
import { BlobFetch } from '../../src/transfer/fetch';
import { KIND } from '../../src/transfer/frames';
import { HttpSource } from '../../src/transfer/source';
import { tempFolder } from '../support/temp';
import { serveStore } from './serving';

const run = promisify(execFile);

async function laptop(t: TestContext) {
  const folder = tempFolder(t);
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'etc'), { recursive: true });
  mkdirSync(join(tree, 'usr/share'), { recursive: true });
  // Git has the empty tree built in, and its dumb protocol does not fetch it.
  mkdirSync(join(tree, 'var/empty'), { recursive: true });
  writeFileSync(join(tree, 'etc/os-release'), 'VERSION=1\n');
  writeFileSync(join(tree, 'usr/share/back\\slash'), 'names are bytes\n');
  writeFileSync(join(tree, 'usr/share/empty'), '');
  writeFileSync(join(tree, 'usr/share/big'), Buffer.alloc(3_000_000, 'large '));
  symlinkSync('etc/os-release', join(tree, 'release'));
  const store = await Store.open(join(folder, 'store'));
  const { image } = await store.publish(tree, { name: 'test-os', version: '1', ownerRoot: true });
  await store.use(image.commit);
  const errors: unknown[] = [];
  const askers: unknown[] = [];
  const server = await serveStore(store, {
    nick: 'Ana <b>',
    signedBy: () => 'Colegio Roble',
    onAsked: (from, asker) => askers.push({ from, ...asker }),
    onError: cause => errors.push(cause),
  });
  const source = new HttpSource({ host: '127.0.0.1', port: server.port });
  t.after(async () => {
    source.close();
    await server.close();
    await store.close();
  });
  return { folder, tree, store, image, server, source, errors, askers };
}

function ask(port: number, method: string, path: string, body = ''): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, method, path }, answer => {
      const chunks: Buffer[] = [];
      answer.on('data', chunk => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode!, text: Buffer.concat(chunks).toString() }));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

test('answers say no more than they must, and the connection stays open all the same', async t => {
  const { server } = await laptop(t);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const headers = async (more: Record<string, string> = {}) => {
    const asked = request({ host: '127.0.0.1', port: server.port, path: '/images', agent, headers: more });
    if (!more.Connection) asked.removeHeader('Connection');
    const [answer] = (await once(asked.end(), 'response')) as [IncomingMessage];
    await once(answer.resume(), 'close');
    return { names: Object.keys(answer.headers).sort(), reused: asked.reusedSocket, last: answer.headers.connection };
  };
  const names = ['cache-control', 'content-length', 'content-type'];
  assert.deepEqual(await headers(), { names, reused: false, last: undefined });
  assert.deepEqual(await headers(), { names, reused: true, last: undefined });
  assert.equal((await headers({ Connection: 'close' })).reused, true);
  assert.equal((await headers()).reused, false);
});

test('a laptop may say who it is when it asks what is held, in any script; nonsense is passed over', async t => {
  const { source, askers, image, server } = await laptop(t);
  await source.images();
  assert.deepEqual(askers, []);
  const asker = { instance: 'Añá ☀ (2)', host: 'xo-0a1b2c3d', current: image.commit };
  await source.images(undefined, asker);
  assert.deepEqual(askers.splice(0), [{ from: '127.0.0.1', ...asker }]);
  for (const words of ['', 'xo-1', `xo-1 ${image.commit}`, `xo-1 ${image.commit} %`, `xo-1 407 Ana`, `a b c d`]) {
    const answer = await fetch(`http://127.0.0.1:${server.port}/images`, { headers: { 'Pass-It-On-Asker': words } });
    assert.equal(answer.status, 200);
  }
  assert.deepEqual(askers, []);
});

test('only the paths of the protocol are answered', async t => {
  const { server, image } = await laptop(t);
  const refused: [string, string, number][] = [
    ['GET', '/state.json', 404],
    ['GET', '/objects/../../state.json', 404],
    ['GET', '/%2e%2e/state.json', 404],
    ['GET', '/blobs/', 404],
    ['GET', '/images/0000000000000000000000000000000000000000/trees', 404],
    ['GET', `/images/${image.commit}/trees?have=../x`, 400],
    ['DELETE', '/images', 405],
    ['POST', '/images', 405],
    ['GET', '/objects/e6/9de29bb2d1d6434b8b29ae775ad8c2e48c539', 404],
  ];
  for (const [method, path, status] of refused)
    assert.equal((await ask(server.port, method, path)).status, status, path);
  assert.equal((await ask(server.port, 'POST', '/objects', 'not a request\n')).status, 400);
  assert.equal((await ask(server.port, 'POST', '/objects', 'a'.repeat(2 << 20))).status, 400);
});

test('the page for a person shows the images, and a nick cannot slip anything in', async t => {
  const { server } = await laptop(t);
  const { status, text } = await ask(server.port, 'GET', '/');
  assert.equal(status, 200);
  assert.match(text, /test-os/);
  assert.doesNotMatch(text, /Ana <b>/);
});

test('every blob arrives as it is, in the order asked; what is not there is said to be missing', async t => {
  const { source, store, image } = await laptop(t);
  const oids: Oid[] = [];
  for await (const frame of source.trees(image.commit, null)) {
    if (frame.kind !== KIND.sizes) continue;
    const sizes = await frame.whole(1e6);
    for (let at = 0; at < sizes.length; at += 28) oids.push(sizes.toString('hex', at, at + 20));
  }
  // os-release, back\slash, empty, big, and the link's target.
  assert.equal(oids.length, 5);
  const unknown = 'f'.repeat(40);
  const came: string[] = [];
  for await (const { kind, length, payload } of source.objects([...oids, unknown].map(oid => ({ oid, bases: [] })))) {
    const hash = createHash('sha1').update(`blob ${length}\0`);
    for await (const chunk of payload()) hash.update(chunk);
    came.push(kind === ANSWER.whole ? hash.digest('hex') : kind);
  }
  assert.deepEqual(came, [...oids, ANSWER.missing]);
  assert.ok(await store.hasBlob(oids[0]!));
});

test('a blob whose file no longer matches is not served', async t => {
  const { source, store, image } = await laptop(t);
  const oid = (await run('git', ['hash-object', join(image.dir, 'etc/os-release')])).stdout.trim();
  writeFileSync(store.blobPath(oid), 'VERSION=2\n');
  for await (const answer of source.objects([{ oid, bases: [] }])) assert.equal(answer.kind, ANSWER.missing);
});

test('with the same tree at hand only the commit, its tree and the attributes come', async t => {
  const { source, image } = await laptop(t);
  const kinds: string[] = [];
  for await (const frame of source.trees(image.commit, image.root)) kinds.push(frame.kind);
  assert.deepEqual(kinds, [KIND.commit, KIND.tree, KIND.attributes]);
});

test('the stock git clones a laptop, and every file is there', async t => {
  const { server, folder, tree } = await laptop(t);
  const clone = join(folder, 'clone');
  // Not synchronously: the server is in this process.
  await run('git', ['clone', '--quiet', `http://127.0.0.1:${server.port}/`, clone]);
  assert.equal((await run('git', ['-C', clone, 'fsck', '--full', '--strict', '--no-dangling'])).stdout, '');
  for (const path of ['etc/os-release', 'usr/share/back\\slash', 'usr/share/empty', 'usr/share/big', 'release']) {
    assert.deepEqual(readFileSync(join(clone, 'root', path)), readFileSync(join(tree, path)), path);
  }
  const tags = await run('git', ['-C', clone, 'tag', '--list']);
  assert.equal(tags.stdout.trim(), 'test-os/1');
});

test('when this laptop cannot store what comes, the fetch ends with its own error and blames nobody', async t => {
  const { source, image } = await laptop(t);
  const sizes: [Oid, number][] = [];
  for await (const frame of source.trees(image.commit, null)) {
    if (frame.kind !== KIND.sizes) continue;
    const bytes = await frame.whole(1e6);
    for (let at = 0; at < bytes.length; at += 28) {
      sizes.push([bytes.toString('hex', at, at + 20), Number(bytes.readBigUInt64BE(at + 20))]);
    }
  }
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  const isFull = () => {
    throw full;
  };
  const receiver = {
    receiveBlob: isFull,
    resumeBlob: isFull,
    receiveWhole: isFull,
    openBlob: async () => null,
    readSmallBlob: () => null,
    keptBytes: () => 0,
  };
  const wanted = sizes.map(([oid, size]) => ({ oid, size, bases: [] }));
  const fetch = new BlobFetch(wanted, receiver, new AbortController().signal, () => {});
  fetch.addSource(source, 'Ana');
  await assert.rejects(fetch.run(), full);
});
