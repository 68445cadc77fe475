/** Versions that must not come back, between real services on the loopback interface. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Plan, Status } from '../../src/service/contract';
import type { Laptop } from '../lan/laptop';
import { failure, flash, NAME, publish, school, serve } from './school';

async function goBack(laptop: Laptop): Promise<Status> {
  const [status] = await laptop.run<Status>('go-back');
  return status!;
}

test('the minimum version of a trusted image is remembered for ever, and never of another one', async t => {
  const { key, laptop, tree } = school(t);
  const [ana, ben] = [laptop('ana'), laptop('ben')];
  for (const version of ['1', '2', '3']) await publish(ana, tree(version), version, '--sign-with', key.file);
  const floor = await publish(ana, tree('4'), '4', '--sign-with', key.file, '--minimum-version', '3');
  await publish(ana, tree('5'), '5', '--sign-with', key.file, '--minimum-version', '2');
  const other = ['--name', 'other-os', '--version', '1', '--sign-with', key.file];
  await ana.run('publish', tree('1'), ...other);
  await flash(ben, tree('2'), '2', key);
  const address = await serve(ana);

  await ben.upgrade('1', '--from', address);
  await ben.activate();
  await ben.upgrade('2', '--from', address);
  await ben.activate();
  // Looking is enough: it is signed, and says so.
  const [plan] = await ben.run<Plan>('compare', floor.image.commit, '--from', address);
  assert.deepEqual([plan?.minimumVersion, plan?.trustProblem], ['3', null]);
  assert.deepEqual(JSON.parse(readFileSync(join(ben.store, 'floors.json'), 'utf8')), { [NAME]: '3' });
  await ben.upgrade('4', '--from', address);
  const status = await ben.activate();
  assert.deepEqual([status.current?.version, status.previous?.version], ['4', '2']);
  assert.match(status.goBackWarnings.join(), /2 is not safe any more: its makers want 3 or newer/);

  const refused = await failure(ben.upgrade('1', '--from', address));
  assert.equal(refused.code, 'below-floor');
  assert.match(refused.message, /trust-os 1 is not safe any more/);
  // A lower one said later, a restart, and the loss of every image that said it change nothing.
  await ben.upgrade('5', '--from', address);
  assert.equal((await failure(ben.upgrade('1', '--from', address))).code, 'below-floor');
  await ben.run('use', '2');
  assert.equal((await failure(ben.upgrade('1', '--from', address))).code, 'below-floor');
  assert.match((await ben.status()).warnings.join(), /trust-os 2 is not safe any more/);
  const others = (await ben.run<Plan>('compare', 'other-os/1', '--from', address))[0]!;
  assert.deepEqual([others.relation, others.trustProblem, others.warnings], ['other', null, []]);
  assert.equal((await ben.upgrade('other-os/1', '--from', address)).result, 'staged');
  // Above it, every version is a free choice, older ones too.
  await ben.run('use', '4');
  assert.equal((await ben.upgrade('3', '--from', address)).version, '3');
});

test('going back below the minimum version stays possible, with a warning', async t => {
  const { key, laptop, tree } = school(t);
  const ben = laptop('ben');
  await flash(ben, tree('2'), '2', key, '--journal-format', '6');
  await publish(ben, tree('3'), '3', '--sign-with', key.file, '--minimum-version', '3', '--journal-format', '7');
  await publish(ben, tree('1'), '1', '--sign-with', key.file);
  await ben.upgrade('3');
  const { goBackWarnings } = await ben.activate();
  assert.deepEqual(
    goBackWarnings.map(warning => /not safe|Journal/.exec(warning)?.[0]),
    ['not safe', 'Journal'],
  );
  // The one that is kept may be staged again; what is only held may not.
  const kept = await ben.upgrade('2');
  assert.deepEqual(kept.warnings, goBackWarnings);
  assert.equal((await failure(ben.upgrade('1'))).code, 'below-floor');
  const status = await goBack(ben);
  assert.deepEqual([status.current?.version, status.previous?.version], ['2', '3']);
  assert.match(status.warnings.join(), /not safe any more/);
  assert.deepEqual(status.goBackWarnings, []);
});

test('a minimum that rises while an image is staged stops it from being activated', async t => {
  const { key, laptop, tree } = school(t);
  const ben = laptop('ben');
  await flash(ben, tree('1'), '1', key);
  await publish(ben, tree('2'), '2', '--sign-with', key.file);
  await ben.upgrade('2');
  await publish(ben, tree('3'), '3', '--sign-with', key.file, '--minimum-version', '3');
  assert.equal((await failure(ben.activate())).code, 'below-floor');
  assert.equal((await ben.status()).current?.version, '1');
});
