/** Who has signed an image's commit, and is that somebody to trust? Without any look at its contents. */
import { type AllowedSigner, type AllowedSigners, permission } from './allowed-signers';
import { displayName } from './bytes';
import { commitPayload, type ImageCommit, parseCommit } from './commit';
import { type ErrorCode, PassItOnError } from './errors';
import { type Sentence, sentence, withDetail } from './sentences';
import { ED25519, fingerprint, keyType } from './ssh-key';
import { BEGIN_SSH_SIGNATURE, parseSshSignature, verifySshSignature } from './sshsig';

/** What git signs for: its namespace in ssh-keygen's sense. */
export const NAMESPACE = 'git';

export type Refusal =
  | 'unsigned'
  | 'malformed' // no SSH signature, or not a proper one
  | 'key-type' // not Ed25519
  | 'other-purpose' // signed for another namespace than git
  | 'changed' // the signature is not one of this commit
  | 'unknown-key'
  | 'not-yet' // at the commit's own date the key was not valid yet,
  | 'expired' // or not any more
  | 'not-for-images'; // the key may not sign for git

export type Verdict =
  | { trusted: true; signedBy: string; fingerprint: string }
  /** `said` is for people; `fingerprint` is null where there is no key to speak of. */
  | { trusted: false; refusal: Refusal; said: Sentence; fingerprint: string | null };

/**
 * Judges as `git verify-commit` does with gpg.format=ssh, at the committer date, so that a dead clock harms nobody.
 * data: raw bytes of an image's commit. Throws 'bad-data' where they are none.
 */
export function judgeCommit(data: Buffer, signers: AllowedSigners): Verdict {
  const commit = parseCommit(data);
  if (commit.signature === null) return refused('unsigned', sentence('image-unsigned'));
  return judgeSignature(commit, commit.signature, commitPayload(data), signers);
}

function refused(refusal: Refusal, said: Sentence, key: Buffer | null = null): Verdict {
  return { trusted: false, refusal, said, fingerprint: key === null ? null : fingerprint(key) };
}

function judgeSignature(commit: ImageCommit, armoured: string, payload: Buffer, signers: AllowedSigners): Verdict {
  if (!armoured.startsWith(BEGIN_SSH_SIGNATURE)) {
    return refused('malformed', sentence('signature-of-another-form'));
  }
  let key: Buffer | null = null;
  try {
    const signature = parseSshSignature(armoured);
    key = signature.key;
    const type = keyType(key);
    if (type !== ED25519) {
      const kind = displayName(type.slice(0, 64));
      return refused('key-type', sentence('signature-by-another-kind-of-key', { kind }), key);
    }
    if (signature.namespace !== NAMESPACE) {
      return refused('other-purpose', sentence('signature-for-something-else'), key);
    }
    if (!verifySshSignature(signature, payload)) {
      return refused('changed', sentence('signature-of-something-else'), key);
    }
  } catch (thrown) {
    if (!(thrown instanceof PassItOnError && thrown.code === 'bad-data')) throw thrown;
    return refused('malformed', withDetail(sentence('signature-damaged'), thrown.message), key);
  }
  const may = permission(signers, key, NAMESPACE, commit.releaseTime);
  if ('principal' in may) {
    return { trusted: true, signedBy: displayName(may.principal), fingerprint: fingerprint(key) };
  }
  const owner = ownerOf(may.closest);
  switch (may.refused) {
    case 'unknown-key':
      return refused('unknown-key', sentence('signer-unknown', { key: fingerprint(key) }), key);
    case 'not-yet':
      return refused('not-yet', sentence('signer-not-valid-yet', { owner }), key);
    case 'expired':
      return refused('expired', sentence('signer-not-valid-any-more', { owner }), key);
    case 'namespace':
      return refused('not-for-images', sentence('signer-not-for-images', { owner }), key);
  }
}

function ownerOf(signer: AllowedSigner | null): string {
  return displayName(signer?.principals ?? '');
}

/** The error for a commit that is refused. */
export function refusalError(verdict: Verdict & { trusted: false }): PassItOnError {
  const code: ErrorCode = verdict.refusal === 'unsigned' ? 'unsigned' : 'untrusted';
  return new PassItOnError(code, verdict.said, sentence('take-image-of-another'));
}
