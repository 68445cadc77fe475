/**
 * Whom to trust: the file that ssh-keygen(1), section ALLOWED SIGNERS, describes. Read and judged as ssh-keygen and git
 * do it; what they take and we do not is understood and left out, with a reason.
 */
import { badData } from './bad-data';
import { type ByteString, fromBuffer } from './bytes';
import { type Sentence, sentence } from './sentences';
import { ED25519, ed25519Key, strictBase64 } from './ssh-key';

export interface AllowedSigner {
  /** Counted from 1. */
  line: number;
  /** A list of patterns: `teacher@school.example,*@ministry.example`. */
  principals: ByteString;
  /** Ed25519, wire form. */
  key: Buffer;
  /** A list of patterns; null: for any purpose. */
  namespaces: ByteString | null;
  /** Seconds since 1970, both included. */
  validAfter: number | null;
  validBefore: number | null;
}

export interface AllowedSigners {
  signers: AllowedSigner[];
  /** Lines that give nobody a right, and why: ends of sentences. */
  ignored: { line: number; reason: Sentence }[];
}

export const NOBODY: AllowedSigners = { signers: [], ignored: [] };
export const MAX_ALLOWED_SIGNERS_BYTES = 1 << 20;

const OTHER_KEY_TYPES = /^(ssh-(rsa|dss)|ecdsa-sha2-|sk-(ssh|ecdsa)-|ssh-ed25519-cert-|webauthn-sk-)/;

/** A line that gives nobody a right. */
class Ignored extends Error {
  constructor(
    readonly reason: Sentence,
    options?: { cause?: unknown },
  ) {
    super(reason.text, options);
  }
}

/** Bad lines are left out as ssh-keygen leaves them out. Throws 'bad-data' only for a file that is too long. */
export function parseAllowedSigners(data: Buffer): AllowedSigners {
  if (data.length > MAX_ALLOWED_SIGNERS_BYTES) throw badData('The list of trusted keys is too long.');
  const found: AllowedSigners = { signers: [], ignored: [] };
  for (const [index, text] of fromBuffer(data).split('\n').entries()) {
    const line = index + 1;
    if (/^[ \t\r]*(#|$)/.test(text)) continue;
    try {
      found.signers.push({ line, ...parseLine(text) });
    } catch (thrown) {
      if (!(thrown instanceof Ignored)) throw thrown;
      found.ignored.push({ line, reason: thrown.reason });
    }
  }
  return found;
}

function parseLine(text: ByteString): Omit<AllowedSigner, 'line'> {
  if (text.includes('\0')) throw new Ignored(sentence('reason-nul-byte'));
  const { principals, rest } = firstWord(text.replace(/^[ \t\r]+/, ''));
  // Either the key comes next, or options and then the key.
  const begin = isKeyType(firstToken(rest)) ? 0 : endOfOptions(rest);
  const options = parseOptions(rest.slice(0, begin));
  const [type = '', base64 = ''] = rest
    .slice(begin)
    .split(/[ \t\r]+/)
    .filter(word => word !== '');
  if (OTHER_KEY_TYPES.test(type)) throw new Ignored(sentence('reason-kind-of-key', { kind: type, only: ED25519 }));
  if (type !== ED25519) throw new Ignored(sentence('reason-no-key'));
  if (options.certAuthority) throw new Ignored(sentence('reason-certificate'));
  return { principals, key: parseKey(base64), ...options.limits };
}

/** The principals, which may stand in quotes; then what follows. */
function firstWord(text: ByteString): { principals: ByteString; rest: ByteString } {
  const [, bare = '', quote, inside = '', rest] =
    /^([^ \t\r"]*)(?:(")([^"]*)"|[ \t\r]+)[ \t\r]*(.*)$/s.exec(text) ?? [];
  if (rest === undefined) throw new Ignored(sentence('reason-no-who-and-key'));
  return { principals: quote === undefined ? bare : bare + inside, rest };
}

function firstToken(text: ByteString): ByteString {
  return /^[^ \t]*/.exec(text)![0];
}

function isKeyType(word: ByteString): boolean {
  return word === ED25519 || OTHER_KEY_TYPES.test(word);
}

function parseKey(base64: ByteString): Buffer {
  const key = strictBase64(base64);
  if (key === null) throw new Ignored(sentence('reason-key-base64'));
  try {
    ed25519Key(key);
  } catch (cause) {
    throw new Ignored(sentence('reason-key-cut'), { cause });
  }
  return key;
}

/** Options end at the first blank outside quotes; `\"` is a quote inside them. */
function endOfOptions(text: ByteString): number {
  const [options] = /^(?:\\"|"(?:\\"|[^"\\]|\\(?!"))*"|[^ \t"])*/.exec(text)!;
  if (text[options.length] === '"') throw new Ignored(sentence('reason-open-quote'));
  return options.length;
}

interface Options {
  certAuthority: boolean;
  limits: Pick<AllowedSigner, 'namespaces' | 'validAfter' | 'validBefore'>;
}

function parseOptions(text: ByteString): Options {
  const options: Options = { certAuthority: false, limits: { namespaces: null, validAfter: null, validBefore: null } };
  const { limits } = options;
  const once = (name: string, before: unknown): void => {
    if (before !== null) throw new Ignored(sentence('reason-twice', { name }));
  };
  let left = text;
  while (left !== '') {
    const [all, flag, name = '', quoted] =
      /^(?:(cert-authority)|([a-z-]+)="((?:\\"|[^"\\]|\\(?!"))*)")(?=,|$)/i.exec(left) ?? [];
    const value = quoted?.replaceAll('\\"', '"') ?? '';
    if (flag !== undefined) options.certAuthority = true;
    else if (/^namespaces$/i.test(name)) {
      once(name, limits.namespaces);
      limits.namespaces = value;
    } else if (/^valid-after$/i.test(name)) {
      once(name, limits.validAfter);
      limits.validAfter = parseTime(name, value);
    } else if (/^valid-before$/i.test(name)) {
      once(name, limits.validBefore);
      limits.validBefore = parseTime(name, value);
    } else if (!left.startsWith(',')) throw new Ignored(sentence('reason-option'));
    left = left.slice(all?.length ?? 0);
    if (left === ',') throw new Ignored(sentence('reason-last-comma'));
    left = left.replace(/^,/, '');
  }
  if (limits.validAfter !== null && limits.validBefore !== null && limits.validBefore <= limits.validAfter) {
    throw new Ignored(sentence('reason-never-valid'));
  }
  return options;
}

/** YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS; with a Z (or UTC) behind in UTC, else in this laptop's time zone. */
function parseTime(name: string, text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z|UTC)?$/i.exec(text);
  const numbers = match?.slice(1, 7).map(digits => Number(digits ?? 0)) ?? [];
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = numbers;
  // As strptime(3) has it; days that the month has not, and leap seconds, count on into what follows.
  const possible = month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour <= 23 && minute <= 59 && second <= 61;
  if (!match || year < 1970 || !possible) throw new Ignored(sentence('reason-no-date', { name }));
  const time =
    match[7] === undefined
      ? new Date(year, month - 1, day, hour, minute, second).getTime()
      : Date.UTC(year, month - 1, day, hour, minute, second);
  if (time <= 0) throw new Ignored(sentence('reason-before-1970', { name }));
  return time / 1000;
}

/** `principal` is as the file writes it; a refusal names the line that comes closest, if any has the key. */
export type Permission =
  | { principal: ByteString }
  | { refused: 'unknown-key' | 'not-yet' | 'expired' | 'namespace'; closest: AllowedSigner | null };

/**
 * May the owner of this key sign for that purpose at that time (seconds since 1970)? As git asks ssh-keygen: the first
 * valid line with the key says who it may be (find-principals), and then a line must allow one of these (verify).
 */
export function permission({ signers }: AllowedSigners, key: Buffer, namespace: string, time: number): Permission {
  const owned = signers.filter(signer => signer.key.equals(key));
  const valid = owned.filter(signer => isValid(signer, time));
  const [first] = valid;
  if (first === undefined) {
    const [closest = null] = owned;
    const refused = closest === null ? 'unknown-key' : time < (closest.validAfter ?? 0) ? 'not-yet' : 'expired';
    return { refused, closest };
  }
  const fitting = valid.filter(({ namespaces }) => namespaces === null || matchesList(namespace, namespaces));
  for (const principal of first.principals.split(',')) {
    if (principal === '') break;
    if (fitting.some(({ principals }) => matchesList(principal, principals))) return { principal };
  }
  return { refused: fitting.length === 0 ? 'namespace' : 'unknown-key', closest: first };
}

function isValid({ validAfter, validBefore }: AllowedSigner, time: number): boolean {
  return (validAfter === null || time >= validAfter) && (validBefore === null || time <= validBefore);
}

/** ssh_config(5), PATTERNS: one of the list matches, and none of those with `!` before it. */
export function matchesList(text: ByteString, list: ByteString): boolean {
  const patterns = list.split(',');
  const negated = patterns.filter(pattern => pattern.startsWith('!')).map(pattern => pattern.slice(1));
  const positive = patterns.filter(pattern => !pattern.startsWith('!'));
  return !negated.some(pattern => matches(text, pattern)) && positive.some(pattern => matches(text, pattern));
}

/** `*` stands for any bytes, `?` for one. In time |text| · |pattern|, whatever the pattern. */
function matches(text: ByteString, pattern: ByteString): boolean {
  let at = 0;
  let p = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      resume = at;
    } else if (pattern[p] === '?' || pattern[p] === text[at]) {
      p++;
      at++;
    } else if (star >= 0) {
      p = star + 1;
      at = ++resume;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(p));
}
