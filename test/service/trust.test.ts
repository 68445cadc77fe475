/** Whom a laptop believes: signed images between real services on the loopback interface, by the command line. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Plan } from '../../src/service/contract';
import type { Laptop } from '../lan/laptop';
import { failure, flash, NAME, publish, SCHOOL, school, serve, trustIn } from './school';

/** How many blobs a store holds: what was fetched, whole or not. */
function blobs(laptop: Laptop): number {
  const dir = join(laptop.store, 'blobs');
  return readdirSync(dir).reduce((sum, prefix) => sum + readdirSync(join(dir, prefix)).length, 0);
}

test('a signed image is taken, and everybody is told by name who signed it', async t => {
  const { key, laptop, tree } = school(t);
  const [ana, ben] = [laptop('ana'), laptop('ben')];
  const commit = await flash(ana, tree('2'), '2', key, '--release-notes', 'Faster.\n\nSmaller.');
  await flash(ben, tree('1'), '1', key);
  const address = await serve(ana);

  const plan = await ben.compare(address);
  assert.deepEqual([plan.signedBy, plan.to.signedBy, plan.trustProblem], [SCHOOL, SCHOOL, null]);
  assert.deepEqual([plan.relation, plan.warnings, plan.journalWarning], ['newer', [], null]);
  assert.equal(plan.releaseNotes, 'Faster.\n\nSmaller.');
  const { signedBy, warnings } = await ben.upgrade('2', '--from', address);
  assert.deepEqual([signedBy, warnings], [SCHOOL, []]);
  const status = await ben.activate();
  assert.deepEqual([status.current?.commit, status.current?.signedBy], [commit, SCHOOL]);
  assert.deepEqual(
    status.images.map(image => image.signedBy),
    [SCHOOL, SCHOOL],
  );
  assert.deepEqual([status.upgrade, status.warnings, status.goBackWarnings], [null, [], []]);

  const answer = (await (await fetch(`http://${address}/images`)).json()) as { images: { signedBy: string }[] };
  assert.equal(answer.images[0]?.signedBy, SCHOOL);
});

test('for people: who signed it, the notes, and the table', async t => {
  const { key, laptop, tree, trustFile } = school(t);
  const [ana, ben] = [laptop('ana'), laptop('ben')];
  await flash(ana, tree('2'), '2', key, '--release-notes', 'Faster.\n\n\u202eSmaller.');
  const address = await serve(ana);
  const say = (...args: string[]) => {
    const env = { ...process.env, PASS_IT_ON_ALLOWED_SIGNERS: trustFile };
    const { stdout, stderr } = spawnSync('dist/pass-it-on', [...args, '--store', ben.store], { env, encoding: 'utf8' });
    return stdout + stderr;
  };
  const told = say('compare', address);
  assert.match(told, /^Signed by Colegio Roble\.$/m);
  assert.match(told, /^Release notes:\n {2}Faster\.\n {2}\n {2}\\u202eSmaller\.$/m);
  const upgraded = say('upgrade', '2', '--from', address);
  assert.match(upgraded, /2 is staged.*\nSigned by Colegio Roble\./);
  assert.match(say('status'), /^trust-os +2 +\d+ bytes +[0-9a-f]{10} +Colegio Roble$/m);
  const notes = join(ben.dir, 'notes');
  writeFileSync(notes, 'from a file\n');
  const published = say('publish', tree('3'), '--name', NAME, '--version', '3', '--release-notes', `@${notes}`);
  assert.match(published, /Published trust-os 3/);
  const [plan] = await ben.run<Plan>('compare', '3');
  assert.equal(plan?.releaseNotes, 'from a file');
});

test('refused before anything is fetched: unsigned, signed by a stranger, signed and then changed', async t => {
  const { ring, key, laptop, tree } = school(t);
  const [ana, ben] = [laptop('ana'), laptop('ben')];
  const stranger = ring.make('stranger');
  await publish(ana, tree('2'), '2');
  await publish(ana, tree('3'), '3', '--sign-with', stranger.file);
  await flash(ben, tree('1'), '1', key);
  const address = await serve(ana);
  const before = blobs(ben);
  for (const [version, code, message] of [
    ['2', 'unsigned', /^Nobody has signed this image\.$/],
    ['3', 'untrusted', /does not know the key that signed this image: SHA256:/],
  ] as const) {
    const [plan] = await ben.run<Plan>('compare', version, '--from', address);
    assert.deepEqual([plan?.trustProblem?.code, plan?.signedBy], [code, null]);
    const refused = await failure(ben.upgrade(version, '--from', address));
    assert.equal(refused.code, code);
    assert.match(refused.message, message);
    assert.match(refused.remedy, /\S/);
    const { staged, upgrade } = await ben.status();
    assert.deepEqual([staged, upgrade?.state, upgrade?.error?.code], [null, 'failed', code]);
  }
  assert.equal(blobs(ben), before);
  // A laptop that trusts nobody says where to write whom it trusts.
  const carla = laptop('carla', { PASS_IT_ON_ALLOWED_SIGNERS: ring.write('empty', '') });
  const nobody = await failure(carla.upgrade('3', '--from', address));
  assert.equal(nobody.code, 'untrusted');
  assert.match(nobody.remedy, /Write the keys.*empty/);
});

test('unsigned images: taken where the setting allows it, with a warning; a stranger’s never', async t => {
  const { ring, laptop, tree, folder } = school(t);
  const settings = join(folder, 'settings.json');
  const ana = laptop('ana');
  const ben = laptop('ben', { PASS_IT_ON_SETTINGS: settings, PASS_IT_ON_ALLOW_UNSIGNED: '' });
  await publish(ana, tree('2'), '2');
  await publish(ana, tree('3'), '3', '--sign-with', ring.make('stranger').file);
  const address = await serve(ana);
  // The service runs all the time: files that change are read again.
  await serve(ben);
  assert.deepEqual((await ben.status()).warnings, []);
  assert.equal((await failure(ben.upgrade('2', '--from', address))).code, 'unsigned');
  writeFileSync(settings, '{ "allow-unsigned": "yes" }');
  assert.match(
    (await ben.status()).warnings.join(),
    /setting allow-unsigned in .*settings\.json does not count: it is neither true nor false/,
  );
  assert.equal((await failure(ben.upgrade('2', '--from', address))).code, 'unsigned');
  // A mistake in one setting leaves the others as they are.
  writeFileSync(settings, '{ "effort": "much", "sources": "x", "allow-unsigned": true, "something": "newer" }');
  const told = (await ben.status()).warnings.join('\n');
  for (const key of ['effort', 'sources']) assert.match(told, new RegExp(`The setting ${key} in .* does not count`));
  assert.doesNotMatch(told, /setting (allow-unsigned|something)/);
  assert.match((await ben.status()).warnings.join(), /takes images that nobody has signed/);
  assert.equal((await failure(ben.upgrade('3', '--from', address))).code, 'untrusted');
  const plan = (await ben.run<Plan>('compare', '2', '--from', address))[0]!;
  assert.deepEqual([plan.trustProblem, plan.signedBy], [null, null]);
  assert.match(plan.warnings.join(), /Nobody has signed/);
  const { warnings, signedBy } = await ben.upgrade('2', '--from', address);
  assert.deepEqual([warnings, signedBy], [plan.warnings, null]);
  assert.equal((await ben.activate()).current?.signedBy, null);
});

test('the file of trusted keys: named by the settings, changed while the service runs, brought by an image', async t => {
  const { ring, key, laptop, tree, folder } = school(t);
  const settings = join(folder, 'settings.json');
  const [ana, ben] = [laptop('ana'), laptop('ben', { PASS_IT_ON_SETTINGS: settings, PASS_IT_ON_ALLOWED_SIGNERS: '' })];
  const next = ring.make('next');
  // Version 2 is signed with the old key and brings the new one; version 3 is signed with the new key alone.
  const second = tree('2');
  mkdirSync(join(second, 'etc/pass-it-on'));
  writeFileSync(join(second, 'etc/pass-it-on/allowed_signers'), `new ${next.text}\n`);
  await publish(ana, second, '2', '--sign-with', key.file);
  await publish(ana, tree('3'), '3', '--sign-with', next.file);
  const address = await serve(ana);
  const trusted = join(folder, 'trusted');
  writeFileSync(settings, '{ "allowed-signers": "trusted" }');
  await serve(ben);
  assert.match((await ben.status()).warnings.join(), /trusted keys in .*trusted cannot be read: it is not there/);
  assert.equal((await failure(ben.upgrade('2', '--from', address))).code, 'untrusted');
  writeFileSync(trusted, `who knows\n${trustIn(key)}`);
  assert.match((await ben.status()).warnings.join(), /^Line 1 of .*trusted trusts nobody: /);
  assert.equal((await failure(ben.upgrade('3', '--from', address))).code, 'untrusted');
  await ben.upgrade('2', '--from', address);
  assert.equal((await ben.activate()).current?.signedBy, SCHOOL);

  if (existsSync('/etc/pass-it-on/allowed_signers')) throw new Error('this machine has a file of trusted keys');
  writeFileSync(settings, '{}');
  assert.equal((await ben.upgrade('3', '--from', address)).signedBy, 'new');
  const { images } = await ben.status();
  assert.deepEqual(
    images.map(({ version, signedBy }) => [version, signedBy]),
    [
      ['3', 'new'],
      ['2', null],
    ],
  );
});

test('trust that ends while an upgrade is under way ends the upgrade', async t => {
  const { key, laptop, tree, trustFile } = school(t);
  const [ana, ben] = [laptop('ana'), laptop('ben')];
  const second = tree('2');
  writeFileSync(join(second, 'large'), randomBytes(1_500_000));
  await flash(ana, second, '2', key);
  await flash(ben, tree('1'), '1', key);
  const before = blobs(ben);
  await ana.serve('--interface', 'lo', '--port', '0', '--rate', '250000');
  const address = `127.0.0.1:${(await ana.status()).port}`;
  await serve(ben);
  const running = failure(ben.upgrade('2', '--from', address));
  for (;;) {
    const { upgrade } = await ben.status();
    assert.ok(upgrade === null || upgrade.state === 'running', 'it ended before anybody looked');
    if (upgrade?.progress.step === 'fetch') break;
  }
  writeFileSync(trustFile, '');
  assert.equal((await running).code, 'untrusted');
  assert.equal((await ben.status()).staged, null);
  assert.equal((await ben.status()).images.length, 1);
  assert.deepEqual([readdirSync(join(ben.store, 'partial')), blobs(ben)], [[], before], 'nothing of it stays');
});

test('nothing stays of an image that is refused', async t => {
  const { ring, key, laptop, tree } = school(t);
  const [ana, ben] = [laptop('ana'), laptop('ben')];
  const strange = await publish(ana, tree('2'), '2', '--sign-with', ring.make('stranger').file);
  await flash(ben, tree('1'), '1', key);
  const from = ['--from', await serve(ana)];
  const partial = join(ben.store, 'partial');
  const plan = (await ben.run<Plan>('compare', '2', ...from))[0]!;
  assert.equal(plan.trustProblem?.code, 'untrusted');
  assert.deepEqual(readdirSync(partial), []);
  assert.equal((await failure(ben.upgrade('2', ...from))).code, 'untrusted');
  assert.deepEqual(readdirSync(partial), []);
  // What is not refused stays for the upgrade that follows.
  const fine = await publish(ana, tree('3'), '3', '--sign-with', key.file);
  await ben.run('compare', '3', ...from);
  assert.deepEqual(readdirSync(partial), [fine.image.commit]);
  // What is held already needs nothing at all.
  await ben.run('compare', '1');
  assert.deepEqual(readdirSync(partial), [fine.image.commit]);
  assert.notEqual(strange.image.commit, fine.image.commit);
});
