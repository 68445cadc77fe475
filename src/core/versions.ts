/** Names and versions of images, and their order. */
import type { Oid } from './object';

const NAME = /^[0-9A-Za-z][0-9A-Za-z._+-]{0,62}$/;

/** True for an image name or a version: it must be able to stand in `refs/tags/<name>/<version>` (git-check-ref-format(1)). */
export function isImageName(s: string): boolean {
  return NAME.test(s) && !s.includes('..') && !s.endsWith('.') && !s.endsWith('.lock');
}

/**
 * Below 0: a is older. Compares runs of digits and runs of letters one by one; what lies between only separates.
 * Numbers as numbers of any length, a number above letters, letters bytewise, missing below present.
 * 0 means equally new (`1.0` and `1-00`), not the same text. Takes any string.
 */
export function compareVersions(a: string, b: string): number {
  const left = segments(a);
  const right = segments(b);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const order = compareSegments(left[i], right[i]);
    if (order !== 0) return order;
  }
  return 0;
}

function segments(version: string): string[] {
  return version.match(/[0-9]+|[A-Za-z]+/g) ?? [];
}

function compareSegments(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const [left, right] = [asNumber(a), asNumber(b)];
  if (left === null || right === null) return left !== null ? 1 : right !== null ? -1 : compareText(a, b);
  return left.length - right.length || compareText(left, right);
}

/** Digits without leading zeros, so that length, then text, order them as numbers; null for letters. */
function asNumber(segment: string): string | null {
  return /^[0-9]/.test(segment) ? segment.replace(/^0+/, '') : null;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export interface Ordered {
  name: string;
  version: string;
  /** Seconds since 1970. */
  releaseTime: number;
  commit: Oid;
}

/** Below 0: a is older. Version, then release time, then oid: 0 only for one and the same commit. */
export function compareImages(a: Ordered, b: Ordered): number {
  return compareVersions(a.version, b.version) || a.releaseTime - b.releaseTime || compareText(a.commit, b.commit);
}

type Claim = Pick<Ordered, 'name' | 'version' | 'commit'>;

/** What their image is to mine; mine null: this laptop has none yet, so that everything is newer. */
export function relation(mine: Claim | null, theirs: Claim): 'newer' | 'same' | 'older' | 'different' | 'other' {
  if (mine === null) return 'newer';
  if (mine.commit === theirs.commit) return 'same';
  if (mine.name !== theirs.name) return 'other';
  const order = compareVersions(theirs.version, mine.version);
  return order > 0 ? 'newer' : order < 0 ? 'older' : 'different';
}
