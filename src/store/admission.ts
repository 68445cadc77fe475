/** How an image whose contents are all here becomes one that the store holds: built beside the others, then named. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import type { AttributesMap } from '../core/attributes';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { syncDirectory } from './atomic';
import { removeTree } from './disk';
import { describe, type Held } from './held';
import { readAttributes, readHead } from './image';
import type { ObjectReader } from './objects';
import type { Parts } from './parts';
import type { Quarantine } from './quarantine';
import { buildTree, type HeldTree } from './stage';
import type { HeldImage, WorkOptions } from './types';

export class Admission {
  constructor(private readonly parts: Parts) {}

  /** Needs the store for itself. Throws as Store.stage does. */
  async run(commit: Oid, quarantine: Quarantine, opts: WorkOptions): Promise<HeldImage> {
    const { layout, blobs, git, objects, held, choice } = this.parts;
    const known = held.get(commit);
    if (known !== null) {
      await quarantine.remove();
      return known.image;
    }
    const { reader } = quarantine;
    const data = reader.need(commit, 'commit', 'commit of the image');
    const head = readHead(commit, data, reader);
    const attributes = readAttributes(head, reader);
    const building = join(layout.partial, `stage-${commit}`);
    await removeTree(building);
    try {
      const others: HeldTree[] = [];
      for (const other of held.likeliestFirst(choice.state)) {
        const its = attributesOf(other, objects);
        if (its !== null) others.push({ dir: other.image.dir, root: other.head.root, attributes: its });
      }
      const totals = await buildTree(building, head, attributes, reader, blobs, others, layout.partial, opts);
      await blobs.flush(true);
      // From here on only renames: objects (children first), the tag, and last the tree itself.
      await quarantine.releaseTree(head.info.tree);
      quarantine.release(head.attributes);
      await git.writeCommit(data);
      const tag = await git.tag(head.info.name, head.info.version, commit);
      const dir = await held.makeRoom(head.info.version, commit);
      renameSync(building, dir);
      await syncDirectory(layout.images);
      const image = describe(head, dir, totals.bytes);
      await held.add({ image, head, tag });
      await quarantine.remove();
      await layout.forgetRests();
      return image;
    } catch (error) {
      await removeTree(building);
      throw error;
    }
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
