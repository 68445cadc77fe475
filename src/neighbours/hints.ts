/**
 * Somebody tells, as known answers, of a laptop that was never heard here, because the radio lost its packets. That may
 * be anybody's invention, so it is never believed (RFC 6762 §7.1); it is reason to ask once more, ever more rarely.
 */
import { between, type Clock, type Random, type Timer } from './clock';
import type { ResourceRecord } from './dns';
import { recordKey } from './keys';

export interface HintsIo {
  isKnown(pointer: ResourceRecord): boolean;
  /** Somebody is still missed: time to ask for everybody. */
  onMissed(): void;
}

/** After the first hint, and after each time that it made us ask, in ms: what was said meanwhile may have been enough. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 3_600_000;
/** Names that are remembered until then. */
const MAX_HINTS = 64;

export class Hints {
  readonly #hinted = new Map<string, ResourceRecord>();
  #wait = FIRST_WAIT;
  /** Not before this time (ms of the clock). */
  #notBefore = 0;
  #timer: Timer | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly io: HintsIo,
  ) {}

  /** Pointers to instances that are not known here. */
  take(pointers: readonly ResourceRecord[]): void {
    for (const pointer of pointers) if (this.#hinted.size < MAX_HINTS) this.#hinted.set(recordKey(pointer), pointer);
    if (this.#timer) return;
    // By chance, so that of many who missed the same packet one asks for all.
    const wait = Math.max(this.#notBefore - this.clock.now(), 0) + between(this.random, FIRST_WAIT, 2 * FIRST_WAIT);
    this.#timer = this.clock.after(wait, () => {
      this.#timer = null;
      const missed = [...this.#hinted.values()].some(pointer => !this.io.isKnown(pointer));
      this.#hinted.clear();
      if (!missed) return;
      this.#notBefore = this.clock.now() + this.#wait;
      this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
      this.io.onMissed();
    });
  }

  /** Nobody watches any more. */
  forget(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#hinted.clear();
    this.#wait = FIRST_WAIT;
    this.#notBefore = 0;
  }
}
