/** Who is being given which images: while somebody fetches one, it is not removed to make room. */
import type { Oid } from '../core/object';

/** A client that has asked for nothing for so long has all it wanted, or is gone. */
const LEASE_MS = 5 * 60_000;
const MAX_CLIENTS = 1000;

export class Leases {
  private readonly clients = new Map<string, { commits: Set<Oid>; until: number }>();

  /** now: in ms, of a clock that never goes back. */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** A client has begun to fetch these. */
  take(client: string, commits: Iterable<Oid>): void {
    const known = this.clients.get(client);
    this.clients.delete(client);
    this.clients.set(client, {
      commits: new Set([...(known?.commits ?? []), ...commits]),
      until: this.now() + LEASE_MS,
    });
    for (const oldest of this.clients.keys()) {
      if (this.clients.size <= MAX_CLIENTS) break;
      this.clients.delete(oldest);
    }
  }

  /** It has asked for more. */
  renew(client: string): void {
    const known = this.clients.get(client);
    if (known) known.until = this.now() + LEASE_MS;
  }

  /** What is being fetched now. */
  active(): Set<Oid> {
    const commits = new Set<Oid>();
    for (const [client, lease] of this.clients) {
      if (lease.until < this.now()) this.clients.delete(client);
      else for (const commit of lease.commits) commits.add(commit);
    }
    return commits;
  }
}
