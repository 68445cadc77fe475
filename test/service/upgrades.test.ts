/** What the service tells of an upgrade, when its parts do not end all at once. */
import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import type { UpgradeState } from '../../src/service/contract';
import { Sources } from '../../src/service/sources';
import { Trust } from '../../src/service/trust';
import { Upgrades } from '../../src/service/upgrades';
import { Store } from '../../src/store/store';
import type { Pipeline } from '../../src/upgrade/pipeline';
import { tempFolder } from '../support/temp';

const RECEIVE_WORKER = resolve('dist/receive-worker.js');

const TO = {
  name: 'late-os',
  version: '2',
  commit: 'a'.repeat(40),
  bytes: 1000,
  signedBy: null,
  releaseTime: '2026-01-01T00:00:00.000Z',
};

test('a late word of what was stopped does not make it look as if it ran on', { timeout: 60_000 }, async t => {
  let store: Store | null = null;
  // Before the folder goes.
  t.after(() => store?.close());
  store = await Store.open(join(tempFolder(t), 'store'));
  const told: UpgradeState['state'][] = [];
  const upgrades = new Upgrades(store, new Trust(store), ({ state }) => told.push(state), RECEIVE_WORKER);
  let late: Pipeline | null = null;
  const stopped = upgrades.start(
    TO,
    new Sources({ candidates: () => [], asker: () => undefined, asks: () => () => {} }, []),
    { patience: 10, effort: 'auto' },
    async (pipeline, signal) => {
      late = pipeline;
      await new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    },
  );
  stopped.catch(() => {});
  while (late === null) await new Promise(setImmediate);
  await upgrades.stop();
  await assert.rejects(stopped, { code: 'stopped' });
  assert.deepEqual(told, ['running', 'stopped']);

  // A part of it that has not heard that all is over begins a step, and tells so.
  const part: Pipeline = late;
  await part.run(TO.commit, AbortSignal.timeout(200)).catch(() => {});
  assert.deepEqual(told, ['running', 'stopped']);
  assert.equal(upgrades.state?.state, 'stopped');
});
