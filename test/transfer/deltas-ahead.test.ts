/** Deltas that are made before anybody asks for them. */
import assert from 'node:assert/strict';
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { objectOid } from '../../src/core/object';
import { ANSWER } from '../../src/transfer/answers';
import { DeltasAhead, type ToMake } from '../../src/transfer/deltas-ahead';
import { Deltas } from '../../src/transfer/server-deltas';
import { encode } from '../core/delta/files';
import { folder, openStore, TIME, TreeBuilder } from '../store/support';
import { closersOf } from '../support/closers';
import { giving } from './serving';

const toMake = (size: number, at: number): ToMake => ({ base: `base ${at}`, target: `target ${at}`, size });
const settled = () => new Promise(resolve => setImmediate(resolve));

test('they are made while nobody waits for any other, a few at once, and one that fails holds up none', async () => {
  let idle = false;
  const made: string[] = [];
  let under = 0;
  let most = 0;
  const ahead = new DeltasAhead(
    async ({ target }) => {
      most = Math.max(most, ++under);
      await settled();
      under--;
      if (target === 'target 1') throw new Error('it cannot be read');
      made.push(target);
    },
    () => idle,
  );
  ahead.add(Array.from({ length: 40 }, (_, at) => toMake(100 << 10, at)));
  await settled();
  assert.deepEqual(made, []);
  idle = true;
  ahead.goOn();
  while (made.length < 39) await settled();
  assert.equal(most, 3);
  ahead.add([toMake(1, 41), toMake(1, 42)]);
  ahead.stop();
  ahead.goOn();
  for (let waited = 0; waited < 10; waited++) await settled();
  // Those were under way.
  assert.deepEqual(made.slice(39), ['target 41', 'target 42']);
});

const CONTENT = 'the same again and again, but for one word: ';
const [OLD, NEW] = ['old', 'new'].map(word => Buffer.from(`${CONTENT.repeat(200)}${word}${CONTENT.repeat(200)}`));

/** A giver with two versions, of which the second has a changed file, one that became executable, a link and so much that is new. */
async function giverOf(t: TestContext, newBytes = 0) {
  const dir = folder(t);
  const tree = new TreeBuilder(join(dir, 'tree'))
    .file('bin/tool', 'tool')
    .symlink('bin/link', 'there')
    .file('doc', OLD!);
  const giver = await openStore(t, join(dir, 'giver'));
  const publish = async (version: string) =>
    (await giver.publish(tree.dir, { name: 'test-os', version, time: TIME, ownerRoot: true })).image;
  const old = await publish('1');
  for (const name of ['bin/tool', 'bin/link', 'doc']) rmSync(join(tree.dir, name));
  tree.file('bin/tool', 'tool 2', 0o755).symlink('bin/link', 'here').file('doc', NEW!);
  if (newBytes > 0) tree.file('large', Buffer.alloc(newBytes));
  const image = await publish('2');
  const { source } = await giving(closersOf(t), giver);
  return { giver, old, image, source: source() };
}

test('who has been told what differs, and will ask for deltas, finds them made', async t => {
  const { giver, old, image, source } = await giverOf(t);
  for await (const _ of source.trees(image.commit, old.root, undefined, true));
  const cache = join(giver.dir, 'cache/deltas/0');
  const { length } = encode(OLD!, NEW!);
  while (!existsSync(cache) || statSync(cache).size < length) await sleep(10);
  const asked = { oid: objectOid('blob', NEW!), bases: [objectOid('blob', OLD!)] };
  for await (const { kind } of source.objects([asked])) assert.equal(kind, ANSWER.delta);
  assert.equal(statSync(cache).size, length, 'it was made a second time');
});

test('not for one who will not, nor where so much is new that it may come raw', async t => {
  const told = t.mock.method(Deltas.prototype, 'makeAhead', () => {});
  const calls = () => told.mock.calls.map(({ arguments: [pairs] }) => pairs);
  const little = await giverOf(t);
  for await (const _ of little.source.trees(little.image.commit, little.old.root));
  const much = await giverOf(t, 33 << 20);
  for await (const _ of much.source.trees(much.image.commit, much.old.root, undefined, true));
  assert.deepEqual(calls(), []);
  for await (const _ of little.source.trees(little.image.commit, little.old.root, undefined, true));
  const [base, target] = [OLD, NEW].map(content => objectOid('blob', content!));
  assert.deepEqual(calls(), [[{ base, target, size: NEW!.length }]]);
});
