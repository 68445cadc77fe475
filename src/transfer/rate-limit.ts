/** A ceiling on what this laptop sends, shared by all its answers: a token bucket that holds a quarter of a second. */
import { Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

const BURST_SECONDS = 0.25;

export class RateLimit {
  /** When the bytes let through so far are paid for, in seconds of the monotonic clock. */
  private paidUntil = 0;

  constructor(private readonly bytesPerSecond: number) {}

  /** A stream that lets bytes through no faster than the ceiling. */
  transform(): Transform {
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        // It is read after this is done with it, when its memory may be used for something else.
        const copy = Buffer.from(chunk);
        this.take(chunk.length).then(() => done(null, copy), done);
      },
    });
  }

  private async take(bytes: number): Promise<void> {
    const now = performance.now() / 1000;
    this.paidUntil = Math.max(this.paidUntil, now - BURST_SECONDS) + bytes / this.bytesPerSecond;
    if (this.paidUntil > now) await sleep((this.paidUntil - now) * 1000);
  }
}
