/** What trees and blobs are given from: a laptop's store, or a folder that was exported. */
import type { FileHandle } from 'node:fs/promises';
import { PassItOnError } from '../core/errors';
import type { ObjectType, Oid } from '../core/object';
import type { TreeEntry } from '../core/tree';
import type { OpenFile, Store } from '../store/store';
import { fileChunks } from './chunks';

export interface Holdings {
  readObject(oid: Oid): Promise<{ type: ObjectType; data: Buffer } | null>;
  /** Throws 'damaged' when it is not held. */
  readTree(oid: Oid): Promise<TreeEntry[]>;
  /** In bytes; null when not held. */
  blobSize(oid: Oid): Promise<number | null>;
  /** The content of a small blob, at once, where that takes less than to open it; null where only `openBlob` can tell. */
  readSmallBlob?(oid: Oid): Buffer | null;
  /** A blob that is a file as it was when it was hashed, at once; null where only `openBlob` can tell. The caller closes it. */
  openFile?(oid: Oid): OpenFile | null;
  /** Null when not held. */
  openBlob(oid: Oid): Promise<BlobContent | null>;
}

export interface BlobContent {
  size: number;
  /** From that byte on. To be read once, each valid until the next is asked for; breaks off with 'damaged' when there are too few. */
  chunks(from: number): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

export function holdingsOf(store: Store): Holdings {
  return {
    readObject: oid => store.readObject(oid),
    readTree: oid => store.readTree(oid),
    // What it was when it was hashed: before it is sent, it is looked at.
    blobSize: async oid => store.recordedSize(oid) ?? (await store.blobInfo(oid))?.size ?? null,
    readSmallBlob: oid => store.readSmallBlob(oid),
    openFile: oid => store.openFile(oid),
    openBlob: async oid => {
      const blob = await store.openBlob(oid);
      if (blob === null) return null;
      const { size, handle } = blob;
      return { size, close: () => handle.close(), chunks: from => chunksOf(oid, from, size, handle) };
    },
  };
}

async function* chunksOf(oid: Oid, from: number, size: number, handle: FileHandle): AsyncGenerator<Buffer> {
  let left = size - from;
  for await (const chunk of fileChunks(handle, from, left)) {
    left -= chunk.length;
    yield chunk;
  }
  // The length is promised already: a file that shrank can only be answered by breaking off.
  if (left > 0) throw new PassItOnError('damaged', `Blob ${oid} is cut off.`, 'Repair it with verify.');
}
