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

/** What an answer is written into, piece by piece. Everything rejects once nobody reads it any more. */
export interface Sink {
  /** chunk: may be used for something else afterwards. */
  write(chunk: Buffer): Promise<void>;
  /** Where to put what comes next: at least one byte, at most so many. What is put there is told to `took` before anything else. */
  room(most: number): Promise<Buffer>;
  took(bytes: number): void;
}

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

/**
 * Gathers what is written in two Buffers that are used again and again, one of which is sent while the other is filled: a compressor is
 * asked once for hundreds of small frames, and large files leave nothing behind for the garbage collector.
 */
class GatheringWriter implements Sink {
  private filling: Gathered;
  private other: Gathered;
  /** All that was handed on before. */
  private sent = Promise.resolve();
  private fail: (cause: Error) => void = () => {};
  private failed: Error | null = null;

  /** bytes: how many are handed on at once; onFull: called when so many have been. */
  constructor(
    private readonly output: Writable,
    bytes: number,
    private readonly onFull: () => unknown,
  ) {
    this.filling = new Gathered(bytes);
    this.other = new Gathered(bytes);
    output.on('error', cause => this.giveUp(cause));
  }

  async write(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      const room = await this.room(chunk.length - at);
      this.took(chunk.copy(room, 0, at));
      at += room.length;
    }
  }

  async room(most: number): Promise<Buffer> {
    if (this.filling.isFull) {
      // Who waits for room is told when it went wrong.
      void this.push().then(this.onFull, () => {});
    }
    while (this.filling.isSent) await this.sent;
    if (this.failed) throw this.failed;
    return this.filling.room(most);
  }

  took(bytes: number): void {
    this.filling.length += bytes;
  }

  /** Hands on what is gathered; done when the output has taken it. */
  push(): Promise<void> {
    const gathered = this.filling;
    this.filling = this.other;
    this.other = gathered;
    gathered.isSent = true;
    this.sent = this.sent.then(() => this.hand(gathered));
    return this.sent;
  }

  /** Nobody will take any more: whoever waits is told. */
  giveUp(cause: Error = new Error('Nobody reads this any more.')): void {
    this.failed = cause;
    this.fail(cause);
  }

  private hand(gathered: Gathered): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.failed) return reject(this.failed);
      this.fail = reject;
      this.output.write(gathered.written, cause => {
        if (cause) return reject(cause);
        gathered.length = 0;
        gathered.isSent = false;
        resolve();
      });
    });
  }
}

class Gathered {
  private readonly bytes: Buffer;
  length = 0;
  /** Whoever takes it is not done with it. */
  isSent = false;

  constructor(bytes: number) {
    this.bytes = Buffer.allocUnsafeSlow(bytes);
  }

  get isFull(): boolean {
    return this.length === this.bytes.length;
  }

  get written(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  room(most: number): Buffer {
    return this.bytes.subarray(this.length, Math.min(this.length + most, this.bytes.length));
  }
}
