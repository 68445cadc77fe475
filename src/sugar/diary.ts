/** The Journal entry's file and words: what the deeds of a session are called, and what is read again on resuming. */
import { PassItOnError } from '../core/errors';
import { amount, people } from '../screen/format';
import { _, fill, languageTag, ngettext } from '../screen/i18n';
import type { Deed } from './deeds';

export const MIME_TYPE = 'application/x-pass-it-on';
/** An entry that is resumed for years stays small. */
const MOST_DEEDS = 100;

export function writeDiary(deeds: readonly Deed[]): string {
  return `${JSON.stringify({ format: 1, deeds: deeds.slice(-MOST_DEEDS) }, null, 2)}\n`;
}

/** @throws PassItOnError 'bad-data': the Journal's files can come from anywhere. */
export function readDiary(text: string): Deed[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw strange(cause);
  }
  const deeds = isRecord(value) && value.format === 1 && Array.isArray(value.deeds) ? value.deeds : null;
  if (!deeds?.every(isDeed)) throw strange();
  return deeds.slice(-MOST_DEEDS);
}

function strange(cause?: unknown): PassItOnError {
  const remedy = 'Open Pass It On from the Home view instead.';
  return new PassItOnError('bad-data', 'This Journal entry is not one of Pass It On.', remedy, { cause });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDeed(value: unknown): value is Deed {
  if (!isRecord(value)) return false;
  const { what, image, from, to, when, helpers, bytes } = value;
  const texts = [image, to, when].every(text => typeof text === 'string');
  return (
    texts &&
    (what === 'ready' || what === 'in-use' || what === 'went-back') &&
    (from === null || typeof from === 'string') &&
    typeof when === 'string' &&
    !Number.isNaN(Date.parse(when)) &&
    typeof bytes === 'number' &&
    Array.isArray(helpers) &&
    helpers.every(isHelper)
  );
}

const COLOR = /^#[0-9A-Fa-f]{6}$/;

function isHelper(value: unknown): boolean {
  if (!isRecord(value) || typeof value.nick !== 'string') return false;
  const { colors } = value;
  const pair = Array.isArray(colors) && colors.length === 2;
  return colors === null || (pair && colors.every(color => typeof color === 'string' && COLOR.test(color)));
}

/** What happened, in a few words: an entry's title. */
export function deedTitle({ what, from, to }: Deed): string {
  switch (what) {
    case 'ready':
      return fill(_('{version} is ready'), { version: to });
    case 'in-use':
      return from === null ? fill(_('Got {to}'), { to }) : fill(_('From {from} to {to}'), { from, to });
    case 'went-back':
      return fill(_('Back to {version}'), { version: to });
  }
}

/** Who helped, and how much came; '' where nobody is known. */
function deedHelp({ helpers, bytes }: Deed): string {
  const names = helpers.map(({ nick }) => nick || _('Laptop'));
  const parts: string[] = [];
  if (names.length > 0) {
    parts.push(fill(ngettext('{names} helped.', '{names} helped.', names.length), { names: people(names) }));
  }
  if (bytes > 0) parts.push(fill(_('{amount} came over the network.'), { amount: amount(bytes) }));
  return parts.join(' ');
}

/** When it was, as people of this place write it. */
function deedTime({ when }: Deed): string {
  return new Intl.DateTimeFormat(languageTag(), { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(when));
}

/** All deeds, one a line, the last one first: what the Journal shows as description. */
export function describeDeeds(deeds: readonly Deed[]): string {
  const line = (deed: Deed) => {
    const from =
      deed.what === 'ready' && deed.from !== null ? fill(_('before: {version}'), { version: deed.from }) : '';
    return [`${deedTime(deed)}: ${[deedTitle(deed), from].filter(Boolean).join(', ')}.`, deedHelp(deed)]
      .filter(Boolean)
      .join(' ');
  };
  return [...deeds].reverse().map(line).join('\n');
}

/** What the screen tells of a resumed entry: a headline and at most two lines. */
export function recall(deeds: readonly Deed[]): { headline: string; lines: string[] } | null {
  const last = deeds.at(-1);
  if (!last) return null;
  // Who helped stands with the deed that fetched.
  const ready = [...deeds].reverse().find(deed => deed.what === 'ready' && deed.to === last.to);
  const help = deedHelp(ready ?? last);
  return { headline: `${deedTitle(last)} · ${deedTime(last)}`, lines: help ? [help] : [] };
}
