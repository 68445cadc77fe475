import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import {
  MAX_ALLOWED_SIGNERS_BYTES,
  matchesList,
  parseAllowedSigners,
  permission,
} from '../../src/core/allowed-signers';
import { withCode } from './assert-error';
import { KeyRing } from './ssh';

const ring = new KeyRing();
after(() => ring.remove());
const key = ring.make('key');
const KEY = key.text;

const read = (text: string) => parseAllowedSigners(Buffer.from(text, 'latin1'));

/** The one line, read; fails when it was left out. */
function one(text: string) {
  const { signers, ignored } = read(text);
  assert.deepEqual(ignored, []);
  assert.equal(signers.length, 1);
  return signers[0]!;
}

/** Why the one line was left out. */
function reason(text: string): string {
  const { signers, ignored } = read(text);
  assert.deepEqual([signers.length, ignored.length], [0, 1], text);
  return ignored[0]!.reason.text;
}

test('lines as ssh-keygen takes them', () => {
  const plain = { line: 1, principals: 'ana', key: key.blob, namespaces: null, validAfter: null, validBefore: null };
  assert.deepEqual(one(`ana ${KEY}`), plain);
  assert.deepEqual(one(` \t ana\t${KEY}  with a comment "\n`), plain);
  assert.deepEqual(one(`ana ${KEY}\r\n`), plain);
  assert.deepEqual(one(`"ana"${KEY}`), plain);
  assert.deepEqual(one(`ana , ${KEY}`.replace(' ,', '')), plain);
  assert.equal(one(`"Colegio Roble" ${KEY}`).principals, 'Colegio Roble');
  assert.equal(one(`a"b c" ${KEY}`).principals, 'ab c');
  assert.equal(one(`*@example.org,!root@* ${KEY}`).principals, '*@example.org,!root@*');
  assert.deepEqual(one(`ana namespaces="git,file" ${KEY}`), { ...plain, namespaces: 'git,file' });
  assert.equal(one(`ana namespaces="a b\\"c" ${KEY}`).namespaces, 'a b"c');
  const both = one(`ana VALID-AFTER="20240101Z",namespaces="git",valid-before="202501020304Z" ${KEY}`);
  assert.deepEqual(both, {
    ...plain,
    namespaces: 'git',
    validAfter: Date.UTC(2024, 0, 1) / 1000,
    validBefore: Date.UTC(2025, 0, 2, 3, 4) / 1000,
  });
  const several = read(`# who\n\n \t\n  # more\nana ${KEY}\nben ${KEY}`);
  assert.deepEqual(
    several.signers.map(({ line, principals }) => [line, principals]),
    [
      [5, 'ana'],
      [6, 'ben'],
    ],
  );
  assert.deepEqual(several.ignored, []);
});

test('what is not understood is left out, with a reason, and the rest counts', () => {
  assert.match(reason('ana'), /who and which key/);
  assert.match(reason(`"ana ${KEY}`), /who and which key/);
  assert.match(reason('ana ssh-ed25519'), /not a whole one/);
  assert.match(reason('ana ssh-ed25519 !'), /base64/);
  assert.match(reason('ana ssh-ed25519 AAAA'), /not a whole one/);
  assert.match(reason(`ana ssh-ed25519 ${ring.make('rsa', 'rsa').text.split(' ')[1]}`), /not a whole one/);
  assert.match(reason(`ana ${ring.make('ecdsa', 'ecdsa').text}`), /^ecdsa-sha2-nistp256 keys are not supported/);
  assert.match(reason(`ana something ${KEY}`), /option/);
  assert.match(reason(`ana namespaces=git ${KEY}`), /option/);
  assert.match(reason(`ana namespaces="git"x ${KEY}`), /option/);
  assert.match(reason(`ana namespaces="git ${KEY}`), /quote/);
  assert.match(reason(`ana namespaces="git",namespaces="git" ${KEY}`), /twice/);
  assert.match(reason(`ana valid-after="20240101",valid-after="20240101" ${KEY}`), /twice/);
  assert.match(reason(`ana namespaces="git", ${KEY}`), /comma/);
  assert.match(reason(`ana valid-after="20250101Z",valid-before="20250101Z" ${KEY}`), /never/);
  assert.match(reason(`ana cert-authority ${KEY}`), /certificates/);
  assert.match(reason(`ana cert-authority,namespaces="git" ${KEY}`), /certificates/);
  assert.match(reason(`ana ${KEY}\0`), /NUL/);
  for (const date of ['', '2024', '20241301', '20240132', '20240100', '2024010124', '202401012360', 'tomorrow']) {
    assert.match(reason(`ana valid-after="${date}" ${KEY}`), /valid-after is no date/, date);
  }
  assert.match(reason(`ana valid-before="19700101Z" ${KEY}`), /before 1970/);
  const { signers, ignored } = read(`nonsense\nana ${KEY}\nmore nonsense`);
  assert.deepEqual([signers.map(({ line }) => line), ignored.map(({ line }) => line)], [[2], [1, 3]]);
});

test('dates: in UTC with a Z, else in the time zone of the laptop', t => {
  const zone = process.env.TZ;
  t.after(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });
  const after = (date: string) => one(`ana valid-after="${date}" ${KEY}`).validAfter;
  for (const TZ of ['UTC', 'America/Lima', 'Asia/Kathmandu']) {
    process.env.TZ = TZ;
    assert.equal(after('20240229Z'), Date.UTC(2024, 1, 29) / 1000);
    assert.equal(after('20240229235958z'), Date.UTC(2024, 1, 29, 23, 59, 58) / 1000);
    assert.equal(after('202402291200UTC'), Date.UTC(2024, 1, 29, 12) / 1000);
    // A day that the month has not counts on, as in mktime(3).
    assert.equal(after('20230229Z'), Date.UTC(2023, 2, 1) / 1000);
    const offset = { UTC: 0, 'America/Lima': -5, 'Asia/Kathmandu': 5.75 }[TZ]!;
    assert.equal(after('20240229'), Date.UTC(2024, 1, 29) / 1000 - offset * 3600);
    assert.equal(after('202402291200'), Date.UTC(2024, 1, 29, 12) / 1000 - offset * 3600);
  }
});

test('who may sign, and if not, why', () => {
  const at = Date.UTC(2025, 0, 1) / 1000;
  const ask = (text: string) => {
    const answer = permission(read(text), key.blob, 'git', at);
    return 'principal' in answer ? answer.principal : answer.refused;
  };
  assert.equal(ask(''), 'unknown-key');
  assert.equal(ask(`ana ${ring.make('stranger').text}`), 'unknown-key');
  assert.equal(ask(`ana ${KEY}`), 'ana');
  assert.equal(ask(`ana,ben ${KEY}`), 'ana');
  assert.equal(ask(`ana namespaces="file" ${KEY}`), 'namespace');
  assert.equal(ask(`ana namespaces="!git,*" ${KEY}`), 'namespace');
  assert.equal(ask(`ana namespaces="g?t" ${KEY}`), 'ana');
  // Both ends belong to the time.
  assert.equal(ask(`ana valid-after="20250101Z" ${KEY}`), 'ana');
  assert.equal(ask(`ana valid-before="20250101Z" ${KEY}`), 'ana');
  assert.equal(ask(`ana valid-after="20250101000001Z" ${KEY}`), 'not-yet');
  assert.equal(ask(`ana valid-before="20241231235959Z" ${KEY}`), 'expired');
  // An old line of the same key does not hide the new one.
  assert.equal(ask(`old valid-before="20240101Z" ${KEY}\nnew valid-after="20240101Z" ${KEY}`), 'new');
  // The first valid line says who it may be, as for git; another may then allow it to them.
  assert.equal(ask(`ana namespaces="file" ${KEY}\nben ${KEY}`), 'unknown-key');
  assert.equal(ask(`ana namespaces="file" ${KEY}\na* ${KEY}`), 'ana');
  assert.equal(ask(`!ana ${KEY}`), 'unknown-key');
  assert.equal(ask(`!ana,* ${KEY}`), '!ana');
  assert.equal(ask(`,ana ${KEY}`), 'unknown-key');
});

test('patterns', () => {
  const yes = [
    ['a', 'a'],
    ['', ''],
    ['', '*'],
    ['abc', '*'],
    ['abc', 'a*c'],
    ['abc', '***'],
    ['abc', 'a?c'],
    ['abc', '*b*'],
    ['abab', '*ab'],
    ['a*', 'a*'],
    ['abc', 'x,abc'],
    ['abc', '!x,a*'],
  ];
  const no = [
    ['a', 'b'],
    ['a', ''],
    ['', '?'],
    ['abc', 'a?'],
    ['abc', 'a*b'],
    ['abc', '!abc,*'],
    ['abc', '*,!a*'],
    ['abc', '!x'],
    ['A', 'a'],
  ];
  for (const [text, list] of yes) assert.equal(matchesList(text!, list!), true, `${text} in ${list}`);
  for (const [text, list] of no) assert.equal(matchesList(text!, list!), false, `${text} not in ${list}`);
  // One that would take for ever where stars are tried one inside the other.
  assert.equal(matchesList('a'.repeat(5000), `${'a*'.repeat(500)}b`), false);
});

test('no file makes the reader fail', () => {
  const piece = fc.constantFrom(
    'ana',
    ' ',
    ',',
    '"',
    '\\',
    '\n',
    '=',
    'namespaces=',
    'valid-after="20240101"',
    KEY,
    '#',
  );
  const text = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
    fc.array(piece, { maxLength: 12 }).map(pieces => Buffer.from(pieces.join(''))),
  );
  fc.assert(
    fc.property(text, data => {
      const { signers, ignored } = parseAllowedSigners(data);
      assert.ok(signers.length + ignored.length <= data.toString('latin1').split('\n').length);
    }),
    { numRuns: 500 },
  );
  const long = Buffer.alloc(MAX_ALLOWED_SIGNERS_BYTES, '"');
  assert.equal(parseAllowedSigners(long).ignored.length, 1);
  assert.equal(parseAllowedSigners(Buffer.alloc(MAX_ALLOWED_SIGNERS_BYTES, 'a \\"')).ignored.length, 1);
  assert.throws(() => parseAllowedSigners(Buffer.concat([long, Buffer.alloc(1)])), withCode('bad-data', /too long/));
});
