/**
 * Run by the Sugar shell (SUGAR_RUN_TEST): installs the bundle given, starts it as its icon does, looks at it through
 * AT-SPI and X, presses Stop, and sees it end. Ends with 0 when all was as it should be; what it saw goes to stdout.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { conclude, SugarSession, say } from './session';

const [bundle = '', launcher = '', pictures = ''] = process.argv.slice(2);

const sugar = new SugarSession(launcher);

async function main(): Promise<void> {
  say(`installed: ${await sugar.install(bundle)}`);
  const started = performance.now();
  const running = await sugar.open();
  await running.person.button(/^My laptop/);
  await running.person.text('No laptop is near yet.');
  say(`shown after ${Math.round(performance.now() - started)} ms`);
  assert.equal(await sugar.activity(running.id, 'GetDocumentPath'), '');
  const store = join(sugar.root, 'data', 'store');
  assert.ok(existsSync(store), `the store is ${store}`);
  await sugar.picture(join(pictures, 'start.png'));
  await sugar.stop(running);
  const [entries] = (await sugar.datastore('find', 'a{sv}as', {}, ['uid'])) as [unknown[]];
  assert.deepEqual(entries, [], 'opening is nothing for the Journal');
  assert.deepEqual(sugar.complaints(), [], 'nothing to complain about in the log');
  say('closed');
}

conclude(sugar, main());
