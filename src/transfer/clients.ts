/**
 * Who is being served now: so many at a time, and no client so much that nothing is left for others. A few deltas are made for each
 * client at a time, so that nobody waits behind all that another one has asked for.
 */
import { Room } from './room';

/**
 * Enough that the thread that makes deltas has the next order before the last delta is on its way: three large ones, or so many small
 * ones that it can tell several at a time. Bytes of content.
 */
const AT_ONCE_BYTES = 3 << 20;
const LARGEST_SHARE = AT_ONCE_BYTES / 3;
const SMALLEST_SHARE = AT_ONCE_BYTES / 24;

/** How much of `Served.turns` a delta for a blob of that size takes. */
export function turnFor(size: number): number {
  return Math.min(Math.max(size, SMALLEST_SHARE), LARGEST_SHARE);
}

export interface Served {
  /** For what takes long: see `turnFor`. */
  turns: Room;
  /** To be called once, at the end. */
  leave(): void;
}

export class Clients {
  private streams = 0;
  private readonly served = new Map<string, { streams: number; turns: Room }>();

  /** Streams at one time, of all and of each client. */
  constructor(
    private readonly most: number,
    private readonly mostEach: number,
  ) {}

  /** Null: too busy for this one now. */
  enter(client: string): Served | null {
    const known = this.served.get(client) ?? { streams: 0, turns: new Room(AT_ONCE_BYTES) };
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
