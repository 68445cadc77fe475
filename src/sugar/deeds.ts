/**
 * What happened to this laptop's system, as the Journal keeps it. Pure: facts in, deeds out. Whatever has changed since
 * the screen has looked last counts, whether it was open meanwhile or not.
 */
import type { ImageInfo, Status, UpgradeState } from '../service/contract';

/** ready: complete beside the running one; in-use: it is the current one now; went-back: to the one before. */
export interface Deed {
  what: 'ready' | 'in-use' | 'went-back';
  /** Image name and versions; from: null where there was none. */
  image: string;
  from: string | null;
  to: string;
  /** ISO 8601, UTC. */
  when: string;
  /** Who gave something, as they call themselves. */
  helpers: { nick: string; colors: [string, string] | null }[];
  /** Received over the network. */
  bytes: number;
}

/** What was so when the screen looked last: commits and versions. */
export interface Memory {
  current: Known | null;
  previous: Known | null;
  staged: Known | null;
}

interface Known {
  commit: string;
  version: string;
}

export function memoryOf({ current, previous, staged }: Status): Memory {
  const known = (image: ImageInfo | null) => image && { commit: image.commit, version: image.version };
  return { current: known(current), previous: known(previous), staged: known(staged) };
}

export function sameMemory(a: Memory, b: Memory): boolean {
  return (['current', 'previous', 'staged'] as const).every(part => a[part]?.commit === b[part]?.commit);
}

/**
 * @param before null when nothing is known from before: then what is there is no news
 * @param upgrade the one that has led to what is staged, if the service still knows
 * @param helpers who they are, by address
 */
export function deedsSince(
  before: Memory | null,
  status: Status,
  upgrade: UpgradeState | null,
  helpers: (address: string, nick: string) => Deed['helpers'][number],
  when: string,
): Deed[] {
  if (!before) return [];
  const deeds: Deed[] = [];
  const { current, staged } = status;
  if (current && current.commit !== before.current?.commit) {
    const back = current.commit === before.previous?.commit && current.commit !== before.staged?.commit;
    const from = before.current?.version ?? null;
    const what = back ? 'went-back' : 'in-use';
    deeds.push({ what, image: current.name, from, to: current.version, when, helpers: [], bytes: 0 });
  }
  if (staged && staged.commit !== before.staged?.commit) {
    const known = upgrade?.to.commit === staged.commit ? upgrade : null;
    const gave = (known?.progress.sources ?? []).filter(source => source.bytes > 0);
    deeds.push({
      what: 'ready',
      image: staged.name,
      from: known ? (known.from?.version ?? null) : (current?.version ?? null),
      to: staged.version,
      when,
      helpers: gave.map(source => helpers(source.address, source.nick)),
      bytes: known?.progress.bytesReceived ?? 0,
    });
  }
  return deeds;
}
