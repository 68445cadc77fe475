/**
 * Makes a held image whole again: first from what this disk still holds, then with exactly the contents that are lost,
 * from whoever has the image.
 */
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import type { Store } from '../store/store';
import { receiveTrees } from './compare';
import { Pipeline } from './pipeline';
import type { SourceFinder } from './sources';

/** paths: made anew; objects: contents that came from elsewhere. */
export interface RepairResult {
  paths: number;
  objects: number;
}

/**
 * patience: how long to wait for somebody who has it, in seconds; nobody is asked when nothing is lost.
 * @throws PassItOnError 'no-source' | 'source-gone' | 'source-lied' | 'no-space' | 'stopped'
 */
export async function repairImage(
  store: Store,
  finder: SourceFinder,
  commit: Oid,
  patience: number,
  signal: AbortSignal,
): Promise<RepairResult> {
  if (!(await store.hasObjects(commit))) await receiveAgain(store, finder, commit, signal);
  const first = await store.repair(commit, { signal });
  if (first.missing.length === 0) return { paths: first.mended, objects: 0 };
  const sizes = await receiveAgain(store, finder, commit, signal);
  const wanted = first.missing.map(oid => ({ oid, size: sizes.get(oid) ?? 0, bases: [] }));
  // Held already: whether to take it is no question any more.
  const options = { patience, onProgress: () => {}, admit: async () => {} };
  await new Pipeline(store, finder, options).fetchLost(commit, wanted, signal);
  const second = await store.repair(commit, { signal });
  return { paths: first.mended + second.mended, objects: wanted.length };
}

/** Trees and attributes that are missing here, and the sizes of all contents, from the first who tells them. */
async function receiveAgain(
  store: Store,
  finder: SourceFinder,
  commit: Oid,
  signal: AbortSignal,
): Promise<Map<Oid, number>> {
  const remedy = 'Move closer to a laptop that has this image, or name one with --from.';
  let failure: unknown = new PassItOnError('no-source', 'Some contents are lost, and nobody near has them.', remedy);
  for (const { source, holds } of await finder.find(commit, signal)) {
    if (holds !== 'all') continue;
    const quarantine = await store.quarantine(commit);
    try {
      const sizes = await receiveTrees(source, quarantine, commit, null, signal);
      await store.restoreObjects(quarantine);
      return sizes;
    } catch (cause) {
      signal.throwIfAborted();
      await quarantine.remove();
      failure = cause;
    }
  }
  throw failure;
}
