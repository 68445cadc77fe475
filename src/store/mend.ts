/**
 * Makes paths of a held image what its commit says, one by one: each is built beside the tree, with a fresh inode, and
 * takes its place by one rename. Inodes that other names share are never changed, however wrong they are.
 */
import { lstatSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { type AttributesMap, type FullAttributes, fullAttributes } from '../core/attributes';
import type { ByteString } from '../core/bytes';
import { temporaryName } from './atomic';
import type { Blobs } from './blobs';
import { asBytes, type DiskPath, diskPath, removeTree } from './disk';
import { type ImageHead, type ImagePath, rootEntry, walkImage } from './image';
import { setAttributes } from './inode';
import type { ObjectReader } from './objects';
import { Placer } from './place';
import { groupSizes } from './stage';
import { clearXattrs, setXattrs } from './xattrs';

export interface ToMend {
  /** '' is the root. */
  paths: ReadonlySet<ByteString>;
  /** To remove. */
  extra: readonly ByteString[];
  /** Inodes that good paths of the image use. */
  sound: ReadonlySet<number>;
}

/** dir: the image's tree. Paths whose blob is not held stay as they are. Returns how many were made anew. */
export async function mendTree(
  dir: string,
  head: ImageHead,
  attributes: AttributesMap,
  objects: ObjectReader,
  blobs: Blobs,
  temporaryDir: string,
  todo: ToMend,
): Promise<number> {
  const base = asBytes(dir);
  const work = temporaryName(temporaryDir, 'mend');
  mkdirSync(work, { mode: 0o700 });
  const placer = new Placer(asBytes(work), blobs, temporaryDir, groupSizes(attributes), todo.sound);
  /** Folders to set attributes of at last, because every entry made in a folder changes its time. */
  const folders = new Map<ByteString, FullAttributes>();
  const made: { name: string; path: ByteString }[] = [];
  let mended = 0;

  const away = (path: ByteString): void => {
    const at = diskPath(base, path);
    if (lstatSync(at, { throwIfNoEntry: false }) !== undefined) renameSync(at, temporaryName(work, 'old'));
  };
  const above = (path: ByteString): ByteString => path.slice(0, Math.max(0, path.lastIndexOf('/')));
  const fullOf = (path: ByteString): FullAttributes => fullAttributes(rootEntry(head), attributes.get(path));

  for (const path of todo.extra) {
    away(path);
    folders.set(above(path), fullOf(above(path)));
    mended += 1;
  }
  const groups = new Set([...todo.paths].map(path => attributes.get(path)?.hardlink));
  for await (const item of everyPath(head, attributes, objects)) {
    const { path, full, entry } = item;
    if (!todo.paths.has(path) && (full.hardlink === undefined || !groups.has(full.hardlink))) continue;
    if (full.type === 'dir') {
      if (!isFolder(diskPath(base, path))) {
        away(path);
        mkdirSync(diskPath(base, path), { mode: 0o700 });
        folders.set(above(path), fullOf(above(path)));
      }
      folders.set(path, full);
      mended += 1;
    } else if ((await blobs.info(entry.oid)) !== null) {
      const name = `new-${made.length}`;
      await placer.place({ ...item, path: name }, []);
      made.push({ name, path });
      folders.set(above(path), fullOf(above(path)));
    }
  }
  await setXattrs(work, asBytes(work), placer.lacking);
  for (const { name, path } of made) {
    if (isFolder(diskPath(base, path))) away(path);
    renameSync(join(work, name), diskPath(base, path));
  }
  for (const [path, full] of folders) setAttributes(diskPath(base, path), full);
  const wrong = new Map([...folders].filter(([path]) => todo.paths.has(path)));
  await clearXattrs(dir, wrong.keys());
  await setXattrs(dir, base, new Map([...wrong].filter(([, full]) => full.xattrs !== undefined)));
  await removeTree(work);
  return mended + made.length;
}

function isFolder(path: DiskPath): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

async function* everyPath(
  head: ImageHead,
  attributes: AttributesMap,
  objects: ObjectReader,
): AsyncGenerator<ImagePath> {
  const entry = rootEntry(head);
  yield { path: '', entry, full: fullAttributes(entry, attributes.get('')) };
  yield* walkImage(head, attributes, objects);
}
