/** Buffers that are used again: tens of thousands of fresh ones would cost more than the reading itself. */

/** One read or hash step: short enough for the event loop of a slow laptop. Bytes. */
export const CHUNK = 256 * 1024;
/** More than are in use at once; each is CHUNK bytes. */
const KEPT = 4;

const free: Buffer[] = [];

/** Lends a buffer of CHUNK bytes; what is left in it is somebody else's, and it must not be kept. */
export async function withBuffer<T>(use: (buffer: Buffer) => Promise<T>): Promise<T> {
  const buffer = free.pop() ?? Buffer.allocUnsafeSlow(CHUNK);
  try {
    return await use(buffer);
  } finally {
    if (free.length < KEPT) free.push(buffer);
  }
}
