import type { Blobs } from './blobs';
import type { Choice } from './choice';
import type { Git } from './git';
import type { HeldImages } from './held';
import type { Layout } from './layout';
import type { ObjectReader } from './objects';

/** What a store consists of, for the pieces of work on all of it. */
export interface Parts {
  readonly layout: Layout;
  readonly blobs: Blobs;
  readonly git: Git;
  readonly objects: ObjectReader;
  readonly held: HeldImages;
  readonly choice: Choice;
}
