/**
 * Who is being served now: so many at a time, and no client so much that nothing is left for others. Deltas are made for each
 * client one after another, so that nobody waits behind all that another one has asked for.
 */
import { Turns } from '../store/pace';

export interface Served {
  /** For what takes long. */
  turns: Turns;
  /** To be called once, at the end. */
  leave(): void;
}

export class Clients {
  private streams = 0;
  private readonly served = new Map<string, { streams: number; turns: Turns }>();

  /** Streams at one time, of all and of each client. */
  constructor(
    private readonly most: number,
    private readonly mostEach: number,
  ) {}

  /** Null: too busy for this one now. */
  enter(client: string): Served | null {
    const known = this.served.get(client) ?? { streams: 0, turns: new Turns() };
    if (this.streams >= this.most || known.streams >= this.mostEach) return null;
    this.served.set(client, known);
    this.streams++;
    known.streams++;
    const leave = () => {
      this.streams--;
      if (--known.streams === 0) this.served.delete(client);
    };
    return { turns: known.turns, leave };
  }
}
