/**
 * One process owns a store. The lock is the kernel's (flock(2)): it belongs to the open file description, which we
 * share with the short-lived `flock` program that takes it for us (Node has no call for it), and so it dies with us,
 * however we die: there is never a stale lock to clean up.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { PassItOnError } from '../core/errors';

export class Lock {
  #fd: number | null;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Takes the lock at once or throws 'busy'. */
  static take(file: string): Lock {
    const fd = openSync(file, 'a', 0o600);
    const taken = spawnSync('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'pipe', fd] });
    if (taken.status === 0) return new Lock(fd);
    closeSync(fd);
    if (taken.status === 1) {
      const remedy = 'Stop the other Pass It On, or use another --store.';
      throw new PassItOnError('busy', 'Another Pass It On is using this store.', remedy);
    }
    const cause = taken.error ?? new Error(`flock: status ${taken.status}: ${taken.stderr}`);
    throw new PassItOnError('internal', 'The store cannot be locked.', 'Check that util-linux is installed.', {
      cause,
    });
  }

  release(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }
}
