/** What a store consists of, for the pieces of work on all of it. */
import { Blobs } from './blobs';
import { Choice } from './choice';
import { Floors } from './floors';
import { Git } from './git';
import { HeldImages } from './held';
import type { Layout } from './layout';
import { ObjectReader } from './objects';
import { TreeCache } from './tree-cache';

export interface Parts {
  readonly layout: Layout;
  readonly blobs: Blobs;
  readonly git: Git;
  readonly trees: TreeCache;
  readonly objects: ObjectReader;
  readonly held: HeldImages;
  readonly choice: Choice;
  readonly floors: Floors;
}

/** readOnly: beside an owner, nothing is written. */
export function partsOf(layout: Layout, readOnly: boolean): Parts {
  const git = new Git(layout.git, layout.partial);
  const trees = new TreeCache();
  const objects = new ObjectReader(oid => git.objects.read(oid), trees);
  const held = new HeldImages(layout, git, objects);
  return {
    layout,
    blobs: new Blobs(layout.blobs, layout.partial, layout.hashes, readOnly),
    git,
    trees,
    objects,
    held,
    choice: new Choice(layout, git, held),
    floors: new Floors(layout.floors, layout.partial),
  };
}
