/** What should not be in an image that is passed on to everybody; a publisher is warned of it, not stopped. */
import type { ByteString } from '../core/bytes';
import { EMPTY_BLOB, type Oid } from '../core/object';
import type { Blobs } from './blobs';
import { shown } from './scan';

const MAX_SHADOW = 1024 * 1024;
/** crypt(5) hashes; `*`, `!` and the empty field are none. */
const PASSWORD = /^[^:\n]+:!?[$_./0-9A-Za-z][^:*\n]{10,}:/m;
const UNINITIALIZED = 'uninitialized\n';

export class Secrets {
  readonly #warnings: string[] = [];
  #home = 0;

  constructor(private readonly blobs: Blobs) {}

  /** Looks at one file of the tree, whose content is held as `oid`. */
  async look(path: ByteString, oid: Oid): Promise<void> {
    if (path.startsWith('home/')) this.#home += 1;
    if (!path.startsWith('etc/')) return;
    if (/^etc\/g?shadow-?$/.test(path)) {
      const text = await this.blobs.read(oid, MAX_SHADOW);
      if (text !== null && PASSWORD.test(text.toString('latin1'))) this.#warn(path, 'holds passwords');
    } else if (/^etc\/ssh\/ssh_host_[^/]*_key$/.test(path)) this.#warn(path, 'is the secret key of one laptop');
    else if (path === 'etc/machine-id' && oid !== EMPTY_BLOB) {
      const text = await this.blobs.read(oid, MAX_SHADOW);
      if (text?.toString('latin1') !== UNINITIALIZED) this.#warn(path, 'is the identity of one laptop; empty it');
    }
  }

  #warn(path: ByteString, what: string): void {
    this.#warnings.push(`${shown(path)} ${what}.`);
  }

  warnings(): string[] {
    if (this.#home === 0) return this.#warnings;
    return [...this.#warnings, `${this.#home} files are below /home: personal files do not belong into an image.`];
  }
}
