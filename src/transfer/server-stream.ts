/** One compressed frame stream as an HTTP answer: backpressure to the reader, nothing held back in memory. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { constants, createBrotliCompress } from 'node:zlib';
import { encodeEnd, MAGIC } from './frames';
import type { RateLimit } from './rate-limit';

/** A good compromise between a weak laptop's CPU and a shared radio; measured in docs/performance.md. */
const QUALITY = 5;
const WINDOW_BITS = 22;
const ALIVE_EVERY_MS = 4_000;

/** Drains `frames` into the answer; a client that goes away ends the generator. */
export async function sendFrames(
  response: ServerResponse,
  frames: AsyncGenerator<Buffer>,
  limit: RateLimit | null,
): Promise<void> {
  response.writeHead(200, {
    'Content-Type': 'application/x-pass-it-on',
    'Content-Encoding': 'br',
    'Cache-Control': 'no-store',
  });
  const compress = createBrotliCompress({
    params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY, [constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS },
  });
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  // A large delta takes its time: the asker must see that there is life.
  response.flushHeaders();
  const alive = setInterval(() => compress.flush(), ALIVE_EVERY_MS);
  const sent = limit ? compress.pipe(limit.transform()) : compress;
  sent.pipe(response);
  const write = async (chunk: Buffer) => {
    if (!compress.write(chunk)) await once(compress, 'drain', { signal: gone.signal });
  };
  try {
    await write(MAGIC);
    for await (const chunk of frames) {
      if (gone.signal.aborted) return;
      await write(chunk);
    }
    compress.end(encodeEnd());
    await once(response, 'finish', { signal: gone.signal });
  } catch (cause) {
    // The other laptop went away, which is its right.
    if (!gone.signal.aborted) throw cause;
  } finally {
    clearInterval(alive);
    sent.unpipe(response);
    compress.destroy();
  }
}
