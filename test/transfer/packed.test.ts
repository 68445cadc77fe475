/** What is packed already is sent as it is; everything else is packed on its way. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { brotliCompressSync, deflateRawSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { Store } from '../../src/store/store';
import { looksPacked } from '../../src/transfer/packed';
import { encodeRequest, SHORT_NAME_BYTES } from '../../src/transfer/request';
import { HttpSource } from '../../src/transfer/source';
import { tempFolder } from '../support/temp';
import { serveStore } from './serving';

const SAMPLE = 4096;
/** A real program. */
const program = readFileSync(process.execPath).subarray(0, 8_000_000);

function middle(bytes: Buffer): Buffer {
  return bytes.subarray(bytes.length / 2 - SAMPLE / 2, bytes.length / 2 + SAMPLE / 2);
}

test('chance and what packers make of a program look packed', () => {
  for (let i = 0; i < 200; i++) assert.ok(looksPacked(randomBytes(SAMPLE)));
  assert.ok(looksPacked(middle(deflateRawSync(program, { level: 9 }))));
  assert.ok(looksPacked(middle(brotliCompressSync(program.subarray(0, 500_000)))));
});

test('a program, text, and too few bytes do not', () => {
  for (let at = 0; at + SAMPLE <= program.length; at += 400_000) {
    const sample = program.subarray(at, at + SAMPLE);
    // What looks packed inside of it is so for brotli, too.
    if (looksPacked(sample)) assert.ok(brotliCompressSync(sample).length > 0.95 * SAMPLE);
  }
  assert.ok(!looksPacked(Buffer.from(randomBytes(SAMPLE).toString('base64'))));
  assert.ok(!looksPacked(randomBytes(SAMPLE - 1)));
  fc.assert(fc.property(fc.uint8Array({ maxLength: SAMPLE - 1 }), bytes => !looksPacked(Buffer.from(bytes))));
});

test('what is packed comes as it is, gzip files unpacked and packed together, and all of it is right', async t => {
  const folder = tempFolder(t);
  const tree = join(folder, 'tree');
  mkdirSync(tree);
  const text = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `line ${i % 977}\n`).join(''));
  const files = { chance: randomBytes(200_000), picture: randomBytes(90_000), text, 'text.gz': gzipSync(text) };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(tree, name), bytes);
  const store = await Store.open(join(folder, 'store'));
  await store.publish(tree, { name: 'test-os', version: '1', ownerRoot: true });
  const server = await serveStore(store);
  const source = new HttpSource({ host: '127.0.0.1', port: server.port });
  t.after(async () => {
    source.close();
    await server.close();
    await store.close();
  });
  const { chance, picture, 'text.gz': zipped } = files;
  assert.equal(await encodingOf(server.port, [chance, picture]), undefined);
  for (const some of [[text], [zipped], [chance, text], [text, chance, picture, zipped]]) {
    assert.equal(await encodingOf(server.port, some), 'br');
  }
  for (const bytes of Object.values(files)) {
    for await (const frame of source.objects([{ oid: oidOf(bytes), bases: [] }])) {
      assert.deepEqual(await frame.read(frame.length), bytes);
    }
  }
});

/** How the answer is packed when these are asked for by one who unpacks brotli. */
function encodingOf(port: number, blobs: readonly Buffer[]): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'Accept-Encoding': 'br' };
    const wanted = blobs.map(blob => ({ oid: oidOf(blob), bases: [] }));
    const asked = request({ host: '127.0.0.1', port, method: 'POST', path: '/objects', headers }, answer => {
      answer.resume().once('end', () => resolve(answer.headers['content-encoding']));
    });
    asked.once('error', reject).end(encodeRequest(wanted, { bases: true, nameBytes: SHORT_NAME_BYTES }));
  });
}

function oidOf(blob: Buffer): string {
  return createHash('sha1').update(`blob ${blob.length}\0`).update(blob).digest('hex');
}
