/** Who is asked what when an upgrade looks for those who give: real servers on the loopback interface. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Nearby, Sources } from '../../src/service/sources';
import { Store } from '../../src/store/store';
import { Arrivals, Heard } from '../../src/transfer/arrivals';
import type { Asker, ImagesAnswer } from '../../src/transfer/images-answer';
import { tempFolder } from '../support/temp';
import { serveStore, storeWith } from '../transfer/serving';

const COMMIT = 'c'.repeat(40);
const BLOB = '1'.repeat(40);
const ME: Asker = { instance: 'me', host: 'xo-me', current: 'a'.repeat(40) };
const signal = new AbortController().signal;

/** A laptop that may fetch COMMIT, and what it is asked. */
async function classmate(t: TestContext) {
  const store = await storeWith([], tempFolder(t), Buffer.from('content'));
  const said = { images: 0, askers: [] as Asker[], classmates: [] as string[], arrivals: null as Arrivals | null };
  const server = await serveStore(store, {
    announced: () => ({ instance: 'Ana', host: 'xo-ana' }),
    fetching: () => said.arrivals?.commit ?? null,
    arrivals: () => said.arrivals,
    onAsked: (_host, asker) => said.askers.push(asker),
    onClassmate: host => said.classmates.push(host),
    signedBy: () => {
      // Of the one image that it tells of each time.
      said.images++;
      return null;
    },
  });
  t.after(async () => {
    await server.close();
    await store.close();
  });
  const address = `127.0.0.1:${server.port}`;
  const answers: (ImagesAnswer | null)[] = [];
  const near: Nearby = {
    candidates: () => [{ address, nick: 'Ana' }],
    asker: () => ME,
    asks: asked => {
      assert.equal(asked, address);
      return answer => answers.push(answer);
    },
  };
  const sources = new Sources(near, []);
  t.after(() => sources.close());
  return { said, answers, sources, server };
}

const kinds = (found: { holds: string }[]) => found.map(({ holds }) => holds);

test('what an upgrade asks it says to who knows the neighbours, and once who asks', async t => {
  const { said, answers, sources, server } = await classmate(t);
  await sources.find(COMMIT, signal);
  assert.deepEqual([said.images, said.askers.length, answers.length], [1, 1, 1]);
  assert.deepEqual(said.askers, [ME]);
  assert.equal(answers[0]?.announced?.host, 'xo-ana');
  // An answer of this moment does.
  await sources.find(COMMIT, signal);
  assert.deepEqual([said.images, answers.length], [1, 1]);
  await new Promise(resolve => setTimeout(resolve, 1000));
  await sources.find(COMMIT, signal);
  assert.deepEqual([said.images, said.askers.length, answers.length], [2, 1, 2]);
  await server.close();
  await new Promise(resolve => setTimeout(resolve, 1000));
  assert.deepEqual(kinds(await sources.find(COMMIT, signal)), []);
  assert.equal(answers[2], null);
});

test('who begins just after he was asked is known to fetch it, and told who else does, with one short question', async t => {
  const { said, sources } = await classmate(t);
  assert.deepEqual(kinds(await sources.find(COMMIT, signal)), []);
  assert.deepEqual(kinds(await sources.begin(COMMIT, signal)), [], 'he does not say, so he does not fetch it');
  assert.deepEqual(said.classmates, []);
  said.arrivals = new Arrivals(COMMIT);
  said.arrivals.expect([BLOB]);
  const [found] = await sources.begin(COMMIT, signal);
  assert.equal(found?.holds, 'some');
  assert.deepEqual([said.classmates, said.images], [['127.0.0.1'], 1]);
  const heard = new Heard();
  heard.learn(found!.said!);
  assert.ok(heard.expects(BLOB));
  // He need not be greeted again, and what he said is said once.
  const [again] = await sources.begin(COMMIT, signal);
  assert.deepEqual([again?.holds, again?.said, said.classmates.length], ['some', undefined, 1]);
});

test('who asks what has come here fetches it, too, and need not be asked for that', async t => {
  const { said, sources } = await classmate(t);
  assert.deepEqual(kinds(await sources.find(COMMIT, signal)), []);
  sources.meet('127.0.0.2', COMMIT);
  assert.deepEqual(kinds(await sources.find(COMMIT, signal, () => true)), [], 'somebody else');
  sources.meet('127.0.0.1', COMMIT);
  assert.deepEqual(kinds(await sources.find(COMMIT, signal, () => true)), ['some']);
  assert.equal(said.images, 1);
});

/** A laptop with one image, which nobody else has; what its image is called. */
async function laptopWith(t: TestContext, content: string, name = 'test-os') {
  const folder = tempFolder(t);
  mkdirSync(join(folder, 'tree'));
  writeFileSync(join(folder, 'tree/file'), content);
  const store = await Store.open(join(folder, 'store'));
  t.after(() => store.close());
  const { image } = await store.publish(join(folder, 'tree'), { name, version: '1', ownerRoot: true });
  const server = await serveStore(store);
  t.after(() => server.close());
  return { commit: image.commit, address: `127.0.0.1:${server.port}`, nick: content };
}

test('of laptops with other versions some are enough; who has what is here already, or something else, can give nothing', async t => {
  const wanted = await laptopWith(t, 'wanted');
  const ours = await laptopWith(t, 'ours');
  const stranger = await laptopWith(t, 'stranger', 'other-os');
  const others = await Promise.all(['1', '2', '3', '4', '5'].map(version => laptopWith(t, version)));
  const nobody: Nearby = { candidates: () => [], asker: () => ME, asks: () => () => undefined };
  const found = async (held: string[], ...near: (typeof ours)[]) => {
    const sources = new Sources({ ...nobody, candidates: () => near }, [], commit => held.includes(commit));
    t.after(() => sources.close());
    const all = await sources.find(wanted.commit, signal);
    return all.map(({ nick, holds }) => `${nick} ${holds}`);
  };
  const four = ['1 other', '2 other', '3 other', '4 other'];
  assert.deepEqual(await found([ours.commit], ours, stranger, ...others, wanted), [...four, 'wanted all']);
  assert.deepEqual(await found([], ours, wanted), ['ours other', 'wanted all']);
  assert.deepEqual(
    await found([ours.commit, wanted.commit], ours, wanted),
    ['ours other', 'wanted all'],
    'to repair it',
  );
  assert.deepEqual(await found([], ...others), [], 'nobody says what it is called');
});
