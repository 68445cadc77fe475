import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Store } from '../../src/store/store';
import { damages } from './damages';
import { folder, nastyTree, openStore, run, TIME } from './support';

async function nasty(store: Store, dir: string): Promise<string> {
  return (await store.publish(dir, { name: 'nasty', version: '1', time: TIME })).image.commit;
}

test('verify finds every kind of damage, and names the path', async t => {
  const dir = folder(t);
  const tree = nastyTree(join(dir, 'tree'));
  const store = await openStore(t, join(dir, 'store'));
  const commit = await nasty(store, tree.dir);
  const image = store.image(commit)?.dir ?? '';
  const whole = join(dir, 'whole');
  run('cp', ['-a', image, whole]);
  for (const [name, damage, expected] of damages) {
    await t.test(name, async () => {
      damage(image);
      const { problems } = await store.verify(commit);
      const told = problems.map(({ path, problem }) => `${path} ${problem}`);
      for (const [path, problem] of expected) {
        assert.ok(
          problems.some(found => found.path === path && problem.test(found.problem)),
          `${path} ${problem} in ${told.join('\n')}`,
        );
      }
      assert.equal(problems.length, expected.length, told.join('\n'));
      run('rm', ['-rf', image]);
      run('cp', ['-a', whole, image]);
      assert.deepEqual((await store.verify(commit)).problems, []);
    });
  }
});

test('verify can be stopped and tells how far it is', async t => {
  const dir = folder(t);
  const store = await openStore(t, join(dir, 'store'));
  const commit = await nasty(store, nastyTree(join(dir, 'tree')).dir);
  const steps: number[][] = [];
  const { paths, bytes } = await store.verify(commit, { onProgress: (...step) => steps.push(step) });
  const last = steps.at(-1) ?? [];
  assert.equal(last[0], last[1]);
  assert.equal(last[2], bytes);
  assert.equal(last[3], bytes);
  assert.ok(paths > 100);
  await assert.rejects(store.verify(commit, { signal: AbortSignal.abort() }), { code: 'stopped' });
  await assert.rejects(store.verify('f'.repeat(40)), { code: 'not-found' });
});
