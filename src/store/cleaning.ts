/** Gives disk back: images that are not wanted any more, unfinished downloads, and what no image needs. */
import { lstatSync, renameSync } from 'node:fs';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { collect } from './collect';
import { removeTree } from './disk';
import type { Held } from './held';
import type { Parts } from './parts';
import type { Quarantine } from './quarantine';
import { ROLES } from './state';
import type { HeldImage } from './types';

export interface Cleaned {
  images: HeldImage[];
  /** What the disk got back. */
  bytesFreed: number;
}

/** Every method needs the store for itself, but for receiving, which may go on. They return bytes of disk freed. */
export class Cleaning {
  constructor(
    private readonly parts: Parts,
    private readonly quarantineAt: (dir: string) => Quarantine,
  ) {}

  /** Removes blobs and objects that no image needs, neither a complete nor an unfinished one. */
  async collect(): Promise<number> {
    const roots = function* (self: Cleaning) {
      yield { reader: self.parts.objects, oids: self.parts.held.all().map(({ image }) => image.commit) };
      for (const commit of self.parts.layout.quarantined()) {
        const quarantine = self.quarantineAt(self.parts.layout.quarantine(commit));
        yield { reader: quarantine.reader, oids: quarantine.own() };
      }
    };
    return collect(() => roots(this), this.parts.git.objects, this.parts.blobs);
  }

  /** Forgets an unfinished image, with the blobs that only it needed. */
  async discard(dir: string): Promise<number> {
    if (lstatSync(dir, { throwIfNoEntry: false }) === undefined) return 0;
    // Renamed first, so that a crash in the middle is recognised.
    const rubbish = this.parts.layout.temporary('discard');
    renameSync(dir, rubbish);
    await this.parts.layout.forgetRests();
    return (await this.collect()) + (await removeTree(rubbish));
  }

  /** Drops an image and what only it needed. Throws 'busy' for current, previous and staged, 'not-found'. */
  async remove(commit: Oid): Promise<Cleaned> {
    const held = this.parts.held.need(commit);
    const role = ROLES.find(name => this.parts.choice.state[name] === commit);
    if (role !== undefined) {
      const message = `The image ${held.image.version} is the ${role} one.`;
      throw new PassItOnError('busy', message, 'Only images that are not in use can be removed.');
    }
    return this.#drop([held], []);
  }

  /**
   * Drops images that are neither current, previous nor staged, unfinished ones, and what nothing needs. `keep`: commits
   * that are being served, fetched or compared. A store without a current image is a publisher's: it keeps its images.
   */
  async clean(keep: ReadonlySet<Oid>): Promise<Cleaned> {
    const { state } = this.parts.choice;
    const wanted = (commit: Oid): boolean => keep.has(commit) || ROLES.some(role => state[role] === commit);
    const images = state.current === null ? [] : this.parts.held.all().filter(({ image }) => !wanted(image.commit));
    const unfinished = this.parts.layout.quarantined().filter(commit => !keep.has(commit));
    return this.#drop(
      images,
      unfinished.map(commit => this.parts.layout.quarantine(commit)),
    );
  }

  async #drop(images: Held[], folders: string[]): Promise<Cleaned> {
    const rubbish: string[] = [];
    const throwAway = (dir: string, kind: 'remove' | 'discard'): void => {
      const to = this.parts.layout.temporary(kind);
      renameSync(dir, to);
      rubbish.push(to);
    };
    for (const { image, tag } of images) {
      this.parts.held.delete(image.commit);
      throwAway(image.dir, 'remove');
      await this.parts.git.untag(tag);
    }
    for (const dir of folders) throwAway(dir, 'discard');
    await this.parts.layout.forgetRests();
    let bytesFreed = await this.collect();
    for (const dir of rubbish) bytesFreed += await removeTree(dir);
    return { images: images.map(({ image }) => image), bytesFreed };
  }
}
