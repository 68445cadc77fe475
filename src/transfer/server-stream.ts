/** One stream of frames or answers as an HTTP answer: backpressure to the reader, nothing held back in memory. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import type { Form } from './effort';
import { type Content, compressorFor } from './encoding';
import type { RateLimit } from './rate-limit';
import { BUSY_TRAILER } from './source';
import { WireWatch } from './wire-watch';

const ALIVE_EVERY_MS = 4_000;
/** What is handed on at once: to a compressor, or to the connection, for which each piece is a system call and a header of its own. */
const GATHER_BYTES = 64 << 10;
const GATHER_RAW_BYTES = 256 << 10;
/** The asker works through trees as they come, which a compressor would keep until it has all. */
const GATHER_TREES_BYTES = 16 << 10;

/**
 * Drains `stream` into the answer; a client that goes away ends the generator. A chunk need only be valid until the next is asked
 * for.
 */
export async function sendFrames(
  response: ServerResponse,
  stream: AsyncGenerator<Buffer>,
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
  const writer = new GatheringWriter(compress ?? slowed ?? response, most, onFull);
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
    for await (const chunk of stream) await writer.write(chunk);
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

/**
 * Gathers what is written in one Buffer that is used again and again: a compressor is asked once for hundreds of small frames,
 * and large files leave nothing behind for the garbage collector.
 */
class GatheringWriter {
  private readonly gathered: Buffer;
  private length = 0;
  /** The writes under way, which still need the Buffer. */
  private writing = Promise.resolve();
  private writes = 0;
  private fail: (cause: Error) => void = () => {};
  private failed: Error | null = null;

  /** bytes: how many are handed on at once; onFull: called when so many have been. */
  constructor(
    private readonly output: Writable,
    bytes: number,
    private readonly onFull: () => unknown,
  ) {
    this.gathered = Buffer.allocUnsafeSlow(bytes);
    output.on('error', cause => this.giveUp(cause));
  }

  async write(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      while (this.writes > 0) await this.writing;
      at += this.gather(chunk, at);
      if (this.length < this.gathered.length) continue;
      await this.push();
      this.onFull();
    }
  }

  /** Hands on what is gathered; done when the output has taken it. */
  push(): Promise<void> {
    this.writes++;
    this.writing = this.writing.then(() => this.hand()).finally(() => this.writes--);
    return this.writing;
  }

  /** Nobody will take any more: whoever waits is told. */
  giveUp(cause: Error = new Error('Nobody reads this any more.')): void {
    this.failed = cause;
    this.fail(cause);
  }

  private gather(chunk: Buffer, from: number): number {
    const count = chunk.copy(this.gathered, this.length, from);
    this.length += count;
    return count;
  }

  private hand(): Promise<void> {
    const bytes = this.gathered.subarray(0, this.length);
    this.length = 0;
    return new Promise((resolve, reject) => {
      if (this.failed) return reject(this.failed);
      this.fail = reject;
      this.output.write(bytes, cause => (cause ? reject(cause) : resolve()));
    });
  }
}
