/** Whom a laptop believes: signed images between real services on the loopback interface, by the command line. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parseCommit } from '../../src/core/commit';
import type { Plan, PublishResult, Status } from '../../src/service/contract';
import { type Key, KeyRing } from '../core/ssh';
import { CommandFailed, Laptop } from '../lan/laptop';
import { tempFolder } from '../support/temp';

const NAME = 'trust-os';
const SCHOOL = 'Colegio Roble';

/** A folder, the keys of a school and of a stranger, and laptops that trust the school alone. */
function school(t: TestContext) {
  const folder = tempFolder(t);
  const ring = new KeyRing();
  const laptops: Laptop[] = [];
  t.after(async () => {
    await Promise.all(laptops.map(laptop => laptop.stop()));
    ring.remove();
  });
  const key = ring.make('school');
  const trustFile = ring.write('allowed_signers', trustIn(key));
  const laptop = (nick: string, more: Record<string, string> = {}) => {
    const strict = { PASS_IT_ON_ALLOWED_SIGNERS: trustFile, PASS_IT_ON_ALLOW_UNSIGNED: '0', SSH_AUTH_SOCK: '' };
    const one = new Laptop(nick, [], join(folder, nick), { ...strict, ...more });
    laptops.push(one);
    return one;
  };
  /** A small tree; each version has a file of its own. */
  const tree = (version: string) => {
    const dir = join(folder, `tree-${version}`);
    mkdirSync(join(dir, 'etc'), { recursive: true });
    writeFileSync(join(dir, 'etc/os-release'), `VERSION=${version}\n`);
    writeFileSync(join(dir, 'same'), 'the same in all\n');
    return dir;
  };
  return { folder, ring, key, trustFile, laptop, tree };
}

function trustIn(key: Key, options = ''): string {
  return `"${SCHOOL}" ${options} ${key.text}\n`;
}

async function publish(laptop: Laptop, tree: string, version: string, ...more: string[]): Promise<PublishResult> {
  const [result] = await laptop.run<PublishResult>('publish', tree, '--name', NAME, '--version', version, ...more);
  return result!;
}

/** Publishes it signed and puts it to use: a laptop as it comes from the school. */
async function flash(laptop: Laptop, tree: string, version: string, key: Key, ...more: string[]): Promise<string> {
  const { image } = await publish(laptop, tree, version, '--sign-with', key.file, ...more);
  await laptop.run('use', image.commit);
  return image.commit;
}

async function serve(laptop: Laptop): Promise<string> {
  await laptop.serve('--interface', 'lo', '--port', '0');
  return `127.0.0.1:${(await laptop.status()).port}`;
}

interface Failure {
  code: string;
  message: string;
  remedy: string;
}

async function failure(running: Promise<unknown>): Promise<Failure> {
  const error = await running.then(
    () => assert.fail('it should have failed'),
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof CommandFailed, String(error));
  assert.equal(error.status, 1);
  return JSON.parse(error.stderr.trim().split('\n').at(-1)!) as Failure;
}

async function goBack(laptop: Laptop): Promise<Status> {
  const [status] = await laptop.run<Status>('go-back');
  return status!;
}

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

test('one version with two contents is neither newer nor older but different, and that is said', async t => {
  const { key, laptop, tree, trustFile } = school(t);
  const [ana, ben] = [laptop('ana'), laptop('ben')];
  const theirs = await flash(ana, tree('1'), '2', key);
  const mine = await flash(ben, tree('2'), '2', key);
  const address = await serve(ana);
  const plan = await ben.compare(address);
  assert.deepEqual([plan.from?.commit, plan.to.commit, plan.relation], [mine, theirs, 'different']);
  const env = { ...process.env, PASS_IT_ON_ALLOWED_SIGNERS: trustFile };
  const compare = ['compare', address, '--store', ben.store];
  const { stdout } = spawnSync('dist/pass-it-on', compare, { env, encoding: 'utf8' });
  assert.match(stdout, /^From trust-os 2 to trust-os 2 \(the same version, but not the same inside\):$/m);
  await ben.upgrade(theirs, '--from', address);
  await ben.activate();
  // Now both are here, and the bare version names neither.
  assert.equal((await failure(ben.run('use', '2'))).code, 'ambiguous');
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

test('trust that ends while an upgrade is under way ends the upgrade', async t => {
  const { key, laptop, tree, trustFile } = school(t);
  const [ana, ben] = [laptop('ana'), laptop('ben')];
  const second = tree('2');
  writeFileSync(join(second, 'large'), randomBytes(1_500_000));
  await flash(ana, second, '2', key);
  await flash(ben, tree('1'), '1', key);
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
});

test('a neighbour that announces one version and gives another is refused', async t => {
  const { key, laptop, tree } = school(t);
  const [ana, ben] = [laptop('ana'), laptop('ben')];
  const commit = await flash(ana, tree('1'), '1', key);
  await flash(ben, tree('2'), '2', key);
  const real = await serve(ana);
  // Between the two stands a liar who changes what GET /images says, and nothing else.
  const liar = await lyingProxy(t, real, text => text.replaceAll('"version":"1"', '"version":"9"'));
  const [plan] = await ben.run<Plan>('compare', liar);
  assert.deepEqual([plan?.to.version, plan?.relation, plan?.trustProblem?.code], ['1', 'older', 'source-lied']);
  const refused = await failure(ben.upgrade('9', '--from', liar));
  assert.equal(refused.code, 'source-lied');
  assert.match(refused.message, /announced as trust-os 9 is trust-os 1/);
  assert.equal((await ben.upgrade(commit, '--from', real)).version, '1');
});

test('who claims a version for another commit does not stand in the way of the trusted one', async t => {
  const { ring, key, laptop, tree } = school(t);
  const [ana, ben, eve] = [laptop('ana'), laptop('ben'), laptop('eve')];
  const good = await flash(ana, tree('2'), '2', key);
  await flash(ben, tree('1'), '1', key);
  // One gives an image of her own that goes by the same name and version; another names a commit that nobody has.
  const forged = tree('forged');
  const strange = await publish(eve, forged, '2', '--sign-with', ring.make('stranger').file);
  await eve.run('use', strange.image.commit);
  const honest = await serve(ana);
  const bogus = await lyingProxy(t, honest, text => text.replaceAll(good, 'f'.repeat(40)));
  const everybody = [await serve(eve), bogus, honest].flatMap(address => ['--from', address]);
  const plan = (await ben.run<Plan>('compare', '2', ...everybody))[0]!;
  assert.deepEqual([plan.to.commit, plan.signedBy, plan.trustProblem], [good, SCHOOL, null]);
  assert.equal((await ben.upgrade('2', ...everybody)).commit, good);

  // Of two that are both trusted a person must choose, by their commits.
  const cleo = laptop('cleo');
  const other = await publish(cleo, forged, '2', '--sign-with', key.file);
  const two = ['--from', honest, '--from', await serve(cleo)];
  const dan = laptop('dan');
  const ambiguous = await failure(dan.upgrade('2', ...two));
  assert.equal(ambiguous.code, 'ambiguous');
  for (const commit of [good, other.image.commit]) assert.match(ambiguous.message, new RegExp(commit.slice(0, 7)));
  assert.match(ambiguous.remedy, /by its commit/);
  assert.equal((await dan.upgrade(other.image.commit, ...two)).commit, other.image.commit);
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

async function lyingProxy(t: TestContext, target: string, lie: (text: string) => string): Promise<string> {
  const { createServer } = await import('node:http');
  const server = createServer(async (request, response) => {
    const answer = await fetch(`http://${target}${request.url}`);
    const body = Buffer.from(await answer.arrayBuffer());
    const images = request.url === '/images';
    // fetch has taken the compression away.
    response.writeHead(answer.status, { 'Content-Type': answer.headers.get('content-type') ?? '' });
    response.end(images ? lie(body.toString()) : body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

test('a clone of a laptop: git verify-commit says what we say', async t => {
  const { ring, key, laptop, tree, folder, trustFile } = school(t);
  const ana = laptop('ana');
  const signed = await publish(ana, tree('2'), '2', '--sign-with', key.file, '--minimum-version', '1');
  const strange = await publish(ana, tree('3'), '3', '--sign-with', ring.make('stranger').file);
  const unsigned = await publish(ana, tree('1'), '1');
  await ana.run('use', '2');
  const address = await serve(ana);
  const clone = join(folder, 'clone');
  const git = (...args: string[]) => spawnSync('git', args, { encoding: 'utf8' });
  assert.equal(git('clone', '-q', '--bare', `http://${address}/`, clone).status, 0);
  const verify = (commit: string) =>
    git('-C', clone, '-c', `gpg.ssh.allowedSignersFile=${trustFile}`, 'verify-commit', commit);
  const good = verify(signed.image.commit);
  assert.equal(good.status, 0, good.stderr);
  assert.match(good.stderr, /^Good "git" signature for Colegio Roble with ED25519 key SHA256:/);
  assert.equal(good.stderr.trim().split(' ').at(-1), signed.signedWith);
  for (const { image } of [strange, unsigned]) assert.notEqual(verify(image.commit).status, 0);
  assert.equal(git('-C', clone, 'fsck', '--strict').status, 0);
  assert.deepEqual([signed.image.signedBy, strange.image.signedBy, unsigned.image.signedBy], [SCHOOL, null, null]);
  assert.deepEqual([typeof strange.signedWith, unsigned.signedWith], ['string', null]);
});

test('the same folder signed twice is the same commit', async t => {
  const { key, laptop, tree } = school(t);
  const commits: string[] = [];
  for (const nick of ['ana', 'ben']) {
    const { image } = await publish(laptop(nick), tree('2'), '2', '--sign-with', key.file, '--time', '1180000000');
    commits.push(image.commit);
  }
  assert.equal(commits[0], commits[1]);
});

test('keys that cannot sign are refused before the import, in plain words', async t => {
  const { ring, key, laptop, tree, folder } = school(t);
  const ana = laptop('ana');
  const readable = join(folder, 'readable');
  copyFileSync(key.file, readable);
  execFileSync('chmod', ['644', readable]);
  const alone = ring.write('alone.pub', `${ring.make('gone').text}\n`);
  const refused: [string, RegExp][] = [
    [join(folder, 'nowhere'), /cannot be read/],
    [ring.write('text', 'no key\n'), /is no OpenSSH key/],
    [ring.make('rsa', 'rsa').file, /is an ssh-rsa key/],
    [ring.make('ecdsa', 'ecdsa').file, /is an ecdsa-sha2-nistp256 key/],
    [ring.make('locked', 'ed25519', 'a secret').file, /protected by a passphrase/],
    [readable, /may be read by others/],
    [alone, /private half .* neither beside it nor in the ssh-agent/],
  ];
  for (const [file, message] of refused) {
    const error = await failure(publish(ana, tree('1'), '1', '--sign-with', file));
    assert.equal(error.code, 'cannot-sign', file);
    assert.match(error.message, message);
    assert.match(error.remedy, /\S/);
  }
  const bare = laptop('bare', { PATH: withOnly(folder, 'node', 'flock', 'sync') });
  const missing = await failure(publish(bare, tree('1'), '1', '--sign-with', key.file));
  assert.deepEqual([missing.code, missing.message], ['cannot-sign', 'ssh-keygen is not installed here.']);
  assert.deepEqual((await ana.status()).images, []);
});

/** A folder for PATH with these programs and no others. */
function withOnly(folder: string, ...programs: string[]): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const program of programs) {
    const found = execFileSync('sh', ['-c', `command -v ${program}`])
      .toString()
      .trim();
    execFileSync('ln', ['-s', found, join(bin, program)]);
  }
  return bin;
}

test('a key in the ssh-agent signs by its public half, also through a service that has no agent', async t => {
  const { ring, laptop, tree, folder } = school(t);
  const locked = ring.make('locked', 'ed25519', 'a secret');
  const socket = join(folder, 'agent');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  t.after(() => agent.kill());
  while (!existsSync(socket)) await new Promise(done => setTimeout(done, 10));
  const askpass = join(folder, 'askpass');
  writeFileSync(askpass, '#!/bin/sh\necho a secret\n', { mode: 0o755 });
  const env = { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' };
  execFileSync('ssh-add', ['-q', locked.file], { env, stdio: 'ignore' });
  rmSync(locked.file);

  const ana = laptop('ana');
  await serve(ana);
  assert.equal((await failure(publish(ana, tree('1'), '1', '--sign-with', `${locked.file}.pub`))).code, 'cannot-sign');
  const args = ['publish', tree('1'), '--name', NAME, '--version', '1', '--sign-with', `${locked.file}.pub`, '--json'];
  const done = spawnSync('dist/pass-it-on', [...args, '--store', ana.store], { env, encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
  const { signedWith } = JSON.parse(done.stdout) as PublishResult;
  const listed = execFileSync('ssh-keygen', ['-l', '-f', `${locked.file}.pub`]).toString();
  assert.equal(signedWith, listed.split(' ')[1]);
});

test('what publish cannot say is refused before the import', async t => {
  const { key, laptop, tree, ring } = school(t);
  const ana = laptop('ana');
  const refused: [string, ...string[]][] = [
    ['bad-name', '--minimum-version', 'a/b'],
    ['usage', '--minimum-version', '2'],
    ['usage', '--journal-format', 'new'],
    ['usage', '--journal-format', '01'],
    ['usage', '--release-notes', 'x'.repeat(70_000)],
    ['usage', '--release-notes', 'bell \x07'],
    ['not-found', '--release-notes', '@/nowhere/at/all'],
  ];
  for (const [code, ...args] of refused) {
    const error = await publish(ana, tree('1'), '1', ...args).then(
      () => assert.fail(`${args[0]} was taken`),
      (cause: unknown) => cause,
    );
    assert.ok(error instanceof CommandFailed);
    assert.equal((JSON.parse(error.stderr.trim().split('\n').at(-1)!) as Failure).code, code, args.join(' '));
  }
  const full = await publish(
    ana,
    tree('1'),
    '1',
    ...['--sign-with', key.file, '--minimum-version', '1', '--journal-format', '0', '--release-notes', 'Notes.'],
  );
  const data = execFileSync('git', ['-C', join(ana.store, 'git'), 'cat-file', 'commit', full.image.commit]);
  const { minimumVersion, journalFormat, releaseNotes, signature } = parseCommit(data);
  assert.deepEqual([minimumVersion, journalFormat, releaseNotes], ['1', '0', 'Notes.']);
  assert.match(signature ?? '', /SSH SIGNATURE/);
  // A release time at which the publisher's own key is not valid is worth a word.
  const old = laptop('old', {
    PASS_IT_ON_ALLOWED_SIGNERS: ring.write('later', trustIn(key, 'valid-after="20200101"')),
  });
  const { warnings } = await publish(old, tree('1'), '1', '--sign-with', key.file, '--time', '1180000000');
  assert.match(warnings.join(), /key of Colegio Roble was not valid yet/);
});
