/**
 * What can go wrong, as a child meets it: each error code of the pipeline has a picture, one sentence, what to do, and
 * one button that does it. The service's own words, which know more, are for the teacher.
 */
import { type ErrorCode, type ErrorReport, PassItOnError } from '../core/errors';
import { _ } from './i18n';
import type { Action, ButtonView } from './view';

/** One for each, so that it is known again by who does not read: see `problem-pictures.ts`. */
export type ProblemPicture = ErrorCode;

export interface Problem {
  picture: ProblemPicture;
  title: string;
  line: string;
  remedy: Pick<ButtonView, 'action' | 'label'>;
}

/** What failed, as far as it changes the remedy: comparing, an upgrade that has begun, making room, or anything else. */
export type Failed = 'compare' | 'upgrade' | 'room' | 'other';

/** All that could go has gone, and it is still not enough. */
export const NO_MORE_ROOM = new PassItOnError(
  'no-space',
  'There is nothing left on this laptop that Pass It On could remove.',
  'Delete something big in the Journal.',
).toJSON();

interface Entry {
  title: string;
  line: string | ((failed: Failed) => string);
  remedy: (failed: Failed) => Problem['remedy'];
}

const does = (action: Action, label: string) => () => ({ action, label });
const teacher = () => ({ action: 'ask-teacher', label: _('Ask your teacher') }) as const;
const lookAgain = () => ({ action: 'look-again', label: _('Look again') }) as const;
/** The same once more, where there is something to do once more. */
const again = (label: string) => (failed: Failed) =>
  failed === 'upgrade'
    ? { action: 'upgrade' as const, label }
    : failed === 'compare'
      ? { action: 'compare-again' as const, label }
      : { action: 'look-again' as const, label: _('Look again') };

const ENTRIES: { [Code in ErrorCode]: () => Entry } = {
  usage: () => ({
    title: _('That was not understood.'),
    line: _('Choose another laptop.'),
    remedy: lookAgain,
  }),
  'not-found': () => ({
    title: _('That version is not here any more.'),
    line: _('The laptop may have changed meanwhile. Look who is here now.'),
    remedy: lookAgain,
  }),
  ambiguous: () => ({
    title: _('Two different systems have the same name.'),
    line: _('Your teacher can tell which one is right.'),
    remedy: teacher,
  }),
  exists: () => ({
    title: _('Your laptop has that already.'),
    line: _('There is nothing to do. Choose another one if you like.'),
    remedy: lookAgain,
  }),
  'bad-name': () => ({
    title: _('That system has a name that cannot be used.'),
    line: _('Your teacher can tell those who made it.'),
    remedy: teacher,
  }),
  'bad-data': () => ({
    title: _('What came makes no sense.'),
    line: _('It was thrown away, and your laptop is as it was. Try another laptop.'),
    remedy: lookAgain,
  }),
  damaged: () => ({
    title: _('Something stored on this laptop is broken.'),
    line: _('It can be mended from other laptops. Your work is not touched.'),
    remedy: does('fix', _('Fix it')),
  }),
  'no-image': () => ({
    title: _('There is nothing to go back to.'),
    line: _('Choose a laptop near you instead.'),
    remedy: lookAgain,
  }),
  'no-source': () => ({
    title: _('Nobody near has it now.'),
    line: _('Bring both laptops closer together, with Pass It On open on the other one.'),
    remedy: again(_('Look again')),
  }),
  'source-gone': () => ({
    title: _('The others have left.'),
    line: _('What came so far is kept. Bring a laptop closer that has it, and go on.'),
    remedy: again(_('Look again')),
  }),
  'source-lied': () => ({
    title: _('What came was not what was asked for.'),
    line: _('It was thrown away. Others will be asked instead.'),
    remedy: again(_('Ask others')),
  }),
  unsigned: () => ({
    title: _('Nobody has signed this one.'),
    line: _('Your laptop takes only what somebody has signed whom it trusts.'),
    remedy: teacher,
  }),
  untrusted: () => ({
    title: _('Your laptop does not know who signed this one.'),
    line: _('It takes only what somebody has signed whom it trusts.'),
    remedy: teacher,
  }),
  'below-floor': () => ({
    title: _('This one is too old to be safe.'),
    line: _('Its makers want nobody to use it any more. Choose a newer one.'),
    remedy: does('look-again', _('Choose another')),
  }),
  'cannot-sign': () => ({
    title: _('It could not be signed.'),
    line: _('The key for it does not work here.'),
    remedy: teacher,
  }),
  'no-space': () => ({
    title: _('There is not enough room.'),
    line: failed =>
      failed === 'room'
        ? _('Nothing is left that can go by itself. Delete something big in the Journal, then look again.')
        : _('What is not needed any more can be removed. Your work stays.'),
    remedy: failed => (failed === 'room' ? lookAgain() : { action: 'make-room', label: _('Make room') }),
  }),
  'no-permission': () => ({
    title: _('This laptop does not let Pass It On write here.'),
    line: _('Somebody who looks after it can change that.'),
    remedy: teacher,
  }),
  'battery-low': () => ({
    title: _('The battery is nearly empty.'),
    line: _('Plug the charger in, then go on.'),
    remedy: does('plugged-in', _('It is plugged in')),
  }),
  busy: () => ({
    title: _('Something else is being done just now.'),
    line: _('Wait until it is ready.'),
    remedy: again(_('Try again')),
  }),
  stopped: () => ({
    title: _('It was stopped.'),
    line: _('Nothing is lost. You can go on where it stopped.'),
    remedy: again(_('Continue')),
  }),
  'restart-failed': () => ({
    title: _('Your laptop did not restart.'),
    line: _('Everything is in place. Turn it off and on again yourself.'),
    remedy: teacher,
  }),
  service: () => ({
    title: _('A part of Pass It On has stopped.'),
    line: _('It is being started again. Nothing is lost.'),
    remedy: does('reconnect', _('Try now')),
  }),
  unsupported: () => ({
    title: _('This laptop cannot use that one.'),
    line: _('Something in it is not made for this kind of laptop.'),
    remedy: teacher,
  }),
  internal: () => ({
    title: _('Pass It On has made a mistake.'),
    line: _('It is not your fault, and your work is safe. Show it to somebody who can help.'),
    remedy: teacher,
  }),
};

/** Every code there is, for those who want to see them all. */
export const PROBLEM_CODES = Object.keys(ENTRIES) as ErrorCode[];

/** What to show of an error. Texts are looked up now, in the language of the screen. */
export function problem({ code }: Pick<ErrorReport, 'code'>, failed: Failed): Problem {
  const { title, line, remedy } = ENTRIES[code]();
  return { picture: code, title, line: typeof line === 'string' ? line : line(failed), remedy: remedy(failed) };
}
