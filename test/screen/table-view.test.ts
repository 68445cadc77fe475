/**
 * A volunteer at the table of laptops, for real: services in network namespaces, the built screen under Xvfb, found
 * through AT-SPI, with a real keyboard.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { makeTree } from '../../src/demo/trees';
import { Laptop } from '../lan/laptop';
import { Lan } from '../lan/namespaces';
import { Accessibility, waitFor } from './atspi';
import { Desktop } from './desktop';

const CELL = 'table cell';

describe('the table for volunteers', () => {
  let folder: string;
  let lan: Lan;
  let desktop: Desktop;
  let laptops: Laptop[];
  let screen: ChildProcess;
  let person: Accessibility;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pass-it-on-table-'));
    lan = await Lan.create(3);
    desktop = await Desktop.start(join(folder, 'desktop'), '800x480');
    laptops = ['Me', 'Ana', 'Fatima'].map((nick, i) => new Laptop(nick, lan.laptops[i]!.inside, join(folder, nick)));
    for (const [i, version] of ['406', '407', '405'].entries()) {
      const tree = join(folder, 'tree');
      makeTree(tree, version);
      await laptops[i]!.flash(tree, 'olpc-xo', version);
      rmSync(tree, { recursive: true });
    }
    await laptops[1]!.serve();
    await laptops[2]!.serve();
    screen = lan.run(0, process.execPath, [resolve('dist/screen.js'), '--store', laptops[0]!.store], {
      env: { ...desktop.env, PASS_IT_ON_ALLOW_UNSIGNED: '1' },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const alive = () => screen.exitCode === null && screen.signalCode === null;
    person = await Accessibility.connect(desktop.busAddress, 'pass-it-on', alive);
  });

  after(async () => {
    screen?.kill();
    person?.close();
    await Promise.all((laptops ?? []).map(laptop => laptop.stop()));
    await lan?.close();
    await desktop?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Nicks in the order in which they stand. */
  async function nicks(...wanted: string[]): Promise<string[]> {
    const cells = await Promise.all(wanted.map(nick => person.find(CELL, nick)));
    const placed = await Promise.all(cells.map(async cell => ({ nick: cell.name, y: (await cell.extents()).y })));
    return placed.sort((a, b) => a.y - b.y).map(({ nick }) => nick);
  }

  it('is one press away, and tells versions, addresses and what there is to fetch', async () => {
    await person.button('Ana has 407');
    await person.button('Fatima has 405');
    await (await person.button('Laptops as a table')).press();
    assert.deepEqual(await nicks('Fatima', 'Ana'), ['Ana', 'Fatima']);
    await person.find(CELL, /MB$/);
    await person.find(CELL, 'Not signed');
    await person.find(CELL, /^\d+\.\d+\.\d+\.\d+:20707$/);
    await person.text('2 of 2 laptops');
    await desktop.picture('table');
  });

  it('is sorted by its headers, by keyboard alone', async () => {
    const [header] = [await person.find('table column header', 'Name')];
    await header.grabFocus();
    await desktop.key('Return');
    await waitFor(async () => ((await nicks('Ana', 'Fatima'))[0] === 'Ana' ? true : null));
    await desktop.key('Return');
    const turned = await waitFor(async () => ((await nicks('Ana', 'Fatima'))[0] === 'Fatima' ? true : null));
    assert.ok(turned);
  });

  it('tells all of one laptop that is chosen, and lets it stay chosen while others come and go', async () => {
    await (await person.find('table', 'Laptops near')).grabFocus();
    await desktop.key('Home', 'space');
    await person.text(/^Fatima has olpc-xo 405\nolder than mine/);
    await laptops[1]!.stop();
    await person.gone(CELL, 'Ana');
    await person.text(/^Fatima has olpc-xo 405\n/);
    await laptops[1]!.serve();
    await person.find(CELL, 'Ana');
    await person.text(/^Fatima has olpc-xo 405\n/);
    await desktop.picture('table-details');
  });

  it('is filtered by typing, and Escape shows all again', async () => {
    await (await person.find('table', 'Laptops near')).grabFocus();
    await desktop.type('ana');
    await person.gone(CELL, 'Fatima');
    await person.find(CELL, 'Ana');
    await desktop.key('Escape');
    await person.find(CELL, 'Fatima');
  });

  it('connects to an address, and says plainly when nobody is there', async () => {
    const field = await person.find('text', 'Address');
    await field.grabFocus();
    await desktop.type('127.0.0.1:9');
    await desktop.key('Return');
    await person.text(/^No laptop with an image answers at 127\.0\.0\.1:9\./);
    await field.grabFocus();
    await desktop.key('ctrl+a');
    await desktop.type('no address');
    await desktop.key('Return');
    await person.text(/^“no address” is not an address\./);
    // A stick with exported images is somebody, too.
    const stick = join(folder, 'stick');
    mkdirSync(stick);
    const args = ['dist/pass-it-on', 'export', stick, '--store', laptops[2]!.store];
    execFileSync(process.execPath, args, { stdio: 'pipe' });
    await field.grabFocus();
    await desktop.key('ctrl+a');
    await desktop.type(stick);
    await desktop.key('Return');
    await person.text(`${stick} has olpc-xo 405.`);
    await person.find(CELL, stick);
  });

  it('is saved as a spreadsheet where people keep their files', async () => {
    await (await person.find('table', 'Laptops near')).grabFocus();
    await desktop.key('ctrl+s');
    const said = await person.text(/^Saved: /);
    const file = said.name.slice('Saved: '.length);
    assert.ok(file.startsWith(join(folder, 'desktop')), file);
    assert.equal(readdirSync(join(folder, 'desktop')).filter(name => name.endsWith('.csv')).length, 1);
    const [head = '', ...rows] = readFileSync(file, 'utf8').trimEnd().split('\r\n');
    assert.equal(rows.length, 3);
    const ana = rows.find(row => row.startsWith('Ana,'))?.split(',') ?? [];
    const value = (name: string) => ana[head.split(',').indexOf(name)];
    assert.equal(value('version'), '407');
    assert.match(value('commit') ?? '', /^[0-9a-f]{40}$/);
    assert.ok(Number(value('bytesToFetch')) > 0);
  });

  it('goes back to the pictures with Escape', async () => {
    await desktop.key('Escape');
    await person.button('Ana has 407');
  });

  it('is told by the command line as well', () => {
    const args = ['dist/pass-it-on', 'neighbours', '--json', '--compare', '--wait', '2', '--store', laptops[0]!.store];
    const told = execFileSync(process.execPath, args, { encoding: 'utf8' });
    const events = told
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>);
    const ana = events.filter(({ nick }) => nick === 'Ana').at(-1);
    assert.equal(ana?.version, '407');
    assert.equal(ana?.signedBy, null);
    assert.ok(Number(ana?.bytesToFetch) > 0);
  });
});
