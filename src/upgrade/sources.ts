/** Where the pipeline finds who can give an image; the service answers from neighbours and addresses typed. */
import type { Oid } from '../core/object';
import type { Source } from '../transfer/source';

export interface FoundSource {
  source: Source;
  nick: string;
  /** It is fetching that image itself, and gives what it has of it. */
  partial: boolean;
}

export interface SourceFinder {
  /** Everyone near who holds that image now, or is fetching it; asked again while an upgrade runs, for late-comers. */
  find(commit: Oid, signal: AbortSignal): Promise<FoundSource[]>;
}
