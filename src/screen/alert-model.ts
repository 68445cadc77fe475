/** The alert below the toolbar: one question or one error, with one remedy. */
import type { ErrorReport } from '../core/errors';
import { _, fill } from './i18n';
import { type ScreenState, selectedNeighbour } from './state';
import type { Action, AlertView, ButtonView } from './view';
import { nickOf } from './words';

export function alertView(state: ScreenState): AlertView | null {
  if (state.link === 'lost') return lostAlert(state);
  if (state.confirming) return question(state);
  if (state.error) return errorAlert(state.error, remedyFor(state.error, null));
  if (state.comparison?.state === 'failed') {
    return errorAlert(state.comparison.error, remedyFor(state.comparison.error, 'compare-again'));
  }
  const { upgrade } = state;
  if (upgrade?.state === 'failed' && upgrade.error && !state.failureSeen) {
    return errorAlert(upgrade.error, remedyFor(upgrade.error, 'upgrade'));
  }
  return null;
}

function answer(action: Action, label: string): ButtonView {
  return { action, label, detail: '', icon: null, enabled: true };
}

function question(state: ScreenState): AlertView | null {
  const cancel = answer('cancel', _('Cancel'));
  const current = state.status?.current?.version ?? '';
  if (state.selected === 'kept') {
    const version = state.status?.previous?.version ?? '';
    const keeps = fill(_('Then your laptop uses {version} again, and keeps {current} as well.'), { version, current });
    const line = [keeps, ...(state.status?.goBackWarnings ?? [])].join(' ');
    const yes = answer('confirm', fill(_('Go back to {version}'), { version }));
    const title = fill(_('Go back to {version}?'), { version });
    return { kind: 'question', title, line, buttons: [cancel, yes], escape: 'cancel' };
  }
  const neighbour = selectedNeighbour(state);
  if (!neighbour) return null;
  const plan = state.comparison?.state === 'done' ? state.comparison.plan : null;
  const { version } = plan?.to ?? neighbour;
  const { relation } = plan ?? neighbour;
  const values = { version, current, nick: nickOf(neighbour), image: neighbour.image };
  const line =
    relation === 'older'
      ? _('{version} is older than your {current}. Your work stays, and {current} is kept so that you can come back.')
      : relation === 'other'
        ? _('{nick} has another system, {image}. Your work stays, and {current} is kept so that you can come back.')
        : _('It has the same number as yours, but other files. Yours is kept so that you can come back.');
  return {
    kind: 'question',
    title: fill(_('Go to {version}?'), values),
    line: fill(line, values),
    buttons: [cancel, answer('confirm', fill(_('Go to {version}'), values))],
    escape: 'cancel',
  };
}

function lostAlert(state: ScreenState): AlertView {
  return {
    kind: 'error',
    title: state.status ? _('Something in Pass It On has stopped.') : _('Something in Pass It On does not start.'),
    line: _('It is being started again. Nothing is lost.'),
    buttons: [answer('reconnect', _('Try now'))],
    escape: 'reconnect',
  };
}

/** One button that does something about it; `again` is what just failed. */
function remedyFor(error: ErrorReport, again: Action | null): ButtonView | null {
  switch (error.code) {
    case 'no-source':
    case 'source-gone':
    case 'not-found':
      return again === 'upgrade' ? answer('upgrade', _('Try again')) : answer('look-again', _('Look again'));
    case 'stopped':
    case 'unsigned':
    case 'untrusted':
    case 'below-floor':
    case 'no-permission':
    case 'unsupported':
      return null;
    default:
      return again ? answer(again, _('Try again')) : null;
  }
}

function errorAlert(error: ErrorReport, remedy: ButtonView | null): AlertView {
  const ok = answer('dismiss', _('OK'));
  const buttons = remedy ? [ok, remedy] : [ok];
  return { kind: 'error', title: error.message, line: error.remedy, buttons, escape: 'dismiss' };
}
