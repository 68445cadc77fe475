/** What it would take to have another image: how much to fetch, from whom, for how long, and whether it may be had. */
import type { Oid } from '../core/object';
import { relation } from '../core/versions';
import type { Store } from '../store/store';
import type { SharedImage } from '../transfer/images-answer';
import { type Comparison, compareHeld, compareWithAny } from '../upgrade/compare';
import type { FoundSource } from '../upgrade/sources';
import type { Params, Plan } from './contract';
import type { Finding } from './finding';
import type { Near } from './near';
import type { Pace } from './pace';
import { announcedWrong, isAnother, type Trust } from './trust';

export interface Surroundings {
  near: Near;
  trust: Trust;
  finding: Finding;
  pace: Pace;
  /** An upgrade to it runs, or may go on. */
  isWanted(commit: Oid): boolean;
}

export class Comparing {
  /** Commits that are being compared now, one for each comparison. */
  private readonly running: Oid[] = [];

  constructor(
    private readonly store: Store,
    private readonly around: Surroundings,
  ) {}

  get commits(): readonly Oid[] {
    return this.running;
  }

  /** @throws PassItOnError 'no-source' | 'ambiguous', and those of compareWithAny */
  async compare({ target, from }: Params<'compare'>): Promise<Plan> {
    const { near, finding } = this.around;
    const sources = finding.sources(from);
    near.watch();
    try {
      const to = await finding.find(target, sources);
      this.running.push(to.commit);
      try {
        return await this.planFor(to, await sources.find(to.commit, new AbortController().signal));
      } finally {
        this.running.splice(this.running.indexOf(to.commit), 1);
      }
    } finally {
      near.unwatch();
      sources.close();
    }
  }

  private async planFor(to: SharedImage, found: readonly FoundSource[]): Promise<Plan> {
    const received = () => found.reduce((sum, { source }) => sum + source.bytesReceived, 0);
    const [before, begun] = [received(), performance.now()];
    const held = this.store.image(to.commit) !== null;
    const comparison = held
      ? await compareHeld(this.store, to.commit)
      : await compareWithAny(this.store, found, to.commit, new AbortController().signal);
    const probe = { bytes: received() - before, seconds: (performance.now() - begun) / 1000 };
    const plan = await this.plan(comparison, to, found);
    const others = this.running.filter(commit => commit === to.commit).length > 1;
    // Its trees stay for the upgrade that may follow, and go where none can.
    const mayFollow = plan.trustProblem === null && !held;
    if (!mayFollow && !others && !this.around.isWanted(to.commit)) await comparison.quarantine.remove();
    const rates = this.around.near.ratesOf(plan.sources.map(({ address }) => address));
    const { bytesRaw } = plan;
    const { seconds, rough } = this.around.pace.estimate({ bytesRaw, imageBytes: plan.to.bytes, rates, probe });
    this.around.near.learn(comparison.commit, { ...comparison.to, signedBy: plan.signedBy });
    return { ...plan, seconds, secondsAreRough: rough };
  }

  private async plan(
    { commit, data, to, from, added, changed, removed, attributesChanged, wanted, bytesRaw, diskBytes }: Comparison,
    claimed: SharedImage,
    found: readonly FoundSource[],
  ): Promise<Plan> {
    const { trust } = this.around;
    const { name, version, releaseTime, releaseNotes = null, minimumVersion = null } = to;
    const { signedBy, warnings, journalWarning, ...examined } = await trust.examine(commit, data);
    const problem = isAnother(claimed, to) ? announcedWrong(claimed, to) : examined.problem;
    const givers = found.filter(({ holds }) => holds !== 'other');
    return {
      from: from && trust.describe(from),
      // What the signed commit says counts, not what a neighbour announces.
      to: { name, version, commit, releaseTime: isoTime(releaseTime), signedBy, bytes: claimed.bytes },
      relation: relation(from, { name, version, commit }),
      signedBy,
      trustProblem: problem?.toJSON() ?? null,
      warnings: warnings.map(({ text }) => text),
      warningsSaid: warnings,
      journalWarning: journalWarning?.text ?? null,
      journalWarningSaid: journalWarning,
      releaseNotes,
      minimumVersion,
      added,
      changed,
      removed,
      attributesChanged,
      objects: wanted.length,
      bytesRaw,
      diskBytes,
      diskFree: this.store.diskFree(),
      sources: givers.map(({ source, nick }) => ({ address: source.address, nick, bytes: 0, state: 'idle' })),
    };
  }
}

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
