/**
 * A tree as what differs from another one. Most of what a tree weighs are the object names of its entries, which nothing
 * makes smaller; so a large folder in which one file is new costs one of them instead of all (docs/protocol.md).
 */
import { badData } from './bad-data';
import { toBuffer } from './bytes';
import { ByteSink, ByteSource } from './delta/varint';
import type { Oid } from './object';
import { compareEntries, MODE, type TreeEntry } from './tree';

/** What happens to the next entry of the base, or before it. */
export const STEP = { removed: 0, changed: 1, added: 2 } as const;
/** Modes as numbers; never reordered. */
const MODES = [MODE.dir, MODE.file, MODE.exec, MODE.symlink] as const;
const OID_BYTES = 20;
const LONGEST_NAME = 255;

/** One step from a base to a target, in git's order; each comes after so many entries that are the same in both. */
export type TreeStep = { kept: number } & (
  | { what: typeof STEP.removed }
  /** Another content of the same kind, by the same name as `before`. */
  | { what: typeof STEP.changed; entry: TreeEntry; before: Oid }
  | { what: typeof STEP.added; entry: TreeEntry; before: null }
);

/** What makes the target of the base; both in git's order. Entries of another mode are removed and added. */
export function compareTrees(base: readonly TreeEntry[], target: readonly TreeEntry[]): TreeStep[] {
  const steps: TreeStep[] = [];
  let at = 0;
  let kept = 0;
  const step = (one: TreeStep) => {
    steps.push(one);
    kept = 0;
  };
  const remove = () => {
    step({ kept, what: STEP.removed });
    at++;
  };
  for (const entry of target) {
    while (at < base.length && compareEntries(base[at]!, entry) < 0) remove();
    const old = base[at]?.name === entry.name ? base[at] : undefined;
    if (old?.mode === entry.mode) {
      at++;
      if (old.oid === entry.oid) kept++;
      else step({ kept, what: STEP.changed, entry, before: old.oid });
      continue;
    }
    if (old && compareEntries(old, entry) === 0) remove();
    step({ kept, what: STEP.added, entry, before: null });
  }
  while (at < base.length) remove();
  return steps;
}

/** @param sizes of the blobs that the steps bring, in bytes */
export function encodeTreePatch(steps: readonly TreeStep[], sizes: ReadonlyMap<Oid, number>): Buffer {
  const sink = new ByteSink();
  for (const one of steps) {
    sink.number(one.kept);
    sink.number(one.what);
    if (one.what === STEP.removed) continue;
    const { mode, name, oid } = one.entry;
    if (one.what === STEP.added) {
      sink.number(MODES.indexOf(mode));
      sink.number(name.length);
      sink.bytes(toBuffer(name));
    }
    sink.bytes(Buffer.from(oid, 'hex'));
    if (mode !== MODE.dir) sink.number(sizes.get(oid) ?? 0);
  }
  return Buffer.from(sink.written);
}

/**
 * The tree that a patch makes of a base, and the sizes that it tells of blobs. Names and order are for encodeTree() to check.
 * @throws PassItOnError 'bad-data' for a patch that does not fit the base
 */
export function applyTreePatch(
  base: readonly TreeEntry[],
  patch: Buffer,
): { entries: TreeEntry[]; sizes: [Oid, number][] } {
  const source = new ByteSource(patch, 'steps of a patch');
  const entries: TreeEntry[] = [];
  const sizes: [Oid, number][] = [];
  let at = 0;
  const content = ({ mode, name }: Pick<TreeEntry, 'mode' | 'name'>) => {
    const oid = source.bytes(OID_BYTES).toString('hex');
    if (mode !== MODE.dir) sizes.push([oid, source.number(Number.MAX_SAFE_INTEGER)]);
    entries.push({ mode, name, oid });
  };
  while (source.left > 0) {
    for (let kept = source.number(base.length - at); kept > 0; kept--) entries.push(base[at++]!);
    const what = source.number(STEP.added);
    if (what === STEP.added) {
      const mode = MODES[source.number(MODES.length - 1)]!;
      content({ mode, name: source.bytes(source.number(LONGEST_NAME)).toString('latin1') });
      continue;
    }
    const old = base[at++];
    if (!old) throw badData('A folder listing is changed behind its end.');
    if (what === STEP.changed) content(old);
  }
  return { entries: [...entries, ...base.slice(at)], sizes };
}
