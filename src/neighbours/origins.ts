/** Where names were heard from: nobody may fill the list of neighbours alone, and keep the honest ones out of it. */

/**
 * Names that one address may bring. A laptop brings its own; the demo's class on one machine, and a reflector that
 * passes on another network's packets under its own address, bring some dozens.
 */
export const MAX_FROM_ONE = 100;

export class Origins {
  /** Source address by instance key. */
  readonly #of = new Map<string, string>();
  readonly #count = new Map<string, number>();

  /** Whether this name may be taken in from this address; it counts until forget(). */
  admit(key: string, source: string): boolean {
    if (this.#of.has(key)) return true;
    const count = this.#count.get(source) ?? 0;
    if (count >= MAX_FROM_ONE) return false;
    this.#of.set(key, source);
    this.#count.set(source, count + 1);
    return true;
  }

  forget(key: string): void {
    const source = this.#of.get(key);
    if (source === undefined) return;
    this.#of.delete(key);
    const left = (this.#count.get(source) ?? 1) - 1;
    if (left > 0) this.#count.set(source, left);
    else this.#count.delete(source);
  }
}
