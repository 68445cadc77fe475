/** What a store holds, for whoever only looks: who owns it can do more (store.ts). */
import { lstatSync, statfsSync } from 'node:fs';
import { resolve } from 'node:path';
import { toPassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import type { Sentence } from '../core/sentences';
import type { TreeEntry } from '../core/tree';
import type { OpenBlob, OpenFile } from './blobs';
import { brokenWarning } from './held';
import { computeManifest, imageLists, readAttributes } from './image';
import { Layout } from './layout';
import type { GitObject } from './objects';
import { breathe } from './pace';
import { type Parts, partsOf } from './parts';
import type { HeldImage, VerifyReport, WorkOptions } from './types';
import { verifyTree } from './verify';

export class StoreView {
  protected constructor(protected readonly parts: Parts) {}

  /** Looks at a store that exists, beside its owner, and writes nothing. Throws 'not-found', 'no-permission', 'damaged'. */
  static async open(dir: string): Promise<StoreView> {
    const layout = new Layout(resolve(dir));
    try {
      lstatSync(layout.images);
      const view = new StoreView(partsOf(layout, true));
      await view.load(false);
      return view;
    } catch (error) {
      throw toPassItOnError(error);
    }
  }

  /** repair: removes what a crash left behind. */
  protected async load(repair: boolean): Promise<void> {
    const { held, blobs, floors, choice } = this.parts;
    await held.load(blobs, repair);
    floors.load();
    choice.load();
  }

  /** Absolute path. */
  get dir(): string {
    return this.parts.layout.dir;
  }

  /** Complete images, newest first. */
  images(): HeldImage[] {
    return this.parts.held.all().map(held => held.image);
  }

  /** Git refs of the images, as `git for-each-ref` would list their tags: name to commit. */
  refs(): { ref: string; commit: Oid }[] {
    return this.parts.held.all().map(({ tag }) => ({ ref: `refs/tags/${tag.name}/${tag.label}`, commit: tag.commit }));
  }

  image(commit: Oid): HeldImage | null {
    return this.parts.held.get(commit)?.image ?? null;
  }

  /** The bytes of the commit of a complete image, for whoever judges its signature; null when not held. */
  commitData(commit: Oid): Buffer | null {
    return this.parts.held.get(commit)?.head.data ?? null;
  }

  /** The highest version ever given to `raiseMinimum` for images of that name; null if none was. */
  minimumVersion(name: string): string | null {
    return this.parts.floors.get(name);
  }

  /** `407`, `olpc-xo/407`, or an oid of at least 7 digits. Throws 'not-found' or 'ambiguous'. */
  resolve(version: string): HeldImage {
    return this.parts.held.resolve(version).image;
  }

  /** The same for an image that may be broken: whose commit cannot be read any more. null: the current one. */
  commitOf(version: string): Oid;
  commitOf(version: string | null): Oid | null;
  commitOf(version: string | null): Oid | null {
    return version === null ? this.parts.choice.state.current : this.parts.held.commitOf(version);
  }

  /** What to tell a person of images that cannot be used until they are mended. */
  warnings(): Sentence[] {
    return this.parts.held.broken().map(brokenWarning);
  }

  get state(): { current: HeldImage | null; previous: HeldImage | null; staged: HeldImage | null } {
    const image = (commit: Oid | null): HeldImage | null => (commit === null ? null : this.image(commit));
    const { current, previous, staged } = this.parts.choice.state;
    return { current: image(current), previous: image(previous), staged: image(staged) };
  }

  /** A commit, tree or attributes blob of a complete image; null when not held. */
  async readObject(oid: Oid): Promise<GitObject | null> {
    await breathe();
    return this.parts.objects.read(oid);
  }

  /** Throws 'damaged' when it is not held. */
  async readTree(oid: Oid): Promise<TreeEntry[]> {
    return this.parts.objects.tree(oid);
  }

  async hasBlob(oid: Oid): Promise<boolean> {
    return this.parts.blobs.has(oid);
  }

  /** The only blob here whose oid begins with these hex digits, at least eight; null where there is none, or more than one. */
  async blobNamed(beginning: string): Promise<Oid | null> {
    return this.parts.blobs.names.named(beginning);
  }

  /** Looks now for what `blobNamed` needs to know, before somebody waits for it. */
  async prepareNames(): Promise<void> {
    await this.parts.blobs.names.prepare();
  }

  /** Where a blob (content of a file, or target of a symlink) is, or would be. Absolute path. */
  blobPath(oid: Oid): string {
    return this.parts.blobs.path(oid);
  }

  /** Size in bytes and SHA-256; null when not held. Hashes it again when its file has changed. */
  async blobInfo(oid: Oid): Promise<{ size: number; sha256: string } | null> {
    return this.parts.blobs.info(oid);
  }

  /** Size of a blob when it was hashed last, in bytes, without a look at the disk; null where nothing is recorded. */
  recordedSize(oid: Oid): number | null {
    return this.parts.blobs.recordedSize(oid);
  }

  /** The content of a small blob, at once: for hundreds of them `openBlob` takes longer. Null where only that can tell. */
  readSmallBlob(oid: Oid): Buffer | null {
    return this.parts.blobs.readSmall(oid);
  }

  /** Any blob, open for synchronous reading. Null where only `openBlob` can tell. The caller closes it. */
  openFile(oid: Oid): OpenFile | null {
    return this.parts.blobs.openFile(oid);
  }

  /** For serving; null when not held, or when its file is not what it was. The caller closes the handle. */
  async openBlob(oid: Oid): Promise<OpenBlob | null> {
    return this.parts.blobs.open(oid);
  }

  /** Free space for us, in bytes. */
  diskFree(): number {
    const { bavail, bsize } = statfsSync(this.dir);
    return bavail * bsize;
  }

  /**
   * Every path of a held image against its commit: content, type, mode, owner, device, link, hard links, extra and
   * missing paths. Damage is in the report. Throws 'not-found', 'stopped', 'damaged' (the image's own objects).
   */
  async verify(commit: Oid, opts: WorkOptions = {}): Promise<VerifyReport> {
    const { image, head } = this.parts.held.need(commit);
    const attributes = readAttributes(head, this.parts.objects);
    const found = await verifyTree(image.dir, head, attributes, this.parts.objects, this.parts.blobs, opts);
    const { damage: _, ...told } = found;
    return { image, ...told };
  }

  /** The manifest of a held image: mtree(5) text, all ASCII. Throws 'not-found', 'stopped', 'damaged'. */
  async manifest(commit: Oid, opts: WorkOptions = {}): Promise<string> {
    const { head } = this.parts.held.need(commit);
    const attributes = readAttributes(head, this.parts.objects);
    const lines: string[] = [];
    const paths = imageLists(head, attributes, this.parts.objects);
    await computeManifest(paths, this.parts.blobs, { ...opts, onLine: line => lines.push(line) });
    return lines.join('');
  }
}
