/**
 * The images on this laptop. One process owns a store at a time; everything that changes it goes through here, and at
 * any moment, crash or power cut, it holds whole images only (docs/operations.md tells what is where).
 */
import { lstatSync, promises } from 'node:fs';
import { resolve } from 'node:path';
import { PassItOnError, toPassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import type { TreeEntry } from '../core/tree';
import { Admission } from './admission';
import type { BlobWriter } from './blob-writer';
import { Blobs, type OpenBlob } from './blobs';
import { checkImage } from './check';
import { Choice } from './choice';
import { type Cleaned, Cleaning } from './cleaning';
import { Floors } from './floors';
import { type Gathered, gather } from './gather';
import { Git } from './git';
import { brokenWarning, HeldImages } from './held';
import { computeManifest, readAttributes, walkImage } from './image';
import { Layout } from './layout';
import { Lock } from './lock';
import { type GitObject, ObjectReader, TreeCache } from './objects';
import { breathe, Turns } from './pace';
import type { Parts } from './parts';
import { type PublishOptions, prepare } from './publish';
import { Quarantine } from './quarantine';
import { Repair, type Repaired } from './repair';
import { activated, type State, used, wentBack } from './state';
import type { HeldImage, PublishResult, VerifyReport, WorkOptions } from './types';
import { verifyTree } from './verify';

export type { BlobWriter } from './blob-writer';
export type { OpenBlob } from './blobs';
export type { Cleaned } from './cleaning';
export type { Gathered } from './gather';
export type { PublishOptions } from './publish';
export type { Quarantine } from './quarantine';
export type { Repaired } from './repair';
export type { Finding, HeldImage, ImageInfo, OnProgress, PublishResult, VerifyReport, WorkOptions } from './types';

export class Store {
  readonly #layout: Layout;
  readonly #blobs: Blobs;
  readonly #git: Git;
  readonly #trees = new TreeCache();
  readonly #objects: ObjectReader;
  readonly #held: HeldImages;
  readonly #choice: Choice;
  readonly #floors: Floors;
  readonly #admission: Admission;
  readonly #cleaning: Cleaning;
  readonly #repair: Repair;
  /** Publishing, staging and removing, one after another. */
  readonly #work = new Turns();
  #closed = false;

  private constructor(
    dir: string,
    private readonly readOnly: boolean,
    private readonly lock: Lock | null,
    private readonly intakeWorker: string | null,
  ) {
    this.#layout = new Layout(dir);
    this.#git = new Git(this.#layout.git, this.#layout.partial);
    this.#blobs = new Blobs(this.#layout.blobs, this.#layout.partial, this.#layout.hashes, readOnly);
    this.#objects = new ObjectReader(oid => this.#git.objects.read(oid), this.#trees);
    this.#held = new HeldImages(this.#layout, this.#git, this.#objects);
    this.#choice = new Choice(this.#layout, this.#git, this.#held);
    this.#floors = new Floors(this.#layout.floors, this.#layout.partial);
    const parts: Parts = {
      layout: this.#layout,
      blobs: this.#blobs,
      git: this.#git,
      objects: this.#objects,
      held: this.#held,
      choice: this.#choice,
    };
    this.#admission = new Admission(parts);
    this.#repair = new Repair(parts);
    this.#cleaning = new Cleaning(parts, at => this.#quarantineAt(at));
  }

  /**
   * Opens a store, creating it (mode 0700) when missing, and becomes its owner until `close` or the end of the process;
   * cleans up after a crash. readOnly: looks only, beside an owner, at a store that exists. intakeWorker: the program for
   * the threads that publish with (dist/intake-worker.js); without it publishing holds this thread.
   * Throws 'busy' while another process owns it, 'not-found' (readOnly), 'no-permission', 'damaged'.
   */
  static async open(dir: string, opts: { readOnly?: boolean; intakeWorker?: string } = {}): Promise<Store> {
    const layout = new Layout(resolve(dir));
    let lock: Lock | null = null;
    try {
      if (opts.readOnly === true) {
        lstatSync(layout.images);
        const store = new Store(layout.dir, true, null, null);
        await store.#load(false);
        return store;
      }
      layout.create();
      lock = Lock.take(layout.lock);
      const store = new Store(layout.dir, false, lock, opts.intakeWorker ?? null);
      await store.#recover();
      return store;
    } catch (error) {
      lock?.release();
      throw toPassItOnError(error);
    }
  }

  async #load(repair: boolean): Promise<void> {
    await this.#held.load(this.#blobs, repair);
    this.#floors.load();
    this.#choice.load();
  }

  async #recover(): Promise<void> {
    const mayLeaveBlobs = await this.#layout.clean();
    await this.#git.init();
    await this.#load(true);
    await this.#choice.show();
    if (mayLeaveBlobs) await this.#cleaning.collect();
  }

  /** Ends what runs (abort it first if it should not end by itself), makes all durable, gives up ownership. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#work.idle();
    await this.#choice.idle();
    await this.#floors.idle();
    try {
      if (!this.readOnly) await this.#blobs.flush();
    } finally {
      this.lock?.release();
    }
  }

  /** Absolute path. */
  get dir(): string {
    return this.#layout.dir;
  }

  /** Complete images, newest first. */
  images(): HeldImage[] {
    return this.#held.all().map(held => held.image);
  }

  /** Git refs of the images, as `git for-each-ref` would list their tags: name to commit. */
  refs(): { ref: string; commit: Oid }[] {
    return this.#held.all().map(({ tag }) => ({ ref: `refs/tags/${tag.name}/${tag.label}`, commit: tag.commit }));
  }

  image(commit: Oid): HeldImage | null {
    return this.#held.get(commit)?.image ?? null;
  }

  /** The bytes of the commit of a complete image, for whoever judges its signature; null when not held. */
  commitData(commit: Oid): Buffer | null {
    return this.#held.get(commit)?.head.data ?? null;
  }

  /** The highest version ever given to `raiseMinimum` for images of that name; null if none was. */
  minimumVersion(name: string): string | null {
    return this.#floors.get(name);
  }

  /** Remembers, for ever, that versions of that image below this one are not safe; lower ones than known do nothing. */
  async raiseMinimum(name: string, version: string): Promise<void> {
    this.#mayWrite();
    await this.#floors.raise(name, version);
  }

  /** `407`, `olpc-xo/407`, or an oid of at least 7 digits. Throws 'not-found' or 'ambiguous'. */
  resolve(version: string): HeldImage {
    return this.#held.resolve(version).image;
  }

  /** The same for an image that may be broken: whose commit cannot be read any more. null: the current one. */
  commitOf(version: string): Oid;
  commitOf(version: string | null): Oid | null;
  commitOf(version: string | null): Oid | null {
    return version === null ? this.#choice.state.current : this.#held.commitOf(version);
  }

  /** What to tell a person of images that cannot be used until they are mended. */
  warnings(): string[] {
    return this.#held.broken().map(brokenWarning);
  }

  get state(): { current: HeldImage | null; previous: HeldImage | null; staged: HeldImage | null } {
    const image = (commit: Oid | null): HeldImage | null => (commit === null ? null : this.image(commit));
    const { current, previous, staged } = this.#choice.state;
    return { current: image(current), previous: image(previous), staged: image(staged) };
  }

  /** A commit, tree or attributes blob of a complete image; null when not held. */
  async readObject(oid: Oid): Promise<GitObject | null> {
    await breathe();
    return this.#objects.read(oid);
  }

  /** Throws 'damaged' when it is not held. */
  async readTree(oid: Oid): Promise<TreeEntry[]> {
    return this.#objects.tree(oid);
  }

  async hasBlob(oid: Oid): Promise<boolean> {
    return this.#blobs.has(oid);
  }

  /** Where a blob (content of a file, or target of a symlink) is, or would be. Absolute path. */
  blobPath(oid: Oid): string {
    return this.#blobs.path(oid);
  }

  /** Size in bytes and SHA-256; null when not held. Hashes it again when its file has changed. */
  async blobInfo(oid: Oid): Promise<{ size: number; sha256: string } | null> {
    return this.#blobs.info(oid);
  }

  /** For serving; null when not held, or when its file is not what it was. The caller closes the handle. */
  async openBlob(oid: Oid): Promise<OpenBlob | null> {
    return this.#blobs.open(oid);
  }

  /** size: of the whole, in bytes; from: go on after so many. Only content that hashes to `oid` is ever a blob. */
  async receiveBlob(oid: Oid, size: number, from = 0): Promise<BlobWriter> {
    this.#mayWrite();
    return this.#blobs.receive(oid, size, from);
  }

  /** How many bytes came of a large blob before its receiving was broken off: `from` may be as much. */
  keptBytes(oid: Oid): number {
    return this.#blobs.keptBytes(oid);
  }

  /** The unfinished image `commit`; what an earlier process gathered is still there. */
  async quarantine(commit: Oid): Promise<Quarantine> {
    this.#mayWrite();
    return this.#quarantineAt(this.#layout.quarantine(commit));
  }

  #quarantineAt(dir: string): Quarantine {
    return new Quarantine(dir, this.#git.objects, this.#trees, quarantine => this.#discard(quarantine));
  }

  async #discard(quarantine: Quarantine): Promise<void> {
    await this.#exclusively(() => this.#cleaning.discard(quarantine.dir));
  }

  /** Free space for us, in bytes. */
  async diskFree(): Promise<number> {
    const { bavail, bsize } = await promises.statfs(this.dir);
    return bavail * bsize;
  }

  /**
   * Imports the root file system at `dir` as an image. The same folder with the same name, version and time gives the
   * same commit anywhere. Throws 'bad-name', 'not-found', 'usage' (the store lies in the tree), 'unsupported' (mount
   * points, files that change meanwhile), 'no-permission', 'no-space', 'stopped'; then the store is as before.
   */
  async publish(dir: string, opts: PublishOptions): Promise<PublishResult> {
    return this.#exclusively(async () => {
      const quarantine = this.#quarantineAt(this.#layout.temporary('publish'));
      try {
        const { commit, warnings, ...counts } = await prepare(
          dir,
          this.dir,
          this.#blobs,
          quarantine,
          this.intakeWorker,
          opts,
        );
        const rivals = this.images().filter(
          image => image.name === opts.name && image.version === opts.version && image.commit !== commit,
        );
        for (const { commit: rival } of rivals) {
          warnings.push(`Another image is called ${opts.name} ${opts.version}, too (${rival.slice(0, 7)}).`);
        }
        const image = await this.#admission.run(commit, quarantine, opts);
        return { image, warnings, ...counts };
      } catch (error) {
        await quarantine.remove();
        await this.#cleaning.collect();
        throw error;
      }
    });
  }

  /**
   * Is an unfinished image whole and what its commit says? Attributes-SHA256, attributes against tree, every blob,
   * Manifest-SHA256. Throws 'damaged' (something is missing or differs here), 'bad-data', 'stopped'.
   */
  async checkImage(commit: Oid, quarantine: Quarantine, opts: WorkOptions = {}): Promise<void> {
    try {
      await checkImage(commit, quarantine, this.#blobs, opts);
    } catch (error) {
      throw toPassItOnError(error);
    }
  }

  /**
   * Copies what an unfinished image lacks from the same paths below `root`, where they hold it. sizes: of what is wanted,
   * in bytes. What differs there is left for the network. Throws 'stopped', 'no-space', 'bad-data'.
   */
  async gather(
    commit: Oid,
    quarantine: Quarantine,
    root: string,
    sizes: ReadonlyMap<Oid, number>,
    opts: WorkOptions = {},
  ): Promise<Gathered> {
    this.#mayWrite();
    try {
      return await gather(commit, quarantine, root, sizes, this.#blobs, opts);
    } catch (error) {
      throw toPassItOnError(error);
    }
  }

  /**
   * Builds the complete tree of an image whose blobs are all held, and lets it appear under `images/` by one rename.
   * The quarantine is gone afterwards. Throws 'damaged' (a blob or tree is missing), 'no-space', 'stopped'.
   */
  async stage(commit: Oid, quarantine: Quarantine, opts: WorkOptions = {}): Promise<HeldImage> {
    return this.#exclusively(() => this.#admission.run(commit, quarantine, opts));
  }

  /** Names the image to start next, or none. Throws 'not-found'. */
  async setStaged(commit: Oid | null): Promise<void> {
    await this.#choose(state => {
      if (commit !== null) this.#held.need(commit);
      return { ...state, staged: commit };
    });
  }

  /** That image is what this laptop runs. Throws 'not-found'. */
  async use(commit: Oid): Promise<void> {
    await this.#choose(state => {
      this.#held.need(commit);
      return used(state, commit);
    });
  }

  /** Staged becomes current, current becomes previous. Throws 'no-image'. */
  async activate(): Promise<void> {
    await this.#choose(state => this.#usable(activated(state)));
  }

  /** Current and previous change places. Throws 'no-image'. */
  async goBack(): Promise<void> {
    await this.#choose(state => this.#usable(wentBack(state)));
  }

  #usable(state: State): State {
    if (state.current !== null) this.#held.need(state.current);
    return state;
  }

  async #choose(change: (state: State) => State): Promise<void> {
    this.#mayWrite();
    try {
      await this.#choice.change(change);
    } catch (error) {
      throw toPassItOnError(error);
    }
  }

  /**
   * Every path of a held image against its commit: content, type, mode, owner, device, link, hard links, extra and
   * missing paths. Damage is in the report. Throws 'not-found', 'stopped', 'damaged' (the image's own objects).
   */
  async verify(commit: Oid, opts: WorkOptions = {}): Promise<VerifyReport> {
    const { image, head } = this.#held.need(commit);
    const attributes = readAttributes(head, this.#objects);
    const found = await verifyTree(image.dir, head, attributes, this.#objects, this.#blobs, opts);
    const { damage: _, ...told } = found;
    return { image, ...told };
  }

  /** The manifest of a held image: mtree(5) text, all ASCII. Throws 'not-found', 'stopped', 'damaged'. */
  async manifest(commit: Oid, opts: WorkOptions = {}): Promise<string> {
    const { head } = this.#held.need(commit);
    const attributes = readAttributes(head, this.#objects);
    const lines: string[] = [];
    const paths = walkImage(head, attributes, this.#objects);
    await computeManifest(paths, this.#blobs, { ...opts, onLine: line => lines.push(line) });
    return lines.join('');
  }

  /** Whether the trees and attributes of a held image can all be read; else `restoreObjects`. Throws 'not-found'. */
  async hasObjects(commit: Oid): Promise<boolean> {
    return this.#repair.hasObjects(commit);
  }

  /** Takes in objects of a held image that were received anew because they had been lost or damaged here. */
  async restoreObjects(quarantine: Quarantine): Promise<void> {
    await this.#exclusively(async () => {
      for (const oid of [...quarantine.own()]) quarantine.release(oid);
      await this.#blobs.flush(true);
      await quarantine.remove();
      await this.#held.reload(this.#blobs);
    });
  }

  /**
   * Makes every path of a held image as it was published, and those of other images that shared a wrong inode, from
   * what this disk holds. Throws 'not-found', 'stopped', 'damaged' (the image's own objects), 'no-space'.
   */
  async repair(commit: Oid, opts: WorkOptions = {}): Promise<Repaired> {
    return this.#exclusively(() => this.#repair.run(commit, opts));
  }

  /**
   * Drops an image and what only it needed. Throws 'busy' for current, previous and staged, 'not-found'.
   * previous: also when it is the one kept to go back to; then there is nothing to go back to.
   */
  async remove(commit: Oid, { previous = false } = {}): Promise<Cleaned> {
    return this.#exclusively(async () => {
      if (previous)
        await this.#choice.change(state => (state.previous === commit ? { ...state, previous: null } : state));
      return this.#cleaning.remove(commit);
    });
  }

  /**
   * Drops images that are neither current, previous nor staged, unfinished ones, and what nothing needs. `keep`: what is
   * being served, fetched or compared, asked when it is our turn. A store without current image keeps its images.
   */
  async clean(keep: () => ReadonlySet<Oid>): Promise<Cleaned> {
    return this.#exclusively(() => this.#cleaning.clean(keep()));
  }

  #mayWrite(): void {
    if (this.#closed) throw new PassItOnError('service', 'The store has been closed.', 'Open it again.');
    if (!this.readOnly) return;
    throw new PassItOnError('no-permission', 'The store is open for reading only.', 'Ask the process that owns it.');
  }

  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    this.#mayWrite();
    try {
      return await this.#work.run(work);
    } catch (error) {
      throw toPassItOnError(error);
    }
  }
}
