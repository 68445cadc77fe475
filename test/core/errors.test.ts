/** Each file of the program has its own copy of the class: what one throws the others must know. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { buildSync } from 'esbuild';
import { PassItOnError, toPassItOnError } from '../../src/core/errors';

test('an error of another program file is the same error, and nothing else is', t => {
  const folder = mkdtempSync(join(tmpdir(), 'errors-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const entry = join(folder, 'entry.ts');
  writeFileSync(entry, `export * from ${JSON.stringify(resolve('src/core/errors.ts'))};`);
  const outfile = join(folder, 'other.js');
  buildSync({ entryPoints: [entry], bundle: true, platform: 'node', format: 'cjs', outfile, logLevel: 'warning' });
  const other = require(outfile) as { PassItOnError: typeof PassItOnError };
  assert.notEqual(other.PassItOnError, PassItOnError);
  const error = new other.PassItOnError('busy', 'Somebody else uses it.', 'Wait.');
  assert.ok(error instanceof PassItOnError);
  assert.equal(toPassItOnError(error), error);
  for (const thrown of [new Error('busy'), { code: 'busy' }, 'busy', null, undefined]) {
    assert.equal(thrown instanceof PassItOnError, false);
    assert.equal(toPassItOnError(thrown).code, 'internal');
  }
});
