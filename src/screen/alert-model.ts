/** The alert below the toolbar: one question or one error, with one remedy. */
import type { ErrorReport } from '../core/errors';
import { _, fill } from './i18n';
import { problem } from './problems';
import { type ScreenState, selectedNeighbour, trouble } from './state';
import { told, toldWarning } from './told';
import type { Action, AlertView, ButtonView } from './view';
import { nickOf } from './words';

export function alertView(state: ScreenState): AlertView | null {
  if (state.link === 'lost') return lostAlert(state);
  if (state.forTeacher) return teacherAlert(state.forTeacher);
  if (state.sacrificing) return roomQuestion(state);
  if (state.confirming) return question(state);
  const wrong = trouble(state);
  return wrong && problemAlert(wrong);
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
    const { goBackWarnings = [], goBackWarningsSaid = [] } = state.status ?? {};
    const warnings = goBackWarnings.map((text, i) => toldWarning(text, goBackWarningsSaid[i]));
    const line = [keeps, ...warnings].join(' ');
    const yes = answer('confirm', fill(_('Go back to {version}'), { version }));
    const title = fill(_('Go back to {version}?'), { version });
    return { kind: 'question', picture: null, title, line, buttons: [cancel, yes], escape: 'cancel' };
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
    picture: null,
    title: fill(_('Go to {version}?'), values),
    line: fill(line, values),
    buttons: [cancel, answer('confirm', fill(_('Go to {version}'), values))],
    escape: 'cancel',
  };
}

function lostAlert(state: ScreenState): AlertView {
  const { picture, title, line, remedy } = problem({ code: 'service' }, 'other');
  return {
    kind: 'error',
    picture,
    title: state.status ? title : _('A part of Pass It On does not start.'),
    line,
    buttons: [answer(remedy.action, remedy.label)],
    escape: remedy.action,
  };
}

/** The button that does something about it is the one that Enter presses; the other puts it away. */
function problemAlert({ error, failed }: NonNullable<ReturnType<typeof trouble>>): AlertView {
  const { picture, title, line, remedy } = problem(error, failed);
  const buttons = [answer('dismiss', _('Not now')), answer(remedy.action, remedy.label)];
  return { kind: 'error', picture, title, line, buttons, escape: 'dismiss' };
}

/**
 * In the service's own words, which know more than the picture: what a teacher can do something with. Where they are
 * not known in the language of this screen, in those that the child has read, and with the code that a helper can look up.
 */
function teacherAlert(error: ErrorReport): AlertView {
  const { title, line } = problem(error, 'other');
  const [message, remedy] = [told(error.message, error.messageSaid, title), told(error.remedy, error.remedySaid, line)];
  return {
    kind: 'question',
    picture: null,
    title: _('Show this to your teacher'),
    line: `${message} ${remedy} (${error.code})`,
    buttons: [answer('dismiss', _('OK'))],
    escape: 'dismiss',
  };
}

function roomQuestion({ status }: ScreenState): AlertView {
  const version = status?.previous?.version ?? '';
  return {
    kind: 'question',
    picture: 'no-space',
    title: fill(_('Remove {version}, which is kept on this laptop?'), { version }),
    line: _('That makes room. You cannot go back to it then without another laptop. Your work stays.'),
    buttons: [answer('cancel', _('Keep it')), answer('confirm', fill(_('Remove {version}'), { version }))],
    escape: 'cancel',
  };
}
