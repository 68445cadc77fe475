/** Signing a commit with the publisher's own key: the real ssh-keygen does it, alone or with the ssh-agent. */
import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { PassItOnError } from '../core/errors';
import { NAMESPACE } from '../core/judge';
import { ED25519, keyType } from '../core/ssh-key';
import { parseSshSignature, verifySshSignature } from '../core/sshsig';

/** An agent may ask a person whether it may sign. */
const PATIENCE_MS = 120_000;
/** Never `git`: what is tried out must not be taken for a signature on anything. */
const TRIAL_NAMESPACE = 'pass-it-on-trial';

/**
 * A function that makes the armoured signature of a commit. Tries the key at once: nobody should wait for the import of
 * gigabytes to hear that a passphrase is missing.
 * @param key an OpenSSH private key file, or a public one whose private half lies beside it or in the agent
 * @param agent the socket of the publisher's ssh-agent (SSH_AUTH_SOCK), if there is one
 * @throws PassItOnError 'cannot-sign'
 */
export async function signerFor(key: string, agent?: string): Promise<(commit: Buffer) => Promise<string>> {
  await access(key, constants.R_OK).catch(cause => {
    throw cannotSign(`The key ${key} cannot be read.`, 'Name the file of an OpenSSH key.', cause);
  });
  await sign(key, agent, TRIAL_NAMESPACE, Buffer.alloc(0));
  return commit => sign(key, agent, NAMESPACE, commit);
}

async function sign(key: string, agent: string | undefined, namespace: string, message: Buffer): Promise<string> {
  const { status, stdout, stderr } = await keygen(['-q', '-Y', 'sign', '-n', namespace, '-f', key], agent, message);
  if (status !== 0) throw explain(key, stderr, status);
  const signature = parseSshSignature(stdout);
  const type = keyType(signature.key);
  if (type !== ED25519) {
    const remedy = 'Make one with "ssh-keygen -t ed25519".';
    throw cannotSign(`${key} is an ${type} key, but images are signed with Ed25519 keys.`, remedy);
  }
  if (signature.namespace === namespace && verifySshSignature(signature, message)) return stdout;
  throw cannotSign('ssh-keygen made a signature that is not one.', 'Look at "ssh-keygen -Y sign" by hand.', stdout);
}

interface Ended {
  status: number | string | null;
  stdout: string;
  stderr: string;
}

function keygen(args: string[], agent: string | undefined, input: Buffer): Promise<Ended> {
  const { SSH_AUTH_SOCK: _, SSH_ASKPASS: __, ...rest } = process.env;
  const env = { ...rest, ...(agent && { SSH_AUTH_SOCK: agent }), SSH_ASKPASS_REQUIRE: 'never', LC_ALL: 'C' };
  return new Promise((resolve, reject) => {
    // In a session of its own it has no terminal: a service cannot ask for passphrases, and must not wait for them.
    const child = spawn('ssh-keygen', args, { env, detached: true, timeout: PATIENCE_MS });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', text => {
        said[stream] += text;
      });
    }
    child.once('error', cause => {
      reject(cannotSign('ssh-keygen is not installed here.', 'Install openssh-client.', cause));
    });
    // It may end without having read: then its own words say why.
    child.stdin.on('error', () => {});
    child.once('close', (code, signal) => resolve({ status: code ?? signal, ...said }));
    child.stdin.end(input);
  });
}

/** ssh-keygen's usual complaints, in plain words. */
function explain(key: string, stderr: string, status: Ended['status']): PassItOnError {
  const cause = new Error(`ssh-keygen: status ${status}: ${stderr.trim()}`);
  if (/incorrect passphrase/.test(stderr)) {
    return cannotSign(
      `The key ${key} is protected by a passphrase.`,
      'Open it for the ssh-agent with "ssh-add".',
      cause,
    );
  }
  if (/UNPROTECTED PRIVATE KEY/.test(stderr)) {
    return cannotSign(`The key ${key} may be read by others.`, `Run "chmod 600 ${key}".`, cause);
  }
  if (/No private key found/.test(stderr)) {
    const message = `The private half of the key ${key} is neither beside it nor in the ssh-agent.`;
    return cannotSign(message, 'Name the private key, or give it to the ssh-agent with "ssh-add".', cause);
  }
  if (/Couldn't load public key/.test(stderr)) {
    return cannotSign(`${key} is no OpenSSH key.`, 'Make one with "ssh-keygen -t ed25519".', cause);
  }
  const last = stderr.trim().split('\n').at(-1) || `status ${status}`;
  return cannotSign(`ssh-keygen did not sign: ${last}.`, 'Try "ssh-keygen -Y sign" by hand.', cause);
}

function cannotSign(message: string, remedy: string, cause?: unknown): PassItOnError {
  return new PassItOnError('cannot-sign', message, remedy, { cause });
}
