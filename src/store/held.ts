/** The complete images of a store: a tag in `git/` and a folder in `images/`, both or it does not count. */
import { lstatSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { compareImages } from '../core/versions';
import { replaceFile } from './atomic';
import type { Blobs } from './blobs';
import { removeTree } from './disk';
import type { Git, Tag } from './git';
import { type ImageHead, readAttributes, readHead } from './image';
import type { Layout } from './layout';
import type { ObjectReader } from './objects';
import { measure } from './stage';
import type { State } from './state';
import type { HeldImage } from './types';

export interface Held {
  image: HeldImage;
  head: ImageHead;
  tag: Tag;
}

export function describe(head: ImageHead, dir: string, bytes: number): HeldImage {
  const { name, version, releaseTime } = head.info;
  return {
    name,
    version,
    commit: head.commit,
    releaseTime: new Date(releaseTime * 1000).toISOString(),
    signedBy: null,
    bytes,
    root: head.root,
    attributes: head.attributes,
    dir,
  };
}

export class HeldImages {
  readonly #images = new Map<Oid, Held>();

  constructor(
    private readonly layout: Layout,
    private readonly git: Git,
    private readonly objects: ObjectReader,
  ) {}

  /**
   * Reads what is held. With `repair`, removes tags whose folder never appeared or is gone, which is what a crash
   * leaves. Whatever else does not fit together is no crash's doing: it does not count, and is left to a person.
   */
  async load(blobs: Blobs, repair: boolean): Promise<void> {
    const sizes = this.#readSizes();
    for (const tag of await this.git.tags()) {
      const head = await this.#headOf(tag);
      if (head === null) continue;
      const dir = this.layout.imageDir(head.info.version, tag.commit);
      if (lstatSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) {
        if (repair) await this.git.untag(tag);
        continue;
      }
      const known = sizes[tag.commit];
      const bytes = known ?? (await measure(head, readAttributes(head, this.objects), this.objects, blobs)).bytes;
      this.#images.set(tag.commit, { image: describe(head, dir, bytes), head, tag });
    }
    if (repair) await this.#writeSizes();
  }

  async #headOf(tag: Tag): Promise<ImageHead | null> {
    const data = await this.git.readCommit(tag.commit);
    if (data === null) return null;
    const head = readHead(tag.commit, data, this.objects);
    return head.info.name === tag.name ? head : null;
  }

  /** Sizes of images take a walk to compute; the file can be lost. */
  #readSizes(): Record<Oid, number> {
    try {
      const sizes: unknown = JSON.parse(readFileSync(this.layout.sizes, 'utf8'));
      const numbers = Object.entries(sizes as Record<string, unknown>).filter(([, size]) => Number.isSafeInteger(size));
      return Object.fromEntries(numbers) as Record<Oid, number>;
    } catch {
      // Missing or torn: measured again.
      return {};
    }
  }

  async #writeSizes(): Promise<void> {
    const sizes = Object.fromEntries([...this.#images].map(([commit, { image }]) => [commit, image.bytes]));
    await replaceFile(this.layout.sizes, `${JSON.stringify(sizes)}\n`, this.layout.partial);
  }

  async add(held: Held): Promise<void> {
    this.#images.set(held.image.commit, held);
    await this.#writeSizes();
  }

  delete(commit: Oid): void {
    this.#images.delete(commit);
  }

  get(commit: Oid): Held | null {
    return this.#images.get(commit) ?? null;
  }

  /** Throws 'not-found'. */
  need(commit: Oid): Held {
    const held = this.get(commit);
    if (held !== null) return held;
    const message = `No image ${commit.slice(0, 12)} is on this laptop.`;
    throw new PassItOnError('not-found', message, 'Look at the list of images (status).');
  }

  /** Newest first. */
  all(): Held[] {
    const order = ({ head: { info, commit } }: Held) => ({ ...info, commit });
    return [...this.#images.values()].sort((a, b) => compareImages(order(b), order(a)));
  }

  /** In the order in which they are likely to share files with a new image. */
  likeliestFirst({ current, previous }: State): Held[] {
    const rank = ({ image }: Held): number => (image.commit === current ? 0 : image.commit === previous ? 1 : 2);
    return this.all().sort((a, b) => rank(a) - rank(b));
  }

  /** Where a new image will stand: nothing is there, or what is there does not count and goes. */
  async makeRoom(version: string, commit: Oid): Promise<string> {
    const usual = this.layout.imageDir(version, commit);
    const taken = this.all().some(({ image }) => image.dir === usual);
    const dir = taken ? join(this.layout.images, `${version}-${commit}`) : usual;
    if (lstatSync(dir, { throwIfNoEntry: false }) !== undefined) {
      const rubbish = this.layout.temporary('remove');
      renameSync(dir, rubbish);
      await removeTree(rubbish);
    }
    return dir;
  }

  /** `407`, `olpc-xo/407`, or an oid of at least 7 digits. Throws 'not-found' or 'ambiguous'. */
  resolve(version: string): Held {
    const matches = this.all().filter(
      ({ image, tag }) =>
        [image.version, tag.label].some(text => text === version || `${image.name}/${text}` === version) ||
        (/^[0-9a-f]{7,40}$/.test(version) && image.commit.startsWith(version)),
    );
    const [match] = matches;
    if (match === undefined) {
      const message = `No image ${JSON.stringify(version)} is on this laptop.`;
      throw new PassItOnError('not-found', message, 'Look at the list of images (status).');
    }
    if (matches.length === 1) return match;
    const which = matches.map(({ image }) => `${image.name}/${image.version} ${image.commit.slice(0, 12)}`).join(', ');
    const message = `${JSON.stringify(version)} may be any of ${which}.`;
    throw new PassItOnError('ambiguous', message, 'Name it by its name and version, or by the digits of its commit.');
  }
}
