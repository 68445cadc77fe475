/** The bar at the bottom: what will happen, what happens, what has happened, and the one big button. */
import type { ImageInfo, Neighbour, Plan, Status, UpgradeState } from '../service/contract';
import { amount, amountOf, duration, people, timeLeft } from './format';
import { _, fill, ngettext } from './i18n';
import { problem } from './problems';
import { isRunning, type ScreenState, selectedNeighbour, stagedImage, unfinishedUpgrade } from './state';
import { toldProblem, toldWarning } from './told';
import type { BarView, ButtonView, PictureView, StepView } from './view';
import { countSame, nickOf, sourceNames } from './words';

const EMPTY: BarView = { picture: null, headline: '', lines: [], steps: null, button: null, second: null };

export function barView(state: ScreenState): BarView {
  if (!state.status) return { ...EMPTY, headline: _('Starting…') };
  const { upgrade } = state;
  if (upgrade?.state === 'running') return runningBar(state, upgrade);
  const patience = _('This may take a few minutes. You can keep working.');
  if (state.pending === 'fix') return { ...EMPTY, headline: _('Mending what is broken…'), lines: [patience] };
  if (state.pending === 'clean') return { ...EMPTY, headline: _('Making room…'), lines: [patience] };
  if (state.selected === 'kept' && state.status.previous) return keptBar(state, state.status.previous);
  const neighbour = selectedNeighbour(state);
  const unfinished = unfinishedUpgrade(state);
  // The laptop one has begun with: go on, rather than begin anew.
  if (neighbour && unfinished?.to.commit !== neighbour.commit) return planBar(state, neighbour);
  if (unfinished) return stoppedBar(state, unfinished);
  const staged = stagedImage(state);
  if (staged && (state.acknowledged !== staged.commit || state.selected === 'mine')) return readyBar(state, staged);
  if (state.selected === 'mine') return mineBar(state);
  if (staged) return waitingBar(state, staged);
  if (!staged && state.status.arrived) return arrivedBar(state, state.status.arrived);
  return state.recalled ? { ...EMPTY, ...state.recalled } : idleBar(state);
}

function button(action: ButtonView['action'], label: string, more: Partial<ButtonView> = {}): ButtonView {
  return { action, label, detail: '', icon: null, enabled: true, ...more };
}

/** The four steps a child sees; checking and staging are one. */
function steps(now: number): StepView[] {
  const all = [
    { label: _('Compare'), picture: 'compare' },
    { label: _('Fetch'), picture: 'down' },
    { label: _('Check'), picture: 'look' },
    { label: _('Ready'), picture: 'flag' },
  ] as const;
  return all.map((step, i) => ({ ...step, state: i < now ? 'done' : i === now ? 'doing' : 'todo' }));
}

/** From all who have what the chosen one has, the chosen one first. */
function picture(state: ScreenState, chosen: Neighbour): PictureView {
  const others = [...state.neighbours.values()].filter(n => n.commit === chosen.commit && n.id !== chosen.id);
  return { from: [chosen, ...others].map(n => n.colors), to: state.status?.colors ?? state.profile.colors };
}

const STEP_NUMBER = { compare: 0, fetch: 1, check: 2, stage: 2, ready: 4 } as const;

function idleBar(state: ScreenState): BarView {
  const current = state.status?.current;
  if (state.neighbours.size === 0) {
    const has = current
      ? fill(_('Your laptop has {version}.'), { version: current.version })
      : _('No laptop is near yet.');
    return { ...EMPTY, headline: has, lines: [_('As soon as another laptop is near, it appears here.')] };
  }
  if (!current) {
    const lines = [
      _('Your laptop has no copy of its system to compare with yet.'),
      _('It can get one from any laptop.'),
    ];
    return { ...EMPTY, headline: _('Tap a laptop to get its version.'), lines };
  }
  const newer = [...state.neighbours.values()].some(n => n.relation === 'newer');
  return {
    ...EMPTY,
    headline: _('Tap a laptop to see what it can give you.'),
    lines: [newer ? _('The ones at the top have something newer.') : _('Nobody near has anything newer than you.')],
  };
}

function mineBar(state: ScreenState): BarView {
  const current = state.status?.current;
  if (!current) return idleBar(state);
  const previous = state.status?.previous;
  const lines = [countSame(state)];
  if (previous) lines.push(fill(_('{version} is kept here too: you can go back.'), { version: previous.version }));
  return { ...EMPTY, headline: fill(_('Your laptop has {version}.'), { version: current.version }), lines };
}

function signedLine(image: ImageInfo): string {
  return image.signedBy ? fill(_('Signed by {name} ✓'), { name: image.signedBy }) : _('Not signed');
}

function planBar(state: ScreenState, neighbour: Neighbour): BarView {
  const nick = nickOf(neighbour);
  const { version } = neighbour;
  const has = fill(_('{nick} has {version}.'), { nick, version });
  const { comparison } = state;
  const wanted = picture(state, neighbour);
  if (comparison?.state !== 'done') {
    const asking = comparison?.state === 'asking';
    const lines = [asking ? _('Asking what is different…') : (toldProblem(neighbour) ?? _('It did not answer.'))];
    return { ...EMPTY, picture: asking ? wanted : null, headline: has, lines, steps: asking ? steps(0) : null };
  }
  const { plan } = comparison;
  if (plan.from?.commit === plan.to.commit) {
    return { ...EMPTY, headline: has, lines: [_('That is just what your laptop has.'), signedLine(plan.to)] };
  }
  if (plan.trustProblem) {
    const { title, line, remedy } = problem(plan.trustProblem, 'compare');
    const ask = button(remedy.action, remedy.label, { enabled: state.forTeacher === null });
    return { ...EMPTY, headline: has, lines: [title, line], button: ask };
  }
  const helpers = plan.sources.filter(source => source.address !== neighbour.address);
  const byAddress = new Map([...state.neighbours.values()].map(n => [n.address, n]));
  const names = helpers.map(helper => nickOf(byAddress.get(helper.address) ?? helper));
  const help = ngettext('{names} can help.', '{names} can help.', names.length);
  const headline = names.length > 0 ? `${has} ${fill(help, { names: people(names) })}` : has;
  const short = plan.diskBytes > plan.diskFree;
  const lines = [
    sizeLine(plan),
    short ? roomLine(plan) : (concern(plan) ?? `${quoted(plan.releaseNotes)} ${_('Your work stays.')}`.trim()),
  ];
  const room = button('make-room', _('Make room'), { enabled: state.pending === null && !state.sacrificing });
  return { ...EMPTY, picture: wanted, headline, lines, button: short ? room : goButton(state, plan) };
}

/** The worst thing that a child should know before. */
function concern({ journalWarning, journalWarningSaid, warnings, warningsSaid, to }: Plan): string | undefined {
  if (journalWarning !== null) return toldWarning(journalWarning, journalWarningSaid);
  // The first warning of an unsigned image says that it is not signed, which stands there already.
  const which = to.signedBy === null ? 1 : 0;
  const warning = warnings[which];
  return warning === undefined ? undefined : toldWarning(warning, warningsSaid?.[which]);
}

const NOTES_MOST = 44;

/** The first thing its makers say of it, in quotes; '' where that is nothing. */
function quoted(releaseNotes: string | null): string {
  const [first = ''] = (releaseNotes ?? '').split('\n').filter(line => line.trim() !== '');
  if (first === '') return '';
  const words = first.length > NOTES_MOST ? `${first.slice(0, NOTES_MOST - 1).trimEnd()}…` : first;
  return fill(_('“{words}”'), { words });
}

/** How much, how long, and by whom it is signed. */
function sizeLine(plan: Plan): string {
  const { seconds = null, secondsAreRough = false } = plan;
  const bytes =
    plan.objects === 0 ? _('Nothing to fetch') : fill(_('{amount} to fetch'), { amount: amount(plan.bytesRaw) });
  return [bytes, ...(seconds === null ? [] : [duration(seconds, secondsAreRough)]), signedLine(plan.to)].join(' · ');
}

function roomLine(plan: Plan): string {
  const values = { need: amount(plan.diskBytes), free: amount(plan.diskFree) };
  return fill(_('Not enough room: it needs {need}, {free} are free.'), values);
}

function goButton(state: ScreenState, { to: { version }, relation }: Plan): ButtonView {
  const free = state.pending === null && !state.confirming;
  if (relation === 'newer') {
    const label = state.status?.current ? _('Upgrade') : _('Get it');
    return button('upgrade', label, { detail: fill(_('to {version}'), { version }), icon: 'up', enabled: free });
  }
  const icon = relation === 'older' ? 'down' : null;
  return button('upgrade', _('Go'), { detail: fill(_('to {version}'), { version }), icon, enabled: free });
}

function runningBar(state: ScreenState, upgrade: UpgradeState): BarView {
  const { progress, to } = upgrade;
  const { version } = to;
  const detail = fill(_('getting {version}'), { version });
  const stop = button('stop', _('Stop'), { detail, icon: 'stop', enabled: state.pending !== 'stop' });
  const bar = { ...EMPTY, steps: steps(STEP_NUMBER[progress.step]), button: stop };
  const safe = _('You can keep working, or stop and go on later.');
  if (progress.waiting) {
    const here = amountOf(progress.bytesDone, progress.bytesTotal);
    const lines = [fill(_('Nothing is lost: {here} are here already.'), { here }), safe];
    const headline = fill(_('Looking for another laptop with {version}…'), { version });
    return { ...bar, headline, lines: progress.bytesDone > 0 ? lines : [safe] };
  }
  if (progress.step === 'compare') {
    return { ...bar, headline: fill(_('Comparing with {version}…'), { version }), lines: [safe] };
  }
  if (progress.step === 'fetch') {
    const names = sourceNames(state, progress.sources);
    const words = names ? _('Getting {version} from {names}') : _('Getting {version}…');
    const parts = [amountOf(progress.bytesDone, progress.bytesTotal)];
    if (progress.secondsLeft !== null) parts.push(timeLeft(progress.secondsLeft));
    return { ...bar, headline: fill(words, { version, names }), lines: [parts.join(' · '), safe] };
  }
  const checking =
    progress.step === 'check' ? _('Checking every file of {version}…') : _('Putting {version} together…');
  const files = fill(_('{done} of {total} files'), { done: progress.filesDone, total: progress.filesTotal });
  return { ...bar, headline: fill(checking, { version }), lines: progress.filesTotal > 0 ? [files, safe] : [safe] };
}

function stoppedBar(state: ScreenState, upgrade: UpgradeState): BarView {
  const { progress, to } = upgrade;
  const fetched = progress.step === 'fetch' ? amountOf(progress.bytesDone, progress.bytesTotal) : null;
  const safe = _('Nothing is lost. Your laptop is as it was.');
  const lines =
    fetched && progress.bytesDone > 0 ? [fill(_('{amount} are here already.'), { amount: fetched }), safe] : [safe];
  return {
    picture: null,
    headline: fill(_('Getting {version} has stopped.'), { version: to.version }),
    lines,
    steps: steps(STEP_NUMBER[progress.step]),
    button: button('upgrade', _('Continue'), {
      detail: fill(_('to {version}'), { version: to.version }),
      icon: 'up',
      enabled: state.pending === null,
    }),
    second: button('forget', _('Forget it'), { enabled: state.pending === null }),
  };
}

function stays(state: ScreenState): string {
  const current = state.status?.current;
  return current ? fill(_('{version} stays here: you can go back.'), { version: current.version }) : '';
}

function readyBar(state: ScreenState, staged: ImageInfo): BarView {
  const { version } = staged;
  const headline = fill(_('{version} is ready on your laptop!'), { version });
  const ready = { picture: null, headline, steps: steps(4) };
  const checked = _('Every file was checked. Your work is untouched.');
  const enabled = state.pending === null;
  if (state.status?.canRestart) {
    const detail = fill(_('to use {version}'), { version });
    return {
      ...ready,
      lines: [checked, stays(state)].filter(Boolean),
      button: button('restart', _('Restart'), { detail, icon: 'restart', enabled }),
      second: button('done', _('Later')),
    };
  }
  return {
    ...ready,
    lines: [checked, _('Now ask whoever looks after this laptop to switch it on.')],
    button: button('done', _('Done'), { icon: 'check', enabled }),
    second: null,
  };
}

/** After the restart, until it was read. */
function arrivedBar(state: ScreenState, { before, back, releaseNotes }: NonNullable<Status['arrived']>): BarView {
  const { current = null, previous = null } = state.status ?? {};
  const version = current?.version ?? '';
  const now = back ? _('Your laptop has {version} again.') : _('Your laptop has {version} now!');
  const was = fill(_('Before, it had {before}.'), { before });
  const news = back ? '' : quoted(releaseNotes);
  const kept = previous && fill(_('{version} is kept here: you can go back to it.'), { version: previous.version });
  const enabled = state.pending === null;
  return {
    ...EMPTY,
    headline: fill(now, { version }),
    lines: [[was, news].filter(Boolean).join(' '), [kept, _('Your work is untouched.')].filter(Boolean).join(' ')],
    button: button('thanks', _('Good'), { icon: 'check', enabled }),
    second: previous && button('go-back', _('Go back'), { enabled: enabled && !state.confirming }),
  };
}

/** Ready was answered with Done or Later. */
function waitingBar(state: ScreenState, staged: ImageInfo): BarView {
  const { version } = staged;
  const restart = button('restart', _('Restart'), {
    detail: fill(_('to use {version}'), { version }),
    icon: 'restart',
    enabled: state.pending === null,
  });
  return {
    ...EMPTY,
    headline: fill(_('{version} waits on your laptop, ready to be used.'), { version }),
    lines: [stays(state)].filter(Boolean),
    button: state.status?.canRestart ? restart : null,
  };
}

function keptBar(state: ScreenState, previous: ImageInfo): BarView {
  const { version } = previous;
  return {
    ...EMPTY,
    headline: fill(_('{version} is kept on this laptop.'), { version }),
    lines: [_('Going back needs no other laptop.'), _('Your work stays.')],
    button: button('go-back', _('Go back'), {
      detail: fill(_('to {version}'), { version }),
      icon: 'down',
      enabled: state.pending === null && !state.confirming && !isRunning(state),
    }),
  };
}
