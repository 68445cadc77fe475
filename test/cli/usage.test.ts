import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { tempFolder } from '../support/temp';

function run(...args: string[]) {
  return spawnSync(resolve('dist/pass-it-on'), args, { encoding: 'utf8' });
}

test('wrong usage ends with 2, a sentence and a remedy, before any store is touched', t => {
  const store = join(tempFolder(t), 'store');
  const wrong = [
    ['fly'],
    ['publish', '--store', store],
    ['publish', '/tmp', '--version', '1', '--store', store],
    ['use', '--store', store],
    ['use', '1', '2', '--store', store],
    ['serve', '--port', 'many', '--store', store],
    ['serve', '--colors', 'red,blue', '--store', store],
    ['upgrade', '1', '--fast', '--store', store],
    ['neighbours', '--wait', '-1', '--store', store],
    ['remove', '--store', store],
    ['gc', 'now', '--store', store],
    ['export', '--store', store],
    ['adopt', '1', '--store', store],
    ['manifest', '1', '2', '--store', store],
  ];
  for (const args of wrong) {
    const { status, stdout, stderr } = run(...args, '--json');
    assert.equal(status, 2, args.join(' '));
    assert.equal(stdout, '');
    const error = JSON.parse(stderr) as Record<string, string>;
    assert.equal(error.code, 'usage');
    assert.ok(error.message && error.remedy);
  }
  assert.equal(existsSync(store), false);
});

test('help is there, and no command at all is wrong usage', () => {
  for (const args of [['--help'], ['help'], ['-h']]) {
    const { status, stdout } = run(...args);
    assert.equal(status, 0);
    assert.match(stdout, /pass-it-on COMMAND --help/);
  }
  assert.equal(run().status, 2);
  // Who asks for help may have the rest wrong.
  const help = run('upgrade', '--fast', '--help');
  assert.equal(help.status, 0);
  assert.match(help.stdout, /^pass-it-on upgrade VERSION /);
  assert.match(help.stdout, /--effort auto\|bytes\|speed/);
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  assert.equal(run('--version').stdout, `Pass It On ${version}\n`);
});

test('what was mistyped is named, with what was probably meant', () => {
  const { stderr: command } = run('upgarde', '407');
  assert.match(command, /There is no command "upgarde"\. Did you mean upgrade\?/);
  const { stderr: option } = run('upgrade', '407', '--form', 'x');
  assert.match(option, /There is no option --form here\. Did you mean --from\?\n/);
  assert.match(run('--store', '/tmp', 'status').stderr, /The command comes first/);
});

test('a refusal is told once, in plain words, and without the log of a service', t => {
  const folder = tempFolder(t);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const tree = join(folder, 'tree');
  mkdirSync(tree);
  const store = join(folder, 'store');
  const nowhere = join(folder, 'nowhere');
  assert.equal(
    run('publish', nowhere, '--name', 'a', '--version', '1', '--store', store).stderr,
    `Error (not-found): ${nowhere} is not there.\nCheck the name.\n`,
  );
  assert.match(
    run('status', '--store', file).stderr,
    /^Error \(usage\): .* is a file\.\nName a folder as the store\.\n$/,
  );
  assert.match(run('status', '--store', store).stdout, /No image is here yet\./);
  assert.equal(run('publish', tree, '--name', 'a', '--version', '1', '--store', store).status, 0);
  assert.equal(run('use', '1', '--store', store).status, 0);
  assert.equal(
    run('upgrade', '1', '--store', store).stderr,
    'Error (exists): This laptop uses that version already.\nChoose another one.\n',
  );
});

test('a fresh store has nothing, and says so in every command with exit status 1', t => {
  const store = join(tempFolder(t), 'store');
  const empty = run('status', '--json', '--store', store);
  assert.equal(empty.status, 0);
  const status = JSON.parse(empty.stdout) as Record<string, unknown>;
  assert.deepEqual(
    [status.current, status.previous, status.staged, status.images, status.upgrade],
    [null, null, null, [], null],
  );
  const refusals: [string[], string][] = [
    [['use', '1'], 'not-found'],
    [['activate'], 'no-image'],
    [['go-back'], 'no-image'],
    [['verify'], 'no-image'],
    [['verify', '--repair'], 'no-image'],
    [['manifest'], 'no-image'],
    [['export', join(store, 'out')], 'no-image'],
    [['remove', '1'], 'not-found'],
    [['adopt', '1', '--root', join(store, 'nowhere')], 'not-found'],
    [['compare', './nowhere'], 'no-source'],
    [['publish', join(store, 'nowhere'), '--name', 'a', '--version', '1'], 'not-found'],
    [['publish', store, '--name', 'a/b', '--version', '1'], 'bad-name'],
    [['compare', '127.0.0.1:1'], 'source-gone'],
    [['compare', '99'], 'no-source'],
  ];
  for (const [args, code] of refusals) {
    const { status, stderr, stdout } = run(...args, '--store', store, '--json');
    assert.equal(status, 1, args.join(' '));
    assert.equal(stdout, '', args.join(' '));
    assert.equal((JSON.parse(stderr.trim().split('\n').at(-1)!) as { code: string }).code, code, args.join(' '));
  }
});
