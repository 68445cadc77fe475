/**
 * `GET /images/<commit>/trees?have=<root tree oid>&patches`: everything the asker needs to make a plan, in one answer:
 * the commit, the attributes, each tree that differs from the one at the same place below `have` (as what differs, if the
 * asker takes patches), and the sizes of the blobs that those name.
 */
import type { ServerResponse } from 'node:http';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { MODE } from '../core/tree';
import { compareTrees, encodeTreePatch, STEP } from '../core/tree-patch';
import type { HeldImage, Store } from '../store/store';
import type { ToMake } from './deltas-ahead';
import { WORTH_A_TRIAL } from './effort';
import { encodeFrame, encodeSizes, frameStream, KIND, type Kind } from './frames';
import { type Holdings, holdingsOf } from './holdings';
import type { RateLimit } from './rate-limit';
import type { Deltas } from './server-deltas';
import { drain, sendFrames } from './server-stream';

/** Sizes are sent in frames of this many, so that neither side holds a long list. */
const SIZES_PER_FRAME = 1000;
const ZERO_OID = '0'.repeat(40);

export async function serveTrees(
  store: Store,
  image: HeldImage,
  asked: AskedTrees,
  response: ServerResponse,
  limit: RateLimit | null,
  deltas: Deltas,
): Promise<void> {
  const changed: ToMake[] = [];
  let bytes = 0;
  const onNew: OnNew = (target, base, size) => {
    bytes += size;
    if (base !== null && bytes < WORTH_A_TRIAL) changed.push({ base, target, size });
  };
  const frames = treeFrames(holdingsOf(store), image, asked, onNew);
  await sendFrames(response, drain(frameStream(frames)), limit, 'delta', 'trees');
  // Who knows the trees makes a plan, and asks for blobs next. For more it first finds out whether they come sooner as they are.
  if (asked.deltas && bytes < WORTH_A_TRIAL) deltas.makeAhead(changed);
  await store.prepareNames();
}

/** What the asker has: a root tree, or null; and whether it takes patches, and will ask for deltas. */
export interface AskedTrees {
  have: Oid | null;
  patches: boolean;
  deltas: boolean;
}

/** Is told of each content that the asker may lack: the one that it has at the same path, or null, and its size in bytes. */
type OnNew = (target: Oid, base: Oid | null, size: number) => void;

/** What an image's place among git's objects is. */
export type ImageRoots = Pick<HeldImage, 'commit' | 'attributes' | 'root'>;

/** Commit, attributes, the trees that differ from those below `have`, and the sizes of the blobs that they name. */
export async function* treeFrames(
  store: Holdings,
  image: ImageRoots,
  { have, patches }: Pick<AskedTrees, 'have' | 'patches'>,
  onNew: OnNew = () => {},
): AsyncGenerator<Buffer> {
  const commit = await read(store, image.commit);
  yield encodeFrame(KIND.commit, image.commit, commit);
  const top = /^tree ([0-9a-f]{40})$/m.exec(commit.toString('latin1'))![1]!;
  yield encodeFrame(KIND.tree, top, await read(store, top));
  yield encodeFrame(KIND.attributes, image.attributes, await read(store, image.attributes));

  const held = have !== null && (await store.readObject(have)) !== null ? have : null;
  const sent = new Set<Oid>();
  const sizes = new Map<Oid, number>();
  // Depth first, pairing each tree with the one at the same path that the asker has.
  const open: [Oid, Oid | null][] = image.root === held ? [] : [[image.root, held]];
  for (let pair = open.pop(); pair; pair = open.pop()) {
    const [oid, counterpart] = pair;
    if (sent.has(oid)) continue;
    sent.add(oid);
    const base = counterpart === null ? [] : await store.readTree(counterpart);
    const steps = compareTrees(base, await store.readTree(oid));
    const patched = patches && counterpart !== null;
    const told = patched ? new Map<Oid, number>() : sizes;
    for (const step of steps) {
      if (step.what === STEP.removed) continue;
      const { entry, before } = step;
      if (entry.mode === MODE.dir) open.push([entry.oid, before]);
      else if (!told.has(entry.oid)) {
        const size = await sizeOf(store, entry.oid);
        told.set(entry.oid, size);
        onNew(entry.oid, entry.mode === MODE.symlink ? null : before, size);
      }
    }
    if (patched) {
      const payload = [Buffer.from(counterpart, 'hex'), encodeTreePatch(steps, told)];
      yield encodeFrame(KIND.patched, oid, Buffer.concat(payload));
    } else yield encodeFrame(KIND.tree, oid, await read(store, oid));
    if (sizes.size >= SIZES_PER_FRAME) {
      yield sizesFrame(sizes);
      sizes.clear();
    }
  }
  if (sizes.size > 0) yield sizesFrame(sizes);
}

function sizesFrame(sizes: Map<Oid, number>): Buffer {
  return encodeFrame(KIND.sizes as Kind, ZERO_OID, encodeSizes(sizes));
}

async function read(store: Holdings, oid: Oid): Promise<Buffer> {
  const object = await store.readObject(oid);
  if (!object) throw missing(oid);
  return object.data;
}

async function sizeOf(store: Holdings, oid: Oid): Promise<number> {
  const size = await store.blobSize(oid);
  if (size === null) throw missing(oid);
  return size;
}

function missing(oid: Oid): PassItOnError {
  return new PassItOnError('damaged', `Object ${oid} is missing from the store.`, 'Repair the image with verify.');
}
