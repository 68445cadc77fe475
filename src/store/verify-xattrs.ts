/** Compares the extended attributes of an image's paths on disk with what its commit says. */
import type { AttributesMap } from '../core/attributes';
import type { ByteString } from '../core/bytes';
import { toPassItOnError } from '../core/errors';
import { privileged } from './inode';
import { haveXattrTools, maySet, readXattrs, type Xattrs } from './xattrs';

export interface XattrFinding {
  path: ByteString;
  problem: string;
  /** False: an ordinary user, or this disk, could not keep it. */
  isDamage: boolean;
}

/** dir: the image's tree; there: its paths that exist. Only paths that differ are told, in their order. */
export async function checkXattrs(
  dir: string,
  there: readonly ByteString[],
  attributes: AttributesMap,
): Promise<XattrFinding[]> {
  const wanted = there.filter(path => attributes.get(path)?.xattrs !== undefined);
  if (!haveXattrTools()) {
    const problem = 'has extended attributes that cannot be looked at: getfattr is missing (package attr)';
    return wanted.map(path => ({ path, problem, isDamage: false }));
  }
  let actual: Map<ByteString, Xattrs>;
  try {
    actual = await readXattrs(dir, there);
  } catch (error) {
    return [{ path: '', problem: `cannot be checked: ${toPassItOnError(error).message}`, isDamage: true }];
  }
  const findings: XattrFinding[] = [];
  for (const path of there) {
    const should = attributes.get(path)?.xattrs ?? {};
    const is = actual.get(path) ?? {};
    for (const name of [...new Set([...Object.keys(should), ...Object.keys(is)])].sort()) {
      const finding = compare(name, should[name], is[name]);
      if (finding !== null) findings.push({ path, ...finding });
    }
  }
  return findings;
}

function compare(name: string, should: Buffer | undefined, is: Buffer | undefined): Omit<XattrFinding, 'path'> | null {
  if (should === undefined)
    return { problem: `has the attribute ${name}, which does not belong to it`, isDamage: true };
  if (is?.equals(should) === true) return null;
  if (privileged) return { problem: `${is ? 'has another' : 'lacks the'} attribute ${name}`, isDamage: true };
  // The mode that an ordinary user's files need changes their ACL; other disks keep fewer attributes.
  const reason = maySet(name) ? 'this disk, or a mode that its owner can read, does not keep it' : 'only root sets it';
  return { problem: `lacks the attribute ${name}: ${reason}`, isDamage: false };
}
