/**
 * Domain names are kept as text: labels joined by '.', a '.' or '\' inside a label escaped by '\' (RFC 6763 §4.3).
 * Labels are UTF-8 of at most 63 bytes.
 */

/** The longest label, in bytes (RFC 1035 §2.3.4). */
export const LABEL_BYTES = 63;

/** One label as it stands inside a name. */
export function escapeLabel(label: string): string {
  return label.replace(/[.\\]/g, '\\$&');
}

/** The plain labels of a name, from the left. The root is no labels. */
export function labelsOf(name: string): string[] {
  const labels: string[] = [];
  let label = '';
  for (let i = 0; i < name.length; i++) {
    const char = name[i]!;
    if (char === '\\' && i + 1 < name.length) label += name[++i]!;
    else if (char === '.') {
      labels.push(label);
      label = '';
    } else label += char;
  }
  if (label !== '') labels.push(label);
  return labels;
}

const UPPER = /[A-Z]/;
/** ASCII. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are part of it
const PLAIN = /^[\x00-\x7f]*$/;

/** For comparing: only ASCII letters fold (RFC 6762 §16), so 'É' and 'é' stay different names. */
export function foldCase(name: string): string {
  // Names are folded all the time; most are folded already, and the rest is plain.
  if (!UPPER.test(name)) return name;
  return PLAIN.test(name) ? name.toLowerCase() : name.replace(/[A-Z]+/g, letters => letters.toLowerCase());
}

/** Everything before a service type: the instance label of DNS-SD, which alone may hold dots. */
const INSTANCE = /^(.+)(\.(?:_[^.]+)\._(?:tcp|udp)\.local)$/is;

/**
 * A name as dns-packet decodes it (labels joined by '.', nothing escaped) in our form. The lost borders between labels
 * are taken from DNS-SD: what stands before a service type is one label. Null where the bytes were not UTF-8, and where
 * what is taken for one label is too long for one: such a name could not be asked for.
 */
export function fromDecoder(name: string): string | null {
  if (name.includes('\uFFFD')) return null;
  if (name === '.') return '';
  const instance = INSTANCE.exec(name);
  const ours = instance ? escapeLabel(instance[1]!) + instance[2]! : name.replace(/\\/g, '\\\\');
  return labelsOf(ours).every(label => Buffer.byteLength(label) <= LABEL_BYTES) ? ours : null;
}

/** `text` cut to at most `maxBytes` of UTF-8, never inside a character. */
export function cutUtf8(text: string, maxBytes: number): string {
  let bytes = 0;
  let end = 0;
  for (const char of text) {
    bytes += Buffer.byteLength(char);
    if (bytes > maxBytes) break;
    end += char.length;
  }
  return text.slice(0, end);
}
