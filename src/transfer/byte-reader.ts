/** Exact reads over a stream of chunks of any size, and the payloads that stand in it. */
import { PassItOnError } from '../core/errors';

/** What one frame holds, never held whole here: memory stays flat whatever a file's size. */
export interface Payload {
  /** The next bytes, exactly so many; 'source-lied' when it has fewer. */
  read(count: number): Promise<Buffer>;
  /** All of it, or what is left, as it arrives; to be read before the next frame is asked for, or it is skipped. */
  payload(): AsyncGenerator<Buffer>;
  /** The same in one piece; 'source-lied' when it is longer than `limit` bytes. */
  whole(limit: number): Promise<Buffer>;
  /** The same where it has come already, in one piece of what came; else null. Valid until the next frame is asked for. */
  here(): Buffer | null;
}

export function malformed(what: string): PassItOnError {
  return new PassItOnError('source-lied', `A laptop sent ${what}.`, 'Try another laptop.');
}

export function cutOff(): PassItOnError {
  const remedy = 'Try again, or try another laptop.';
  return new PassItOnError('source-gone', 'The other laptop stopped in the middle.', remedy);
}

/** Everything throws 'source-gone' where the stream ends too early. */
export class ByteReader {
  private readonly source: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.source = stream[Symbol.asyncIterator]();
  }

  /** The next 1 to `most` bytes, as they come. */
  async some(most: number): Promise<Buffer> {
    while (this.rest.length === 0) await this.fill();
    const chunk = this.rest.subarray(0, most);
    this.rest = this.rest.subarray(chunk.length);
    return chunk;
  }

  /** Exactly `count` bytes. */
  async read(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let missing = count; missing > 0; ) {
      const part = await this.some(missing);
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** Exactly `count` bytes, where they are in what has come last; else null, and nothing is taken. */
  here(count: number): Buffer | null {
    if (this.rest.length < count) return null;
    const bytes = this.rest.subarray(0, count);
    this.rest = this.rest.subarray(count);
    return bytes;
  }

  async byte(): Promise<number> {
    return (await this.some(1))[0]!;
  }

  /** A length as core/delta/varint writes numbers. @throws PassItOnError 'source-lied' for one that no file can have */
  async length(): Promise<number> {
    let value = 0;
    for (let scale = 1; scale <= Number.MAX_SAFE_INTEGER; scale *= 128) {
      const byte = await this.byte();
      value += (byte & 127) * scale;
      if (byte < 128 && value <= Number.MAX_SAFE_INTEGER) return value;
    }
    throw malformed('a length that no file can have');
  }

  /** The next so many bytes; `finish` skips what nobody read. */
  payload(length: number): Payload & { finish(): Promise<void> } {
    let left = length;
    const some = async () => {
      const chunk = await this.some(left);
      left -= chunk.length;
      return chunk;
    };
    return {
      read: async count => {
        if (left < count) throw malformed(`a frame of ${length} bytes, which is too short`);
        left -= count;
        return this.read(count);
      },
      async *payload() {
        while (left > 0) yield await some();
      },
      whole: async limit => {
        if (left > limit) throw malformed(`a frame of ${left} bytes where ${limit} is the most`);
        const count = left;
        left = 0;
        return this.read(count);
      },
      here: () => {
        const bytes = this.here(left);
        if (bytes !== null) left = 0;
        return bytes;
      },
      finish: async () => {
        while (left > 0) await some();
      },
    };
  }

  async close(): Promise<void> {
    await this.source.return?.();
  }

  private async fill(): Promise<void> {
    const next = await this.source.next();
    if (next.done) throw cutOff();
    this.rest = next.value;
  }
}
