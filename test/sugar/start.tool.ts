/**
 * Run by the Sugar shell (SUGAR_RUN_TEST): installs the bundle given, starts it as its icon does, looks at it through
 * AT-SPI and X, presses Stop, and sees it end. Ends with 0 when all was as it should be; what it saw goes to stdout.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { conclude, eventually, SugarSession, say } from './session';

const [bundle = '', launcher = '', pictures = ''] = process.argv.slice(2);

const run = promisify(execFile);
const sugar = new SugarSession(launcher);

async function main(): Promise<void> {
  say(`installed: ${await sugar.install(bundle)}`);
  const started = performance.now();
  const running = await sugar.open();
  await running.person.button(/^My laptop/);
  await running.person.text('No laptop is near yet.');
  say(`shown after ${Math.round(performance.now() - started)} ms`);
  assert.equal(await sugar.activity(running.id, 'GetDocumentPath'), '');
  // Nothing to answer, but whoever asks must not wait for an answer.
  assert.equal(await sugar.activity(running.id, 'HandleViewSource'), undefined);
  assert.equal(await sugar.activity(running.id, 'InviteContact', 'account', 'contact'), undefined);
  const store = join(sugar.root, 'data', 'store');
  assert.ok(existsSync(store), `the store is ${store}`);
  await sugar.picture(join(pictures, 'start.png'));
  const fullScreen = async () => {
    const { stdout } = await run('sh', ['-c', 'xprop -id "$(xdotool getactivewindow)" _NET_WM_STATE']);
    return stdout.includes('FULLSCREEN');
  };
  assert.equal(await fullScreen(), false);
  await sugar.xdotool('key', 'alt+Return');
  await eventually('the full screen', fullScreen);
  await sugar.xdotool('key', 'alt+Return');
  await eventually('the toolbar again', async () => !(await fullScreen()));
  await sugar.stop(running);
  assert.deepEqual(readdirSync(sugar.root).sort(), ['data', 'instance', 'tmp']);
  assert.deepEqual(readdirSync(join(sugar.root, 'instance')), []);
  assert.ok(!existsSync(join(process.env.HOME ?? '', '.local', 'share', 'pass-it-on')), 'nothing outside');
  const [entries] = (await sugar.datastore('find', 'a{sv}as', {}, ['uid'])) as [unknown[]];
  assert.deepEqual(entries, [], 'opening is nothing for the Journal');
  assert.deepEqual(sugar.complaints(), [], 'nothing to complain about in the log');
  say('closed');
}

conclude(sugar, main());
