/** What a person does with the images of this laptop: look after them, make room, take them elsewhere. */
import { stat } from 'node:fs/promises';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { syncFileSystem } from '../store/atomic';
import type { Cleaned, HeldImage, Store } from '../store/store';
import { exportImages } from '../transfer/export';
import { repairImage } from '../upgrade/repair';
import type { AdoptResult, CleanResult, ExportResult, ImageInfo, Params, VerifyReport } from './contract';
import type { Finding } from './finding';
import { readSettings } from './settings';
import type { Upgrades } from './upgrades';

/** A repair asks who is there; nobody waits for a laptop that may come. */
const REPAIR_PATIENCE_SECONDS = 10;

export interface Surroundings {
  /** Commits that somebody is fetching from us, or that are being compared now. */
  inUse(): Set<Oid>;
  /** The facts of an image that leave the process. */
  describe(image: HeldImage): ImageInfo;
}

export class Keeping {
  constructor(
    private readonly store: Store,
    private readonly upgrades: Upgrades,
    private readonly finding: Finding,
    private readonly around: Surroundings,
  ) {}

  async remove({ version, previous = false }: Params<'remove'>): Promise<CleanResult> {
    return this.cleaned(await this.store.remove(this.store.commitOf(version), { previous }));
  }

  async collectGarbage(): Promise<CleanResult> {
    const keep = () => {
      const upgrade = this.upgrades.state?.to.commit;
      return new Set([...this.around.inUse(), ...(upgrade === undefined ? [] : [upgrade])]);
    };
    return this.cleaned(await this.store.clean(keep));
  }

  async verify({ version, repair, from }: Params<'verify'>): Promise<VerifyReport> {
    const commit = this.store.commitOf(version ?? null);
    const repaired = repair === true && commit !== null ? await this.repair(commit, from) : undefined;
    const image = this.named(commit ?? version);
    const report = await this.store.verify(image.commit, {});
    return { ...report, image: this.around.describe(image), ...(repaired && { repaired }) };
  }

  private async repair(commit: Oid, from?: string[]): Promise<{ paths: number; objects: number }> {
    const sources = this.finding.sources(from);
    try {
      return await repairImage(this.store, sources, commit, REPAIR_PATIENCE_SECONDS, new AbortController().signal);
    } finally {
      sources.close();
    }
  }

  async export({ dir, versions }: Params<'export'>): Promise<ExportResult> {
    const images = versions?.length ? versions.map(version => this.store.resolve(version)) : this.store.images();
    if (images.length === 0) {
      throw new PassItOnError('no-image', 'There is no image here to export.', 'Publish or fetch one first.');
    }
    const written = await exportImages(this.store, dir, images, syncFileSystem);
    return { dir, images: images.map(this.around.describe), ...written };
  }

  async manifest({ version }: Params<'manifest'>): Promise<string> {
    return this.store.manifest(this.named(version).commit);
  }

  /** root: absolute. */
  async adopt(
    { version, root, from, patience, effort }: Params<'adopt'>,
    defaultPatience: number,
  ): Promise<AdoptResult> {
    if (!(await stat(root).catch(() => null))?.isDirectory()) {
      const remedy = 'Name the folder of the running system with --root; usually it is /.';
      throw new PassItOnError('not-found', `${root} is not a folder.`, remedy);
    }
    const sources = this.finding.sources(from);
    const to = await this.finding.find(version, sources);
    let taken = { objects: 0, bytes: 0 };
    const wishes = { patience: patience ?? defaultPatience, effort: effort ?? readSettings().effort };
    const result = await this.upgrades.start(to, sources, wishes, async (pipeline, signal) => {
      taken = await pipeline.adopt(to.commit, root, signal);
    });
    const { bytesReceived, seconds, warnings } = result;
    const image = this.store.resolve(to.commit);
    const isCurrent = this.store.state.current?.commit === to.commit;
    return {
      image: this.around.describe(image),
      isCurrent,
      objectsTaken: taken.objects,
      bytesTaken: taken.bytes,
      bytesReceived,
      seconds,
      warnings,
    };
  }

  private cleaned({ images, bytesFreed }: Cleaned): CleanResult {
    return { images: images.map(this.around.describe), bytesFreed };
  }

  private named(version: string | undefined): HeldImage {
    const image = version === undefined ? this.store.state.current : this.store.resolve(version);
    if (image) return image;
    throw new PassItOnError('no-image', 'This laptop uses no image yet.', 'Name the version.');
  }
}
