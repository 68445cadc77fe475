/** The complete images of a store: a tag in `git/` and a folder in `images/`, both or it does not count. */
import { lstatSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { type Sentence, sentence } from '../core/sentences';
import { compareImages } from '../core/versions';
import { replaceLosable } from './atomic';
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

/** An image that stands in its folder, but whose commit, or the tree that names its parts, cannot be read any more. */
export interface Broken {
  tag: Tag;
  dir: string;
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
  readonly #broken = new Map<Oid, Broken>();

  constructor(
    private readonly layout: Layout,
    private readonly git: Git,
    private readonly objects: ObjectReader,
  ) {}

  /**
   * Reads what is held. With `repair`, removes tags whose folder never appeared or is gone, which is what a crash
   * leaves. Whatever else does not fit together is no crash's doing: it does not count, and is left to a person; one
   * whose commit has rotted can be mended (`Store.restoreObjects`).
   */
  async load(blobs: Blobs, repair: boolean): Promise<void> {
    const sizes = this.#readSizes();
    for (const tag of await this.git.tags()) {
      const head = this.#headOf(tag);
      const dir = this.layout.imageDir(head?.info.version ?? versionOf(tag), tag.commit);
      const stands = lstatSync(dir, { throwIfNoEntry: false })?.isDirectory() === true;
      if (head === null) {
        if (stands) this.#broken.set(tag.commit, { tag, dir });
      } else if (!stands) {
        if (repair) await this.git.untag(tag);
      } else if (head.info.name === tag.name) await this.#know(tag, head, dir, blobs, sizes[tag.commit]);
    }
    if (repair) this.#writeSizes();
  }

  async #know(tag: Tag, head: ImageHead, dir: string, blobs: Blobs, known: number | undefined): Promise<void> {
    const bytes = known ?? (await this.#measure(head, blobs));
    this.#images.set(tag.commit, { image: describe(head, dir, bytes), head, tag });
  }

  /** 0 while parts of the image cannot be read; it is measured again at the next opportunity. */
  async #measure(head: ImageHead, blobs: Blobs): Promise<number> {
    try {
      return (await measure(head, readAttributes(head, this.objects), this.objects, blobs)).bytes;
    } catch (error) {
      if (error instanceof PassItOnError && error.code === 'damaged') return 0;
      throw error;
    }
  }

  /** Null when the commit, or the tree that names the parts of the image, is lost or has rotted. */
  #headOf(tag: Tag): ImageHead | null {
    const data = this.git.readCommit(tag.commit);
    if (data === null) return null;
    try {
      return readHead(tag.commit, data, this.objects);
    } catch (error) {
      if (error instanceof PassItOnError && error.code === 'damaged') return null;
      throw error;
    }
  }

  /** Looks once more at broken ones, after objects have been put back. */
  async reload(blobs: Blobs): Promise<void> {
    for (const [commit, { tag, dir }] of this.#broken) {
      const head = this.#headOf(tag);
      if (head?.info.name !== tag.name) continue;
      await this.#know(tag, head, dir, blobs, undefined);
      this.#broken.delete(commit);
    }
    this.#writeSizes();
  }

  broken(): Broken[] {
    return [...this.#broken.values()];
  }

  brokenOne(commit: Oid): Broken | null {
    return this.#broken.get(commit) ?? null;
  }

  /** Where an image stands, be it whole or broken; null when it is not here at all. */
  dirOf(commit: Oid): string | null {
    return this.#images.get(commit)?.image.dir ?? this.#broken.get(commit)?.dir ?? null;
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

  #writeSizes(): void {
    const measured = [...this.#images].filter(([, { image }]) => image.bytes > 0);
    const sizes = Object.fromEntries(measured.map(([commit, { image }]) => [commit, image.bytes]));
    replaceLosable(this.layout.sizes, `${JSON.stringify(sizes)}\n`, this.layout.partial);
  }

  add(held: Held): void {
    this.#images.set(held.image.commit, held);
    this.#broken.delete(held.image.commit);
    this.#writeSizes();
  }

  delete(commit: Oid): void {
    this.#images.delete(commit);
    this.#broken.delete(commit);
  }

  get(commit: Oid): Held | null {
    return this.#images.get(commit) ?? null;
  }

  /** Throws 'not-found', or 'damaged' for a broken one. */
  need(commit: Oid): Held {
    const held = this.get(commit);
    if (held !== null) return held;
    const broken = this.#broken.get(commit);
    if (broken !== undefined) throw brokenImage(broken);
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

  /** The same for one that may be broken. */
  commitOf(version: string): Oid {
    return this.#brokenBy(version)?.tag.commit ?? this.resolve(version).image.commit;
  }

  /** A broken one that goes by this version, where no whole one does. */
  #brokenBy(version: string): Broken | null {
    const found = this.broken().filter(({ tag }) => goesBy(version, tag.name, [versionOf(tag), tag.label], tag.commit));
    const whole = this.all().some(({ image, tag }) =>
      goesBy(version, image.name, [image.version, tag.label], image.commit),
    );
    return found.length === 1 && !whole ? found[0]! : null;
  }

  /** `407`, `olpc-xo/407`, or an oid of at least 7 digits. Throws 'not-found', 'ambiguous', 'damaged' for a broken one. */
  resolve(version: string): Held {
    const matches = this.all().filter(({ image, tag }) =>
      goesBy(version, image.name, [image.version, tag.label], image.commit),
    );
    const [match] = matches;
    if (match === undefined) {
      const broken = this.#brokenBy(version);
      if (broken !== null) throw brokenImage(broken);
      const message = `No image ${JSON.stringify(version)} is on this laptop.`;
      throw new PassItOnError('not-found', message, 'Look at the list of images (status).');
    }
    if (matches.length === 1) return match;
    const which = matches.map(({ image }) => `${image.name}/${image.version} ${image.commit.slice(0, 12)}`).join(', ');
    const message = `${JSON.stringify(version)} may be any of ${which}.`;
    throw new PassItOnError('ambiguous', message, 'Name it by its name and version, or by the digits of its commit.');
  }
}

/** What the tag says of the version, where the commit cannot be asked. */
function versionOf({ label, commit }: Tag): string {
  const suffix = [`+${commit}`, `+${commit.slice(0, 7)}`].find(text => label.endsWith(text)) ?? '';
  return label.slice(0, label.length - suffix.length);
}

function goesBy(version: string, name: string, texts: readonly string[], commit: Oid): boolean {
  return (
    texts.some(text => text === version || `${name}/${text}` === version) ||
    (/^[0-9a-f]{7,40}$/.test(version) && commit.startsWith(version))
  );
}

function brokenImage({ tag }: Broken): PassItOnError {
  const message = `The image ${tag.name} ${tag.label} on this laptop is damaged: its commit cannot be read.`;
  return new PassItOnError('damaged', message, `Mend it with: verify ${tag.label} --repair.`);
}

/** The sentence for a person who looks after this laptop. */
export function brokenWarning({ tag: { name, label } }: Broken): Sentence {
  return sentence('image-damaged', { name: `${name} ${label}`, version: label });
}
