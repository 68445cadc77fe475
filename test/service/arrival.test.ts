/** After another image has become the current one, the service says so until somebody has read it. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Service } from '../../src/service/service';
import { Store } from '../../src/store/store';
import { tempFolder } from '../support/temp';

test('what has changed is said after a restart, once, and also after going back', { timeout: 60_000 }, async t => {
  let service: Service | null = null;
  // Before the folder goes.
  t.after(() => service?.close());
  const folder = tempFolder(t);
  const dir = join(folder, 'store');
  const store = await Store.open(dir);
  const trees = ['1', '2'].map(version => join(folder, version));
  for (const [i, tree] of trees.entries()) {
    mkdirSync(tree);
    writeFileSync(join(tree, 'version'), `${i + 1}\n`);
  }
  const facts = { name: 'test-os', time: 1_700_000_000, ownerRoot: true };
  await store.publish(trees[0]!, { ...facts, version: '1' });
  await store.publish(trees[1]!, { ...facts, version: '2', releaseNotes: 'A new game.' });
  await store.use(store.resolve('1').commit);
  await store.setStaged(store.resolve('2').commit);
  await store.close();

  const start = () => Service.start({ store: dir, share: null, interface: 'lo' });
  process.env.PASS_IT_ON_ALLOW_UNSIGNED = '1';
  t.after(() => {
    delete process.env.PASS_IT_ON_ALLOW_UNSIGNED;
  });
  service = await start();
  assert.equal((await service.call('status', null)).arrived, null);
  await service.call('activate', {});
  await service.close();
  // The laptop has restarted.
  service = await start();
  const told = { before: '1', back: false, releaseNotes: 'A new game.' };
  assert.deepEqual((await service.call('status', null)).arrived, told);
  assert.equal((await service.call('arrivalSeen', null)).arrived, null);
  await service.close();
  service = await start();
  assert.equal((await service.call('status', null)).arrived, null);
  assert.deepEqual((await service.call('goBack', {})).arrived, { before: '2', back: true, releaseNotes: null });
  // Told of 1: when something else is in use by then it is no news any more.
  assert.equal((await service.call('use', { version: '2' })).arrived, null);
});
