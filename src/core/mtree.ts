/** What attributes and manifest share: the spelling of mtree(5), so narrow that every value has exactly one. */
import { type ByteString, toBuffer } from './bytes';

export const MTREE_SIGNATURE = '#mtree';

/**
 * All others are escaped: what mtree(5) gives a meaning (white space, `\`, `#`, `=`), what mtree programs match as a
 * pattern (`*?[]`) or decode in some of their dialects (`!`, `%` and such), control characters, and all that is not ASCII.
 */
const UNSAFE = /[^0-9A-Za-z+,\-./:@_]/g;

/** Each byte outside the safe set as a backslash and three octal digits. */
export function escapeBytes(s: ByteString): string {
  return s.replace(UNSAFE, byte => `\\${toBuffer(byte)[0]!.toString(8).padStart(3, '0')}`);
}

/** Lenient: a stray backslash stays. Who must be strict compares with escapeBytes of the result. */
export function unescapeBytes(s: string): ByteString {
  return s.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** First word of a line: `.` for the root of the image, else `./` and the escaped path. */
export function pathWord(path: ByteString): string {
  return path === '' ? '.' : `./${escapeBytes(path)}`;
}

/**
 * The same for a reader to whom every name is a fnmatch(3) pattern, escaped or not, as mtree(8) has it: in a name with
 * `?`, `*` or `[`, these and `\` get a backslash before them. (Names without stay as they are: those are compared.)
 */
export function patternWord(path: ByteString): string {
  return pathWord(MAGIC.test(path) ? path.split('/').map(quotePattern).join('/') : path);
}

const MAGIC = /[?*[]/;

function quotePattern(name: ByteString): ByteString {
  return MAGIC.test(name) ? name.replace(/[\\?*[]/g, '\\$&') : name;
}

/** Octal with one leading zero, as printf's `%#o`. */
export function modeWord(mode: number): string {
  return mode === 0 ? '0' : `0${mode.toString(8)}`;
}
