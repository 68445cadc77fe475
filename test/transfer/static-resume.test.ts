/** A large file from a web server with plain files goes on where it was: after kill -9 of the real service, and past what does not fit. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflateSync } from 'node:zlib';
import { objectOid } from '../../src/core/object';
import { Store } from '../../src/store/store';
import { BlobFetch } from '../../src/transfer/fetch';
import { openSource } from '../../src/transfer/open-source';
import { Spare } from '../../src/transfer/spare';
import { Laptop } from '../lan/laptop';
import { differences } from '../lan/same-tree';
import { TreeBuilder } from '../store/support';
import { closersOf } from '../support/closers';
import { sizeOf } from '../support/size';
import { tempFolder } from '../support/temp';
import { nginx, type WebServer } from './web-server';

/** Half of it can be packed: where a stop came says nothing about the place in the packed file. */
const BIG = Buffer.concat(
  Array.from({ length: 120 }, (_, i) => Buffer.concat([randomBytes(100_000), Buffer.alloc(100_000, i)])),
);
const OID = objectOid('blob', BIG);
const PATH = `objects/${OID.slice(0, 2)}/${OID.slice(2)}`;
const PACKED = deflateSync(Buffer.concat([Buffer.from(`blob ${BIG.length}\0`), BIG]));

/** Status, range and bytes of each answer that the server has given for the large file. */
async function answers(server: WebServer): Promise<string[][]> {
  // It does one thing after the other: what went before this is written down when this is answered.
  await (await fetch(`${server.url}other`)).text();
  const lines = server.requests().filter(line => line.includes(`/${PATH} `));
  return lines.map(line => line.split(' ').slice(2));
}

test('after kill -9 in the middle of a large file from nginx it is gone on with by a range', async t => {
  let running: ChildProcess | null = null;
  const closers = closersOf(t);
  closers.push(() => running?.kill('SIGKILL'));
  const folder = tempFolder(t);
  const first = new TreeBuilder(join(folder, 'first')).file('etc/version', '1');
  const second = new TreeBuilder(join(folder, 'second')).file('etc/version', '2').file('usr/big', BIG);
  const publisher = new Laptop('publisher', [], join(folder, 'publisher'));
  await publisher.flash(second.dir, 'web-os', '2');
  await publisher.run('export', join(folder, 'site'));
  const server = await nginx(t, join(folder, 'site'), 6e6);
  const child = new Laptop('child', [], join(folder, 'child'));
  await child.flash(first.dir, 'web-os', '1');
  const kept = () => sizeOf(join(child.store, 'partial', `rest-${OID}`));
  const ranges = ['-'];
  const words = ['upgrade', '2', '--from', server.url];
  for (const part of [1 / 4, 5 / 8]) {
    const env = { ...process.env, PASS_IT_ON_ALLOW_UNSIGNED: '1' };
    running = spawn(resolve('dist/pass-it-on'), [...words, '--store', child.store], { stdio: 'ignore', env });
    while (kept() < BIG.length * part) await sleep(5);
    running.kill('SIGKILL');
    await once(running, 'exit');
    assert.ok(kept() < BIG.length, 'it was killed in the middle');
    ranges.push(`bytes=${sizeOf(join(child.store, 'partial', `rest-${OID}.packed`))}-`);
  }
  const packed = sizeOf(join(folder, 'site', PATH));
  const result = await child.upgrade('2', '--from', server.url);
  assert.ok(result.bytesReceived < packed / 2, `${result.bytesReceived} of ${packed} came at last`);
  // Nothing that came was asked for again. (What the server has sent, too, was partly still on its way.)
  assert.deepEqual(
    (await answers(server)).map(([, range]) => range),
    ranges,
  );
  assert.deepEqual(differences(second.dir, child.stagedTree), []);
  assert.deepEqual(readdirSync(join(child.store, 'partial')), []);
});

/** A store that was stopped in the middle of it, and a server that has it. */
async function stopped(t: TestContext, kept: Buffer, packed: Buffer) {
  const closers = closersOf(t);
  const folder = tempFolder(t);
  const site = join(folder, 'site');
  mkdirSync(join(site, 'images/objects', OID.slice(0, 2)), { recursive: true });
  writeFileSync(join(site, 'images', PATH), PACKED);
  const server = await nginx(t, site);
  const store = await Store.open(join(folder, 'store'));
  closers.push(() => store.close());
  const partial = join(folder, 'store/partial');
  writeFileSync(join(partial, `rest-${OID}`), kept);
  if (packed.length > 0) writeFileSync(join(partial, `rest-${OID}.packed`), packed);
  const source = openSource(`${server.url}images`);
  closers.push(() => source.close());
  const run = async (spare?: Spare) => {
    const wanted = [{ oid: OID, size: BIG.length, bases: [] }];
    const fetch = new BlobFetch(wanted, store, new AbortController().signal, () => {}, { spare });
    fetch.addSource(source, '');
    await fetch.run();
    assert.equal(fetch.lie, null);
    assert.deepEqual(readFileSync(store.blobPath(OID)), BIG);
    assert.deepEqual(readdirSync(partial), []);
    return answers(server);
  };
  return run;
}

const HALF = PACKED.length >> 1;
const THIRD = BIG.length / 3;

test('what was kept fits together wherever the one and the other end', async t => {
  // The last: unpacked more was written than what is kept of the packed file makes.
  for (const [unpacked, packed] of [
    [THIRD, HALF],
    [1, HALF],
    [THIRD, PACKED.length - 1],
    [2 * THIRD, HALF],
  ] as const) {
    const run = await stopped(t, BIG.subarray(0, unpacked), PACKED.subarray(0, packed));
    assert.deepEqual(await run(), [['206', `bytes=${packed}-`, String(PACKED.length - packed)]]);
  }
});

test('what was kept and does not fit is thrown away, and nobody is blamed', async t => {
  const whole = ['200', '-', String(PACKED.length)];
  const other = deflateSync(Buffer.from(`blob 5\0hello`));
  const flipped = Buffer.from(PACKED.subarray(0, HALF));
  flipped[HALF - 1000]! ^= 1;
  const cases: [string, Buffer, Buffer][] = [
    ['zeros after a power failure', BIG.subarray(0, THIRD), Buffer.alloc(HALF)],
    ['another blob', BIG.subarray(0, THIRD), other],
    ['more than there is', BIG.subarray(0, THIRD), Buffer.concat([PACKED, PACKED])],
    ['other bytes in the packed file', BIG.subarray(0, THIRD), flipped],
    ['other bytes in the file', Buffer.alloc(THIRD), PACKED.subarray(0, HALF)],
    ['a beginning with nothing unpacked', Buffer.alloc(0), PACKED.subarray(0, HALF)],
  ];
  for (const [what, kept, packed] of cases) {
    const run = await stopped(t, kept, packed);
    assert.deepEqual((await run()).at(-1), whole, what);
  }
});

test('where the disk has no room to spare, nothing packed is kept', async t => {
  const run = await stopped(t, BIG.subarray(0, THIRD), Buffer.alloc(0));
  assert.deepEqual(await run(new Spare(BIG.length - 1)), [['200', '-', String(PACKED.length)]]);
});
