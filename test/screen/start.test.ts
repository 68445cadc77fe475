/** Where the screen cannot be shown it says so in one line, and ends. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { tempFolder } from '../support/temp';

it('says plainly that there is no display', () => {
  const env = { PATH: process.env.PATH };
  const { status, stderr } = spawnSync(process.execPath, ['dist/screen.js'], { env, encoding: 'utf8' });
  assert.equal(status, 1);
  assert.equal(stderr, 'unsupported: There is no display for the screen. Start it inside a desktop session.\n');
});

it('says plainly that GTK is not installed', t => {
  const folder = tempFolder(t);
  // Alone, without node_modules beside it.
  copyFileSync('dist/screen.js', join(folder, 'screen.js'));
  const env = { PATH: process.env.PATH };
  const { status, stderr } = spawnSync(process.execPath, [join(folder, 'screen.js')], { env, encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /^unsupported: The screen needs GTK 3 and node-gtk, which are not here\. .*\n$/);
});
