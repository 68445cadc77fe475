import { badData } from '../bad-data';

/**
 * Numbers are written as in protocol buffers: seven bits a byte, the lowest first, the top bit set on all but the last.
 * Signed ones are folded ("zigzag"): 0, -1, 1, -2, 2 … become 0, 1, 2, 3, 4 …
 */
export function fold(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2;
}

export function unfold(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

const FIRST_BYTES = 1 << 10;
const LONGEST_NUMBER = 8;

/** Bytes that are being written, in one growing Buffer. */
export class ByteSink {
  private buffer = Buffer.allocUnsafe(FIRST_BYTES);
  length = 0;

  number(value: number): void {
    if (this.length + LONGEST_NUMBER > this.buffer.length) this.grow(LONGEST_NUMBER);
    let rest = value;
    while (rest > 127) {
      this.buffer[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.buffer[this.length++] = rest;
  }

  bytes(more: Buffer): void {
    if (this.length + more.length > this.buffer.length) this.grow(more.length);
    more.copy(this.buffer, this.length);
    this.length += more.length;
  }

  /** What was written; valid until more is. */
  get written(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }

  private grow(by: number): void {
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.length + by));
    this.written.copy(larger);
    this.buffer = larger;
  }
}

/** Bytes that are being read; everything that does not fit is 'bad-data'. */
export class ByteSource {
  private at = 0;

  constructor(
    private readonly buffer: Buffer,
    /** For the error: what this is, in the plural. */
    private readonly what: string,
  ) {}

  get left(): number {
    return this.buffer.length - this.at;
  }

  /** A number from 0 to `most`. */
  number(most: number): number {
    let value = 0;
    for (let scale = 1, taken = 0; taken < LONGEST_NUMBER; taken++, scale *= 128) {
      const byte = this.buffer[this.at];
      if (byte === undefined) throw badData(`The ${this.what} end in the middle of a number.`);
      this.at++;
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value > most) throw badData(`The ${this.what} have the number ${value} where ${most} is the most.`);
        return value;
      }
    }
    throw badData(`The ${this.what} have a number that does not end.`);
  }

  bytes(count: number): Buffer {
    if (count > this.left) throw badData(`The ${this.what} are ${count - this.left} bytes too short.`);
    this.at += count;
    return this.buffer.subarray(this.at - count, this.at);
  }

  end(): void {
    if (this.left > 0) throw badData(`The ${this.what} have ${this.left} bytes too many.`);
  }
}
