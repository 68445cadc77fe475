/** What the screen knows. Plain data, replaced and never changed in place, so that `model.ts` can be a pure function. */
import type { ErrorReport } from '../core/errors';
import type { ImageInfo, Neighbour, Plan, Status, UpgradeState } from '../service/contract';
import { arrange, type Places } from './places';
import { type Failed, NO_MORE_ROOM } from './problems';

/** `near:<id>` is a neighbour, `kept` the previous image on this laptop, `mine` this laptop. */
export type LaptopKey = `near:${string}` | 'kept' | 'mine';

export type Comparison = { state: 'asking' } | { state: 'done'; plan: Plan } | { state: 'failed'; error: ErrorReport };

/** Something asked of the service whose answer is not there yet. */
export type Pending = 'upgrade' | 'stop' | 'activate' | 'go-back' | 'forget' | 'clean' | 'fix' | 'thanks';

export interface ScreenState {
  /** lost: the service is gone; the screen keeps trying to start it again. */
  link: 'connecting' | 'connected' | 'lost';
  linkError: ErrorReport | null;
  status: Status | null;
  /** By id. */
  neighbours: ReadonlyMap<string, Neighbour>;
  places: Places;
  /** The upgrade that runs or ran last; fresher than the one in `status`. */
  upgrade: UpgradeState | null;
  selected: LaptopKey | null;
  /** Of the selected neighbour with this laptop. */
  comparison: Comparison | null;
  /** A question stands in the alert: really go to an older or other image? */
  confirming: boolean;
  /** Another question: may the previous image go, to make room? */
  sacrificing: boolean;
  /** What a teacher is shown about an error, in the service's own words. */
  forTeacher: ErrorReport | null;
  pending: Pending | null;
  /** Of the last action, until it is answered. */
  error: ErrorReport | null;
  /** The upgrade's failure was read and put away. */
  failureSeen: boolean;
  /** The staged commit whose Ready was answered with Done or Later. */
  acknowledged: string | null;
  /** What a resumed Journal entry tells, until something is tapped. */
  recalled: Recalled | null;
  /** Who this is, as Sugar knows it; the service's own word comes first. */
  profile: { nick: string; colors: [string, string] | null };
}

/** At most two lines. */
export interface Recalled {
  headline: string;
  lines: string[];
}

export const NOTHING_CHOSEN = { selected: null, comparison: null, confirming: false, sacrificing: false } as const;

export function initialState(profile: ScreenState['profile']): ScreenState {
  return {
    link: 'connecting',
    linkError: null,
    status: null,
    neighbours: new Map(),
    places: [],
    upgrade: null,
    selected: null,
    comparison: null,
    confirming: false,
    sacrificing: false,
    forTeacher: null,
    pending: null,
    error: null,
    failureSeen: false,
    acknowledged: null,
    recalled: null,
    profile,
  };
}

/** After the neighbours have changed; a selection whose laptop has left is dropped, unless its upgrade goes on. */
export function withNeighbours(state: ScreenState, neighbours: ReadonlyMap<string, Neighbour>): ScreenState {
  const next = { ...state, neighbours, places: arrange(state.places, neighbours.values()) };
  const { selected } = state;
  if (!selected?.startsWith('near:')) return next;
  const before = state.neighbours.get(neighbourId(selected));
  const now = neighbours.get(neighbourId(selected));
  if (now && now.commit === before?.commit) return next;
  return { ...next, ...NOTHING_CHOSEN };
}

/** After the service has told its status anew. */
export function withStatus(state: ScreenState, status: Status): ScreenState {
  const next = withUpgrade({ ...state, status }, status.upgrade);
  if (next.acknowledged !== stagedImage(next)?.commit) next.acknowledged = null;
  // A plan is a difference to the current image: another current image makes it worthless.
  if (state.status && state.status.current?.commit !== status.current?.commit) {
    return { ...next, ...NOTHING_CHOSEN };
  }
  return next;
}

/** After the upgrade has moved on. */
export function withUpgrade(state: ScreenState, upgrade: UpgradeState | null): ScreenState {
  const before = state.upgrade?.state;
  const next = { ...state, upgrade };
  if (upgrade?.state === 'failed' && before !== 'failed') next.failureSeen = false;
  // Ready is what matters now, not who gave it.
  if (upgrade?.state === 'staged' && before !== 'staged') return { ...next, ...NOTHING_CHOSEN, acknowledged: null };
  return next;
}

export function neighbourId(key: LaptopKey): string {
  return key.slice('near:'.length);
}

export function selectedNeighbour(state: ScreenState): Neighbour | null {
  return state.selected?.startsWith('near:') ? (state.neighbours.get(neighbourId(state.selected)) ?? null) : null;
}

export function isRunning(state: ScreenState): boolean {
  return state.upgrade?.state === 'running';
}

/** The image that waits for a restart, if any: the upgrade tells it first. */
export function stagedImage(state: ScreenState): ImageInfo | null {
  return state.upgrade?.state === 'staged' ? state.upgrade.to : (state.status?.staged ?? null);
}

/** What has gone wrong and was not answered yet, and what it was that failed; a lost service counts first. */
export function trouble(state: ScreenState): { error: ErrorReport; failed: Failed } | null {
  const { error, comparison, upgrade } = state;
  if (error === NO_MORE_ROOM) return { error, failed: 'room' };
  if (error) return { error, failed: unfinishedUpgrade(state) ? 'upgrade' : 'other' };
  if (comparison?.state === 'failed') return { error: comparison.error, failed: 'compare' };
  if (upgrade?.state === 'failed' && upgrade.error && !state.failureSeen) {
    return { error: upgrade.error, failed: 'upgrade' };
  }
  return null;
}

/** One that could go on. */
export function unfinishedUpgrade({ upgrade }: ScreenState): UpgradeState | null {
  return upgrade && (upgrade.state === 'stopped' || upgrade.state === 'failed') ? upgrade : null;
}
