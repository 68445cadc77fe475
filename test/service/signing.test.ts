/** Publishing signed images with real keys and the real ssh-agent; git judges what came of it. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseCommit } from '../../src/core/commit';
import type { PublishResult } from '../../src/service/contract';
import { CommandFailed } from '../lan/laptop';
import { type Failure, failure, NAME, publish, SCHOOL, school, serve, trustIn } from './school';

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
