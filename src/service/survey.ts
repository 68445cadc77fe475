/**
 * What each version near would cost this laptop, for a table of everybody: the service is asked to compare each distinct
 * image once, one after the other, because each costs somebody's radio a round trip. For clients of the service.
 */
import { toPassItOnError } from '../core/errors';
import type { Neighbour, Plan, ServiceClient } from './contract';

/** What `neighbours --json --compare` adds to a neighbour, and the table shows. */
export interface Cost {
  /** Whose signature it has, by a key that this laptop trusts; null: nobody's, or not compared. */
  signedBy: string | null;
  /** Before compression; null: not compared. */
  bytesToFetch: number | null;
  /** Stable code of why this laptop would not take it, or why it could not be compared; null: nothing speaks against it. */
  refusal: string | null;
}

export const UNKNOWN_COST: Cost = { signedBy: null, bytesToFetch: null, refusal: null };

/** A crowd of made-up versions must not keep the network busy. */
const MOST_IMAGES = 64;
const MOST_ADDRESSES = 8;
/** A comparison that failed may work out later: after so many ms. */
const AGAIN_MS = 20_000;

type Compare = Pick<ServiceClient, 'call'>;

export class Survey {
  private readonly costs = new Map<string, Cost>();
  private readonly failedAt = new Map<string, number>();
  private wanted = new Map<string, string[]>();
  private work: Promise<void> | null = null;
  private generation = 0;

  /** `onCost` is called whenever the cost of a commit has become known. */
  constructor(
    private readonly client: () => Compare | null,
    private readonly onCost: (commit: string) => void = () => {},
  ) {}

  cost({ commit, signedBy = null }: Pick<Neighbour, 'commit' | 'signedBy'>): Cost {
    const known = this.costs.get(commit);
    return known && known.bytesToFetch !== null ? known : { ...UNKNOWN_COST, ...known, signedBy };
  }

  /** All that have the image of one of these; those asked for before and not begun are forgotten. */
  want(neighbours: Iterable<Neighbour>): void {
    const wanted = new Map<string, string[]>();
    for (const { commit, address } of neighbours) {
      const addresses = wanted.get(commit) ?? [];
      if (addresses.length < MOST_ADDRESSES) addresses.push(address);
      if (wanted.has(commit) || wanted.size < MOST_IMAGES) wanted.set(commit, addresses);
    }
    this.wanted = wanted;
    this.work ??= this.run().finally(() => {
      this.work = null;
    });
  }

  /** A cost is a difference to the current image: call this when that has changed. */
  forget(): void {
    this.generation++;
    this.costs.clear();
    this.failedAt.clear();
  }

  /** Resolves when nothing is left to ask. */
  async settled(): Promise<void> {
    await this.work;
  }

  private async run(): Promise<void> {
    for (let next = this.next(); next; next = this.next()) {
      const client = this.client();
      if (!client) return;
      const { generation } = this;
      const cost = await this.ask(client, next.commit, next.from);
      if (generation !== this.generation) continue;
      this.costs.set(next.commit, cost);
      this.onCost(next.commit);
    }
  }

  private next(): { commit: string; from: string[] } | null {
    for (const [commit, from] of this.wanted) {
      const failed = this.failedAt.get(commit);
      if (failed === undefined ? !this.costs.has(commit) : performance.now() - failed > AGAIN_MS) {
        return { commit, from };
      }
    }
    return null;
  }

  private async ask(client: Compare, commit: string, from: string[]): Promise<Cost> {
    try {
      const plan = await client.call('compare', { target: commit, from });
      this.failedAt.delete(commit);
      return costOf(plan);
    } catch (thrown) {
      this.failedAt.set(commit, performance.now());
      return { ...UNKNOWN_COST, refusal: toPassItOnError(thrown).code };
    }
  }
}

function costOf({ signedBy, bytesRaw, trustProblem }: Plan): Cost {
  return { signedBy, bytesToFetch: bytesRaw, refusal: trustProblem?.code ?? null };
}
