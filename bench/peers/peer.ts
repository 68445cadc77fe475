/** What a peer of Pass It On must do to be measured beside it: give on the donor, take on the laptop, prove the result. */
import type { Place } from './place';

export interface Pair {
  /** Root trees, and what their versions are called. The laptop has `from` and wants `to`. */
  from: string;
  to: string;
  fromVersion: string;
  toVersion: string;
  /** A folder on the same disk as the trees, for all that is made for this pair: hard links must be possible. */
  work: string;
}

/** What a side took, all its processes and threads together. */
export interface Usage {
  /** Seconds of processors. */
  cpu: number;
  /** Peak memory of the largest process, in bytes. */
  memory: number;
}

/** Something made beforehand for this one pair of versions, and no other. */
export interface Made extends Usage {
  seconds: number;
  /** What it takes on the donor's disk. */
  bytes: number;
}

export interface Serving {
  /** Ends it. */
  stop(): Promise<Usage>;
}

/** A laptop that has `from` and is ready to begin. */
export interface Taker {
  /** Gets `to` and has it as a complete tree. This is what is measured. */
  take(): Promise<Usage>;
  /** What differs between the original and what the laptop has now, of what this peer is able to carry; empty: nothing. */
  check(): string[];
  /** Ends and removes it. */
  close(): Promise<void>;
}

export interface Prepared {
  /** What had to be made for this pair beforehand; null: nothing. */
  made: Made | null;
  /** Starts to give on the donor. */
  serve(donor: Place): Promise<Serving>;
  /** @param dir for this laptop alone; does not exist yet */
  laptop(place: Place, donor: Place, dir: string): Promise<Taker>;
  close(): Promise<void>;
}

export interface Peer {
  name: string;
  /** As it says itself; asked once for the heading. */
  version(): string;
  /** True when it can do nothing for a pair of which the donor holds one version only. */
  needsBase?: boolean;
  /** Everything that is not measured: imports both sides need. `withBase`: the donor holds `from`, too. */
  prepare(pair: Pair, withBase: boolean): Promise<Prepared>;
}
