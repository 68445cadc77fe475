const FIRST_BYTES = 1 << 14;

/** Bits of a deflate stream: the lowest of each number first, in bytes from their lowest bit up. */
export class BitSink {
  private buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  private length = 0;
  private pending = 0;
  private pendingBits = 0;

  /** As if new. */
  clear(): void {
    this.length = this.pending = this.pendingBits = 0;
  }

  /** Room for so many bytes more: to be asked for before they are written. */
  reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed > this.buffer.length) this.buffer = Buffer.concat([this.buffer.subarray(0, this.length)], 2 * needed);
  }

  /** @param count 0 to 16 */
  bits(value: number, count: number): void {
    let pending = this.pending | (value << this.pendingBits);
    let bits = this.pendingBits + count;
    for (; bits >= 8; bits -= 8) {
      this.buffer[this.length++] = pending & 0xff;
      pending >>>= 8;
    }
    this.pending = pending;
    this.pendingBits = bits;
  }

  /** Zeros up to the next whole byte. */
  align(): void {
    if (this.pendingBits > 0) this.bits(0, 8 - this.pendingBits);
  }

  /** Aligned. */
  bytes(more: Uint8Array): void {
    this.buffer.set(more, this.length);
    this.length += more.length;
  }

  /** The whole bytes since the last call; valid until more is written. */
  take(): Buffer {
    const whole = this.buffer.subarray(0, this.length);
    this.length = 0;
    return whole;
  }
}
