/**
 * Run by the Sugar shell (SUGAR_RUN_TEST): a child upgrades from tap to Ready and goes back, by pointer and AT-SPI; the
 * Journal, the Frame and the shell see of it what they should. `journey.tool.js BUNDLE LAUNCHER PICTURES`.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { Variant } from '@particle/dbus-next';
import { makeTree } from '../../src/demo/trees';
import { connectService } from '../../src/service/client';
import type { Accessibility } from '../screen/atspi';
import { BUNDLE_ID, conclude, eventually, SugarSession, say } from './session';

const run = promisify(execFile);
const [bundle = '', launcher = '', pictures = ''] = process.argv.slice(2);
const home = process.env.HOME ?? '';
const sugar = new SugarSession(launcher);

/** Metadata of all entries of the activity, as text where they are text. */
async function entries(): Promise<Record<string, string | Buffer>[]> {
  const query = { activity: new Variant('s', BUNDLE_ID) };
  const [found] = (await sugar.datastore('find', 'a{sv}as', query, [])) as [Record<string, Variant>[]];
  return found.map(entry =>
    Object.fromEntries(
      Object.entries(entry).map(([name, { value }]) => [
        name,
        Buffer.isBuffer(value) && name !== 'preview' ? value.toString('utf8') : (value as string | Buffer),
      ]),
    ),
  );
}

async function entry(): Promise<Record<string, string | Buffer>> {
  const all = await entries();
  assert.equal(all.length, 1, `one entry, not ${all.map(one => one.title).join(', ')}`);
  return all[0] ?? {};
}

/** Waits until the one entry has that title. */
async function titled(title: string): Promise<void> {
  await eventually(`an entry "${title}"`, async () => (await entries()).some(one => one.title === title));
}

async function flash(program: string, store: string, version: string): Promise<void> {
  const tree = join(home, 'tree');
  makeTree(tree, version);
  const words = ['--name', 'olpc-xo', '--version', version, '--root-owned', '--store', store];
  await run(process.execPath, [program, 'publish', tree, ...words]);
  await run(process.execPath, [program, 'use', version, '--store', store]);
  rmSync(tree, { recursive: true });
}

/** Another laptop, on the same network: its own store and process. */
async function classmate(program: string, nick: string, version: string, rate: number): Promise<ChildProcess> {
  const store = join(home, nick);
  await flash(program, store, version);
  const who = ['--nick', nick, '--colors', '#AC32FF,#FF2B34', '--port', '0', '--rate', String(rate)];
  const service = spawn(process.execPath, [program, 'serve', '--store', store, ...who], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(createInterface({ input: service.stdout }), 'line');
  return service;
}

async function tap(person: Accessibility, name: string | RegExp): Promise<void> {
  await sugar.click(await person.button(name));
}

async function main(): Promise<void> {
  const path = await sugar.install(bundle);
  const program = join(path, 'dist', 'pass-it-on');
  const store = join(sugar.root, 'data', 'store');
  mkdirSync(join(sugar.root, 'data'), { recursive: true });
  await flash(program, store, '406');
  // So slow that there is time to look at something else meanwhile.
  const ana = await classmate(program, 'Ana', '410', 300_000);

  const first = await sugar.open();
  const { person, id } = first;
  await tap(person, 'Ana has 410');
  await tap(person, 'Upgrade to 410');
  await person.text(/^Getting 410 from Ana/);
  await sugar.picture(join(pictures, 'fetching.png'));
  say('fetching');

  // The child reads its Journal meanwhile, and is told when it is ready.
  await sugar.xdotool('key', 'F5');
  const service = await connectService(store);
  await eventually('the upgrade ends', async () => (await service.call('status', null)).staged !== null);
  await titled('410 is ready');
  const noticed = /Received notification: \[.*410 is ready/;
  await eventually('a notice in the Frame', () => noticed.test(sugar.shellLog));
  await sugar.xdotool('key', 'F6');
  await new Promise(resolve => setTimeout(resolve, 1500));
  await sugar.picture(join(pictures, 'notice.png'));
  await sugar.xdotool('key', 'F6');
  await sugar.shell('ActivateActivity', id);
  await person.text('410 is ready on your laptop!');
  const hasPreview = async () => (await entry()).preview?.length !== 0;
  await eventually('a preview, when the window is seen again', hasPreview);
  const ready = await entry();
  assert.equal(ready.activity_id, id);
  assert.equal(ready.mime_type, 'application/x-pass-it-on');
  assert.equal(ready['icon-color'], '#005FE4,#00A0FF');
  assert.equal(ready.title_set_by_user, '0');
  assert.match(String(ready.description), /410 is ready, before: 406\. Ana helped\. .* came over the network\./);
  assert.deepEqual(JSON.parse(String(ready.buddies)), { '0': ['Ana', '#AC32FF,#FF2B34'] });
  assert.ok(Buffer.isBuffer(ready.preview));
  writeFileSync(join(pictures, 'preview.png'), ready.preview);
  const { stdout: size } = await run('identify', ['-format', '%m %w', join(pictures, 'preview.png')]);
  assert.match(size, /^PNG (300|[12]\d\d)$/);
  say('ready, noticed and written down');

  await tap(person, 'Restart to use 410');
  await person.button('My laptop has 410');
  await titled('From 406 to 410');
  await sugar.picture(join(pictures, 'arrived.png'));
  await tap(person, 'Good');
  await person.gone('push button', 'Good');
  await eventually('the news are read', async () => (await service.call('status', null)).arrived === null);
  await tap(person, '406 is kept on my laptop');
  await tap(person, 'Go back to 406');
  await person.text('Go back to 406?');
  await sugar.xdotool('key', 'Return');
  await person.button('My laptop has 406');
  await titled('Back to 406');
  // Read, so that nothing stands before what the Journal tells later.
  await tap(person, 'Good');
  await person.gone('push button', 'Good');
  say('gone back');

  await theTable(person);
  say('table saved and copied');

  // A title of the child's own stays.
  await sugar.click(await person.find('text', 'Title'));
  await sugar.xdotool('key', 'ctrl+a');
  await sugar.xdotool('type', 'My first upgrade');
  await sugar.xdotool('key', 'Return');
  await titled('My first upgrade');
  assert.equal((await entry()).title_set_by_user, '1');
  const document = String(await sugar.activity(id, 'GetDocumentPath'));
  const diary = JSON.parse(readFileSync(document, 'utf8')) as { deeds: { what: string; to: string }[] };
  const deeds = diary.deeds.map(({ what, to }) => `${what} ${to}`);
  assert.deepEqual(deeds, ['ready 410', 'in-use 410', 'went-back 406']);

  // A second one asks the first to come to the front, and ends.
  await sugar.xdotool('key', 'F5');
  const second = await sugar.launch();
  await eventually('the second one ends', () => sugar.processes(second).length === 0);
  await eventually('the first one is in front', async () => (await frontTitle()) === 'Pass It On');
  assert.equal(sugar.processes(id).length, 1);
  say('single');

  await sugar.stop(first);
  const written = await entry();
  const again = await sugar.open(id, String(written.uid));
  await again.person.text(/^Back to 406 · /);
  await sugar.picture(join(pictures, 'resumed.png'));
  await sugar.stop(again);
  const { uid, description, title } = await entry();
  assert.deepEqual([uid, description, title], [written.uid, written.description, written.title]);
  say('resumed');

  const fresh = await sugar.open();
  await fresh.person.button('My laptop has 406');
  await sugar.stop(fresh);
  await entry();
  assert.equal(
    sugar.shellLog.split('Received notification').length - 1,
    1,
    'one notice, while another one was in front',
  );
  service.close();
  ana.kill('SIGTERM');
  const said = sugar.complaints().filter(line => !line.startsWith('Pass It On is open already'));
  assert.deepEqual(said, [], 'nothing to complain about in the logs');
  say('closed');
}

/** The table of laptops is saved into the Journal, and copied to where every other program can paste it from. */
async function theTable(person: Accessibility): Promise<void> {
  await tap(person, 'Laptops as a table');
  await person.find('table cell', 'Ana');
  await tap(person, 'Save');
  const said = await person.text(/^Saved: laptops-[\d-]+\.csv, in the Journal$/);
  const title = /laptops-\S+\.csv/.exec(said.name)?.[0] ?? '';
  const query = { mime_type: new Variant('s', 'text/csv') };
  const [found] = (await sugar.datastore('find', 'a{sv}as', query, [])) as [Record<string, Variant>[]];
  assert.equal(found.length, 1, 'spreadsheets in the Journal');
  const word = (name: string) => String(found[0]?.[name]?.value ?? '');
  assert.deepEqual([word('title'), word('mime_type')], [title, 'text/csv']);
  const [file] = await sugar.datastore('get_filename', 's', word('uid'));
  const [header = '', ...rows] = readFileSync(String(file), 'utf8').split('\r\n');
  assert.match(header, /^nick,image,version,commit,/);
  assert.ok(rows.some(row => row.startsWith('Ana,olpc-xo,410,')));
  await sugar.picture(join(pictures, 'table.png'));

  await tap(person, 'Copy');
  await person.text('The whole table is copied.');
  // Another program, as an X client of its own.
  const { stdout: copied } = await run('xclip', ['-selection', 'clipboard', '-out'], { timeout: 30_000 });
  assert.match(copied, /^Ana\tolpc-xo\t410\t/m);
  await tap(person, 'Laptops as pictures');
  await sugar.xdotool('key', 'F5');
  await new Promise(resolve => setTimeout(resolve, 1500));
  await sugar.picture(join(pictures, 'journal.png'));
  await sugar.xdotool('key', 'alt+Tab');
}

async function frontTitle(): Promise<string> {
  const { stdout } = await run('xdotool', ['getactivewindow', 'getwindowname']).catch(() => ({ stdout: '' }));
  return stdout.trim();
}

conclude(sugar, main());
