/**
 * Puts one path of an image into the tree being staged: a hard link where an inode with this content and these
 * attributes may be shared, else a fresh copy. Two paths of one image share an inode only if they did when it was
 * published (43 empty configuration files must not become one), and an inode that other names point to is never
 * changed.
 */
import { constants, copyFileSync, linkSync, lstatSync, promises, type Stats, symlinkSync } from 'node:fs';
import type { FullAttributes } from '../core/attributes';
import type { ByteString } from '../core/bytes';
import type { Oid } from '../core/object';
import { SMALL } from './blob-writer';
import type { Blobs } from './blobs';
import { type DiskPath, diskPath, failedWith } from './disk';
import { type ImagePath, MAX_LINK, missingBlob } from './image';
import { hasAttributes, kindOnDisk, makeNode, setAttributes } from './inode';
import { NumberSet } from './number-set';

/** Below the least limit of the usual file systems (ext4: 65,000), with room for the groups of one image. */
const MANY_LINKS = 30_000;

export class Placer {
  /** Inodes this image uses. */
  readonly #used = new NumberSet();
  /** Group → its first path placed. */
  readonly #groups = new Map<number, DiskPath>();
  /** Paths with fresh inodes that still lack their extended attributes: those are set in bulk, before anybody sees them, by who clears this. */
  readonly lacking = new Map<ByteString, FullAttributes>();

  /**
   * base: the tree being staged. temporaryDir: for names of a moment, on the same file system.
   * groupSizes: how many paths each hard-link group has. used: inodes that this image uses already.
   */
  constructor(
    private readonly base: ByteString,
    private readonly blobs: Blobs,
    private readonly temporaryDir: string,
    private readonly groupSizes: ReadonlyMap<number, number>,
    used: Iterable<number> = [],
  ) {
    for (const inode of used) this.#used.add(inode);
  }

  /**
   * Most paths are the same in another image, and their inode there is the blob's own: one look tells both that the content is what it
   * was and that it has the attributes. As `place`, at once; null where it is not so, and nothing is done.
   */
  placeSame({ path, entry, full }: ImagePath, candidates: readonly DiskPath[]): number | null {
    const candidate = candidates[0];
    if (candidate === undefined || full.type !== 'file') return null;
    if (full.hardlink !== undefined && this.#groups.has(full.hardlink)) return null;
    const stat = lstatSync(candidate, { throwIfNoEntry: false });
    if (stat === undefined || !this.blobs.isFileOf(entry.oid, stat) || !hasAttributes(stat, full, null)) return null;
    const to = diskPath(this.base, path);
    if (!this.#isFree(stat, full) || !this.#link(candidate, to, stat)) return null;
    if (full.hardlink !== undefined) this.#groups.set(full.hardlink, to);
    return stat.size;
  }

  /**
   * Places anything but a folder. `candidates`: the same path in other images, with equal content and attributes.
   * Returns the size of a regular file's content, in bytes, else 0; with `mayWait`, null where the content is not held yet, or
   * must be hashed again.
   */
  async place(
    { path, entry, full }: ImagePath,
    candidates: readonly DiskPath[],
    mayWait = false,
  ): Promise<number | null> {
    const to = diskPath(this.base, path);
    const group = full.hardlink ?? null;
    const first = group === null ? undefined : this.#groups.get(group);
    const blob = this.blobs.glance(entry.oid) ?? (mayWait ? null : await this.blobs.find(entry.oid));
    if (blob === null) {
      if (mayWait) return null;
      throw missingBlob(entry.oid);
    }
    const size = full.type === 'file' ? blob.size : null;
    if (first !== undefined) {
      linkSync(first, to);
      return size ?? 0;
    }
    const linked =
      this.#linkCandidate(candidates, to, full, size) ||
      // An inode with extended attributes is never that of the blob, which has other links by the time they are set.
      (kindOnDisk(full) === 'file' && full.xattrs === undefined && this.#linkBlob(entry.oid, to, full, blob.stat));
    if (!linked) {
      if (full.xattrs !== undefined) this.lacking.set(path, full);
      await this.#makeFresh(entry.oid, to, full, blob.size);
      const stat = lstatSync(to);
      setAttributes(to, full, stat);
      this.#used.add(stat.ino);
    }
    if (group !== null) this.#groups.set(group, to);
    return size ?? 0;
  }

  /** Not yet used in this image, and with room for the links that this path, or its group, needs. */
  #isFree(stat: Stats, full: FullAttributes): boolean {
    const links = full.hardlink === undefined ? 1 : (this.groupSizes.get(full.hardlink) ?? 1);
    return !this.#used.has(stat.ino) && (links === 1 || stat.nlink + links < MANY_LINKS);
  }

  #linkCandidate(candidates: readonly DiskPath[], to: DiskPath, full: FullAttributes, size: number | null): boolean {
    for (const candidate of candidates) {
      const stat = lstatSync(candidate, { throwIfNoEntry: false });
      // Compared with the disk once more: a path that was tampered with must not spread into the next image.
      if (stat === undefined || !hasAttributes(stat, full, size) || !this.#isFree(stat, full)) continue;
      if (this.#link(candidate, to, stat)) return true;
    }
    return false;
  }

  /** stat: of the blob's file, as it is now. */
  #linkBlob(oid: Oid, to: DiskPath, full: FullAttributes, stat: Stats): boolean {
    const from = this.blobs.path(oid);
    if (!this.#isFree(stat, full)) return false;
    if (!hasAttributes(stat, full, stat.size)) {
      if (stat.nlink !== 1) return false;
      setAttributes(from, full, stat);
      // Its record speaks of the time, and of nothing else that this changes.
      if (stat.mtimeMs !== full.time * 1000) this.blobs.refresh(oid, lstatSync(from));
    }
    return this.#link(from, to, stat);
  }

  #link(from: DiskPath, to: DiskPath, stat: Stats): boolean {
    try {
      linkSync(from, to);
    } catch (error) {
      if (failedWith(error, 'EMLINK')) return false;
      throw error;
    }
    this.#used.add(stat.ino);
    return true;
  }

  async #makeFresh(oid: Oid, to: DiskPath, full: FullAttributes, size: number): Promise<void> {
    const kind = kindOnDisk(full);
    if (kind === 'symlink') {
      const target = await this.blobs.read(oid, MAX_LINK);
      if (target === null) throw missingBlob(oid);
      symlinkSync(target, to);
    } else if (kind === 'file') {
      const flags = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;
      if (size <= SMALL) copyFileSync(this.blobs.path(oid), to, flags);
      else await promises.copyFile(this.blobs.path(oid), to, flags);
    } else await makeNode(to, full, this.temporaryDir);
  }
}
