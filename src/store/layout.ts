/** Where things are in a store, and what a crash may leave there. */
import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { PassItOnError } from '../core/errors';
import { isOid, type Oid } from '../core/object';
import { temporaryName } from './atomic';
import { failedWith, removeTree } from './disk';

/** Leftovers after which blobs may be here that no image needs. */
const MAY_LEAVE_BLOBS = /^(publish|discard|remove)-/;

/** Before the oid of a blob of which a part has come; `.packed` is behind it where that part is also kept as it came. */
export const KEPT = 'rest-';

export class Layout {
  readonly blobs: string;
  readonly cache: string;
  readonly git: string;
  readonly images: string;
  /** Unfinished downloads (`<commit>/`, `rest-<blob>`); all else in it is of the moment, and rubbish after a crash. */
  readonly partial: string;
  readonly floors: string;
  readonly lock: string;
  readonly state: string;

  constructor(readonly dir: string) {
    this.blobs = join(dir, 'blobs');
    this.cache = join(dir, 'cache');
    this.git = join(dir, 'git');
    this.images = join(dir, 'images');
    this.partial = join(dir, 'partial');
    this.floors = join(dir, 'floors.json');
    this.lock = join(dir, 'lock');
    this.state = join(dir, 'state.json');
  }

  get hashes(): string {
    return join(this.cache, 'hashes');
  }

  get sizes(): string {
    return join(this.cache, 'sizes.json');
  }

  quarantine(commit: Oid): string {
    return join(this.partial, commit);
  }

  temporary(kind: 'publish' | 'discard' | 'remove' | 'link' | 'draft'): string {
    return temporaryName(this.partial, kind);
  }

  /** Throws 'usage' for a folder that holds other things. */
  create(): void {
    if (lstatSync(this.dir, { throwIfNoEntry: false })?.isFile()) {
      throw new PassItOnError('usage', `${this.dir} is a file.`, 'Name a folder as the store.');
    }
    mkdirSync(this.dir, { recursive: true, mode: 0o700 });
    const names = readdirSync(this.dir);
    if (names.length > 0 && !names.includes(basename(this.lock))) {
      const message = `${this.dir} holds other things than images.`;
      throw new PassItOnError('usage', message, 'Name an empty folder, or one that does not exist, as the store.');
    }
    // It will hold setuid files of old images.
    chmodSync(this.dir, 0o700);
    closeSync(openSync(this.lock, 'a', 0o600));
    for (const dir of [this.blobs, this.cache, this.git, this.images, this.partial]) {
      mkdirSync(dir, { recursive: true, mode: 0o700 });
    }
  }

  /** Where a commit's tree stands, or would stand. Two commits of one version could begin with the same 7 digits. */
  imageDir(version: string, commit: Oid): string {
    const long = join(this.images, `${version}-${commit}`);
    return lstatSync(long, { throwIfNoEntry: false }) === undefined
      ? join(this.images, `${version}-${commit.slice(0, 7)}`)
      : long;
  }

  /** Removes what a crash left in `partial/`; true if blobs may be left over as well. */
  async clean(): Promise<boolean> {
    let mayLeaveBlobs = false;
    for (const name of readdirSync(this.partial)) {
      if (isOid(name) || name.startsWith(KEPT)) continue;
      mayLeaveBlobs ||= MAY_LEAVE_BLOBS.test(name);
      await removeTree(join(this.partial, name));
    }
    await this.forgetRests();
    return mayLeaveBlobs;
  }

  /** Once no image is unfinished, nobody waits for the rest of a blob. */
  async forgetRests(): Promise<void> {
    if (this.quarantined().length > 0) return;
    for (const name of readdirSync(this.partial).filter(one => one.startsWith(KEPT))) {
      await removeTree(join(this.partial, name));
    }
  }

  /** Commits with an unfinished download. */
  quarantined(): Oid[] {
    return readdirSync(this.partial).filter(isOid);
  }

  /** A symlink at the top of the store, replaced as a whole; null removes it. */
  link(name: string, target: string | null): void {
    const path = join(this.dir, name);
    if (target === null) {
      try {
        unlinkSync(path);
      } catch (error) {
        if (!failedWith(error, 'ENOENT')) throw error;
      }
      return;
    }
    const temporary = this.temporary('link');
    symlinkSync(target, temporary);
    renameSync(temporary, path);
  }
}
