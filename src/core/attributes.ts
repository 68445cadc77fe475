/**
 * What git trees cannot say of a path, as an exception from the default: owner 0:0, folders and executables 0755,
 * other files 0644, modification time 1. mtree(5) syntax; grammar in docs/formats.md.
 */
import { attributeWords, DEFAULT_TIME } from './attributes-text';
import { badData, quoted } from './bad-data';
import type { ByteString } from './bytes';
import { EMPTY_BLOB, type Oid } from './object';
import { MODE, type TreeEntry } from './tree';

export { DEFAULT_TIME, encodeAttributes, MAX_ATTRIBUTES_BYTES, parseAttributes } from './attributes-text';

export interface Attributes {
  /** What a placeholder (an empty, not executable file of the tree) stands for. */
  type?: 'block' | 'char' | 'fifo';
  /** With type block and char only. */
  device?: { major: number; minor: number };
  /** Permission, setuid, setgid and sticky bits: 0 … 07777. */
  mode?: number;
  uid?: number;
  gid?: number;
  /** Modification time, whole seconds since 1970. */
  time?: number;
  /** Group number; paths with equal numbers are one inode. */
  hardlink?: number;
  /** Full names (`security.capability`) and values. */
  xattrs?: Record<string, Buffer>;
}

/** Only the paths that deviate. '' is the root of the image. */
export type AttributesMap = Map<ByteString, Attributes>;

export interface FullAttributes {
  readonly type: 'dir' | 'file' | 'symlink' | 'block' | 'char' | 'fifo';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly time: number;
  readonly device?: { major: number; minor: number };
  readonly hardlink?: number;
  readonly xattrs?: Record<string, Buffer>;
}

const OWN = { uid: 0, gid: 0, time: DEFAULT_TIME } as const;
const DEFAULTS: Readonly<Record<TreeEntry['mode'], FullAttributes>> = {
  [MODE.dir]: { type: 'dir', mode: 0o755, ...OWN },
  [MODE.exec]: { type: 'file', mode: 0o755, ...OWN },
  [MODE.file]: { type: 'file', mode: 0o644, ...OWN },
  [MODE.symlink]: { type: 'symlink', mode: 0o777, ...OWN },
};

/** Every attribute of a path, with the defaults filled in. */
export function fullAttributes(entry: Pick<TreeEntry, 'mode'>, exception: Attributes | undefined): FullAttributes {
  const defaults = DEFAULTS[entry.mode];
  if (exception === undefined) return defaults;
  return {
    type: exception.type ?? defaults.type,
    mode: exception.mode ?? defaults.mode,
    uid: exception.uid ?? defaults.uid,
    gid: exception.gid ?? defaults.gid,
    time: exception.time ?? defaults.time,
    ...(exception.device && { device: exception.device }),
    ...(exception.hardlink && { hardlink: exception.hardlink }),
    ...(exception.xattrs && { xattrs: exception.xattrs }),
  };
}

/** The other way: what must be recorded for a path to come back as `full`; undefined when the default says it all. */
export function exceptionFrom(entry: Pick<TreeEntry, 'mode'>, full: FullAttributes): Attributes | undefined {
  const { type, mode } = DEFAULTS[entry.mode];
  const exception: Attributes = {};
  if (full.type === 'block' || full.type === 'char' || full.type === 'fifo') exception.type = full.type;
  else if (full.type !== type) throw badData(`A path cannot be ${type} in the tree and ${full.type} otherwise.`);
  if (full.device !== undefined) exception.device = full.device;
  if (full.mode !== mode) exception.mode = full.mode;
  if (full.uid !== 0) exception.uid = full.uid;
  if (full.gid !== 0) exception.gid = full.gid;
  if (full.time !== DEFAULT_TIME) exception.time = full.time;
  if (full.hardlink !== undefined) exception.hardlink = full.hardlink;
  if (full.xattrs !== undefined && Object.keys(full.xattrs).length > 0) exception.xattrs = full.xattrs;
  return Object.keys(exception).length > 0 ? exception : undefined;
}

/** What git goes by when it chooses between 100644 and 100755. */
const OWNER_MAY_EXECUTE = 0o100;

type PathEntry = { path: ByteString; entry: Pick<TreeEntry, 'mode' | 'oid'> };

/**
 * Do the attributes fit the tree? `lists`: all of it, as walkLists gives it, or what findPaths finds of theirs. Rejects with 'bad-data' for a path that does
 * not exist, a device or FIFO whose placeholder is not an empty plain file, a mode on a symlink, one that is the
 * default anyway or contradicts the tree, a folder in a hard-link group, and a group whose paths differ in content or attributes.
 */
export async function checkAttributes(map: AttributesMap, lists: AsyncIterable<readonly PathEntry[]>): Promise<void> {
  const groups = new Map<number, { path: ByteString; facts: string }>();
  const missing = new Set(map.keys());
  missing.delete('');
  const root = map.get('');
  if (root !== undefined) checkPath('', { mode: MODE.dir, oid: '' }, root, groups);
  for await (const list of lists) {
    for (const { path, entry } of list) {
      const attributes = map.get(path);
      if (attributes === undefined) continue;
      missing.delete(path);
      checkPath(path, entry, attributes, groups);
    }
  }
  for (const path of missing) throw badData(`The attributes name ${quoted(path)}, which the image does not have.`);
}

function checkPath(
  path: ByteString,
  entry: { mode: TreeEntry['mode']; oid: Oid },
  attributes: Attributes,
  groups: Map<number, { path: ByteString; facts: string }>,
): void {
  const wrong = (what: string): Error => badData(`The attributes of ${quoted(path)} ${what}.`);
  const { type, mode, hardlink } = attributes;
  if (type !== undefined && (entry.mode !== MODE.file || entry.oid !== EMPTY_BLOB)) {
    throw wrong(`make a ${type} device of something that is not an empty file`);
  }
  if (mode !== undefined && entry.mode === MODE.symlink) throw wrong('give a mode to a symlink');
  if (mode === DEFAULTS[entry.mode].mode) throw wrong('record the mode that it has anyway');
  const isFile = type === undefined && (entry.mode === MODE.file || entry.mode === MODE.exec);
  if (mode !== undefined && isFile && (entry.mode === MODE.exec) !== ((mode & OWNER_MAY_EXECUTE) !== 0)) {
    throw wrong('and the tree disagree whether it can be executed');
  }
  if (hardlink === undefined) return;
  if (entry.mode === MODE.dir) throw wrong('make a hard link of a folder');
  const facts = `${entry.mode} ${entry.oid}${attributeWords(attributes, path)}`;
  const first = groups.get(hardlink);
  if (first === undefined) groups.set(hardlink, { path, facts });
  else if (first.facts !== facts) throw wrong(`differ from those of its hard link ${quoted(first.path)}`);
}
