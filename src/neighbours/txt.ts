/** What an announcement says about the image and the child, as TXT strings (RFC 6763 §6), and how claims are cleaned. */
import { cutUtf8 } from './names';

/** The content of a TXT record; always of the current image. */
export interface Claims {
  image: string;
  version: string;
  /** 40 hex digits. */
  commit: string;
  /** '' if no name is shared. */
  nick: string;
  /** [stroke, fill] as #RRGGBB; null if not shared. */
  colors: [string, string] | null;
}

/** The longest nick that is sent, in bytes of UTF-8. */
export const NICK_BYTES = 60;
/** The longest nick that is shown, in what a reader takes for characters. */
const NICK_CHARACTERS = 40;
/** Marks stacked on one letter that no script needs more of. */
const MARKS = 4;

const NAME = /^[0-9A-Za-z][0-9A-Za-z._+-]{0,62}$/;
const COMMIT = /^[0-9a-f]{40}$/;
const COLOR = /^#[0-9A-Fa-f]{6}$/;

const SPACES = /[\p{Z}\t\n\v\f\r]+/gu;
/** Controls, invisible formatting, private and unassigned characters; the two joiners, which scripts need, stay. */
const UNSEEN = /(?![\u200C\u200D])\p{C}|[\u115F\u1160\u2800\u3164\uFFA0\uFFF9-\uFFFD]|\u034F|\u17B4|\u17B5/gu;
const STACKED = new RegExp(`(\\p{M}{${MARKS}})\\p{M}+`, 'gu');

const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * A stranger's text, made fit to be shown: no control characters, no direction overrides, nothing invisible, marks
 * not stacked without end, one line, at most 40 characters. '' if nothing is left.
 */
export function cleanText(text: string): string {
  const plain = text
    .slice(0, 1000)
    .normalize('NFC')
    .replace(SPACES, ' ')
    .replace(UNSEEN, '')
    .replace(STACKED, '$1')
    .replace(/ {2,}/g, ' ')
    .trim();
  let shown = '';
  let count = 0;
  for (const { segment } of characters.segment(plain)) {
    if (++count > NICK_CHARACTERS) break;
    shown += segment;
  }
  shown = shown.trim();
  // Joiners alone, or marks with nothing below them, show nothing.
  return /[^\p{M}\p{Cf} ]/u.test(shown) ? shown : '';
}

/** The nick as it is sent: cleaned, and at most `maxBytes` long. */
export function nickToSend(nick: string | undefined, maxBytes = NICK_BYTES): string {
  return cutUtf8(cleanText(nick ?? ''), maxBytes).trim();
}

/** The strings of the TXT record, `txtvers` first (RFC 6763 §6.7). */
export function encodeTxt(claims: Claims): Buffer[] {
  const pairs = ['txtvers=1', `image=${claims.image}`, `version=${claims.version}`, `commit=${claims.commit}`];
  if (claims.nick !== '') pairs.push(`nick=${claims.nick}`);
  if (claims.colors) pairs.push(`colors=${claims.colors.join(',')}`);
  return pairs.map(pair => Buffer.from(pair));
}

/** Keys and values; keys fold, the first of a key counts, a string without '=' has no value (RFC 6763 §6.4). */
function pairsOf(strings: readonly Buffer[]): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const text of strings.map(string => string.toString('utf8'))) {
    const equals = text.indexOf('=');
    const key = (equals < 0 ? text : text.slice(0, equals)).toLowerCase();
    if (key !== '' && !pairs.has(key)) pairs.set(key, equals < 0 ? '' : text.slice(equals + 1));
  }
  return pairs;
}

function parseColors(text: string | undefined): [string, string] | null {
  const [stroke, fill, ...more] = (text ?? '').split(',');
  if (!COLOR.test(stroke ?? '') || !COLOR.test(fill ?? '') || more.length > 0) return null;
  return [stroke!.toUpperCase(), fill!.toUpperCase()];
}

/**
 * The claims of a TXT record, cleaned for display; null where it does not name an image, a version and a commit in
 * the form they must have. Later versions of the format may add keys: they are passed over.
 */
export function parseTxt(strings: readonly Buffer[]): Claims | null {
  const pairs = pairsOf(strings);
  const image = pairs.get('image') ?? '';
  const version = pairs.get('version') ?? '';
  const commit = (pairs.get('commit') ?? '').toLowerCase();
  if (!NAME.test(image) || !NAME.test(version) || !COMMIT.test(commit)) return null;
  return { image, version, commit, nick: cleanText(pairs.get('nick') ?? ''), colors: parseColors(pairs.get('colors')) };
}
