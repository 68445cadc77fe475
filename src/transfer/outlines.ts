/** Outlines of what is here, for one who has what is wanted and nothing like it: see src/core/delta/outline.ts. */
import type { FileHandle } from 'node:fs/promises';
import { looksPacked, MOST_UNPACKED_BYTES, PACKED_HEAD_BYTES, type Unpacked, unpack } from '../core/delta/gzip/file';
import { hashesLength, NO_OUTLINE, type Outline, outlineOf, shapeFor } from '../core/delta/outline';
import { mustFill, type RandomReader } from '../core/delta/reader';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';

/** Where the blobs are that are here. */
interface Holder {
  openBlob(oid: Oid): Promise<{ size: number; handle: FileHandle } | null>;
}

/** Of all blobs that are asked for at once, in bytes: a request must not grow with what it asks for. */
const MOST_AT_ONCE = 512 << 10;

/** For each of the wanted blobs one of what is most like it, as far as there is room. */
export async function outlinesFor(
  holder: Holder,
  wanted: readonly { size: number; bases: readonly Oid[] }[],
): Promise<Outline[]> {
  const outlines: Outline[] = [];
  let room = MOST_AT_ONCE;
  for (const { size, bases } of wanted) {
    const outline = bases.length === 0 ? NO_OUTLINE : await outlineFor(holder, bases[0]!, size, room);
    room -= outline.hashes.length;
    outlines.push(outline);
  }
  return outlines;
}

/** A file as it is outlined and compared; null when it is not here, or not as it was. */
export async function openOutlined(
  holder: Holder,
  oid: Oid,
): Promise<{ content: RandomReader; close(): Promise<void> } | null> {
  const blob = await holder.openBlob(oid);
  if (!blob) return null;
  const { size, handle } = blob;
  const file: RandomReader = {
    size,
    read: async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead,
  };
  const close = () => handle.close();
  try {
    const unpacked = await unpackedOf(file);
    return { content: unpacked ?? file, close };
  } catch (cause) {
    await close();
    throw cause;
  }
}

async function outlineFor(holder: Holder, base: Oid, targetSize: number, room: number): Promise<Outline> {
  const opened = await openOutlined(holder, base);
  if (opened === null) return NO_OUTLINE;
  try {
    const shape = shapeFor(opened.content.size, targetSize);
    return hashesLength(shape) > room ? NO_OUTLINE : await outlineOf(opened.content, shape);
  } catch (cause) {
    // A file that is damaged helps nobody; checking the image tells of it.
    if (cause instanceof PassItOnError && cause.code === 'damaged') return NO_OUTLINE;
    throw cause;
  } finally {
    await opened.close();
  }
}

async function unpackedOf(file: RandomReader): Promise<Unpacked | null> {
  if (file.size > MOST_UNPACKED_BYTES) return null;
  const start = Buffer.alloc(Math.min(file.size, PACKED_HEAD_BYTES));
  mustFill(start, await file.read(start, 0));
  if (!looksPacked(start)) return null;
  const bytes = Buffer.allocUnsafeSlow(file.size);
  mustFill(bytes, await file.read(bytes, 0));
  return unpack(bytes);
}
