/** The hashes of a file that is open already, in one pass and one buffer's memory. */
import type { promises } from 'node:fs';
import { BlobHasher, type Oid } from '../core/object';
import { withBuffer } from './buffers';

/** Reads an open file from its start. size: of all of it, in bytes; 'bad-data' where it has more or fewer. */
export async function hashHandle(handle: promises.FileHandle, size: number): Promise<{ oid: Oid; sha256: string }> {
  return withBuffer(async buffer => {
    const hasher = new BlobHasher(size);
    for (let position = 0; ; ) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) return hasher.digest();
      position += bytesRead;
      hasher.update(buffer.subarray(0, bytesRead));
    }
  });
}
