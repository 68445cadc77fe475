/** Numbers, times and names as a child reads them. */
import { _, fill, languageTag, ngettext } from './i18n';

const MB = 1_000_000;

/** Making one of Intl's formats costs a hundred times what using it does. */
const formats = new Map<string, Intl.NumberFormat>();
const times = new Map<string, Intl.DateTimeFormat>();

function numbers(style: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${languageTag()} ${JSON.stringify(style)}`;
  const format = formats.get(key) ?? new Intl.NumberFormat(languageTag(), style);
  formats.set(key, format);
  return format;
}

/** One digit after the point below ten. */
function rounded(bytes: number): { mb: number; digits: number } {
  const mb = bytes / MB;
  return mb < 10 ? { mb: Math.round(mb * 10) / 10, digits: 1 } : { mb: Math.round(mb), digits: 0 };
}

function megabytes(bytes: number): string {
  const { mb, digits } = rounded(bytes);
  const style = { style: 'unit', unit: 'megabyte', unitDisplay: 'short', maximumFractionDigits: digits } as const;
  return numbers(style).format(mb);
}

/** `23 MB`, `1.4 MB`, `less than 0.1 MB`: one unit only, so that two amounts can be compared by eye. */
export function amount(bytes: number): string {
  if (bytes > 0 && bytes < MB / 10) return fill(_('less than {amount}'), { amount: megabytes(MB / 10) });
  return megabytes(bytes);
}

/** `14 of 23 MB`. */
export function amountOf(done: number, total: number): string {
  if (total > 0 && total < MB / 10) return amount(total);
  return fill(_('{done} of {total}'), { done: rounded(Math.min(done, total)).mb, total: megabytes(total) });
}

/** `40%`, of a part between 0 and 1. */
export function percent(part: number): string {
  return numbers({ style: 'percent' }).format(part);
}

/** `25 seconds left`, `about 3 minutes left`; whole tens of seconds above ten, so that it does not flicker. */
export function timeLeft(seconds: number): string {
  if (seconds < 1) return _('nearly done');
  if (seconds < 55) {
    const n = seconds <= 10 ? Math.ceil(seconds) : Math.ceil(seconds / 5) * 5;
    return fill(ngettext('{n} second left', '{n} seconds left', n), { n });
  }
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 90) return fill(ngettext('about {n} minute left', 'about {n} minutes left', minutes), { n: minutes });
  const hours = Math.round(minutes / 60);
  return fill(ngettext('about {n} hour left', 'about {n} hours left', hours), { n: hours });
}

/**
 * `a few seconds`, `40 seconds`, `about 3 minutes`: how long something that has not begun will take. What is a rough guess
 * is not told by the second: `about 1 minute`.
 */
export function duration(seconds: number, rough = false): string {
  if (seconds < 8) return _('a few seconds');
  if (seconds < 55 && !rough) {
    const n = Math.ceil(seconds / 10) * 10;
    return fill(ngettext('{n} second', '{n} seconds', n), { n });
  }
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 90) return fill(ngettext('about {n} minute', 'about {n} minutes', minutes), { n: minutes });
  const hours = Math.round(minutes / 60);
  return fill(ngettext('about {n} hour', 'about {n} hours', hours), { n: hours });
}

/** `Ana`, `Ana and Ben`, `Ana, Ben and Carla`, `Ana, Ben and 3 others`: never more than three names. */
export function people(names: readonly string[]): string {
  const [a = '', b = '', c = ''] = names;
  if (names.length <= 1) return a;
  if (names.length === 2) return fill(_('{a} and {b}'), { a, b });
  if (names.length === 3) return fill(_('{a}, {b} and {c}'), { a, b, c });
  const n = names.length - 2;
  return fill(ngettext('{a}, {b} and {n} other', '{a}, {b} and {n} others', n), { a, b, n });
}

/** The time of day of that moment here (`14:32:05`), or its date where that is not today. */
export function clock(iso: string, now = new Date()): string {
  const moment = new Date(iso);
  if (Number.isNaN(moment.getTime())) return '';
  const today = moment.toDateString() === now.toDateString();
  const style = today ? ({ timeStyle: 'medium' } as const) : ({ dateStyle: 'short' } as const);
  const key = `${languageTag()} ${today}`;
  const format = times.get(key) ?? new Intl.DateTimeFormat(languageTag(), style);
  times.set(key, format);
  return format.format(moment);
}
