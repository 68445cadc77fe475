/**
 * An image's commit: git's format, without parents, so that every image stands alone. The message ends in trailers
 * (git-interpret-trailers(1)); unknown ones are skipped, so that an older laptop can take a newer one's images.
 */
import { badData } from './bad-data';
import { PassItOnError } from './errors';
import { isOid, type Oid } from './object';
import { isImageName } from './versions';

export interface ImageCommit {
  /** Holds exactly `attributes` (blob) and `root` (tree). */
  tree: Oid;
  name: string;
  version: string;
  /** Seconds since 1970: the committer date. */
  releaseTime: number;
  /** 64 hex digits each. */
  manifestSha256: string;
  attributesSha256: string;
  /** Nobody is led below this version. */
  minimumVersion?: string;
  /** A whole number in decimal: which format of the Journal this image writes. */
  journalFormat?: string;
  /** Plain text, maybe several lines. */
  releaseNotes?: string;
  /** The armoured text of `gpgsig`, null while unsigned. */
  signature: string | null;
}

export const MAX_COMMIT_BYTES = 64 * 1024;
const IDENTITY = 'Pass It On <pass-it-on@localhost>';
const PERSON_AND_TIME = /^[^<>\n]*<[^<>\n]*> (0|[1-9][0-9]*) [+-][0-9]{4}$/;
/** Year 9999; git's own limit is far beyond. */
const MAX_TIME = 253_402_300_799;
const SHA256 = /^[0-9a-f]{64}$/;
const DECIMAL = /^(0|[1-9][0-9]{0,8})$/;
/** Control characters other than newline and tab, and halves of surrogate pairs. */
const NOT_TEXT = /[^\P{Cc}\n\t]|\p{Cs}/u;

type Fields = Omit<ImageCommit, 'tree' | 'releaseTime' | 'signature'>;

/** Trailers in the order written; `required` ones must be there. */
const TRAILERS: readonly { key: string; field: keyof Fields; required: boolean; valid(value: string): boolean }[] = [
  { key: 'Image-Name', field: 'name', required: true, valid: isImageName },
  { key: 'Image-Version', field: 'version', required: true, valid: isImageName },
  { key: 'Manifest-SHA256', field: 'manifestSha256', required: true, valid: value => SHA256.test(value) },
  { key: 'Attributes-SHA256', field: 'attributesSha256', required: true, valid: value => SHA256.test(value) },
  { key: 'Minimum-Version', field: 'minimumVersion', required: false, valid: isImageName },
  { key: 'Journal-Format', field: 'journalFormat', required: false, valid: value => DECIMAL.test(value) },
  { key: 'Release-Notes', field: 'releaseNotes', required: false, valid: value => value === tidyNotes(value) },
];

/**
 * Raw bytes of the commit object; the same facts give the same bytes. Release notes lose blanks around them and
 * at the ends of lines. Throws 'bad-name' for an impossible name or version, 'bad-data' for other fields.
 */
export function encodeCommit(c: Omit<ImageCommit, 'signature'>): Buffer {
  for (const name of [c.name, c.version]) {
    if (!isImageName(name)) {
      const remedy = 'Use up to 63 letters, digits and . _ + -, beginning with a letter or digit.';
      throw new PassItOnError('bad-name', `${JSON.stringify(name)} cannot be the name or version of an image.`, remedy);
    }
  }
  if (!isOid(c.tree)) throw badData('The tree of an image must be 40 hex digits.');
  if (!isReleaseTime(c.releaseTime)) throw badData(`${c.releaseTime} cannot be a release time.`);
  const fields = { ...c, releaseNotes: c.releaseNotes === undefined ? undefined : tidyNotes(c.releaseNotes) };
  const trailers = TRAILERS.flatMap(({ key, field, valid }) => {
    const value = fields[field];
    if (value === undefined || (field === 'releaseNotes' && value === '')) return [];
    if (!valid(value) || NOT_TEXT.test(value)) throw badData(`${key} of an image cannot be ${JSON.stringify(value)}.`);
    return [`${key}: ${fold(value)}\n`];
  });
  const who = `${IDENTITY} ${c.releaseTime} +0000`;
  const head = `tree ${c.tree}\nauthor ${who}\ncommitter ${who}\n`;
  const data = Buffer.from(`${head}\n${c.name} ${c.version}\n\n${trailers.join('')}`, 'utf8');
  if (data.length > MAX_COMMIT_BYTES) throw badData('The release notes are too long.');
  return data;
}

/**
 * Strict: headers `tree`, `author`, `committer` and maybe `gpgsig`, once each and in this order; then the message that
 * encodeCommit writes, unknown trailers apart. Throws 'bad-data'. Says nothing about whether the signature is right.
 */
export function parseCommit(data: Buffer): ImageCommit {
  if (data.length > MAX_COMMIT_BYTES) throw badData(`A commit is longer than ${MAX_COMMIT_BYTES} bytes.`);
  // Also because unfolding uses it as a mark.
  if (data.includes(0)) throw badData('A commit holds a NUL byte.');
  const text = decodeUtf8(data);
  const end = text.indexOf('\n\n');
  if (end < 0) throw badData('A commit has no message.');
  const headers = unfoldHeaders(text.slice(0, end));
  const expected = ['tree', 'author', 'committer', ...(headers.length > 3 ? ['gpgsig'] : [])];
  if (headers.map(([key]) => key).join(' ') !== expected.join(' ')) {
    throw badData('The headers of a commit are not tree, author, committer and maybe gpgsig.');
  }
  const [tree, author, committer, signature] = headers.map(([, value]) => value);
  const releaseTime = Number(PERSON_AND_TIME.exec(committer!)?.[1]);
  if (!isOid(tree!)) throw badData('A commit names no proper tree.');
  if (!PERSON_AND_TIME.test(author!) || !isReleaseTime(releaseTime)) throw badData('A commit has no proper dates.');
  const fields = parseMessage(text.slice(end + 2));
  return { tree: tree!, releaseTime, ...fields, signature: signature === undefined ? null : `${signature}\n` };
}

/**
 * The signed commit: `data` (from encodeCommit) with the header `gpgsig` after the others, as git writes it.
 * armoured: what `ssh-keygen -Y sign -n git` made of `data`. Throws 'bad-data' where the two do not make a commit.
 */
export function encodeSignedCommit(data: Buffer, armoured: string): Buffer {
  if (parseCommit(data).signature !== null) throw badData('The commit is signed already.');
  const header = `gpgsig ${armoured.replace(/\n$/, '').replaceAll('\n', '\n ')}\n`;
  const end = data.indexOf('\n\n') + 1;
  const signed = Buffer.concat([data.subarray(0, end), Buffer.from(header), data.subarray(end)]);
  parseCommit(signed);
  return signed;
}

/** The bytes that were signed: the commit without its `gpgsig` header, as git makes them. Takes any commit. */
export function commitPayload(data: Buffer): Buffer {
  const kept: Buffer[] = [];
  let inSignature = false;
  let at = 0;
  while (at < data.length && data[at] !== 0x0a) {
    const newline = data.indexOf(0x0a, at);
    const next = newline < 0 ? data.length : newline + 1;
    inSignature = data[at] === 0x20 ? inSignature : data.toString('latin1', at, at + 7) === 'gpgsig ';
    if (!inSignature) kept.push(data.subarray(at, next));
    at = next;
  }
  kept.push(data.subarray(at));
  return Buffer.concat(kept);
}

function decodeUtf8(data: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch (cause) {
    throw badData('A commit is not UTF-8 text.', { cause });
  }
}

/** [key, value]; a line that begins with a space goes on with the value before it (RFC 822 folding, as git does it). */
function unfoldHeaders(text: string): [key: string, value: string][] {
  return text
    .replaceAll('\n ', '\0')
    .split('\n')
    .map(line => {
      const space = line.indexOf(' ');
      return [line.slice(0, space), line.slice(space + 1).replaceAll('\0', '\n')];
    });
}

function parseMessage(message: string): Fields {
  const [subject, blank, ...lines] = message.split('\n');
  if (blank !== '' || lines.pop() !== '') throw badData('The message of a commit is not that of an image.');
  const found = new Map<string, string>();
  for (const [key, value] of unfoldTrailers(lines)) {
    const trailer = TRAILERS.find(known => known.key === key);
    if (trailer === undefined) continue;
    if (found.has(trailer.field)) throw badData(`A commit says ${key} twice.`);
    if (!trailer.valid(value) || value === '' || NOT_TEXT.test(value)) {
      throw badData(`A commit has an impossible ${key}.`);
    }
    found.set(trailer.field, value);
  }
  for (const { key, field, required } of TRAILERS) {
    if (required && !found.has(field)) throw badData(`A commit has no ${key}.`);
  }
  const fields = Object.fromEntries(found) as Record<keyof Fields, string>;
  if (subject !== `${fields.name} ${fields.version}`) throw badData('The first line of a commit names another image.');
  return fields;
}

/**
 * Lines of a value after the first begin with a space. A blank one would end the trailers for git, so that it is
 * written as "." (as in deb-control(5)), and lines of dots get one more.
 */
function fold(value: string): string {
  return value
    .split('\n')
    .map(line => (/^\.*$/.test(line) ? `.${line}` : line))
    .join('\n ');
}

function unfoldTrailers(lines: string[]): [key: string, value: string][] {
  const trailers: [string, string[]][] = [];
  for (const line of lines) {
    const [, key, value] = /^([0-9A-Za-z-]+): (.*)$/s.exec(line) ?? [];
    const last = trailers.at(-1);
    if (key !== undefined) trailers.push([key, [value!]]);
    else if (line.startsWith(' ') && line.trim() !== '' && last !== undefined) last[1].push(line.slice(1));
    else throw badData('The message of a commit has a line that is no trailer.');
  }
  return trailers.map(([key, values]) => [
    key,
    values.map(line => (/^\.+$/.test(line) ? line.slice(1) : line)).join('\n'),
  ]);
}

/** No blanks at the ends of lines nor around the whole. (No regular expression: a long run of blanks slows them down.) */
function tidyNotes(notes: string): string {
  const lines = notes.split('\n').map(line => line.trimEnd());
  return lines.join('\n').trim();
}

function isReleaseTime(time: number): boolean {
  return Number.isInteger(time) && time >= 0 && time <= MAX_TIME;
}
