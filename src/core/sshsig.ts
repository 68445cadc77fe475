/**
 * Signatures as `ssh-keygen -Y sign` makes them (PROTOCOL.sshsig of OpenSSH): one form, no more bytes than needed.
 * Reading says nothing about who may sign; that is the business of allowed-signers.ts.
 */
import { createHash, verify } from 'node:crypto';
import { badData } from './bad-data';
import { type ByteString, fromBuffer } from './bytes';
import { ED25519, ed25519Key, SshReader, sshString, strictBase64 } from './ssh-key';

export const BEGIN_SSH_SIGNATURE = '-----BEGIN SSH SIGNATURE-----\n';
const END = '\n-----END SSH SIGNATURE-----\n';
/** An RSA key of 16384 bits, the largest that ssh-keygen makes, needs 6 kB. */
const MAX_ARMOURED_CHARS = 16 * 1024;
const MAGIC = 'SSHSIG';
const VERSION = 1;
const ED25519_SIGNATURE_BYTES = 64;

export interface SshSignature {
  /** The signer's public key, wire form. */
  key: Buffer;
  /** What the signature is for: `git`. */
  namespace: ByteString;
  hash: 'sha256' | 'sha512';
  /** The signature proper, wire form: its type, then its bytes. */
  signature: Buffer;
}

/** From the armoured text, last newline included. The base64 may be broken into lines of any length. Throws 'bad-data'. */
export function parseSshSignature(armoured: string): SshSignature {
  if (armoured.length > MAX_ARMOURED_CHARS) throw badData('The signature is too long.');
  if (!armoured.startsWith(BEGIN_SSH_SIGNATURE) || !armoured.endsWith(END)) {
    throw badData('The signature does not begin and end as those of ssh-keygen do.');
  }
  const lines = armoured.slice(BEGIN_SSH_SIGNATURE.length, -END.length).split('\n');
  const blob = lines.includes('') ? null : strictBase64(lines.join(''));
  if (blob === null) throw badData('The signature is no proper base64.');

  const reader = new SshReader(blob, 'The signature');
  if (fromBuffer(reader.bytes(MAGIC.length)) !== MAGIC) throw badData('The signature is none of ssh-keygen.');
  const version = reader.uint32();
  if (version !== VERSION) throw badData(`The signature is of version ${version}; only ${VERSION} is known.`);
  const key = reader.string();
  const namespace = fromBuffer(reader.string());
  // Reserved; whatever is in it is to be ignored.
  reader.string();
  const hash = fromBuffer(reader.string());
  const signature = reader.string();
  reader.end();
  if (hash !== 'sha256' && hash !== 'sha512') throw badData('The signature uses a hash that is not known.');
  return { key, namespace, hash, signature };
}

/** Has the owner of `key` signed this message? Only Ed25519 is understood: anything else is 'bad-data'. */
export function verifySshSignature({ key, namespace, hash, signature }: SshSignature, message: Buffer): boolean {
  const publicKey = ed25519Key(key);
  const reader = new SshReader(signature, 'The signature');
  const type = fromBuffer(reader.string());
  const bytes = reader.string();
  reader.end();
  if (type !== ED25519 || bytes.length !== ED25519_SIGNATURE_BYTES) throw badData('That is no Ed25519 signature.');
  const digest = createHash(hash).update(message).digest();
  const parts = [namespace, '', hash, digest].map(sshString);
  return verify(null, Buffer.concat([Buffer.from(MAGIC), ...parts]), publicKey, bytes);
}
