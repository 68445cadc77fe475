/** Room on the disk that an upgrade leaves over: what is kept only to save work takes no more than that. */
export class Spare {
  /** left: in bytes. */
  constructor(private left: number = Number.POSITIVE_INFINITY) {}

  /** False where there is not as much. */
  take(bytes: number): boolean {
    if (bytes > this.left) return false;
    this.left -= bytes;
    return true;
  }

  /** Half of what is left, for somebody else to take from, in bytes. */
  share(): number {
    const half = this.left / 2;
    this.left = half;
    return half;
  }

  give(bytes: number): void {
    this.left += bytes;
  }
}
