/**
 * Names, paths and symlink targets are bytes: Linux allows every byte but NUL (and `/` inside a name), in no particular
 * encoding. In memory they are strings in which each char is one byte (latin1), so that `<` compares bytewise,
 * Map keys work and nothing is lost.
 */
export type ByteString = string;

const NO_BYTE = /[^\0-\xff]/;

/** The bytes, for the file system (always hand Buffers to `fs`, never a ByteString). RangeError for chars above 0xff. */
export function toBuffer(s: ByteString): Buffer {
  if (NO_BYTE.test(s)) throw new RangeError(`Not a string of bytes: ${JSON.stringify(s)}`);
  return Buffer.from(s, 'latin1');
}

export function fromBuffer(b: Buffer): ByteString {
  return b.toString('latin1');
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' };

/** What could hide or reorder text on a terminal or a screen: control characters, line separators, bidi controls. */
const UNSAFE_TO_SHOW = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** For people: decoded as UTF-8 with U+FFFD for what is not, control characters escaped. Not reversible. */
export function displayName(s: ByteString): string {
  const text = toBuffer(s).toString('utf8');
  return text.replace(UNSAFE_TO_SHOW, char => {
    const code = char.charCodeAt(0);
    return SHORT_ESCAPES[char] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
  });
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

/** Paths inside an image have no leading slash; '' is the root itself. */
export function joinPath(dir: ByteString, name: ByteString): ByteString {
  return dir === '' ? name : `${dir}/${name}`;
}
