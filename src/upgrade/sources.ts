/** Where the pipeline finds who can give an image; the service answers from neighbours and addresses typed. */
import type { Oid } from '../core/object';
import type { Holds } from '../transfer/giver';
import type { Source } from '../transfer/source';

export interface FoundSource {
  source: Source;
  nick: string;
  holds: Holds;
}

export interface SourceFinder {
  /**
   * Everyone near who holds that image or a relative of it, or is fetching it; asked again, for late-comers, but seldom those of
   * whom `isKnown` says, by the source's address, that they give already.
   */
  find(commit: Oid, signal: AbortSignal, isKnown?: (address: string) => boolean): Promise<FoundSource[]>;
}
