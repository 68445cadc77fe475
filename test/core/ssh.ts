/** Real keys, real signatures, and real git as the judge of them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Oid } from '../../src/core/object';
import type { GitRepository } from './git';

export interface Key {
  file: string;
  /** As it stands in an allowed_signers file: type and base64. */
  text: string;
  /** Wire form. */
  blob: Buffer;
}

/** A folder with keys; `remove` when done. */
export class KeyRing {
  readonly dir = mkdtempSync(join(tmpdir(), 'pass-it-on-keys-'));

  make(name: string, type: 'ed25519' | 'rsa' | 'ecdsa' = 'ed25519', passphrase = ''): Key {
    const file = join(this.dir, name);
    const size = type === 'rsa' ? ['-b', '2048'] : [];
    execFileSync('ssh-keygen', ['-q', '-t', type, ...size, '-N', passphrase, '-C', '', '-f', file]);
    const text = readFileSync(`${file}.pub`, 'utf8').trim();
    return { file, text, blob: Buffer.from(text.split(' ')[1]!, 'base64') };
  }

  write(name: string, content: string | Buffer): string {
    const file = join(this.dir, name);
    writeFileSync(file, content);
    return file;
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The armoured signature of ssh-keygen. */
export function sign(key: Key, message: Buffer, namespace = 'git', hash = 'sha512'): string {
  const args = ['-q', '-Y', 'sign', '-n', namespace, '-O', `hashalg=${hash}`, '-f', key.file];
  return execFileSync('ssh-keygen', args, { input: message, stdio: ['pipe', 'pipe', 'ignore'] }).toString();
}

export interface GitVerdict {
  good: boolean;
  /** Both null unless good. */
  signedBy: string | null;
  fingerprint: string | null;
  said: string;
}

/** `git verify-commit`, in the time zone of this process. */
export function gitVerdict(repository: GitRepository, commit: Oid, allowedSigners: string): GitVerdict {
  const config = ['-c', 'gpg.format=ssh', '-c', `gpg.ssh.allowedSignersFile=${allowedSigners}`];
  const { status, stderr } = spawnSync('git', [...config, 'verify-commit', commit], {
    cwd: repository.dir,
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' },
  });
  const said = stderr.toString();
  const [, signedBy = null, fingerprint = null] =
    /^Good "git" signature for (.*) with ED25519 key (SHA256:\S+)$/m.exec(said) ?? [];
  return { good: status === 0, signedBy, fingerprint, said };
}
