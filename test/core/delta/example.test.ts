import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { apply, encode } from './files';

const BASE = 'One laptop per child\x00\x10\x00\x00, one image for each laptop\x00\x20\x00\x00, always.';
const TARGET = 'One laptop per child\x10\x10\x00\x00, and one image for each laptop\xf0\x1f\x00\x00, always!';

/** The bytes that docs/formats.md shows behind this word. */
function documented(what: string): string {
  const line = readFileSync('docs/formats.md', 'utf8').match(new RegExp(`^${what} +((?:[0-9a-f]{2,} ?)+)(?: |$)`, 'm'));
  assert.ok(line, `no ${what}`);
  return line[1]!.replaceAll(' ', '');
}

test('the example of docs/formats.md, byte for byte', async () => {
  const [base, target] = [Buffer.from(BASE, 'latin1'), Buffer.from(TARGET, 'latin1')];
  assert.equal(base.toString('hex'), documented('base'));
  assert.equal(target.toString('hex'), documented('target'));
  const delta = ['form', 'lengths', 'steps', 'gaps', 'words', 'literals'].map(documented).join('');
  assert.equal(encode(base, target).toString('hex'), delta);
  assert.ok((await apply(base, Buffer.from(delta, 'hex'), target.length)).equals(target));
});
