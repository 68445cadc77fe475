/**
 * The activation hook: the program a deployment installs to make the current image the one that boots, and to restart.
 * It gets the image's folder and version. Without it, somebody else finishes the upgrade.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { PassItOnError } from '../core/errors';

const DEFAULT_HOOK = '/etc/pass-it-on/activate';

/** Its path, or null where none is installed. */
export function activationHook(): string | null {
  const hook = process.env.PASS_IT_ON_ACTIVATION_HOOK ?? DEFAULT_HOOK;
  try {
    accessSync(hook, constants.X_OK);
    return hook;
  } catch {
    return null;
  }
}

/** @throws PassItOnError 'restart-failed' when there is no hook or it fails; the image is in place all the same. */
export async function runHook(imageDir: string, version: string): Promise<void> {
  const hook = activationHook();
  const cause = hook === null ? 'no activation hook is installed' : await ends(hook, [imageDir, version]);
  if (cause === null) return;
  const message = `${version} is in place, but the laptop did not restart by itself.`;
  throw new PassItOnError('restart-failed', message, 'Turn the laptop off and on.', { cause });
}

/** null when it ended well, else why not. */
function ends(program: string, args: string[]): Promise<string | null> {
  return new Promise(resolve => {
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', cause => resolve(cause.message));
    child.once('exit', (code, signal) => resolve(code === 0 ? null : `exit ${code ?? signal}`));
  });
}
