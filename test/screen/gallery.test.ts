/** Every state of the screen is drawn by real GTK at the sizes that children have; the pictures are kept to be looked at. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { Desktop } from './desktop';
import { STATES } from './states';

const run = promisify(execFile);
const PICTURES = 'build/screenshots/gallery';
/** What scaling changes: bars, buttons, alerts, crowds. */
const SCALED = [
  'choose',
  'fetching',
  'ready',
  'confirm-older',
  'failed',
  'arrived',
  'nobody',
  'one',
  'forty',
  'table:choose',
];

/** Width and height from the header of a PNG (RFC 2083, section 11.2.1). */
function size(file: string): string {
  const header = readFileSync(file).subarray(16, 24);
  return `${header.readUInt32BE(0)}x${header.readUInt32BE(4)}`;
}

function inPieces<T>(all: readonly T[], length: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / length) }, (_, i) => all.slice(i * length, (i + 1) * length));
}

describe('every state of the screen', () => {
  let folder: string;
  let desktop: Desktop;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pass-it-on-gallery-'));
    desktop = await Desktop.start(folder);
  });

  after(async () => {
    await desktop?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Draws in a process of its own; anything on stderr is a callback that threw or GTK complaining. */
  async function draw(dir: string, sizes: string, more: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<string[]> {
    const tool = join(__dirname, 'gallery.tool.js');
    const args = ['--enable-source-maps', tool, dir, sizes, ...more];
    const whole = { ...desktop.env, NO_AT_BRIDGE: '1', G_DEBUG: 'fatal-criticals', ...env };
    const { stdout, stderr } = await run(process.execPath, args, { env: whole, timeout: 180_000 });
    assert.equal(stderr, '');
    return stdout.trim().split('\n');
  }

  for (const wanted of ['1200x900', '1024x768', '800x480']) {
    it(`draws all of them at ${wanted} without a complaint, and the window stays as large as the screen`, async () => {
      const files = await draw(PICTURES, wanted);
      assert.equal(files.length, Object.keys(STATES).length);
      for (const file of files) assert.equal(size(file), wanted, file);
    });
  }

  for (const scaling of ['72', '100']) {
    it(`fits all sizes at Sugar's scaling ${scaling}`, async () => {
      for (const wanted of ['1200x900', '1024x768', '800x480']) {
        const env = { SUGAR_SCALING: scaling };
        const files = await draw(`${PICTURES}/scaling-${scaling}`, wanted, [SCALED.join()], env);
        assert.equal(files.length, SCALED.length);
        for (const file of files) assert.equal(size(file), wanted, file);
      }
    });
  }

  it('is kept as the screen of an XO shows it in the sun: without colours', async () => {
    const dir = `${PICTURES}/monochrome`;
    mkdirSync(dir, { recursive: true });
    const pictures = readdirSync(PICTURES).filter(name => /-(1200x900|800x480)\.png$/.test(name));
    assert.ok(pictures.length >= Object.keys(STATES).length);
    for (const some of inPieces(pictures, 16)) {
      const files = some.map(name => join(PICTURES, name));
      await run('mogrify', ['-path', dir, '-colorspace', 'Gray', ...files]);
    }
  });

  for (const language of ['es', 'ar']) {
    for (const wanted of ['1200x900', '800x480']) {
      it(`fits its texts in ${language} at ${wanted}, where that is right to left mirrored`, async () => {
        const names = 'choose,fetching,ready,odd,confirm-older,nobody,kept,failed,stopped,table:odd,table:problem';
        const env = { LANGUAGE: language, SUGAR_LOCALEDIR: 'dist/locale' };
        const files = await draw(`${PICTURES}/${language}`, wanted, [names], env);
        assert.equal(files.length, names.split(',').length);
        for (const file of files) assert.equal(size(file), wanted, file);
      });
    }
  }

  it('has a table for volunteers that fits, too', async () => {
    for (const wanted of ['1200x900', '800x480']) {
      for (const file of await draw(`${PICTURES}/table`, wanted, ['table:choose,table:forty,table:nobody'])) {
        assert.equal(size(file), wanted, file);
      }
    }
  });

  it('shows laptops in the colours of their owners', async () => {
    const { stdout } = await run('convert', [`${PICTURES}/choose-1200x900.png`, '-unique-colors', 'txt:-']);
    for (const color of ['#A700FF', '#FF2B34', '#E6000A', '#FFC169', '#005FE4'])
      assert.ok(stdout.includes(color), color);
  });
});
