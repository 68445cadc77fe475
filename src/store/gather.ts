/**
 * Fills the store from the running system of a laptop that was flashed by other means: where a file there is what the
 * image says, its content is copied (reflinked where the disk can), so that the network need not bring it.
 */
import type { ByteString } from '../core/bytes';
import type { Oid } from '../core/object';
import type { Blobs } from './blobs';
import { asBytes, diskPath } from './disk';
import { readAttributes, readHead, walkImage } from './image';
import { mapOrdered, stopIfAsked } from './pace';
import type { Quarantine } from './quarantine';
import { recoverBlob } from './recover';
import type { WorkOptions } from './types';

const PARALLEL = 4;

export interface Gathered {
  /** Contents that were taken, and their size in bytes. */
  objects: number;
  bytes: number;
}

/**
 * root: the running system, of which only regular files and symlinks at the image's own paths are read; nothing there
 * is changed or linked to. sizes: of the contents wanted, in bytes; others are not looked for. What is unreadable or
 * different is left for the network. Progress: contents and bytes taken.
 */
export async function gather(
  commit: Oid,
  quarantine: Quarantine,
  root: string,
  sizes: ReadonlyMap<Oid, number>,
  blobs: Blobs,
  { onProgress, signal }: WorkOptions,
): Promise<Gathered> {
  const { reader } = quarantine;
  const head = readHead(commit, reader.need(commit, 'commit', 'commit of the image'), reader);
  const attributes = readAttributes(head, reader);
  const base = asBytes(root);
  const gathered: Gathered = { objects: 0, bytes: 0 };
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const open = new Set(sizes.keys());

  const places = async function* (): AsyncGenerator<{ oid: Oid; path: ByteString }> {
    for await (const { path, entry } of walkImage(head, attributes, reader)) {
      if (open.has(entry.oid)) yield { oid: entry.oid, path };
    }
  };
  const take = async ({ oid, path }: { oid: Oid; path: ByteString }): Promise<Oid | null> => {
    stopIfAsked(signal);
    // Another path with the same content may have given it meanwhile.
    if (!open.has(oid) || (await blobs.has(oid))) return null;
    return (await recoverBlob(blobs, oid, diskPath(base, path), 'copy', sizes.get(oid))) ? oid : null;
  };
  for await (const oid of mapOrdered(places(), PARALLEL, take)) {
    if (oid === null || !open.delete(oid)) continue;
    gathered.objects += 1;
    gathered.bytes += sizes.get(oid) ?? 0;
    onProgress?.(gathered.objects, sizes.size, gathered.bytes, total);
  }
  await blobs.flush();
  return gathered;
}
