/**
 * What children see, from real services: with nobody, one, eight and forty laptops near, on the screens and scalings
 * they have, through an upgrade on which everything happens that may. The pictures are kept to be looked at.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { alone } from '../support/alone';
import { Desktop } from './desktop';

const run = promisify(execFile);
const PICTURES = 'build/screenshots/real';
const SIZES = '1200x900,1024x768,800x480';
const STATES = ['idle', 'choose', 'fetching', 'ready', 'later', 'arrived', 'question'];

describe('the screen among real laptops', { timeout: 600_000 }, () => {
  let folder: string;
  let desktop: Desktop;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pass-it-on-portrait-'));
    desktop = await Desktop.start(join(folder, 'desktop'));
    rmSync(PICTURES, { recursive: true, force: true });
  });

  after(async () => {
    await desktop?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Names of the states of which there are pictures, each at each size. */
  async function portray(count: number, dir: string, sizes: string, more: string[] = [], env: NodeJS.ProcessEnv = {}) {
    const tool = join(__dirname, 'portrait.tool.js');
    const class_ = join(folder, `${count}-${basename(dir)}`);
    const args = alone(process.execPath, tool, class_, String(count), dir, sizes, ...more);
    const whole = { ...desktop.env, NO_AT_BRIDGE: '1', G_DEBUG: 'fatal-criticals', ...env };
    const { stdout, stderr } = await run(...args, { env: whole, timeout: 280_000 });
    assert.equal(stderr, '');
    const files = stdout.trim().split('\n');
    for (const file of files) {
      const header = readFileSync(file).subarray(16, 24);
      const size = `${header.readUInt32BE(0)}x${header.readUInt32BE(4)}`;
      assert.ok(file.endsWith(`-${size}.png`), `${file} is ${size}`);
    }
    rmSync(class_, { recursive: true, force: true });
    return [...new Set(files.map(file => basename(file).replace(/^\d+-(.*)-\d+x\d+\.png$/, '$1')))];
  }

  it('nobody is near', async () => {
    assert.deepEqual(await portray(0, PICTURES, SIZES), ['idle']);
  });

  it('one is near', async () => {
    assert.deepEqual(await portray(1, PICTURES, SIZES), STATES);
  });

  it('eight are near: stopped, begun anew, left alone, found again, ready', async () => {
    const [idle, choose, fetching, ...rest] = STATES;
    const all = [idle, choose, fetching, 'stopped', 'waiting', 'found', ...rest];
    assert.deepEqual(await portray(8, PICTURES, SIZES, ['whole']), all);
  });

  it('forty are near', async () => {
    assert.deepEqual(await portray(40, PICTURES, SIZES), STATES);
  });

  for (const scaling of ['72', '100']) {
    it(`at Sugar's scaling ${scaling}`, async () => {
      assert.deepEqual(
        await portray(8, `${PICTURES}/scaling-${scaling}`, SIZES, [], { SUGAR_SCALING: scaling }),
        STATES,
      );
    });
  }

  it('on a screen without colours, too', async () => {
    for (const name of readdirSync(PICTURES).filter(one => /^(8|40)-.*\.png$/.test(one))) {
      const target = join(PICTURES, `monochrome-${name}`);
      await run('convert', [join(PICTURES, name), '-colorspace', 'Gray', target]);
    }
  });
});
