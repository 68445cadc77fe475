/** Makes a blob from a file that may hold its content: another path of an image, or a file of the running system. */
import { constants, linkSync, lstatSync, promises, readlinkSync, rmSync, type Stats } from 'node:fs';
import { toPassItOnError } from '../core/errors';
import { BlobHasher, type Oid } from '../core/object';
import type { Blobs } from './blobs';
import { type DiskPath, failedWith } from './disk';
import { hashHandle } from './hash-handle';

/** How a file becomes a blob: as a copy (reflinked where the disk can), or as another name of the same inode. */
export type How = 'copy' | 'share';

/**
 * True when `from` held the content of `oid`, which is a blob now, whatever stood there before. A symlink counts by its
 * target. What cannot be read, or is neither file nor symlink, holds nothing. size: the content's, in bytes, if known.
 * Throws 'no-space' and other troubles of the store itself.
 */
export async function recoverBlob(
  blobs: Blobs,
  oid: Oid,
  from: DiskPath,
  how: How,
  size: number | null = null,
): Promise<boolean> {
  const stat = statOf(from);
  if (stat === null) return false;
  if (stat.isSymbolicLink()) return recoverTarget(blobs, oid, from);
  if (!stat.isFile() || (size !== null && stat.size !== size)) return false;
  const temporary = blobs.temporary();
  try {
    if (how === 'share') linkSync(from, temporary);
    else if (!(await copied(from, temporary))) return false;
    const actual = await hashFile(temporary);
    if (actual?.oid !== oid) return false;
    await blobs.replace(oid, actual.sha256, temporary);
    return true;
  } catch (error) {
    throw toPassItOnError(error);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function statOf(path: DiskPath): Stats | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    if (UNREADABLE(error)) return null;
    throw error;
  }
}

const UNREADABLE = (error: unknown): boolean =>
  failedWith(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG', 'EIO');

async function recoverTarget(blobs: Blobs, oid: Oid, from: DiskPath): Promise<boolean> {
  const target = readlinkSync(from, { encoding: 'buffer' });
  const hasher = new BlobHasher(target.length);
  hasher.update(target);
  const actual = hasher.digest();
  if (actual.oid !== oid) return false;
  await blobs.drop([oid]);
  blobs.keep(oid, actual.sha256, target);
  return true;
}

/** False when the source cannot be read. Mode and times are those of a blob, not of the source. */
async function copied(from: DiskPath, to: string): Promise<boolean> {
  try {
    await promises.copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  } catch (error) {
    if (UNREADABLE(error)) return false;
    throw error;
  }
  await promises.chmod(to, 0o600);
  await promises.utimes(to, 1, 1);
  return true;
}

async function hashFile(path: string): Promise<{ oid: Oid; sha256: string } | null> {
  const handle = await promises.open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await hashHandle(handle, (await handle.stat()).size);
  } catch (error) {
    // A bad sector, or a file that changes while it is read.
    if (UNREADABLE(error) || toPassItOnError(error).code === 'bad-data') return null;
    throw error;
  } finally {
    await handle.close();
  }
}
