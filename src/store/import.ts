/** Turns a root tree on disk into blobs, trees and attributes: what `publish` begins with. */
import { type BigIntStats, lstatSync } from 'node:fs';
import {
  type AttributesMap,
  DEFAULT_TIME,
  exceptionFrom,
  type FullAttributes,
  fullAttributes,
} from '../core/attributes';
import { type ByteString, joinPath, toBuffer } from '../core/bytes';
import { BlobHasher, EMPTY_BLOB, type Oid } from '../core/object';
import { encodeTree, MODE, type TreeEntry, type TreeMode } from '../core/tree';
import type { Blobs } from './blobs';
import { CHUNK } from './buffers';
import { diskPath } from './disk';
import { identity, type Order } from './intake';
import type { IntakePool } from './intake-pool';
import { mapOrdered } from './pace';
import type { Quarantine } from './quarantine';
import { resolveIn } from './resolve';
import { atPath, changed, deviceOf, type Found, isRecorded, scan, shown } from './scan';
import { Secrets } from './secrets';
import type { WorkOptions } from './types';
import { haveXattrTools, XattrReader } from './xattrs';

export interface ImportOptions extends WorkOptions {
  /** Record 0:0 as the owner of everything. */
  ownerRoot: boolean;
  /** Keep extended attributes. */
  xattrs: boolean;
  /** Threads to take files in with: intake-worker, bundled; null: none. */
  intakeWorker: string | null;
}

export interface Imported {
  root: Oid;
  attributes: AttributesMap;
  paths: number;
  bytes: number;
  newObjects: number;
  newBytes: number;
  /** Newest modification time in the tree, whole seconds. */
  newest: number;
  warnings: string[];
}

/** Where the content of a path went. */
interface Kept {
  oid: Oid;
  size: number;
  isNew: boolean;
}

type Entry = Extract<Found, { kind: 'entry' }>;

const SHA256_OF_NOTHING = new BlobHasher(0).digest().sha256;

async function keepContent(base: ByteString, entry: Entry, blobs: Blobs, pool: IntakePool): Promise<Kept> {
  const { path, type, stat } = entry;
  try {
    if (type === 'file' || type === 'symlink') {
      const size = Number(stat.size);
      const absolute = joinPath(base, path);
      const likelyHeld = size > CHUNK && blobs.mayHoldSize(size);
      return await takeIn({ path: absolute, type, size, identity: identity(stat), likelyHeld }, path, blobs, pool);
    }
    // Devices and FIFOs are empty placeholders in the tree; the attributes say what they are.
    return { oid: EMPTY_BLOB, size: 0, isNew: blobs.keep(EMPTY_BLOB, SHA256_OF_NOTHING, Buffer.alloc(0)) };
  } catch (error) {
    throw atPath(path, error);
  }
}

async function takeIn(order: Order, path: ByteString, blobs: Blobs, pool: IntakePool): Promise<Kept> {
  for (let attempt = 0; attempt < 2; attempt++) {
    const answer = await pool.take(order);
    if (answer.kind === 'changed') throw changed(path);
    if (answer.kind === 'failed') throw Object.assign(new Error(answer.message), { code: answer.code });
    const { oid, size } = answer;
    if (answer.kind === 'fresh') {
      blobs.took(oid, answer);
      return { oid, size, isNew: true };
    }
    if (await blobs.has(oid)) return { oid, size, isNew: false };
    // It was not what its name says, and has been removed: once more.
  }
  throw new Error(`A blob cannot be replaced: ${order.path}`);
}

function treeMode(type: FullAttributes['type'], mode: number): TreeMode {
  if (type === 'dir') return MODE.dir;
  if (type === 'symlink') return MODE.symlink;
  return type === 'file' && (mode & 0o100) !== 0 ? MODE.exec : MODE.file;
}

function nameOf(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf('/') + 1);
}

function seconds(ns: bigint): number {
  return Number(ns / 1_000_000_000n);
}

/**
 * Reads the tree at `base` once, keeping contents in `blobs` and trees in `quarantine`. Memory does not grow with the
 * size of files. Throws 'unsupported', 'no-permission' or 'stopped'; nothing is left out in silence: sockets, which an
 * image cannot hold and which mean nothing without their process, are told in `warnings`.
 */
export async function importTree(
  base: ByteString,
  blobs: Blobs,
  quarantine: Quarantine,
  options: ImportOptions,
): Promise<Imported> {
  const readable = haveXattrTools();
  const xattrs = options.xattrs && readable ? new XattrReader(toBuffer(base).toString()) : null;
  const pool = blobs.intake(options.intakeWorker);
  try {
    const imported = await importPaths(base, blobs, pool, quarantine, options, async path => xattrs?.add(path));
    for (const [path, found] of (await xattrs?.end()) ?? []) {
      imported.attributes.set(path, { ...imported.attributes.get(path), xattrs: found });
    }
    // Nobody can know whether there are any; most trees of a laptop in development have none.
    if (options.xattrs && !readable) imported.warnings.push(NOT_READ);
    const leftOut = xattrs?.leftOut ?? [];
    if (leftOut.length > 0) {
      imported.warnings.push(`Attributes that mean nothing on other laptops are left out: ${leftOut.join(', ')}.`);
    }
    return imported;
  } catch (error) {
    xattrs?.kill();
    throw error;
  } finally {
    await pool.close();
  }
}

const NOT_READ =
  'Extended attributes (ACLs, capabilities) were not read and are not in the image, because the package attr is not ' +
  'installed. If the tree has any, install it and publish again.';

/** onPath: for everything that becomes part of the image, the root ('') included. */
async function importPaths(
  base: ByteString,
  blobs: Blobs,
  pool: IntakePool,
  quarantine: Quarantine,
  options: ImportOptions,
  onPath: (path: ByteString) => Promise<void>,
): Promise<Imported> {
  const result: Imported = {
    root: '',
    attributes: new Map(),
    paths: 0,
    bytes: 0,
    newObjects: 0,
    newBytes: 0,
    newest: 0,
    warnings: [],
  };
  const secrets = new Secrets(blobs);
  const groups = new HardLinks();
  /** Entries of the folders that have been entered and not left. */
  const open: TreeEntry[][] = [];
  /** Sources that are symlinks: the time of what they lead to is recorded. */
  const linked: { path: ByteString; recorded: ReadonlySet<number> }[] = [];
  let files = 0;

  const record = (path: ByteString, type: FullAttributes['type'], stat: BigIntStats, time: number): TreeMode => {
    const mode = Number(stat.mode & 0o7777n);
    const tree = treeMode(type, mode);
    const full: FullAttributes = {
      ...fullAttributes({ mode: tree }, undefined),
      type,
      uid: options.ownerRoot ? 0 : Number(stat.uid),
      gid: options.ownerRoot ? 0 : Number(stat.gid),
      time,
      // The kernel gives symlinks no mode of their own.
      ...(type !== 'symlink' && { mode }),
      ...((type === 'block' || type === 'char') && { device: deviceOf(stat.rdev) }),
    };
    const exception = exceptionFrom({ mode: tree }, full);
    if (exception !== undefined) result.attributes.set(path, exception);
    result.newest = Math.max(result.newest, seconds(stat.mtimeNs));
    return tree;
  };

  const work = async (found: Found): Promise<{ found: Found; kept: Kept | null }> => {
    if (found.kind !== 'entry') return { found, kept: null };
    return { found, kept: await groups.once(found, () => keepContent(base, found, blobs, pool)) };
  };

  for await (const { found, kept } of mapOrdered(scan(base, options.signal), pool.width, work)) {
    if (found.kind === 'socket') {
      result.warnings.push(`${shown(found.path)} is a socket: left out.`);
      continue;
    }
    if (found.kind === 'leave') {
      const oid = await quarantine.putObject('tree', encodeTree(open.pop() ?? []));
      if (found.path === '') result.root = oid;
      else open.at(-1)?.push({ mode: MODE.dir, name: nameOf(found.path), oid });
      continue;
    }
    await onPath(found.path);
    if (found.path !== '') result.paths += 1;
    if (found.kind === 'enter') {
      record(found.path, 'dir', found.stat, DEFAULT_TIME);
      open.push([]);
      continue;
    }
    const { recorded } = found;
    const timeMatters = recorded !== null && found.type === 'file' && isRecorded(recorded, found.stat);
    if (recorded !== null && found.type === 'symlink') linked.push({ path: found.path, recorded });
    const time = timeMatters ? seconds(found.stat.mtimeNs) : DEFAULT_TIME;
    const mode = record(found.path, found.type, found.stat, time);
    const { oid, size, isNew } = kept as Kept;
    open.at(-1)?.push({ mode, name: nameOf(found.path), oid });
    groups.seen(found);
    if (found.type === 'file') result.bytes += size;
    if (isNew) {
      result.newObjects += 1;
      result.newBytes += size;
    }
    files += 1;
    options.onProgress?.(files, 0, result.bytes, 0);
    await secrets.look(found.path, oid);
  }
  for (const { path, recorded } of linked) {
    const target = resolveIn(base, path);
    const stat = target === null ? undefined : lstatSync(diskPath(base, target), { bigint: true });
    if (target === null || !stat?.isFile() || !isRecorded(recorded, stat)) continue;
    result.attributes.set(target, { ...result.attributes.get(target), time: seconds(stat.mtimeNs) });
  }
  groups.record(result.attributes);
  result.warnings.push(...secrets.warnings());
  return result;
}

/** Paths of the tree that are one inode. */
class HardLinks {
  readonly #inodes = new Map<bigint, { kept: Promise<Kept>; paths: ByteString[] }>();

  /** Keeps the content of an inode once, however many paths it has. */
  async once({ stat }: Entry, keep: () => Promise<Kept>): Promise<Kept> {
    if (stat.nlink < 2n) return keep();
    const known = this.#inodes.get(stat.ino);
    if (known !== undefined) return { ...(await known.kept), isNew: false };
    const kept = keep();
    this.#inodes.set(stat.ino, { kept, paths: [] });
    return kept;
  }

  seen({ path, stat }: Entry): void {
    this.#inodes.get(stat.ino)?.paths.push(path);
  }

  /** Numbers the groups; an inode whose other links are outside the tree is no group. */
  record(attributes: AttributesMap): void {
    let group = 0;
    for (const { paths } of this.#inodes.values()) {
      if (paths.length < 2) continue;
      group += 1;
      // One inode has one time: where it matters for one of its paths, it holds for all.
      const time = paths.map(path => attributes.get(path)?.time).find(known => known !== undefined);
      const shared = time === undefined ? { hardlink: group } : { hardlink: group, time };
      for (const path of paths) attributes.set(path, { ...attributes.get(path), ...shared });
    }
  }
}
