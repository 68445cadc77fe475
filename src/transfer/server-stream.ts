/** One stream of frames or answers as an HTTP answer: backpressure to the reader, nothing held back in memory. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Form } from './effort';
import { type Content, compressorFor } from './encoding';
import { GatheringWriter, type Sink } from './gathering-writer';
import type { RateLimit } from './rate-limit';
import { BUSY_TRAILER } from './source';
import { WireWatch } from './wire-watch';

const ALIVE_EVERY_MS = 4_000;
/** What is handed on at once: to a compressor, or to the connection, for which each piece is a system call and a header of its own. */
const GATHER_BYTES = 64 << 10;
const GATHER_RAW_BYTES = 256 << 10;
/** The asker works through trees as they come, which a compressor would keep until it has all. */
const GATHER_TREES_BYTES = 16 << 10;

/** All of a stream, each chunk of which need only be valid until the next is asked for. */
export function drain(stream: AsyncIterable<Buffer>): (sink: Sink) => Promise<void> {
  return async sink => {
    for await (const chunk of stream) await sink.write(chunk);
  };
}

/** An answer of what `give` writes; it ends when that has ended. */
export async function sendFrames(
  response: ServerResponse,
  give: (sink: Sink) => Promise<void>,
  limit: RateLimit | null,
  form: Form,
  content: Content,
): Promise<void> {
  const compress = compressorFor(form, content);
  response.writeHead(200, {
    'Content-Type': 'application/x-pass-it-on',
    'Cache-Control': 'no-store',
    Trailer: BUSY_TRAILER,
    ...(compress && { 'Content-Encoding': 'br' }),
  });
  const gone = new AbortController();
  const slowed = limit?.transform() ?? null;
  const isTrees = content === 'trees';
  const most = isTrees ? GATHER_TREES_BYTES : compress ? GATHER_BYTES : GATHER_RAW_BYTES;
  const onFull = () => isTrees && compress?.flush();
  const writer = new GatheringWriter(compress ?? slowed ?? response, most, compress === null, onFull);
  response.once('close', () => {
    gone.abort();
    writer.giveUp();
  });
  // A large delta takes its time: the asker must see that there is life, and get what is ready.
  response.flushHeaders();
  const alive = setInterval(() => {
    writer.push().then(
      () => compress?.flush(),
      () => writer.giveUp(),
    );
  }, ALIVE_EVERY_MS);
  const watch = response.socket && new WireWatch(response.socket);
  try {
    // Not `pipe` to its end: the trailer comes after the last byte.
    compress?.pipe(slowed ?? response, { end: false });
    slowed?.pipe(response, { end: false });
    await give(writer);
    // On a slow link what is handed over may take longer to be gone than the pause between two signs of life.
    clearInterval(alive);
    await writer.push();
    for (const stage of [compress, slowed]) {
      if (!stage) continue;
      const ended = once(stage, 'end', { signal: gone.signal });
      stage.end();
      await ended;
    }
    const busy = watch?.end() ?? null;
    if (busy !== null) response.addTrailers({ [BUSY_TRAILER]: busy.toFixed(2) });
    const finished = once(response, 'finish', { signal: gone.signal });
    response.end();
    await finished;
  } catch (cause) {
    // The other laptop went away, which is its right.
    if (!gone.signal.aborted) throw cause;
  } finally {
    clearInterval(alive);
    watch?.end();
    compress?.destroy();
    slowed?.destroy();
  }
}
