/** Where the pipeline finds who can give an image; the service answers from neighbours and addresses typed. */
import type { Oid } from '../core/object';
import type { Holds } from '../transfer/giver';
import type { Source } from '../transfer/source';

export interface FoundSource {
  source: Source;
  nick: string;
  holds: Holds;
  /** Of one that fetches it, too: what it has said already of what has come there (arrivals.ts). */
  said?: Buffer;
}

export interface SourceFinder {
  /**
   * Everyone near who holds that image or a relative of it, or is fetching it; asked again, for late-comers, but seldom those of
   * whom `isKnown` says, by the source's address, that they give already.
   */
  find(commit: Oid, signal: AbortSignal, isKnown?: (address: string) => boolean): Promise<FoundSource[]>;
  /**
   * The same, where that image begins to be fetched here. Who was not known to fetch it may have begun as well this very moment: it
   * is asked what has come of it there, and so knows of this laptop, too.
   */
  begin(commit: Oid, signal: AbortSignal): Promise<FoundSource[]>;
  /** A laptop at this IP address asks what has come of that image here: it fetches it. */
  meet(host: string, commit: Oid): void;
}
