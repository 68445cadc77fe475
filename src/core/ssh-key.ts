/** OpenSSH's public keys in their wire form (RFC 4253 §6.6, RFC 8709), of which we use Ed25519 only. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { badData } from './bad-data';
import { type ByteString, fromBuffer } from './bytes';

export const ED25519 = 'ssh-ed25519';
const ED25519_KEY_BYTES = 32;
/** A SubjectPublicKeyInfo up to the 32 bytes of the key itself, RFC 8410 §4. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** Reads the data types of RFC 4251 §5, one after another; short or left-over data is 'bad-data'. */
export class SshReader {
  #at = 0;

  constructor(
    private readonly data: Buffer,
    /** What is being read, for the error: "The signature". */
    private readonly what: string,
  ) {}

  bytes(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.data.length) throw badData(`${this.what} ends too early.`);
    const read = this.data.subarray(this.#at, end);
    this.#at = end;
    return read;
  }

  uint32(): number {
    return this.bytes(4).readUInt32BE();
  }

  string(): Buffer {
    return this.bytes(this.uint32());
  }

  end(): void {
    if (this.#at !== this.data.length) throw badData(`${this.what} goes on after its end.`);
  }
}

/** As RFC 4251 §5 writes a string. */
export function sshString(data: Buffer | ByteString): Buffer {
  const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** `ssh-ed25519`, `ssh-rsa`… Throws 'bad-data'. */
export function keyType(key: Buffer): ByteString {
  return fromBuffer(new SshReader(key, 'The key').string());
}

/** For node:crypto. Throws 'bad-data' for whatever is no Ed25519 key. */
export function ed25519Key(key: Buffer): KeyObject {
  const reader = new SshReader(key, 'The key');
  const isEd25519 = fromBuffer(reader.string()) === ED25519;
  const point = reader.string();
  if (!isEd25519 || point.length !== ED25519_KEY_BYTES) throw badData('That is no Ed25519 key.');
  reader.end();
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, point]), format: 'der', type: 'spki' });
}

/** What ssh-keygen -l calls it: `SHA256:` and base64 without padding. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The bytes that base64 text stands for; null for any other spelling than the one that RFC 4648 §4 gives them. */
export function strictBase64(text: string): Buffer | null {
  const data = Buffer.from(text, 'base64');
  return data.toString('base64') === text ? data : null;
}
