/** Git tree objects on bytes: a sequence of "MODE SP NAME NUL" + 20 bytes of SHA-1, sorted (git's fsck-tree rules). */
import { badData, quoted } from './bad-data';
import { type ByteString, toBuffer } from './bytes';
import { isOid, type Oid } from './object';

export const MODE = { dir: 0o40000, file: 0o100644, exec: 0o100755, symlink: 0o120000 } as const;
export type TreeMode = (typeof MODE)[keyof typeof MODE];

export interface TreeEntry {
  mode: TreeMode;
  name: ByteString;
  oid: Oid;
}

/** Where trees come from; rejects when the tree is not there. */
export type ReadTree = (oid: Oid) => TreeEntry[] | Promise<TreeEntry[]>;

/** NAME_MAX of limits.h: no Linux file system holds a longer one. Bytes. */
const MAX_NAME_BYTES = 255;
/** Paths in an image: a few nested folders that name each other a thousand times would otherwise never end. */
export const MAX_PATHS = 1_000_000;

const MODES: ReadonlyMap<number, TreeMode> = new Map(Object.values(MODE).map(mode => [mode, mode] as const));
const OID_BYTES = 20;
const SPACE = 0x20;
const ZERO = 0x30;
const MAX_MODE_DIGITS = 6;

/**
 * Why a name cannot stand in a directory, or null if it can. Every other byte string is a fine name, `.git`,
 * backslashes, newlines and leading dashes included.
 */
export function nameProblem(name: ByteString): string | null {
  if (name === '') return 'is empty';
  if (name === '.' || name === '..') return 'is "." or ".."';
  if (name.includes('/')) return 'contains "/"';
  if (name.includes('\0')) return 'contains a NUL byte';
  if (name.length > MAX_NAME_BYTES) return `is longer than ${MAX_NAME_BYTES} bytes`;
  return null;
}

/** Git's order: bytewise by name, a directory compared as if its name ended in '/'. Below 0: a comes first. */
export function compareEntries(a: Pick<TreeEntry, 'mode' | 'name'>, b: Pick<TreeEntry, 'mode' | 'name'>): number {
  const left = sortKey(a);
  const right = sortKey(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** A new list, in git's order. */
function inOrder(entries: readonly TreeEntry[]): TreeEntry[] {
  return [...entries].sort(compareEntries);
}

/**
 * Strict: what this accepts, encodeTree gives back byte for byte.
 * Throws 'bad-data' for bad names, wrong order, one name twice, modes other than the four, and cut data.
 */
export function parseTree(data: Buffer): TreeEntry[] {
  return parse(data, new OrderCheck());
}

/** The same for what parseTree has taken, or encodeTree given, before. */
export function parseKnownTree(data: Buffer): TreeEntry[] {
  return parse(data, null);
}

function parse(data: Buffer, order: OrderCheck | null): TreeEntry[] {
  const entries: TreeEntry[] = [];
  let at = 0;
  while (at < data.length) {
    const entry = parseEntry(data, at);
    order?.next(entry);
    entries.push(entry);
    at += lengthOf(entry);
  }
  return entries;
}

function parseEntry(data: Buffer, at: number): TreeEntry {
  // Without a string for it: there are tens of thousands of these, and they are read again and again.
  let number = 0;
  let space = at;
  for (; space < at + MAX_MODE_DIGITS; space++) {
    const digit = (data[space] ?? SPACE) - ZERO;
    if (digit < 0 || digit > 7) break;
    number = number * 8 + digit;
  }
  const mode = MODES.get(number);
  if (mode === undefined || data[at] === ZERO || data[space] !== SPACE) {
    throw badData(`A folder listing has an unknown file mode at byte ${at}.`);
  }
  const nameAt = space + 1;
  const nul = data.indexOf(0, nameAt);
  if (nul < 0 || nul + 1 + OID_BYTES > data.length) throw badData(`A folder listing is cut short at byte ${at}.`);
  return { mode, name: data.toString('latin1', nameAt, nul), oid: data.toString('hex', nul + 1, nul + 1 + OID_BYTES) };
}

/** Of an entry as git writes it, in bytes. */
function lengthOf({ mode, name }: TreeEntry): number {
  // Only that of a folder has five digits.
  const digits = mode === MODE.dir ? MAX_MODE_DIGITS - 1 : MAX_MODE_DIGITS;
  return digits + 1 + name.length + 1 + OID_BYTES;
}

/** Sorts, then encodes. Same refusals as parseTree ('bad-data'); RangeError for a name that is no string of bytes. */
export function encodeTree(entries: readonly TreeEntry[]): Buffer {
  const sorted = inOrder(entries);
  const order = new OrderCheck();
  let length = 0;
  for (const entry of sorted) {
    order.next(entry);
    if (!MODES.has(entry.mode)) {
      throw badData(`The mode of ${quoted(entry.name)} is none of the four of a tree.`);
    }
    if (!isOid(entry.oid)) throw badData(`The object name of ${quoted(entry.name)} is not 40 hex digits.`);
    length += lengthOf(entry);
  }
  const data = Buffer.allocUnsafe(length);
  let at = 0;
  for (const entry of sorted) {
    at += toBuffer(`${entry.mode.toString(8)} ${entry.name}\0`).copy(data, at);
    at += data.write(entry.oid, at, 'hex');
  }
  return data;
}

/** Both directions refuse the same things, one entry after the other. */
class OrderCheck {
  #previous = '';
  readonly #names = new Set<ByteString>();

  next(entry: TreeEntry): void {
    const problem = nameProblem(entry.name);
    if (problem !== null) throw badData(`A name in a folder listing ${problem}: ${quoted(entry.name)}.`);
    // A file and a folder of one name need not be neighbours in git's order: "a", "a.txt", "a/".
    if (this.#names.has(entry.name)) throw badData(`A folder listing names ${quoted(entry.name)} twice.`);
    if (this.#names.size >= MAX_PATHS) throw badData(`A folder listing has more than ${MAX_PATHS} names.`);
    this.#names.add(entry.name);
    const key = sortKey(entry);
    if (key < this.#previous) throw badData(`A folder listing is in wrong order at ${quoted(entry.name)}.`);
    this.#previous = key;
  }
}

function sortKey(entry: Pick<TreeEntry, 'mode' | 'name'>): string {
  return entry.mode === MODE.dir ? `${entry.name}/` : entry.name;
}
