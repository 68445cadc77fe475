/** Compares every path of a held image on disk with what its commit says. Reads only the image's own tree. */
import { constants, lstatSync, promises, readlinkSync, type Stats } from 'node:fs';
import { type AttributesMap, fullAttributes } from '../core/attributes';
import { type ByteString, fromBuffer, joinPath } from '../core/bytes';
import { toPassItOnError } from '../core/errors';
import { type Oid, objectOid } from '../core/object';
import type { Blobs } from './blobs';
import { asBytes, type DiskPath, diskPath, failedWith, namesIn } from './disk';
import { hashHandle } from './hash-handle';
import { type Content, type ImageHead, type ImagePath, ManifestHash, rootEntry, walkImage } from './image';
import { isKind, kindOnDisk, modeOnDisk, privileged } from './inode';
import type { ObjectReader } from './objects';
import { breathe, mapOrdered, stopIfAsked } from './pace';
import { deviceOf, shown } from './scan';
import { measure } from './stage';
import type { Finding, WorkOptions } from './types';
import { checkXattrs } from './verify-xattrs';

const PARALLEL = 4;

/** What was found at one path. */
interface Seen {
  item: ImagePath;
  problems: string[];
  notKept: string[];
  extra: ByteString[];
  content: Content;
  /** Null: nothing of the right kind is there. */
  stat: Stats | null;
}

/** What repairing needs to know. */
export interface Damage {
  /** Paths that are not as published, or not there; '' is the root. */
  paths: Set<ByteString>;
  /** Paths that are there and should not be. */
  extra: ByteString[];
  /** Inodes of files that are not as published: other images may share them. */
  inodes: Set<number>;
  /** Inodes that belong to paths which are as published. */
  sound: Set<number>;
  /** Blobs that are missing from `blobs/` or are not what their names say. */
  blobs: Set<Oid>;
}

export interface Verified {
  paths: number;
  bytes: number;
  problems: Finding[];
  notKept: Finding[];
  damage: Damage;
}

/** dir: the image's complete root tree. Progress: files and bytes read. */
export async function verifyTree(
  dir: string,
  head: ImageHead,
  attributes: AttributesMap,
  objects: ObjectReader,
  blobs: Blobs,
  options: WorkOptions,
): Promise<Verified> {
  const totals = await measure(head, attributes, objects, blobs, options);
  const base = asBytes(dir);
  const damage: Damage = { paths: new Set(), extra: [], inodes: new Set(), sound: new Set(), blobs: new Set() };
  const result: Verified = { paths: 0, bytes: 0, problems: [], notKept: [], damage };
  const manifest = new ManifestHash();
  const links = new Links();
  const supply = new Supply(blobs, damage.blobs);
  /** Folders that are not there: what is below them need not be told. */
  const gone = new Set<ByteString>();
  /** Paths of the right kind that are there. */
  const there: ByteString[] = [];
  let wrongContent = false;
  let files = 0;

  const say = (list: Finding[], path: ByteString, problem: string): void => {
    list.push({ path: shown(path), problem });
  };

  const root = rootEntry(head);
  const everything = async function* (): AsyncGenerator<ImagePath> {
    yield { path: '', entry: root, full: fullAttributes(root, attributes.get('')) };
    yield* walkImage(head, attributes, objects);
  };
  const look = async (item: ImagePath): Promise<Seen> => {
    await breathe();
    stopIfAsked(options.signal);
    return examine(base, item, objects);
  };

  for await (const { item, problems, notKept, extra, content, stat } of mapOrdered(everything(), PARALLEL, look)) {
    const { path, full } = item;
    if (path !== '') result.paths += 1;
    if (gone.has(path.slice(0, Math.max(0, path.lastIndexOf('/'))))) {
      if (full.type === 'dir') gone.add(path);
      damage.paths.add(path);
      continue;
    }
    if (stat === null && full.type === 'dir') gone.add(path);
    if (stat !== null) there.push(path);
    const isWrong = problems.length > 0;
    if (stat !== null && full.type !== 'dir') {
      const problem = links.check(path, full.hardlink, stat.ino);
      if (problem !== null) problems.push(problem);
    }
    for (const problem of problems) say(result.problems, path, problem);
    for (const problem of notKept) say(result.notKept, path, problem);
    for (const name of extra) {
      say(result.problems, joinPath(path, name), 'does not belong to the image');
      damage.extra.push(joinPath(path, name));
    }
    if (problems.length > 0) damage.paths.add(path);
    if (stat !== null && full.type !== 'dir') (isWrong ? damage.inodes : damage.sound).add(stat.ino);
    if (full.type !== 'dir') {
      const problem = await supply.check(item.entry.oid, stat, problems.length === 0);
      if (problem !== null) say(result.problems, path, problem);
      files += 1;
      if (content === null && (full.type === 'file' || full.type === 'symlink')) wrongContent = true;
      if (content !== null && 'size' in content) result.bytes += content.size;
      options.onProgress?.(files, totals.files, result.bytes, totals.bytes);
    }
    if (path !== '' && !wrongContent) manifest.add(path, full, content);
  }
  for (const { path, problem, isDamage } of await checkXattrs(dir, there, attributes)) {
    say(isDamage ? result.problems : result.notKept, path, problem);
    if (!isDamage) continue;
    damage.paths.add(path);
    const stat = lstatSync(diskPath(base, path));
    if (stat.isDirectory()) continue;
    damage.sound.delete(stat.ino);
    damage.inodes.add(stat.ino);
  }
  if (!wrongContent && gone.size === 0 && manifest.digest() !== head.info.manifestSha256) {
    say(result.problems, '', 'differs from the manifest that the image was published with');
  }
  return result;
}

async function examine(base: ByteString, item: ImagePath, objects: ObjectReader): Promise<Seen> {
  const seen: Seen = { item, problems: [], notKept: [], extra: [], content: null, stat: null };
  const at = diskPath(base, item.path);
  try {
    const stat = lstatSync(at);
    if (!isKind(stat, kindOnDisk(item.full))) {
      seen.problems.push(`is not a ${item.full.type}`);
      return seen;
    }
    seen.stat = stat;
    compareAttributes(seen, stat);
    if (item.full.type === 'dir') seen.extra = await extraNames(at, item.entry.oid, objects);
    else await compareContent(seen, at, stat);
  } catch (error) {
    if (failedWith(error, 'ENOENT', 'ENOTDIR')) seen.problems.push('is missing');
    else seen.problems.push(`cannot be read: ${toPassItOnError(error).message}`);
  }
  return seen;
}

function compareAttributes({ item: { full }, problems, notKept }: Seen, stat: Stats): void {
  const mode = stat.mode & 0o7777;
  const text = (bits: number): string => bits.toString(8).padStart(4, '0');
  if (full.type !== 'symlink' && mode !== modeOnDisk(full)) {
    problems.push(`has mode ${text(mode)} instead of ${text(full.mode)}`);
  } else if (full.type !== 'symlink' && mode !== full.mode) {
    notKept.push(`mode ${text(full.mode)} is kept as ${text(mode)}, which its owner can read`);
  }
  if (stat.uid !== full.uid || stat.gid !== full.gid) {
    const instead = `${stat.uid}:${stat.gid} instead of ${full.uid}:${full.gid}`;
    if (privileged) problems.push(`belongs to ${instead}`);
    else notKept.push(`belongs to ${instead}: only root gives files away`);
  }
  // Times other than those recorded mean nothing.
  const seconds = Math.floor(stat.mtimeMs / 1000);
  if (full.type !== 'dir' && full.time !== 1 && seconds !== full.time) {
    problems.push(`has the time ${seconds} instead of ${full.time}`);
  }
}

async function extraNames(at: DiskPath, tree: Oid, objects: ObjectReader): Promise<ByteString[]> {
  const known = new Set((await objects.tree(tree)).map(entry => entry.name));
  return namesIn(at).filter(name => !known.has(name));
}

async function compareContent(seen: Seen, at: DiskPath, stat: Stats): Promise<void> {
  const { entry, full } = seen.item;
  if (full.type === 'symlink') {
    const target = readlinkSync(at, { encoding: 'buffer' });
    if (objectOid('blob', target) === entry.oid) seen.content = { link: fromBuffer(target) };
    else seen.problems.push('points elsewhere');
  } else if (full.type === 'file') {
    const { oid, sha256 } = await hashFile(at);
    if (oid === entry.oid) seen.content = { size: stat.size, sha256 };
    else seen.problems.push('has other content');
  } else if (kindOnDisk(full) === 'file') {
    if (stat.size === 0) seen.notKept.push('is an empty file: only root makes devices');
    else seen.problems.push('has content where a device should be');
  } else if (full.device !== undefined) {
    const { major, minor } = deviceOf(lstatSync(at, { bigint: true }).rdev);
    if (major !== full.device.major || minor !== full.device.minor) {
      seen.problems.push(`is device ${major},${minor} instead of ${full.device.major},${full.device.minor}`);
    }
  }
}

async function hashFile(at: DiskPath): Promise<{ oid: Oid; sha256: string }> {
  const handle = await promises.open(at, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return await hashHandle(handle, (await handle.stat()).size);
  } finally {
    await handle.close();
  }
}

/** The blobs of the image, from which others are given its contents: usually the very inodes of its files. */
class Supply {
  readonly #checked = new Set<Oid>();

  constructor(
    private readonly blobs: Blobs,
    private readonly damaged: Set<Oid>,
  ) {}

  /** What is wrong with the blob of a path, or null; told once. `sound`: the path with that inode is as published. */
  async check(oid: Oid, stat: Stats | null, sound: boolean): Promise<string | null> {
    if (this.#checked.has(oid)) return null;
    this.#checked.add(oid);
    const path = this.blobs.path(oid);
    const there = lstatSync(path, { throwIfNoEntry: false });
    const same = there !== undefined && there.ino === stat?.ino;
    if ((same && sound) || (there !== undefined && (await holds(path, oid)))) return null;
    this.damaged.add(oid);
    // Of one inode nothing is said twice.
    if (same) return null;
    return `${there === undefined ? 'is missing from' : 'has other content in'} blobs/, where neighbours get it from`;
  }
}

async function holds(path: DiskPath, oid: Oid): Promise<boolean> {
  try {
    return (await hashFile(path)).oid === oid;
  } catch {
    // A disk that cannot read it does not hold it.
    return false;
  }
}

/** Which paths share an inode, and which should. */
class Links {
  readonly #inodes = new Map<number, { path: ByteString; group: number | undefined }>();
  readonly #groups = new Map<number, { path: ByteString; inode: number }>();

  /** What is wrong with the inode of this path, or null. */
  check(path: ByteString, group: number | undefined, inode: number): string | null {
    const first = group === undefined ? undefined : this.#groups.get(group);
    if (group !== undefined && first === undefined) this.#groups.set(group, { path, inode });
    if (first !== undefined && first.inode !== inode) return `is no longer a hard link of ${shown(first.path)}`;
    const other = this.#inodes.get(inode);
    if (other === undefined) this.#inodes.set(inode, { path, group });
    else if (group === undefined || other.group !== group) return `shares its inode with ${shown(other.path)}`;
    return null;
  }
}
