/** Every input of test/corpus, as it is and with small changes: accepted as one meaning, or refused by name. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeAttributes, parseAttributes } from '../../src/core/attributes';
import { encodeCommit, parseCommit } from '../../src/core/commit';
import { PassItOnError } from '../../src/core/errors';
import { parseLooseObject } from '../../src/core/object';
import { encodePack, parsePack } from '../../src/core/pack';
import { encodeTree, parseTree } from '../../src/core/tree';
import { withCode } from './assert-error';

const CORPUS = 'test/corpus';
const MAX_PACKED = 1 << 20;

/** Reads an input, and writes what it understood; null where more than one spelling is allowed. */
const READERS: Record<string, (data: Buffer) => Buffer | null> = {
  tree: data => encodeTree(parseTree(data)),
  attributes: data => encodeAttributes(parseAttributes(data)),
  commit: data => {
    const { signature: _, ...commit } = parseCommit(data);
    // What was understood can be written, and is understood the same.
    assert.deepEqual(parseCommit(encodeCommit(commit)), { ...commit, signature: null });
    return null;
  },
  loose: data => {
    parseLooseObject(data);
    return null;
  },
  pack: data => {
    encodePack(parsePack(data, MAX_PACKED));
    return null;
  },
};

interface Input {
  name: string;
  kind: string;
  expect: string;
  data: Buffer;
}

function readInput(kind: string, name: string): Input {
  const file = readFileSync(join(CORPUS, kind, name));
  const end = file.indexOf('\n\n');
  const [first = ''] = file.toString('utf8', 0, end).split('\n');
  const body = file.subarray(end + 2);
  const data = name.endsWith('.hex') ? Buffer.from(body.toString().replace(/\s/g, ''), 'hex') : body;
  return { name: `${kind}/${name}`, kind, expect: first.replace(/^expect: /, ''), data };
}

const inputs = Object.keys(READERS).flatMap(kind => readdirSync(join(CORPUS, kind)).map(name => readInput(kind, name)));

function read({ kind }: Input, data: Buffer): void {
  const written = READERS[kind]!(data);
  if (written !== null) assert.ok(written.equals(data), 'it is written as it was read');
}

for (const input of inputs) {
  test(`${input.name} is ${input.expect === 'ok' ? 'taken' : 'refused'}`, () => {
    if (input.expect === 'ok') return read(input, input.data);
    assert.throws(() => read(input, input.data), withCode('bad-data', new RegExp(input.expect, 's')));
  });
}

/** Some bytes replaced, removed or put in. */
const changes = fc.array(fc.record({ at: fc.nat(), remove: fc.nat(3), insert: fc.uint8Array({ maxLength: 4 }) }), {
  minLength: 1,
  maxLength: 4,
});

test('whatever small change is made, an input has one meaning or is refused', () => {
  const small = inputs.filter(({ data }) => data.length < 20_000);
  fc.assert(
    fc.property(fc.constantFrom(...small), changes, (input, edits) => {
      let data = input.data;
      for (const { at, remove, insert } of edits) {
        const place = data.length === 0 ? 0 : at % data.length;
        data = Buffer.concat([data.subarray(0, place), insert, data.subarray(place + remove)]);
      }
      try {
        read(input, data);
      } catch (error) {
        const refused = error instanceof PassItOnError && error.code === 'bad-data';
        // Worth a file of its own in test/corpus.
        if (!refused) throw new Error(`${input.name}, changed to ${data.toString('hex')}`, { cause: error });
      }
    }),
    { numRuns: 5000 },
  );
});
