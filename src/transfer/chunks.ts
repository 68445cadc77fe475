/** A stretch of an open file in chunks. **A chunk is valid until the next one is asked for**: their memory is one. */
import type { FileHandle } from 'node:fs/promises';

const READ_BYTES = 256 << 10;

/** Ends early where the file does. */
export async function* fileChunks(handle: FileHandle, start: number, length: number): AsyncGenerator<Buffer> {
  const memory = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, length));
  for (let at = start; at < start + length; ) {
    const { bytesRead } = await handle.read(memory, 0, Math.min(memory.length, start + length - at), at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield memory.subarray(0, bytesRead);
  }
}

/** The same chunks, each in memory of its own: for a pipeline, which asks for the next before it is done with one. */
export async function* copied(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield Buffer.from(chunk);
}
