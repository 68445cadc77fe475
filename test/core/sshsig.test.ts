import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { ed25519Key, fingerprint, keyType, sshString, strictBase64 } from '../../src/core/ssh-key';
import { parseSshSignature, verifySshSignature } from '../../src/core/sshsig';
import { withCode } from './assert-error';
import { KeyRing, sign } from './ssh';

const ring = new KeyRing();
after(() => ring.remove());
const key = ring.make('one');
const MESSAGE = Buffer.from('one message\n');

/** Takes the armour off, changes the bytes, puts it on again. */
function rearmed(armoured: string, change: (blob: Buffer) => Buffer): string {
  const [begin = '', ...rest] = armoured.trimEnd().split('\n');
  const end = rest.pop();
  const base64 = change(Buffer.from(rest.join(''), 'base64')).toString('base64');
  return [begin, ...(base64.match(/.{1,70}/g) ?? []), end, ''].join('\n');
}

test('signatures of ssh-keygen are read and verified, with either hash', () => {
  for (const hash of ['sha256', 'sha512'] as const) {
    const signature = parseSshSignature(sign(key, MESSAGE, 'git', hash));
    assert.deepEqual([signature.namespace, signature.hash], ['git', hash]);
    assert.deepEqual(signature.key, key.blob);
    assert.equal(verifySshSignature(signature, MESSAGE), true);
    assert.equal(verifySshSignature(signature, Buffer.from('one message')), false);
    assert.equal(verifySshSignature({ ...signature, namespace: 'file' }, MESSAGE), false);
    assert.equal(verifySshSignature({ ...signature, hash: hash === 'sha256' ? 'sha512' : 'sha256' }, MESSAGE), false);
    assert.equal(verifySshSignature({ ...signature, key: ring.make(`other-${hash}`).blob }, MESSAGE), false);
  }
});

test('fingerprints and types are those that ssh-keygen -l shows', () => {
  const shown = execFileSync('ssh-keygen', ['-l', '-f', `${key.file}.pub`]).toString();
  assert.equal(fingerprint(key.blob), shown.split(' ')[1]);
  assert.equal(keyType(key.blob), 'ssh-ed25519');
  const rsa = ring.make('rsa', 'rsa');
  assert.equal(keyType(rsa.blob), 'ssh-rsa');
  assert.throws(() => ed25519Key(rsa.blob), withCode('bad-data', /no Ed25519 key/));
  assert.throws(() => verifySshSignature(parseSshSignature(sign(rsa, MESSAGE)), MESSAGE), withCode('bad-data'));
});

test('lines may be of any length; reserved bytes are skipped, as PROTOCOL.sshsig asks', () => {
  const armoured = sign(key, MESSAGE);
  const wide = `${armoured.slice(0, 30)}${armoured.slice(30, -29).replaceAll('\n', '')}${armoured.slice(-29)}`;
  assert.notEqual(wide, armoured);
  assert.deepEqual(parseSshSignature(wide), parseSshSignature(armoured));
  // After the namespace; it is not among what was signed.
  const reserved = rearmed(armoured, blob => {
    const at = blob.indexOf(sshString('git')) + 7;
    return Buffer.concat([blob.subarray(0, at), sshString('more'), blob.subarray(at + 4)]);
  });
  assert.notEqual(reserved, armoured);
  assert.equal(verifySshSignature(parseSshSignature(reserved), MESSAGE), true);
});

test('everything else is refused with one of our errors', () => {
  const armoured = sign(key, MESSAGE);
  const refused: [RegExp, string][] = [
    [/begin and end/, ''],
    [/begin and end/, armoured.slice(1)],
    [/begin and end/, armoured.trimEnd()],
    [/begin and end/, `${armoured}\n`],
    [/begin and end/, ` ${armoured}`],
    [/begin and end/, armoured.replaceAll('\n', '\r\n')],
    [/begin and end/, armoured.replaceAll('SSH', 'PGP')],
    [/base64/, armoured.replace(/\n/, '\n\n')],
    [/base64/, armoured.replace(/AAAA/, ' AAAA')],
    [/base64/, armoured.replace(/AAAA/, '-AAA')],
    [/base64/, armoured.replace(/==?\n/, '\n')],
    [/none of ssh-keygen/, rearmed(armoured, blob => Buffer.concat([Buffer.from('SSHSIX'), blob.subarray(6)]))],
    [/ends too early/, rearmed(armoured, blob => blob.subarray(0, -1))],
    [/base64/, rearmed(armoured, () => Buffer.alloc(0))],
    [/ends too early/, rearmed(armoured, blob => Buffer.concat([blob.subarray(0, 10), Buffer.alloc(4, 0xff)]))],
    [/goes on/, rearmed(armoured, blob => Buffer.concat([blob, Buffer.alloc(1)]))],
    [/version 2/, rearmed(armoured, blob => Buffer.concat([blob.subarray(0, 9), Buffer.from([2]), blob.subarray(10)]))],
    [/hash/, rearmed(armoured, blob => Buffer.from(blob.toString('latin1').replace('sha512', 'sha513'), 'latin1'))],
    [/too long/, armoured.replace('\n', `\n${'A\n'.repeat(10_000)}`)],
  ];
  for (const [message, text] of refused) {
    assert.throws(() => parseSshSignature(text), withCode('bad-data', message), JSON.stringify(text));
  }
});

test('no flipped bit of a signature verifies, and none does worse than to be refused', () => {
  const good = sign(key, MESSAGE);
  const bytes = Buffer.from(good);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(verifies(flipped.toString('latin1')), false, `bit ${bit}`);
  }
  assert.equal(verifies(good), true);
});

/** A broken one is 'bad-data'; any other error fails the test. */
function verifies(text: string): boolean {
  try {
    const signature = parseSshSignature(text);
    // A flip of its own purpose or signer is for the judge to see; here both must be the expected ones.
    return verifySshSignature(signature, MESSAGE);
  } catch (thrown) {
    withCode('bad-data')(thrown);
    return false;
  }
}

test('random bytes are refused, in armour or without', () => {
  const armoured = sign(key, MESSAGE);
  const blob = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
    fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.concat([Buffer.from('SSHSIG\0\0\0\x01'), bytes])),
    fc
      .array(fc.uint8Array({ maxLength: 80 }), { minLength: 3, maxLength: 7 })
      .map(parts =>
        Buffer.concat([Buffer.from('SSHSIG\0\0\0\x01'), ...parts.map(part => sshString(Buffer.from(part)))]),
      ),
  );
  fc.assert(fc.property(blob, bytes => assert.equal(verifies(rearmed(armoured, () => bytes)), false)));
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => assert.equal(verifies(text), false)));
});

test('base64 has one spelling', () => {
  assert.deepEqual(strictBase64('QQ=='), Buffer.from('A'));
  assert.deepEqual(strictBase64(''), Buffer.alloc(0));
  for (const other of ['QQ', 'QR==', 'QQ=', 'QQ==\n', 'Q Q==', 'QQ-=', 'QQ==QQ==', '=']) {
    assert.equal(strictBase64(other), null, other);
  }
});
