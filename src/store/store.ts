/**
 * The images on this laptop. One process owns a store at a time; everything that changes it goes through here, and at
 * any moment, crash or power cut, it holds whole images only (docs/operations.md tells what is where).
 */
import { resolve } from 'node:path';
import { PassItOnError, toPassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { Admission } from './admission';
import type { BlobWriter } from './blob-writer';
import { checkImage } from './check';
import { type Cleaned, Cleaning } from './cleaning';
import { type Gathered, gather } from './gather';
import type { LandingField } from './landing';
import { Layout } from './layout';
import { Lock } from './lock';
import { Turns } from './pace';
import type { PackedPart } from './packed-part';
import { partsOf } from './parts';
import { type PublishOptions, prepare } from './publish';
import { Quarantine } from './quarantine';
import { Repair, type Repaired } from './repair';
import { activated, type State, used, wentBack } from './state';
import type { CheckOptions, HeldImage, PublishResult, WorkOptions } from './types';
import { StoreView } from './view';

export type { BlobWriter } from './blob-writer';
export type { OpenBlob, OpenFile } from './blobs';
export type { Cleaned } from './cleaning';
export type { Gathered } from './gather';
export type { PackedPart } from './packed-part';
export type { PublishOptions } from './publish';
export type { Quarantine } from './quarantine';
export type { Repaired } from './repair';
export type { Finding, HeldImage, ImageInfo, OnProgress, PublishResult, VerifyReport, WorkOptions } from './types';

export class Store extends StoreView {
  readonly #admission: Admission;
  readonly #cleaning: Cleaning;
  readonly #repair: Repair;
  /** Publishing, staging and removing, one after another. */
  readonly #work = new Turns();
  #closed = false;

  private constructor(
    layout: Layout,
    private readonly lock: Lock,
    private readonly intakeWorker: string | null,
  ) {
    super(partsOf(layout, false));
    this.#admission = new Admission(this.parts);
    this.#repair = new Repair(this.parts);
    this.#cleaning = new Cleaning(this.parts, at => this.#quarantineAt(at));
  }

  /**
   * Opens a store, creating it (mode 0700) when missing, and becomes its owner until `close` or the end of the process;
   * cleans up after a crash. intakeWorker: the program for the threads that publish with (dist/intake-worker.js);
   * without it publishing holds this thread. Throws 'busy' while another process owns it, 'no-permission', 'damaged'.
   */
  static override async open(dir: string, opts: { intakeWorker?: string } = {}): Promise<Store> {
    const layout = new Layout(resolve(dir));
    let lock: Lock | null = null;
    try {
      layout.create();
      lock = Lock.take(layout.lock);
      const store = new Store(layout, lock, opts.intakeWorker ?? null);
      await store.#recover();
      return store;
    } catch (error) {
      lock?.release();
      throw toPassItOnError(error);
    }
  }

  async #recover(): Promise<void> {
    const mayLeaveBlobs = await this.parts.layout.clean();
    await this.parts.git.init();
    await this.load(true);
    await this.parts.choice.show();
    if (mayLeaveBlobs) await this.#cleaning.collect();
  }

  /** Ends what runs (abort it first if it should not end by itself), makes all durable, gives up ownership. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#work.idle();
    await this.parts.choice.idle();
    await this.parts.floors.idle();
    try {
      await this.parts.blobs.flush();
    } finally {
      this.lock.release();
    }
  }

  /** Remembers, for ever, that versions of that image below this one are not safe; lower ones than known do nothing. */
  async raiseMinimum(name: string, version: string): Promise<void> {
    this.#mustBeOpen();
    await this.parts.floors.raise(name, version);
  }

  /** A blob that has come in one piece. Only content that hashes to `oid` is ever a blob: 'source-lied'. */
  receiveWhole(oid: Oid, data: Buffer): void {
    this.#mustBeOpen();
    this.parts.blobs.receiveWhole(oid, data);
  }

  /** The same in pieces. size: of the whole, in bytes. */
  receiveBlob(oid: Oid, size: number): BlobWriter {
    this.#mustBeOpen();
    return this.parts.blobs.receive(oid, size);
  }

  /** The same of a large one whose first `from` bytes came before. Throws 'damaged' when they are not here any more. */
  async resumeBlob(oid: Oid, size: number, from: number): Promise<BlobWriter> {
    this.#mustBeOpen();
    return this.parts.blobs.resume(oid, size, from);
  }

  /** How many bytes came of a large blob before its receiving was broken off: `from` may be as much. */
  keptBytes(oid: Oid): number {
    return this.parts.blobs.keptBytes(oid);
  }

  /** Where what another thread takes in becomes a blob. */
  get landing(): LandingField {
    return this.parts.blobs;
  }

  /** Where to keep what came of a large blob as its source packs it; null while somebody else does. released: once closed. */
  packedPart(oid: Oid, released: () => void): PackedPart | null {
    return this.parts.blobs.packed.open(oid, released);
  }

  /** The unfinished image `commit`; what an earlier process gathered is still there. */
  async quarantine(commit: Oid): Promise<Quarantine> {
    this.#mustBeOpen();
    return this.#quarantineAt(this.parts.layout.quarantine(commit));
  }

  #quarantineAt(dir: string): Quarantine {
    return new Quarantine(dir, this.parts.git.objects, this.parts.trees, quarantine => this.#discard(quarantine));
  }

  async #discard(quarantine: Quarantine): Promise<void> {
    await this.#exclusively(() => this.#cleaning.discard(quarantine.dir));
  }

  /**
   * Imports the root file system at `dir` as an image. The same folder with the same name, version and time gives the
   * same commit anywhere. Throws 'bad-name', 'not-found', 'usage' (the store lies in the tree), 'unsupported' (mount
   * points, files that change meanwhile), 'no-permission', 'no-space', 'stopped'; then the store is as before.
   */
  async publish(dir: string, opts: PublishOptions): Promise<PublishResult> {
    return this.#exclusively(async () => {
      const quarantine = this.#quarantineAt(this.parts.layout.temporary('publish'));
      try {
        const { commit, warnings, ...counts } = await prepare(
          dir,
          this.dir,
          this.parts.blobs,
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
  async checkImage(commit: Oid, quarantine: Quarantine, opts: CheckOptions = {}): Promise<void> {
    try {
      // What staging has written down on its way knows blobs by their records; it is waited for, as staging would be.
      const begun = opts.byRecord ? await this.#exclusively(async () => this.#admission.begun(commit)) : null;
      await checkImage(commit, quarantine, this.parts.blobs, opts, begun);
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
    this.#mustBeOpen();
    try {
      return await gather(commit, quarantine, root, sizes, this.parts.blobs, opts);
    } catch (error) {
      throw toPassItOnError(error);
    }
  }

  /**
   * Begins what `stage` does, for an image whose commit, trees and attributes are here, while its blobs are still coming. Nobody sees
   * anything of it; to be given up again (`abandonStage`) where no `stage` follows. Throws as `stage`, and leaves nothing then.
   */
  async beginStage(commit: Oid, quarantine: Quarantine, opts: WorkOptions = {}): Promise<void> {
    await this.#exclusively(() => this.#admission.begin(commit, quarantine, opts));
  }

  /** Goes on with what `beginStage` began, as far as blobs have come since. Nothing where that was given up. Throws as it does. */
  async continueStage(commit: Oid, opts: WorkOptions = {}): Promise<void> {
    await this.#exclusively(() => this.#admission.goOn(commit, opts));
  }

  /** Removes what `beginStage` left; harmless where it left nothing. */
  async abandonStage(): Promise<void> {
    await this.#exclusively(() => this.#admission.abandon());
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
      if (commit !== null) this.parts.held.need(commit);
      return { ...state, staged: commit };
    });
  }

  /** That image is what this laptop runs. Throws 'not-found'. */
  async use(commit: Oid): Promise<void> {
    await this.#choose(state => {
      this.parts.held.need(commit);
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
    if (state.current !== null) this.parts.held.need(state.current);
    return state;
  }

  async #choose(change: (state: State) => State): Promise<void> {
    this.#mustBeOpen();
    try {
      await this.parts.choice.change(change);
    } catch (error) {
      throw toPassItOnError(error);
    }
  }

  /** Whether the trees and attributes of a held image can all be read; else `restoreObjects`. Throws 'not-found'. */
  async hasObjects(commit: Oid): Promise<boolean> {
    return this.#repair.hasObjects(commit);
  }

  /** Takes in objects of a held image that were received anew because they had been lost or damaged here. */
  async restoreObjects(quarantine: Quarantine): Promise<void> {
    await this.#exclusively(async () => {
      for (const oid of [...quarantine.own()]) quarantine.release(oid);
      await this.parts.blobs.flush(true);
      await quarantine.remove();
      await this.parts.held.reload(this.parts.blobs);
    });
  }

  /**
   * Makes every path of a held image as it was published, and those of other images that shared a wrong inode, from
   * what this disk holds. Throws 'not-found', 'stopped', 'damaged' (the image's own objects), 'no-space'.
   */
  async repair(commit: Oid, opts: WorkOptions = {}): Promise<Repaired> {
    return this.#exclusively(async () => {
      // Repairing puts other files in the place of wrong ones, which one that is being built may share.
      await this.#admission.abandon();
      return this.#repair.run(commit, opts);
    });
  }

  /**
   * Drops an image and what only it needed. Throws 'busy' for current, previous and staged, 'not-found'.
   * previous: also when it is the one kept to go back to; then there is nothing to go back to.
   */
  async remove(commit: Oid, { previous = false } = {}): Promise<Cleaned> {
    return this.#exclusively(async () => {
      if (previous)
        await this.parts.choice.change(state => (state.previous === commit ? { ...state, previous: null } : state));
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

  #mustBeOpen(): void {
    if (this.#closed) throw new PassItOnError('service', 'The store has been closed.', 'Open it again.');
  }

  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    this.#mustBeOpen();
    try {
      return await this.#work.run(work);
    } catch (error) {
      throw toPassItOnError(error);
    }
  }
}
