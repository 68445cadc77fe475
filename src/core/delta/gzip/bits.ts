const FIRST_BYTES = 1 << 14;

/** Bits of a deflate stream: the lowest of each number first, in bytes from their lowest bit up. */
export class BitSink {
  private buffer = Buffer.allocUnsafe(FIRST_BYTES);
  private length = 0;
  private pending = 0;
  private pendingBits = 0;

  /** @param count 0 to 16 */
  bits(value: number, count: number): void {
    this.pending |= value << this.pendingBits;
    this.pendingBits += count;
    while (this.pendingBits >= 8) {
      this.byte(this.pending & 0xff);
      this.pending >>>= 8;
      this.pendingBits -= 8;
    }
  }

  /** Zeros up to the next whole byte. */
  align(): void {
    if (this.pendingBits > 0) this.bits(0, 8 - this.pendingBits);
  }

  /** Aligned. */
  bytes(more: Uint8Array): void {
    for (const byte of more) this.byte(byte);
  }

  /** The whole bytes since the last call; valid until more is written. */
  take(): Buffer {
    const whole = this.buffer.subarray(0, this.length);
    this.length = 0;
    return whole;
  }

  private byte(value: number): void {
    if (this.length === this.buffer.length) this.buffer = Buffer.concat([this.buffer], 2 * this.length);
    this.buffer[this.length++] = value;
  }
}
