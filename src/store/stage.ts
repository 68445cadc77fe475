/**
 * Builds the complete root tree of an image beside the others, from blobs that are all held. Nothing of it counts until
 * it is on the disk as a whole and gets its name by one rename (which the store does).
 */
import { lstatSync, mkdirSync, type Stats } from 'node:fs';
import { type AttributesMap, fullAttributes } from '../core/attributes';
import { badData } from '../core/bad-data';
import { type ByteString, joinPath } from '../core/bytes';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { MODE, type TreeEntry } from '../core/tree';
import type { Blobs } from './blobs';
import { asBytes, diskPath } from './disk';
import { type ImageHead, imageLists, rootEntry, type Totals } from './image';
import { type KnownAttributes, privileged, sameAttributes, sameXattrs, setAttributes } from './inode';
import type { ObjectReader } from './objects';
import { breathe, stopIfAsked } from './pace';
import { Placer } from './place';
import { shown } from './scan';
import type { WorkOptions } from './types';
import { haveXattrTools, readXattrs, setXattrs } from './xattrs';

/** Folders deeper than this exist in no image that a Linux path can name. */
const MAX_DEPTH = 4096;

/** A complete image to share inodes with. */
export interface HeldTree {
  dir: string;
  root: Oid;
  attributes: AttributesMap;
}

/** The folder of a held image that has the same path as the one being staged. */
interface HeldFolder {
  tree: HeldTree;
  entries: Map<ByteString, TreeEntry>;
}

interface Frame {
  path: ByteString;
  entry: TreeEntry;
  left: TreeEntry[];
  held: HeldFolder[];
}

/**
 * dir: does not exist yet. `held`: the likeliest first. Progress: files placed and bytes of their content.
 * Throws 'damaged' when a blob is missing, 'unsupported' when root cannot set extended attributes, 'stopped', 'no-space'.
 */
export async function buildTree(
  dir: string,
  head: ImageHead,
  attributes: AttributesMap,
  objects: ObjectReader,
  blobs: Blobs,
  held: readonly HeldTree[],
  temporaryDir: string,
  options: WorkOptions,
): Promise<Totals> {
  checkTools(attributes);
  const totals = await measure(head, attributes, objects, blobs, options);
  const sound = await soundXattrs(held, attributes);
  const base = asBytes(dir);
  const placer = new Placer(base, blobs, temporaryDir, groupSizes(attributes));
  const stack: Frame[] = [];
  let files = 0;
  let bytes = 0;

  // What the first folder is like on the disk, by umask and owner, all are: it is asked once.
  let fresh: KnownAttributes | null = null;
  const enter = async (path: ByteString, entry: TreeEntry, above: HeldFolder[]): Promise<void> => {
    if (stack.length >= MAX_DEPTH) throw badData(`An image has more than ${MAX_DEPTH} levels of folders.`);
    const to = diskPath(base, path);
    mkdirSync(to, { mode: 0o755 });
    // Their times change with each entry made in them.
    fresh ??= likeFresh(lstatSync(to));
    const left = [...(await objects.tree(entry.oid))].reverse();
    stack.push({ path, entry, left, held: await foldersBelow(above, entry.name, objects) });
  };

  const tops: HeldFolder[] = held.map(tree => ({ tree, entries: new Map([['', heldRoot(tree)]]) }));
  await enter('', rootEntry(head), tops);
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    await breathe();
    stopIfAsked(options.signal);
    const entry = frame.left.pop();
    if (entry === undefined) {
      // Last of all, because every entry made in a folder changes its time.
      const full = fullAttributes(frame.entry, attributes.get(frame.path));
      setAttributes(diskPath(base, frame.path), full, fresh);
      if (full.xattrs !== undefined) placer.lacking.set(frame.path, full);
      stack.pop();
      continue;
    }
    const path = joinPath(frame.path, entry.name);
    if (entry.mode === MODE.dir) {
      await enter(path, entry, frame.held);
      continue;
    }
    const full = fullAttributes(entry, attributes.get(path));
    const candidates: Buffer[] = [];
    for (const { tree, entries } of frame.held) {
      const other = entries.get(entry.name);
      if (other?.oid !== entry.oid || other.mode !== entry.mode) continue;
      const its = tree.attributes.get(path);
      // Most paths have nothing but the defaults, in both images.
      const same = (its === undefined && !attributes.has(path)) || sameAttributes(full, fullAttributes(other, its));
      if (same && (full.xattrs === undefined || sound.get(tree)?.has(path)))
        candidates.push(diskPath(asBytes(tree.dir), path));
    }
    bytes += await placer.place({ path, entry, full }, candidates);
    files += 1;
    options.onProgress?.(files, totals.files, bytes, totals.bytes);
  }
  await setXattrs(dir, base, placer.lacking);
  return totals;
}

function likeFresh({ uid, gid, mode }: Stats): KnownAttributes {
  return { uid, gid, mode, mtimeMs: Number.NaN };
}

/** An image whose attributes would be lost is no upgrade; an ordinary user's store says what it lacks (verify). */
function checkTools(attributes: AttributesMap): void {
  if (!privileged || haveXattrTools()) return;
  for (const [path, { xattrs }] of attributes) {
    if (xattrs === undefined) continue;
    const message = `${shown(path)} has extended attributes, which cannot be set here: setfattr is missing.`;
    throw new PassItOnError('unsupported', message, 'Install the package attr, and try again.');
  }
}

/** Paths of held images whose extended attributes on the disk are those that both images want. */
async function soundXattrs(held: readonly HeldTree[], wanted: AttributesMap): Promise<Map<HeldTree, Set<ByteString>>> {
  const sound = new Map<HeldTree, Set<ByteString>>();
  const paths = [...wanted].filter(([, { xattrs }]) => xattrs !== undefined);
  if (paths.length === 0 || !haveXattrTools()) return sound;
  for (const tree of held) {
    const base = asBytes(tree.dir);
    const there = paths.filter(([path]) => lstatSync(diskPath(base, path), { throwIfNoEntry: false }) !== undefined);
    const actual = await readXattrs(
      tree.dir,
      there.map(([path]) => path),
    );
    const same = there.filter(([path, { xattrs }]) => sameXattrs(actual.get(path) ?? {}, xattrs ?? {}));
    sound.set(tree, new Set(same.map(([path]) => path)));
  }
  return sound;
}

function heldRoot(tree: HeldTree): TreeEntry {
  return { mode: MODE.dir, name: '', oid: tree.root };
}

async function foldersBelow(above: HeldFolder[], name: ByteString, objects: ObjectReader): Promise<HeldFolder[]> {
  const below: HeldFolder[] = [];
  for (const { tree, entries } of above) {
    const folder = entries.get(name);
    if (folder?.mode !== MODE.dir) continue;
    try {
      const inside = await objects.tree(folder.oid);
      below.push({ tree, entries: new Map(inside.map(entry => [entry.name, entry])) });
    } catch (error) {
      // Where another image has rotted there is nothing to share.
      if (!(error instanceof PassItOnError && error.code === 'damaged')) throw error;
    }
  }
  return below;
}

/** How many paths each hard-link group of an image has. */
export function groupSizes(attributes: AttributesMap): Map<number, number> {
  const sizes = new Map<number, number>();
  for (const { hardlink } of attributes.values()) {
    if (hardlink !== undefined) sizes.set(hardlink, (sizes.get(hardlink) ?? 0) + 1);
  }
  return sizes;
}

/** Paths, files and bytes of an image, by what is recorded of its blobs; those never held count as nothing. */
export async function measure(
  head: ImageHead,
  attributes: AttributesMap,
  objects: ObjectReader,
  blobs: Blobs,
  options: WorkOptions = {},
): Promise<Totals> {
  const totals: Totals = { paths: 0, files: 0, bytes: 0 };
  for await (const list of imageLists(head, attributes, objects)) {
    stopIfAsked(options.signal);
    totals.paths += list.length;
    for (const { entry, full } of list) {
      if (full.type !== 'dir') totals.files += 1;
      if (full.type === 'file')
        totals.bytes += blobs.recordedSize(entry.oid) ?? (await blobs.info(entry.oid))?.size ?? 0;
    }
  }
  return totals;
}
