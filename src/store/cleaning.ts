/** Gives disk back: images that are not wanted any more, unfinished downloads, and what no image needs. */
import { lstatSync, renameSync } from 'node:fs';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { collect } from './collect';
import { removeTree } from './disk';
import type { Broken, Held } from './held';
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
    // What a broken image needs cannot be told before it is mended or removed.
    if (this.parts.held.broken().length > 0) return 0;
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
    const broken = this.parts.held.brokenOne(commit);
    const held = broken === null ? this.parts.held.need(commit) : null;
    const role = ROLES.find(name => this.parts.choice.state[name] === commit);
    if (role !== undefined) {
      const message = `The image ${held?.image.version ?? commit.slice(0, 12)} is the ${role} one.`;
      throw new PassItOnError('busy', message, 'Only images that are not in use can be removed.');
    }
    if (broken !== null) return this.#drop([], [], [broken]);
    return this.#drop(held === null ? [] : [held], []);
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

  async #drop(images: Held[], folders: string[], broken: Broken[] = []): Promise<Cleaned> {
    const rubbish: string[] = [];
    const throwAway = (dir: string, kind: 'remove' | 'discard'): void => {
      const to = this.parts.layout.temporary(kind);
      renameSync(dir, to);
      rubbish.push(to);
    };
    for (const { dir, tag } of [...images.map(({ image, tag }) => ({ dir: image.dir, tag })), ...broken]) {
      this.parts.held.delete(tag.commit);
      throwAway(dir, 'remove');
      await this.parts.git.untag(tag);
    }
    for (const dir of folders) throwAway(dir, 'discard');
    await this.parts.layout.forgetRests();
    let bytesFreed = await this.collect();
    for (const dir of rubbish) bytesFreed += await removeTree(dir);
    return { images: images.map(({ image }) => image), bytesFreed };
  }
}
