/**
 * Builds the complete root tree of an image beside the others. Nothing of it counts until it is on the disk as a whole and gets
 * its name by one rename (which the store does), so it can be begun before all blobs are held.
 */
import { lstatSync, mkdirSync, type Stats } from 'node:fs';
import { type AttributesMap, type FullAttributes, fullAttributes } from '../core/attributes';
import { badData } from '../core/bad-data';
import { type ByteString, joinPath } from '../core/bytes';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { MODE, type TreeEntry } from '../core/tree';
import type { Blobs } from './blobs';
import { asBytes, type DiskPath, diskPath } from './disk';
import { type ImageHead, type ImagePath, imageLists, rootEntry, type Totals } from './image';
import { type KnownAttributes, privileged, sameAttributes, sameXattrs, setAttributes } from './inode';
import type { ObjectReader } from './objects';
import { breathe, isOutOfBreath, stopIfAsked } from './pace';
import { Placer } from './place';
import { shown } from './scan';
import type { WorkOptions } from './types';
import { haveXattrTools, readXattrs, setXattrs } from './xattrs';

/** Folders deeper than this exist in no image that a Linux path can name. */
const MAX_DEPTH = 4096;

/** What has changed is as it is to be in no other image: thousands of paths share this. */
const NOWHERE: readonly DiskPath[] = [];

/** A complete image to share inodes with. */
export interface HeldTree {
  dir: string;
  /** The same as bytes. */
  base: ByteString;
  root: Oid;
  attributes: AttributesMap;
}

/** The folder of a held image that has the same path as the one being staged. */
interface HeldFolder {
  tree: HeldTree;
  /** Null: the very same as those of the folder being staged. */
  entries: Map<ByteString, TreeEntry> | null;
}

interface Frame {
  path: ByteString;
  full: FullAttributes;
  left: TreeEntry[];
  held: HeldFolder[];
  /** Something in it waits for its content. */
  waits: boolean;
}

/** What an image is made of, and where its blobs and objects are. */
export interface Plan {
  head: ImageHead;
  attributes: AttributesMap;
  objects: ObjectReader;
  blobs: Blobs;
  /** The likeliest first. */
  held: readonly HeldTree[];
}

export class Building {
  private readonly base: ByteString;
  private readonly placer: Placer;
  /** Whose content is still to come, and where in other images it may be found. */
  private readonly waiting: { item: ImagePath; candidates: readonly DiskPath[] }[] = [];
  /** Folders of these: they are completed last of all, because every entry made in a folder changes its time. */
  private readonly unfinished: { path: ByteString; full: FullAttributes }[] = [];
  /** What the first folder is like on the disk, by umask and owner, all are: it is asked once. */
  private fresh: KnownAttributes | null = null;
  /** Of what is placed. */
  private readonly done: Totals = { paths: 0, files: 0, bytes: 0 };

  /** dir: does not exist yet. temporaryDir: on the same file system. */
  constructor(
    private readonly dir: string,
    private readonly plan: Plan,
    temporaryDir: string,
  ) {
    this.base = asBytes(dir);
    this.placer = new Placer(this.base, plan.blobs, temporaryDir, groupSizes(plan.attributes));
  }

  /**
   * Makes all folders, and places every path whose content is held; `mayWait`: the others stay for `finish`. Progress: files placed
   * and bytes of their content. To be called once. Throws 'damaged' when a blob is missing, 'unsupported' when root cannot
   * set extended attributes, 'stopped', 'no-space', and what `onPath` throws, which sees each path but the root in the order of walkLists.
   */
  async begin(mayWait: boolean, options: WorkOptions, onPath: (item: ImagePath) => void = () => {}): Promise<void> {
    const { head, attributes, objects, blobs, held } = this.plan;
    checkTools(attributes);
    const { onProgress } = options;
    const totals = onProgress ? await measure(head, attributes, objects, blobs, options) : this.done;
    // A program tells, which takes as long as to place a thousand paths: only those few that have any wait for it.
    const sound = soundXattrs(held, attributes);
    sound.catch(() => {});
    const stack: Frame[] = [];
    const enter = async ({ path, entry, full }: ImagePath, above: HeldFolder[]): Promise<void> => {
      if (stack.length >= MAX_DEPTH) throw badData(`An image has more than ${MAX_DEPTH} levels of folders.`);
      const to = diskPath(this.base, path);
      mkdirSync(to, { mode: 0o755 });
      // Their times change with each entry made in them.
      this.fresh ??= likeFresh(lstatSync(to));
      const left = (await objects.tree(entry.oid)).toReversed();
      this.done.paths += left.length;
      stack.push({ path, full, left, held: await foldersBelow(above, entry, objects), waits: false });
    };

    const root = rootEntry(head);
    await enter({ path: '', entry: root, full: fullAttributes(root, attributes.get('')) }, rootsOf(held));
    for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
      // A promise for each of 40,000 paths would cost more than asking.
      if (isOutOfBreath()) await breathe();
      stopIfAsked(options.signal);
      const entry = frame.left.pop();
      if (entry === undefined) {
        const { path, full } = frame;
        if (frame.waits) this.unfinished.push({ path, full });
        else this.complete(path, full);
        stack.pop();
        continue;
      }
      const path = joinPath(frame.path, entry.name);
      const item = { path, entry, full: fullAttributes(entry, attributes.get(path)) };
      onPath(item);
      if (entry.mode === MODE.dir) {
        await enter(item, frame.held);
        continue;
      }
      const candidates = this.candidatesFor(item, frame.held, item.full.xattrs === undefined ? NOTHING : await sound);
      if (this.placeSame(item, candidates) || (await this.place(item, candidates, mayWait)))
        onProgress?.(this.done.files, totals.files, this.done.bytes, totals.bytes);
      else {
        this.waiting.push({ item, candidates });
        frame.waits = true;
      }
    }
    await this.setLacking();
  }

  /** Places what has come since, so that less is left for `finish`. As often as one likes after `begin`. Throws as `begin` does. */
  async goOn({ signal }: WorkOptions): Promise<void> {
    const { waiting } = this;
    let left = 0;
    for (const one of waiting) {
      if (isOutOfBreath()) await breathe();
      stopIfAsked(signal);
      const { item, candidates } = one;
      const has = this.plan.blobs.recordedSize(item.entry.oid) !== null;
      if (!has || !(await this.place(item, candidates, true))) waiting[left++] = one;
    }
    waiting.length = left;
    await this.setLacking();
  }

  /** Places the rest, whose content is held by now. Returns what the image has in all. Progress and errors as of `begin`. */
  async finish({ onProgress, signal }: WorkOptions): Promise<Totals> {
    const { waiting, done } = this;
    const { blobs } = this.plan;
    const files = done.files + waiting.length;
    const bytes = waiting.reduce((sum, { item }) => sum + (blobs.recordedSize(item.entry.oid) ?? 0), done.bytes);
    for (const { item, candidates } of waiting) {
      await breathe();
      stopIfAsked(signal);
      await this.place(item, candidates, false);
      onProgress?.(done.files, files, done.bytes, bytes);
    }
    for (const { path, full } of this.unfinished) this.complete(path, full);
    await this.setLacking();
    return done;
  }

  private async setLacking(): Promise<void> {
    const { lacking } = this.placer;
    await setXattrs(this.dir, this.base, lacking);
    lacking.clear();
  }

  /** False where that is not all there is to do. */
  private placeSame(item: ImagePath, candidates: readonly DiskPath[]): boolean {
    return this.count(this.placer.placeSame(item, candidates));
  }

  /** False where it has to wait. */
  private async place(item: ImagePath, candidates: readonly DiskPath[], mayWait: boolean): Promise<boolean> {
    return this.count(await this.placer.place(item, candidates, mayWait));
  }

  /** bytes: of what was placed; null where nothing was. */
  private count(bytes: number | null): boolean {
    if (bytes === null) return false;
    this.done.files += 1;
    this.done.bytes += bytes;
    return true;
  }

  /** After all that is in it. */
  private complete(path: ByteString, full: FullAttributes): void {
    setAttributes(diskPath(this.base, path), full, this.fresh);
    if (full.xattrs !== undefined) this.placer.lacking.set(path, full);
  }

  /** The same path in other images, where content and attributes are equal. */
  private candidatesFor(
    { path, entry, full }: ImagePath,
    held: readonly HeldFolder[],
    sound: SoundXattrs,
  ): readonly DiskPath[] {
    const { attributes } = this.plan;
    let candidates: DiskPath[] | undefined;
    for (const { tree, entries } of held) {
      const other = entries === null ? entry : entries.get(entry.name);
      if (other?.oid !== entry.oid || other.mode !== entry.mode) continue;
      const its = tree.attributes.get(path);
      // Most paths have nothing but the defaults, in both images.
      const same = (its === undefined && !attributes.has(path)) || sameAttributes(full, fullAttributes(other, its));
      if (same && (full.xattrs === undefined || sound.get(tree)?.has(path))) {
        candidates ??= [];
        candidates.push(diskPath(tree.base, path));
      }
    }
    return candidates ?? NOWHERE;
  }
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
type SoundXattrs = ReadonlyMap<HeldTree, ReadonlySet<ByteString>>;

const NOTHING: SoundXattrs = new Map();

async function soundXattrs(held: readonly HeldTree[], wanted: AttributesMap): Promise<SoundXattrs> {
  const sound = new Map<HeldTree, Set<ByteString>>();
  const paths = [...wanted].filter(([, { xattrs }]) => xattrs !== undefined);
  if (paths.length === 0 || !haveXattrTools()) return sound;
  for (const tree of held) {
    const there = paths.filter(
      ([path]) => lstatSync(diskPath(tree.base, path), { throwIfNoEntry: false }) !== undefined,
    );
    const actual = await readXattrs(
      tree.dir,
      there.map(([path]) => path),
    );
    const same = there.filter(([path, { xattrs }]) => sameXattrs(actual.get(path) ?? {}, xattrs ?? {}));
    sound.set(tree, new Set(same.map(([path]) => path)));
  }
  return sound;
}

/** As if the root of each were an entry of a folder. */
function rootsOf(held: readonly HeldTree[]): HeldFolder[] {
  return held.map(tree => ({ tree, entries: new Map([['', { mode: MODE.dir, name: '', oid: tree.root }]]) }));
}

async function foldersBelow(above: HeldFolder[], entry: TreeEntry, objects: ObjectReader): Promise<HeldFolder[]> {
  const below: HeldFolder[] = [];
  for (const { tree, entries } of above) {
    const folder = entries === null ? entry : entries.get(entry.name);
    if (folder?.mode !== MODE.dir) continue;
    if (folder.oid === entry.oid) {
      below.push({ tree, entries: null });
      continue;
    }
    try {
      const inside = await objects.tree(folder.oid);
      below.push({ tree, entries: new Map(inside.map(one => [one.name, one])) });
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
