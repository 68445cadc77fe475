/** Where an answer is put, piece by piece: what is small is gathered, and what is in a file is read to where it is sent from. */
import type { Writable } from 'node:stream';

/** What an answer is written into, piece by piece. Everything rejects once nobody reads it any more. */
export interface Sink {
  /** chunk: may be used for something else afterwards. */
  write(chunk: Buffer): Promise<void>;
  /** Where to put what comes next: at least one byte, at most so many. What is put there is told to `took` before anything else. */
  room(most: number): Promise<Buffer>;
  took(bytes: number): void;
}

/**
 * Gathers what is written in Buffers that are used again and again: a compressor is asked once for hundreds of small frames, and large
 * files leave nothing behind for the garbage collector.
 */
export class GatheringWriter implements Sink {
  private filling: Gathered;
  private other: Gathered;
  /** All that was handed on. */
  private sent = Promise.resolve();
  private fail: (cause: Error) => void = () => {};
  private failed: Error | null = null;

  /**
   * bytes: how many are handed on at once; onFull: called when so many have been. isDouble: one Buffer is sent while the other is filled,
   * which is worth its memory where nothing else takes as long as to send.
   */
  constructor(
    private readonly output: Writable,
    bytes: number,
    isDouble: boolean,
    private readonly onFull: () => unknown = () => {},
  ) {
    this.filling = new Gathered(bytes);
    this.other = isDouble ? new Gathered(bytes) : this.filling;
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
    if (this.filling.isFull && this.filling.sent === null) {
      // Who waits for room is told when it went wrong.
      void this.push().then(this.onFull, () => {});
    }
    while (this.filling.sent !== null) await this.filling.sent;
    if (this.failed) throw this.failed;
    return this.filling.room(most);
  }

  took(bytes: number): void {
    this.filling.length += bytes;
  }

  /** Hands on what is gathered; done when the output has taken all so far. May be called at any time. */
  push(): Promise<void> {
    const gathered = this.filling;
    // What is to be filled next is still under way: nothing has been gathered since.
    if (gathered.sent !== null || gathered.length === 0) return this.sent;
    this.filling = this.other;
    this.other = gathered;
    this.sent = this.sent.then(() => this.hand(gathered));
    gathered.sent = this.sent;
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
        gathered.sent = null;
        resolve();
      });
    });
  }
}

class Gathered {
  private readonly bytes: Buffer;
  length = 0;
  /** While whoever takes it is not done with it. */
  sent: Promise<void> | null = null;

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
