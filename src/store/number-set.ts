/**
 * Whole numbers from 1 on, such as those of inodes: a hash table with open addressing (Knuth, The Art of Computer Programming 3, §6.4,
 * algorithm L), of 40,000 in half a megabyte. A Map takes four times as much while an upgrade runs (docs/performance.md).
 */
const FIRST_SLOTS = 1024;
/** Of the slots; with more, to find out that a number is not there takes many looks. */
const MOST_USED = 0.7;
const FREE = 0;
/** 2^32 divided by the golden ratio: numbers that lie side by side come to stand far apart (Knuth, §6.4). */
const FACTOR = 0x9e3779b1;
const LOW_BITS = 2 ** 32;

export class NumberSet {
  #slots = new Float64Array(FIRST_SLOTS);
  #size = 0;

  has(number: number): boolean {
    return this.#slots[this.#slotOf(number)] === number;
  }

  add(number: number): void {
    const slot = this.#slotOf(number);
    if (this.#slots[slot] === number) return;
    this.#slots[slot] = number;
    if (++this.#size > this.#slots.length * MOST_USED) this.#grow();
  }

  /** Where it stands, or would. */
  #slotOf(number: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const low = number % LOW_BITS;
    const hash = Math.imul(low ^ ((number - low) / LOW_BITS), FACTOR);
    let slot = (hash ^ (hash >>> 16)) & mask;
    while (slots[slot] !== FREE && slots[slot] !== number) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const numbers = this.#slots;
    this.#slots = new Float64Array(2 * numbers.length);
    for (const number of numbers) if (number !== FREE) this.#slots[this.#slotOf(number)] = number;
  }
}
