/**
 * The first step: brings the commit, attributes and missing trees of an image into quarantine (one round trip) and
 * compares it with the current one, on this laptop. The result says what changes and which blobs are missing here.
 */
import { createHash } from 'node:crypto';
import {
  type Attributes,
  type AttributesMap,
  checkAttributes,
  MAX_ATTRIBUTES_BYTES,
  parseAttributes,
} from '../core/attributes';
import { badData } from '../core/bad-data';
import { checkBounds } from '../core/bounds';
import { type ImageCommit, MAX_COMMIT_BYTES, parseCommit } from '../core/commit';
import { Bases, type HeldFile, kindOfName } from '../core/delta/base';
import { type Change, diffTrees, findPaths, walkLists } from '../core/diff';
import { PassItOnError } from '../core/errors';
import { imageTree } from '../core/image-tree';
import { MAX_OBJECT_BYTES, type Oid } from '../core/object';
import { MODE, type TreeEntry } from '../core/tree';
import { applyTreePatch } from '../core/tree-patch';
import type { HeldImage, Quarantine, Store } from '../store/store';
import { decodeSizes, KIND, PATCH_HEAD_BYTES } from '../transfer/frames';
import type { Wanted } from '../transfer/scheduler';
import type { Source } from '../transfer/source';
import type { FoundSource } from './sources';

export interface Comparison {
  commit: Oid;
  /** The bytes of the commit, and what they say. */
  data: Buffer;
  to: ImageCommit;
  quarantine: Quarantine;
  from: HeldImage | null;
  /** Paths. */
  added: number;
  changed: number;
  removed: number;
  attributesChanged: number;
  /** Blobs that the current image does not have, and that are here all the same. */
  here: Oid[];
  /** Blobs to fetch, in an order that puts like beside like, so that they compress well together. */
  wanted: Wanted[];
  /**
   * Names bases for those of `wanted` that have none at their own path: takes as long as all else, and only deltas need it. Once,
   * however often it is called. Rejects with 'damaged'.
   */
  offerBases(): Promise<void>;
  /** Size of all wanted blobs, and an upper estimate of what staging takes, in bytes. */
  bytesRaw: number;
  diskBytes: number;
}

export interface CompareOptions {
  /** Is told, while trees come, of how many bytes of contents they have told so far. */
  onComing?(bytes: number): void;
  /** Deltas are what the source will be asked for next. */
  deltas?: boolean;
}

/** What one directory or small file occupies at least. */
const DISK_BLOCK = 4096;

/**
 * Asks one source after another until one has told the whole image.
 * @throws PassItOnError what the last one failed with: 'source-lied' | 'source-gone' | 'bad-data'; 'no-source' where
 * there is none.
 */
export async function compareWithAny(
  store: Store,
  sources: readonly FoundSource[],
  commit: Oid,
  signal: AbortSignal,
  options?: CompareOptions,
): Promise<Comparison> {
  const remedy = 'Move closer to a laptop that has it.';
  let failure: unknown = new PassItOnError('no-source', 'Nobody near has that version.', remedy);
  for (const { source, holds } of sources) {
    // Who is still fetching it, or has another, cannot tell it.
    if (holds !== 'all') continue;
    try {
      return await compareWith(store, source, commit, signal, options);
    } catch (cause) {
      signal.throwIfAborted();
      failure = cause;
    }
  }
  throw failure;
}

async function compareWith(
  store: Store,
  source: Source,
  commit: Oid,
  signal: AbortSignal,
  options?: CompareOptions,
): Promise<Comparison> {
  const from = store.state.current;
  const quarantine = await store.quarantine(commit);
  const sizes = await receiveTrees(source, quarantine, commit, from?.root ?? null, signal, options);
  try {
    return await makePlan(store, quarantine, commit, from, sizes);
  } catch (cause) {
    if (!(cause instanceof PassItOnError && cause.code === 'damaged')) throw cause;
    if (from !== null && !(await store.hasObjects(from.commit))) throw damagedHere(from, cause);
    // What lies in quarantine has the hash of its name: what is not there has not been sent.
    const message = `${source.address} did not send all of the image. ${cause.message}`;
    throw new PassItOnError('source-lied', message, 'Try another laptop.', { cause });
  }
}

function damagedHere({ version }: HeldImage, cause: PassItOnError): PassItOnError {
  const remedy = `Mend it with: verify ${version} --repair.`;
  return new PassItOnError('damaged', `The image ${version} on this laptop is damaged.`, remedy, { cause });
}

/** The same for an image that is held here whole: nothing is asked of anybody. */
export async function compareHeld(store: Store, commit: Oid): Promise<Comparison> {
  return makePlan(store, await store.quarantine(commit), commit, store.state.current, new Map());
}

/** A tree that is told by what differs from one here does not come out right; whose fault that is cannot be told. */
class DoesNotFit extends Error {}

/** Takes in only what hangs together: each object is stored under the hash of what really came. */
export async function receiveTrees(
  source: Source,
  quarantine: Quarantine,
  commit: Oid,
  have: Oid | null,
  signal: AbortSignal,
  options?: CompareOptions,
): Promise<Map<Oid, number>> {
  try {
    return await receive(source, quarantine, commit, have, signal, options);
  } catch (cause) {
    if (!(cause instanceof DoesNotFit)) throw cause;
    // Perhaps what is here is damaged: whole trees need nothing of it.
    return receive(source, quarantine, commit, null, signal, options);
  }
}

async function receive(
  source: Source,
  quarantine: Quarantine,
  commit: Oid,
  have: Oid | null,
  signal: AbortSignal,
  { onComing, deltas }: CompareOptions = {},
): Promise<Map<Oid, number>> {
  const sizes = new Map<Oid, number>();
  let bytes = 0;
  const learn = (told: Iterable<[Oid, number]>) => {
    for (const [oid, size] of told) {
      sizes.set(oid, size);
      bytes += size;
    }
    onComing?.(bytes);
  };
  for await (const frame of source.trees(commit, have, signal, deltas)) {
    if (frame.kind === KIND.sizes) {
      learn(decodeSizes(await frame.whole(MAX_OBJECT_BYTES)));
    } else if (frame.kind === KIND.commit) {
      expectOid(await quarantine.putObject('commit', await frame.whole(MAX_COMMIT_BYTES)), frame.oid);
    } else if (frame.kind === KIND.patched) {
      learn(await putPatched(quarantine, frame.oid, await frame.whole(MAX_OBJECT_BYTES)));
    } else if (frame.kind === KIND.tree) {
      expectOid(await quarantine.putObject('tree', await frame.whole(MAX_OBJECT_BYTES)), frame.oid);
    } else if (frame.kind === KIND.attributes) {
      expectOid(await quarantine.putObject('blob', await frame.whole(MAX_ATTRIBUTES_BYTES)), frame.oid);
    }
  }
  return sizes;
}

/** Returns the sizes that it tells. */
async function putPatched(quarantine: Quarantine, oid: Oid, payload: Buffer): Promise<[Oid, number][]> {
  try {
    const base = await quarantine.readTree(payload.toString('hex', 0, PATCH_HEAD_BYTES));
    const { entries, sizes } = applyTreePatch(base, payload.subarray(PATCH_HEAD_BYTES));
    if (await quarantine.putTree(oid, entries)) return sizes;
  } catch (cause) {
    if (!(cause instanceof PassItOnError && (cause.code === 'bad-data' || cause.code === 'damaged'))) throw cause;
  }
  throw new DoesNotFit();
}

function expectOid(actual: Oid, claimed: Oid): void {
  if (actual !== claimed) {
    throw new PassItOnError('source-lied', 'A laptop sent something else than it said.', 'Try another laptop.');
  }
}

async function makePlan(
  store: Store,
  quarantine: Quarantine,
  commit: Oid,
  from: HeldImage | null,
  sizes: Map<Oid, number>,
): Promise<Comparison> {
  const data = await need(quarantine, commit);
  const to = parseCommit(data);
  const { root, attributes } = imageTree(await quarantine.readTree(to.tree));
  const attributesData = await need(quarantine, attributes);
  if (createHash('sha256').update(attributesData).digest('hex') !== to.attributesSha256) {
    throw badData(`The attributes of ${to.name} ${to.version} are not those of its commit (Attributes-SHA256).`);
  }
  const newAttributes = parseAttributes(attributesData);
  const readTree = (oid: Oid) => quarantine.readTree(oid);
  // What is as in the image here was looked at when that came. All of it is, once more, before the new one is ready.
  await checkBounds(root, readTree, from?.root);
  await checkAttributes(newAttributes, findPaths(root, newAttributes.keys(), readTree));
  const oldAttributes = from ? parseAttributes(await need(quarantine, from.attributes)) : new Map();

  const counts = { added: 0, changed: 0, removed: 0, attributesChanged: 0 };
  const touched = new Set<string>();
  const wanted = new Map<Oid, { wanted: Wanted; path: string }>();
  const here = new Set<Oid>();
  let directories = 0;
  for await (const change of diffTrees(from?.root ?? null, root, readTree)) {
    touched.add(change.path);
    if (change.kind === 'mode-changed') counts.attributesChanged++;
    else counts[change.kind]++;
    const entry = change.new;
    if (entry?.mode === MODE.dir) directories++;
    else if (entry && (await store.hasBlob(entry.oid))) here.add(entry.oid);
    else if (entry && !wanted.has(entry.oid)) {
      const bases = await sameFile(change, store);
      wanted.set(entry.oid, { wanted: { oid: entry.oid, size: sizeOf(entry, sizes), bases }, path: change.path });
    }
  }
  counts.attributesChanged += attributesChanged(oldAttributes, newAttributes, touched);

  const alone = [...wanted.values()].filter(one => one.wanted.bases.length === 0);
  let offered: Promise<void> | undefined;
  const ordered = [...wanted.values()].sort((a, b) => likeness(a.path, b.path)).map(one => one.wanted);
  const bytesRaw = ordered.reduce((sum, { size }) => sum + size, 0);
  return {
    commit,
    data,
    to,
    quarantine,
    from,
    ...counts,
    here: [...here],
    wanted: ordered,
    offerBases: () => {
      offered ??= offerBases(store, from, alone);
      return offered;
    },
    bytesRaw,
    diskBytes: diskBytesOf(ordered) + directories * DISK_BLOCK,
  };
}

/** What contents take on the disk, in bytes. */
export function diskBytesOf(wanted: readonly Wanted[]): number {
  return wanted.reduce((sum, { size }) => sum + Math.ceil(size / DISK_BLOCK) * DISK_BLOCK, 0);
}

/**
 * The file at the same path of the current image: the best base there is, and whoever has that image has it. Where nobody has, an outline
 * of the best one is sent, so that others need not be looked for. It is looked at on the disk when something is made from it.
 */
async function sameFile({ old }: Change, store: Store): Promise<Oid[]> {
  if (old === null || (old.mode !== MODE.file && old.mode !== MODE.exec)) return [];
  const size = store.recordedSize(old.oid) ?? (await store.blobInfo(old.oid))?.size ?? 0;
  return size > 0 ? [old.oid] : [];
}

/** Names for each of these the files of the current image that are most like it. */
async function offerBases(
  store: Store,
  from: HeldImage | null,
  wanted: { wanted: Wanted; path: string }[],
): Promise<void> {
  if (from === null || wanted.length === 0) return;
  try {
    await nameBases(store, from, wanted);
  } catch (cause) {
    throw cause instanceof PassItOnError && cause.code === 'damaged' ? damagedHere(from, cause) : cause;
  }
}

async function nameBases(store: Store, from: HeldImage, wanted: { wanted: Wanted; path: string }[]): Promise<void> {
  // Of 40,000 files only those few whose name is like a wanted one's are gathered.
  const kinds = new Set(wanted.map(({ path }) => kindOfName(path)));
  const files: HeldFile[] = [];
  for await (const list of walkLists(from.root, oid => store.readTree(oid))) {
    for (const { path, entry } of list) {
      if (entry.mode === MODE.dir || entry.mode === MODE.symlink || !kinds.has(kindOfName(entry.name))) continue;
      const size = store.recordedSize(entry.oid) ?? (await store.blobInfo(entry.oid))?.size;
      if (size !== undefined) files.push({ path, oid: entry.oid, size });
    }
  }
  const bases = new Bases(files);
  for (const { wanted: one, path } of wanted) {
    const held: Oid[] = [];
    // Of an image's files only those that are chosen are looked at on the disk.
    for (const base of bases.for(path, one.size)) if (await store.hasBlob(base)) held.push(base);
    one.bases = held;
  }
}

async function need(quarantine: Quarantine, oid: Oid): Promise<Buffer> {
  const object = await quarantine.readObject(oid);
  if (object) return object.data;
  throw new PassItOnError('source-lied', `Object ${oid} of the image was not sent.`, 'Try another laptop.');
}

function sizeOf(entry: TreeEntry, sizes: Map<Oid, number>): number {
  const size = sizes.get(entry.oid);
  if (size === undefined) {
    throw new PassItOnError('source-lied', `The size of object ${entry.oid} was not sent.`, 'Try another laptop.');
  }
  return size;
}

/** Paths present before and after, with the same contents, whose exceptions differ. */
function attributesChanged(before: AttributesMap, after: AttributesMap, touched: Set<string>): number {
  let count = 0;
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    if (!touched.has(path) && fingerprint(before.get(path)) !== fingerprint(after.get(path))) count++;
  }
  return count;
}

/** Without the hard-link group, whose number depends on other paths. */
function fingerprint(attributes: Attributes | undefined): string {
  const { hardlink: _, xattrs, ...rest } = attributes ?? {};
  const named = Object.entries(xattrs ?? {}).map(([name, value]) => [name, value.toString('base64')]);
  return JSON.stringify([Object.entries(rest).sort(), named.sort()]);
}

/** Orders by file ending, then by name, then by folder: that is where repetitions are. */
function likeness(a: string, b: string): number {
  return compare(ending(a), ending(b)) || compare(basename(a), basename(b)) || compare(a, b);
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function ending(path: string): string {
  const name = basename(path);
  const dot = name.lastIndexOf('.');
  return dot > 0 ? name.slice(dot) : '';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
