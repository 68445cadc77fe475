/** From what is known to what is shown: a pure function, tested without GTK. */
import { relation } from '../core/versions';
import type { Neighbour } from '../service/contract';
import { alertView } from './alert-model';
import { barView } from './bar-model';
import { percent } from './format';
import { _, fill } from './i18n';
import { type Zone, zoneOf } from './places';
import { isRunning, type ScreenState, stagedImage } from './state';
import { toldProblem, toldWarning } from './told';
import type { BandView, LaptopView, Slots, View } from './view';
import { nickOf, relationWords } from './words';

export function view(state: ScreenState): View {
  const band = (label: string, groups: Slots[]): BandView => ({ label, groups, versions: groups.map(versionOf) });
  const kept = keptLaptop(state);
  const near = (zone: Zone) => zoneGroups(state, zone);
  const zones = { newer: near('newer'), mine: near('mine'), older: near('older'), different: near('different') };
  if (kept) placeKept(zones[keptZone(state)], kept);
  const alone = aloneView(state);
  const running = isRunning(state);
  const giving = running && state.upgrade?.progress.step === 'fetch' && !state.upgrade.progress.waiting;
  return {
    colors: state.status?.colors ?? state.profile.colors,
    newer: band(_('Newer'), zones.newer),
    mine: band(_('Same as mine'), zones.mine),
    older: band(_('Older'), zones.older),
    different: band(_('Different'), zones.different),
    laptop: myLaptop(state),
    ring: ringFraction(state),
    alone,
    moving: giving ? 'dots' : alone || (running && state.upgrade?.progress.waiting) ? 'waves' : null,
    bar: barView(state),
    alert: alertView(state),
  };
}

/** With those who have the same, else the nearest place: going back needs nobody. */
function placeKept(groups: Slots[], kept: LaptopView): void {
  const same = groups.find(slots => versionOf(slots) === kept.subtitle);
  if (same) same.unshift(kept);
  else groups.unshift([kept]);
}

/** What a group has in common. */
function versionOf(slots: Slots): string {
  return slots.find(laptop => laptop !== null)?.subtitle ?? '';
}

function zoneGroups(state: ScreenState, zone: Zone): Slots[] {
  return state.places
    .filter(group => group.zone === zone)
    .map(group =>
      group.slots.map(id => {
        const neighbour = id === null ? undefined : state.neighbours.get(id);
        return neighbour ? nearLaptop(state, neighbour) : null;
      }),
    );
}

function nearLaptop(state: ScreenState, neighbour: Neighbour): LaptopView {
  const running = isRunning(state);
  const helps = running && neighbour.commit === state.upgrade?.to.commit;
  const source = state.upgrade?.progress.sources.find(s => s.address === neighbour.address);
  const giving = running && source?.state === 'giving' && state.upgrade?.progress.step === 'fetch';
  const key = `near:${neighbour.id}` as const;
  const helpers = helpersOf(state);
  const lit = (helpers?.has(neighbour.address) ?? false) && state.selected !== key;
  const other = neighbour.relation === 'other';
  const odd = other || neighbour.relation === 'different';
  const subtitle = other ? `${neighbour.image} ${neighbour.version}` : neighbour.version;
  return {
    key,
    title: nickOf(neighbour),
    subtitle,
    colors: neighbour.colors,
    badge: nearBadge(neighbour, odd),
    kind: neighbour.kind,
    selected: state.selected === key,
    lit,
    faded: running ? !helps && !giving : helpers !== null && !lit && state.selected !== key,
    enabled: !running,
    giving,
    name: fill(_('{nick} has {version}'), { nick: nickOf(neighbour), version: subtitle }),
    description: giving ? _('is helping now') : lit ? _('can help') : aboutLaptop(neighbour),
  };
}

/** Addresses of those who can give what the selected one has; null while that is not known. */
function helpersOf(state: ScreenState): ReadonlySet<string> | null {
  if (!state.selected?.startsWith('near:') || state.comparison?.state !== 'done') return null;
  const { plan } = state.comparison;
  if (plan.from?.commit === plan.to.commit || plan.trustProblem) return null;
  return new Set(plan.sources.map(({ address }) => address));
}

/** The worst that is known of it. */
function nearBadge({ problem, confirmed, signedBy }: Neighbour, odd: boolean): LaptopView['badge'] {
  if (problem !== null) return 'problem';
  if (odd) return 'different';
  if (signedBy === null) return 'unsigned';
  return confirmed ? null : 'unsure';
}

function aboutLaptop(neighbour: Neighbour): string {
  const { problem, confirmed, signedBy } = neighbour;
  const words = [toldProblem(neighbour) ?? relationWords(neighbour)];
  if (signedBy === null) words.push(_('not signed'));
  if (problem === null && !confirmed) words.push(_('did not answer yet'));
  return words.join(', ');
}

/** Another image that is kept is neither newer nor older, like a neighbour's. */
function keptZone(state: ScreenState): Zone {
  const { current = null, previous = null } = state.status ?? {};
  return current && previous ? zoneOf({ relation: relation(current, previous) }) : 'older';
}

function keptLaptop(state: ScreenState): LaptopView | null {
  const previous = state.status?.previous;
  if (!previous) return null;
  const running = isRunning(state);
  const { name, version } = previous;
  const isOther = name !== (state.status?.current?.name ?? name);
  return {
    key: 'kept',
    title: _('On my laptop'),
    subtitle: isOther ? `${name} ${version}` : version,
    colors: state.status?.colors ?? state.profile.colors,
    badge: 'kept',
    kind: 'laptop',
    selected: state.selected === 'kept',
    lit: false,
    faded: running,
    enabled: !running,
    giving: false,
    name: fill(_('{version} is kept on my laptop'), { version }),
    description: _('Going back needs nobody else.'),
  };
}

function myLaptop(state: ScreenState): LaptopView {
  const { status, profile, upgrade } = state;
  const current = status?.current ?? null;
  const version = current?.version ?? '';
  const ready = stagedImage(state);
  const colors = status?.colors ?? profile.colors;
  const done = percent(ringFraction(state) ?? 0);
  let description = '';
  if (isRunning(state) && upgrade) {
    description = fill(_('getting {version}, {percent} done'), { version: upgrade.to.version, percent: done });
  } else if (ready) description = fill(_('{version} is ready'), { version: ready.version });
  return {
    key: 'mine',
    title: _('My laptop'),
    subtitle: version,
    // Nothing in it that is known: an outline.
    colors: current || !status ? colors : colors && [colors[0], '#FFFFFF'],
    badge: ready ? 'check' : null,
    kind: 'laptop',
    selected: state.selected === 'mine',
    lit: false,
    faded: false,
    enabled: !isRunning(state),
    giving: false,
    name: current ? fill(_('My laptop has {version}'), { version }) : _('My laptop'),
    description,
  };
}

function ringFraction(state: ScreenState): number | null {
  const { upgrade } = state;
  if (stagedImage(state)) return 1;
  if (!upgrade) return null;
  if (upgrade.state === 'failed' && upgrade.progress.part === 0) return null;
  return upgrade.progress.part;
}

function aloneView(state: ScreenState): View['alone'] {
  if (state.neighbours.size > 0 || state.link !== 'connected' || isRunning(state)) return null;
  const lines = [_('Turn on another laptop that has Pass It On.'), _('Both laptops must be on the same network.')];
  const warning = state.status?.warnings[0];
  if (warning) lines.push(toldWarning(warning, state.status?.warningsSaid?.[0]));
  return { title: _('Looking for laptops near you…'), lines };
}
