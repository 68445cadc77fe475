/** A screen that stays open all day in a classroom: laptops come and go, and its memory stays what it was. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { Desktop } from './desktop';

/** Half of them fill the caches. Making forty buttons anew in each round would leak 19 MB in the other half. */
const ROUNDS = 160;
const ALLOWED_MB = 8;

it('does not grow while laptops come and go', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'pass-it-on-soak-'));
  const desktop = await Desktop.start(folder);
  t.after(async () => {
    await desktop.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const args = ['--expose-gc', join(__dirname, 'soak.tool.js'), String(ROUNDS)];
  const env = { ...desktop.env, NO_AT_BRIDGE: '1', G_DEBUG: 'fatal-criticals' };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env, timeout: 400_000 });
  assert.equal(stderr, '');
  const megabytes = stdout.trim().split('\n').map(Number);
  const half = megabytes[megabytes.length / 2 - 1] ?? 0;
  const end = megabytes.at(-1) ?? 0;
  t.diagnostic(`memory in MB: ${megabytes.join(' ')}`);
  assert.ok(half > 0 && end - half <= ALLOWED_MB, `memory in MB: ${megabytes.join(' ')}`);
});
