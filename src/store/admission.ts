/** How an image whose contents are all here becomes one that the store holds: built beside the others, then named. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import type { AttributesMap } from '../core/attributes';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { syncDirectory } from './atomic';
import { asBytes, removeTree } from './disk';
import { describe, type Held } from './held';
import { type ImageHead, readAttributes, readHead } from './image';
import { ManifestDraft } from './manifest-draft';
import type { ObjectReader } from './objects';
import type { Parts } from './parts';
import type { Quarantine } from './quarantine';
import { Building, type HeldTree } from './stage';
import type { HeldImage, WorkOptions } from './types';

/** An image that is being staged while its contents come. */
export interface BegunImage {
  head: ImageHead;
  attributes: AttributesMap;
  /** Of all its paths. */
  draft: ManifestDraft;
}

interface Begun extends BegunImage {
  building: Building;
}

/** Every method needs the store for itself. */
export class Admission {
  /** One that was begun before all of its contents were here. */
  #begun: Begun | null = null;

  constructor(private readonly parts: Parts) {}

  /**
   * Builds of an unfinished image what its contents are here for, so that less is left for `run`. Its commit, trees and
   * attributes must be here. Throws as Store.stage does, and leaves nothing then.
   */
  async begin(commit: Oid, quarantine: Quarantine, opts: WorkOptions): Promise<void> {
    await this.abandon();
    if (this.parts.held.get(commit) !== null) return;
    const head = this.#headOf(commit, quarantine);
    const attributes = readAttributes(head, quarantine.reader);
    const building = this.#building(head, attributes, quarantine.reader);
    const { layout, blobs } = this.parts;
    const draft = new ManifestDraft(layout.temporary('draft'), blobs);
    this.#begun = { head, attributes, draft, building };
    try {
      await removeTree(this.#dirOf(commit));
      await building.begin(true, opts, item => draft.add(item));
    } catch (error) {
      await this.abandon();
      throw error;
    }
  }

  /** Places what has come since `begin`; nothing where that is given up. Throws as Store.stage does, and leaves nothing then. */
  async goOn(commit: Oid, opts: WorkOptions): Promise<void> {
    const begun = this.begun(commit);
    if (begun === null) return;
    try {
      await begun.building.goOn(opts);
    } catch (error) {
      await this.abandon();
      throw error;
    }
  }

  /** What was begun of that image; valid until that is abandoned or staged. */
  begun(commit: Oid): Begun | null {
    return this.#begun?.head.commit === commit ? this.#begun : null;
  }

  /** Removes what was begun. */
  async abandon(): Promise<void> {
    const begun = this.#begun;
    this.#begun = null;
    begun?.draft.close();
    if (begun !== null) await removeTree(this.#dirOf(begun.head.commit));
  }

  /** Throws as Store.stage does. */
  async run(commit: Oid, quarantine: Quarantine, opts: WorkOptions): Promise<HeldImage> {
    const known = this.parts.held.get(commit);
    if (known !== null) {
      await quarantine.remove();
      return known.image;
    }
    const begun = this.begun(commit);
    const head = begun?.head ?? this.#headOf(commit, quarantine);
    const building =
      begun?.building ?? this.#building(head, readAttributes(head, quarantine.reader), quarantine.reader);
    begun?.draft.close();
    if (begun !== null) this.#begun = null;
    try {
      if (begun === null) {
        await removeTree(this.#dirOf(commit));
        await building.begin(false, opts);
      }
      const { bytes } = await building.finish(opts);
      return await this.#admit(head, quarantine, bytes);
    } catch (error) {
      await removeTree(this.#dirOf(commit));
      throw error;
    }
  }

  /** All is built. */
  async #admit(head: ImageHead, quarantine: Quarantine, bytes: number): Promise<HeldImage> {
    const { layout, blobs, git, held } = this.parts;
    const { commit, info } = head;
    await blobs.flush(true);
    // From here on only renames: objects (children first), the tag, and last the tree itself.
    await quarantine.releaseTree(info.tree);
    quarantine.release(head.attributes);
    quarantine.release(commit);
    const tag = await git.tag(info.name, info.version, commit);
    const dir = await held.makeRoom(info.version, commit);
    renameSync(this.#dirOf(commit), dir);
    await syncDirectory(layout.images);
    const image = describe(head, dir, bytes);
    held.add({ image, head, tag });
    await quarantine.remove();
    await layout.forgetRests();
    return image;
  }

  #headOf(commit: Oid, { reader }: Quarantine): ImageHead {
    return readHead(commit, reader.need(commit, 'commit', 'commit of the image'), reader);
  }

  #building(head: ImageHead, attributes: AttributesMap, reader: ObjectReader): Building {
    const { layout, blobs, objects, held, choice } = this.parts;
    const others: HeldTree[] = [];
    for (const other of held.likeliestFirst(choice.state)) {
      const its = attributesOf(other, objects);
      if (its !== null)
        others.push({ dir: other.image.dir, base: asBytes(other.image.dir), root: other.head.root, attributes: its });
    }
    const plan = { head, attributes, objects: reader, blobs, held: others };
    return new Building(this.#dirOf(head.commit), plan, layout.partial);
  }

  #dirOf(commit: Oid): string {
    return join(this.parts.layout.partial, `stage-${commit}`);
  }
}

/** An image that has rotted shares nothing, and stands in nobody's way. */
function attributesOf({ head }: Held, objects: ObjectReader): AttributesMap | null {
  try {
    return readAttributes(head, objects);
  } catch (error) {
    if (error instanceof PassItOnError && error.code === 'damaged') return null;
    throw error;
  }
}
