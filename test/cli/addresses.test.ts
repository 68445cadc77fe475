/** Where to ask, as people type it: folders become absolute, for the service that reads them stands elsewhere. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { addresses } from '../../src/cli/args';
import { tempFolder } from '../support/temp';

test('a folder that is there is meant, with or without ./ before it; all else stays as it is', t => {
  const folder = tempFolder(t);
  const before = process.cwd();
  t.after(() => process.chdir(before));
  process.chdir(folder);
  const here = process.cwd();
  mkdirSync('stick/images', { recursive: true });
  writeFileSync('server', 'a file is no folder');
  const asked = (word: string) => addresses({ from: [word] }, 'from')[0];
  assert.equal(asked('stick'), join(here, 'stick'));
  assert.equal(asked('stick/images'), join(here, 'stick/images'));
  assert.equal(asked('./stick'), join(here, 'stick'));
  assert.equal(asked('./nothing'), join(here, 'nothing'));
  for (const word of [
    'server',
    'elsewhere',
    '10.0.0.7',
    '10.0.0.7:20707',
    '[fe80::1%eth0]:20707',
    'http://a.example/i/',
  ]) {
    assert.equal(asked(word), word);
  }
});
