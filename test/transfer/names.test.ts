/** What is told apart by its place, and by the beginning of its name. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { objectOid } from '../../src/core/object';
import { Store } from '../../src/store/store';
import { ANSWER, encodeAnswer, encodeAnswersEnd } from '../../src/transfer/answers';
import { BlobFetch } from '../../src/transfer/fetch';
import type { Source } from '../../src/transfer/source';
import { closersOf } from '../support/closers';
import { tempFolder } from '../support/temp';
import { giving, HandMade, storeWith } from './serving';

const OLD = randomBytes(50_000);
const NEW = [1, 2, 3].map(value => Buffer.concat([OLD, Buffer.alloc(1000, value)]));
const OIDS = NEW.map(content => objectOid('blob', content));
const WANTED = NEW.map((content, at) => ({ oid: OIDS[at]!, size: content.length, bases: [objectOid('blob', OLD)] }));

async function fetched(t: TestContext, source: Source): Promise<{ fetch: BlobFetch; store: Store }> {
  const store = await storeWith(closersOf(t), join(tempFolder(t), 'asker'), OLD);
  const stop = new AbortController();
  const fetch = new BlobFetch(WANTED, store, stop.signal, () => {});
  const over = fetch.run().catch(() => {});
  fetch.addSource(source, '');
  while (!fetch.waiting && fetch.objectsDone < WANTED.length) await new Promise(resolve => setTimeout(resolve, 10));
  stop.abort(new Error('over'));
  await over;
  await fetch.close();
  return { fetch, store };
}

test('an answer too many or too few, or two that changed places, is a lie', async t => {
  const whole = NEW.map(content => encodeAnswer(ANSWER.whole, content));
  const [one, two, three] = whole as [Buffer, Buffer, Buffer];
  const missing = encodeAnswer(ANSWER.missing, Buffer.alloc(0));
  for (const answers of [[], [one], [one, two], [two, one, three], [...whole, one], [...whole, missing]]) {
    // It is asked for all at once: what comes for the first of them is the whole answer.
    const parts = [...answers, encodeAnswersEnd()];
    const source = new HandMade('liar', ({ oid }) => (oid === OIDS[0] ? parts : []));
    const { fetch } = await fetched(t, source);
    assert.equal(fetch.lie?.code, 'source-lied');
    assert.equal(source.asked.length, 3);
  }
});

test('a donor that holds two blobs of one short name gives the right one, asked by its whole name', async t => {
  const closers = closersOf(t);
  const folder = tempFolder(t);
  const before = await storeWith(closers, folder, OLD, ...NEW);
  await before.close();
  const twin = `${OIDS[1]!.slice(0, 16)}${'0'.repeat(24)}`;
  const file = before.blobPath(twin);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, 'twin');
  const donor = await Store.open(before.dir);
  closers.push(() => donor.close());
  const { source } = await giving(closers, donor);
  const kinds = async (byWholeName: boolean) => {
    const all: string[] = [];
    const how = { form: 'delta', byWholeName } as const;
    for await (const { kind } of source().objects(WANTED, undefined, how)) all.push(kind);
    return all;
  };
  const { delta } = ANSWER;
  assert.deepEqual(await kinds(false), [delta, ANSWER.missing, delta]);
  assert.deepEqual(await kinds(true), [delta, delta, delta]);
  const { fetch, store } = await fetched(t, source());
  assert.equal(fetch.lie, null);
  for (const [at, oid] of OIDS.entries()) assert.deepEqual(readFileSync(store.blobPath(oid)), NEW[at]);
});

test('a base of which nobody can tell which is meant makes no delta, and no harm', async t => {
  const closers = closersOf(t);
  const folder = tempFolder(t);
  const before = await storeWith(closers, folder, OLD, ...NEW);
  await before.close();
  const twin = `${objectOid('blob', OLD).slice(0, 16)}${'0'.repeat(24)}`;
  writeFileSync(before.blobPath(twin), 'twin');
  const donor = await Store.open(before.dir);
  closers.push(() => donor.close());
  const { source } = await giving(closers, donor);
  const kinds: string[] = [];
  for await (const { kind } of source().objects(WANTED)) kinds.push(kind);
  assert.deepEqual(kinds, [ANSWER.whole, ANSWER.whole, ANSWER.whole]);
});
