/** Which source is close: measured, because who shouts first need not be near. */

/** What an unknown source is taken to give, in bytes a second, and how much is wanted of it in one go. */
const USUAL_RATE = 2e6;
const PORTION = 1e6;
/** Addresses that are remembered. */
const MAX_ADDRESSES = 256;

/** The time in ms that a portion may take from a source; who never answered comes last. */
export function closeness(roundTrip: number | null, rate: number | null): number {
  if (roundTrip === null) return Number.MAX_VALUE;
  return roundTrip + (PORTION / (rate ?? USUAL_RATE)) * 1000;
}

/** Bytes a second that each address gave, smoothed. */
export class Rates {
  private readonly rates = new Map<string, number>();

  of(address: string): number | null {
    return this.rates.get(address) ?? null;
  }

  note(address: string, rate: number): void {
    if (!(rate > 0)) return;
    const before = this.rates.get(address);
    this.rates.delete(address);
    this.rates.set(address, before === undefined ? rate : (before + rate) / 2);
    if (this.rates.size > MAX_ADDRESSES) this.rates.delete(this.rates.keys().next().value ?? '');
  }
}
