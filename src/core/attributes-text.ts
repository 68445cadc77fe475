/** The attributes blob: encoder and parser. One meaning has one spelling: parse accepts exactly what encode writes. */
import type { Attributes, AttributesMap } from './attributes';
import { badData, quoted } from './bad-data';
import { type ByteString, fromBuffer } from './bytes';
import { PassItOnError } from './errors';
import { escapeBytes, MTREE_SIGNATURE, modeWord, pathWord, unescapeBytes } from './mtree';
import { MAX_PATHS, nameProblem } from './tree';

/** Modification time of every path that has no other recorded. */
export const DEFAULT_TIME = 1;
export const MAX_ATTRIBUTES_BYTES = 64 * 1024 * 1024;
/** No path with its xattrs comes near on any file system; keeps what a hostile line can cost small. */
const MAX_LINE_BYTES = 1024 * 1024;
/** (uid_t)-1 means "leave it" to chown(2), so that nobody can be it. */
const MAX_ID = 2 ** 32 - 2;
/** What the kernel's 32-bit dev_t holds: 12 bits and 20 bits. */
const MAX_MAJOR = 2 ** 12 - 1;
const MAX_MINOR = 2 ** 20 - 1;
/** What ext4 can keep: 1901 to 2446. */
const MIN_TIME = -(2 ** 31);
export const MAX_TIME = 2 ** 34 - 1;
/** XATTR_NAME_MAX and XATTR_SIZE_MAX of linux/limits.h. */
const MAX_XATTR_NAME = 255;
const MAX_XATTR_VALUE = 65536;
/** The kernel's four name spaces. */
const XATTR_NAME = /^(security|system|trusted|user)\.[^\0]+$/s;

/**
 * Deterministic: sorted by path bytes, keywords in fixed order. The same facts give the same bytes: values that are
 * every path's default are left out, hard-link groups of one path too, and groups are numbered 1, 2, … as they appear.
 * Throws 'bad-data' for values out of range.
 */
export function encodeAttributes(map: AttributesMap): Buffer {
  const paths = [...map.keys()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const groups = hardlinkNumbers(paths.map(path => map.get(path)?.hardlink));
  const lines = [MTREE_SIGNATURE];
  for (const path of paths) {
    const attributes = map.get(path)!;
    const hardlink = attributes.hardlink === undefined ? undefined : groups.get(attributes.hardlink);
    const line = formatLine(path, { ...attributes, hardlink });
    if (line !== null) lines.push(line);
  }
  const data = Buffer.from(`${lines.join('\n')}\n`, 'latin1');
  checkSize(data.length, lines.length - 1);
  return data;
}

/** One line without its end; null when there is nothing to say. */
function formatLine(path: ByteString, attributes: Attributes): string | null {
  const words = attributeWords(attributes, path);
  const line = checkedPath(path) + words;
  if (line.length > MAX_LINE_BYTES) throw badData(`The attributes of ${quoted(path)} are too long.`);
  return words === '' ? null : line;
}

/** Old number → number in order of appearance, for the groups with at least two paths. */
function hardlinkNumbers(groups: (number | undefined)[]): Map<number, number> {
  const once = new Set<number>();
  const shared = new Set<number>();
  for (const group of groups) {
    if (group === undefined) continue;
    if (once.has(group)) shared.add(group);
    once.add(group);
  }
  // A Set keeps the order of insertion, and `once` has first appearances.
  return new Map([...once].filter(group => shared.has(group)).map((group, i) => [group, i + 1] as const));
}

/**
 * All keywords of a line, each with a space before it; '' when everything is default. Equal attributes give equal text.
 * Throws 'bad-data' for values out of range; `path` is for that message.
 */
export function attributeWords(a: Attributes, path: ByteString): string {
  const wrong = (what: string): Error => badData(`The attributes of ${quoted(path)} have ${what}.`);
  const number = (keyword: string, value: number, min: number, max: number): number => {
    if (!Number.isInteger(value) || value < min || value > max) throw wrong(`${keyword} ${value}`);
    return value;
  };
  const hasDevice = a.type === 'block' || a.type === 'char';
  if (hasDevice !== (a.device !== undefined)) throw wrong('a device number without a device, or the reverse');

  let words = '';
  if (a.type !== undefined) words += ` type=${a.type}`;
  if (a.mode !== undefined) words += ` mode=${modeWord(number('mode', a.mode, 0, 0o7777))}`;
  if (a.uid !== undefined && a.uid !== 0) words += ` uid=${number('uid', a.uid, 0, MAX_ID)}`;
  if (a.gid !== undefined && a.gid !== 0) words += ` gid=${number('gid', a.gid, 0, MAX_ID)}`;
  if (a.device !== undefined) {
    const major = number('device major', a.device.major, 0, MAX_MAJOR);
    words += ` device=linux,${major},${number('device minor', a.device.minor, 0, MAX_MINOR)}`;
  }
  if (a.time !== undefined && a.time !== DEFAULT_TIME) words += ` time=${number('time', a.time, MIN_TIME, MAX_TIME)}.0`;
  if (a.hardlink !== undefined) words += ` hardlink=${number('hardlink', a.hardlink, 1, MAX_PATHS)}`;
  for (const name of Object.keys(a.xattrs ?? {}).sort()) {
    const value = a.xattrs![name]!;
    if (!XATTR_NAME.test(name) || name.length > MAX_XATTR_NAME) throw wrong(`the xattr name ${quoted(name)}`);
    if (value.length > MAX_XATTR_VALUE) throw wrong(`an xattr of ${value.length} bytes`);
    words += ` xattr.${escapeBytes(name)}=${value.toString('base64')}`;
  }
  return words;
}

/** Throws 'bad-data' with a line number for everything that encodeAttributes would not have written exactly so. */
export function parseAttributes(data: Buffer): AttributesMap {
  checkSize(data.length, 0);
  const lines = fromBuffer(data).split('\n', MAX_PATHS + 3);
  checkSize(data.length, lines.length - 2);
  if (lines[0] !== MTREE_SIGNATURE || lines.pop() !== '') {
    throw badData(`Line 1 of the attributes must be ${MTREE_SIGNATURE}, and the last line must end.`);
  }
  const map: AttributesMap = new Map();
  let previous: ByteString | null = null;
  for (let i = 1; i < lines.length; i++) {
    const { path, attributes } = inLine(i + 1, () => parseLine(lines[i]!));
    if (previous !== null && path <= previous) {
      throw badData(`Line ${i + 1} of the attributes is out of order or says a path twice.`);
    }
    previous = path;
    map.set(path, attributes);
  }
  checkHardlinkNumbers(map);
  return map;
}

function inLine<T>(number: number, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof PassItOnError)) throw cause;
    throw badData(`Line ${number} of the attributes is wrong. ${cause.message}`, { cause });
  }
}

function parseLine(line: string): { path: ByteString; attributes: Attributes } {
  if (line.length > MAX_LINE_BYTES) throw badData(`It is longer than ${MAX_LINE_BYTES} bytes.`);
  const [first = '', ...words] = line.split(' ');
  const path = first === '.' ? '' : unescapeBytes(first.replace(/^\.\//, ''));
  const attributes: Attributes = {};
  for (const word of words) setAttribute(attributes, word);
  // Whatever differs from our own spelling is refused here: order, repetition, escapes, leading zeros, defaults.
  const canonical = formatLine(path, attributes);
  if (canonical !== line)
    throw badData(`The one form allowed is ${canonical === null ? 'no line' : quoted(canonical)}.`);
  return { path, attributes };
}

function setAttribute(attributes: Attributes, word: string): void {
  const [, keyword = '', value = ''] = /^([^=]*)=(.*)$/.exec(word) ?? [];
  if (keyword === 'type' && (value === 'block' || value === 'char' || value === 'fifo')) attributes.type = value;
  else if (keyword === 'mode') attributes.mode = Number.parseInt(value, 8);
  else if (keyword === 'uid' || keyword === 'gid' || keyword === 'hardlink') attributes[keyword] = Number(value);
  else if (keyword === 'device') attributes.device = parseDevice(value);
  else if (keyword === 'time') attributes.time = Number(value.replace(/\.0$/, ''));
  else if (keyword.startsWith('xattr.')) {
    attributes.xattrs ??= {};
    attributes.xattrs[unescapeBytes(keyword.slice('xattr.'.length))] = Buffer.from(value, 'base64');
  } else throw badData(`There is no keyword ${quoted(word)}.`);
}

function parseDevice(value: string): { major: number; minor: number } {
  const [, major, minor] = /^linux,(\d+),(\d+)$/.exec(value) ?? [];
  return { major: Number(major), minor: Number(minor) };
}

function checkedPath(path: ByteString): string {
  for (const name of path === '' ? [] : path.split('/')) {
    const problem = nameProblem(name);
    if (problem !== null) throw badData(`A name in the path ${quoted(path)} ${problem}.`);
  }
  return pathWord(path);
}

/** The numbering is part of the one form, too: 1, 2, … as they appear, two paths or more each. */
function checkHardlinkNumbers(map: AttributesMap): void {
  const groups = hardlinkNumbers([...map.values()].map(attributes => attributes.hardlink));
  for (const [path, { hardlink }] of map) {
    if (hardlink !== undefined && groups.get(hardlink) !== hardlink) {
      throw badData(`The hard-link group ${hardlink} of ${quoted(path)} is numbered wrongly or has only this path.`);
    }
  }
}

function checkSize(bytes: number, paths: number): void {
  if (bytes > MAX_ATTRIBUTES_BYTES) throw badData(`The attributes are longer than ${MAX_ATTRIBUTES_BYTES} bytes.`);
  if (paths > MAX_PATHS) throw badData(`The attributes have more than ${MAX_PATHS} paths.`);
}
