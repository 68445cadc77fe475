/**
 * The full listing of an image: mtree(5) text that `mtree -f` (Debian's mtree-netbsd) takes. Derived from commit and
 * attributes whenever it is needed, never stored; the signed commit holds its SHA-256.
 */
import type { FullAttributes } from './attributes';
import { badData, quoted } from './bad-data';
import type { ByteString } from './bytes';
import { escapeBytes, MTREE_SIGNATURE, modeWord, patternWord } from './mtree';

/** PATH_MAX of linux/limits.h, which counts the NUL: no symlink(2) takes more. Bytes. */
const MAX_LINK_BYTES = 4095;

/**
 * What a manifest begins with: the signature, and the root, without which mtree-netbsd takes no path below it.
 * (The root's own mode and owner are in the attributes, which the commit's Attributes-SHA256 covers.)
 */
export function manifestHeader(): string {
  return `${MTREE_SIGNATURE}\n. type=dir\n`;
}

/**
 * One path, '\n'-terminated. content: size (bytes) and SHA-256 (hex) of a regular file, the target of a symlink, null
 * for all else. A manifest is the header and the lines of walkLists, in that order. Times, extended attributes and hard
 * links are not in it, for mtree-netbsd knows no keywords for the last two; they are in the attributes.
 * Throws 'bad-data' when content and type do not fit, or for a symlink target that no file system holds.
 */
export function manifestLine(
  path: ByteString,
  full: FullAttributes,
  content: { size: number; sha256: string } | { link: ByteString } | null,
): string {
  const type = full.type === 'symlink' ? 'link' : full.type;
  let line = `${patternWord(path)} type=${type} mode=${modeWord(full.mode)} uid=${full.uid} gid=${full.gid}`;
  // "native" and not "linux": mtree-netbsd's idea of a Linux device number is the 16-bit one of old.
  if (full.device !== undefined) line += ` device=native,${full.device.major},${full.device.minor}`;
  if (full.type === 'file' && content !== null && 'sha256' in content) {
    return `${line} size=${content.size} sha256digest=${content.sha256}\n`;
  }
  if (full.type === 'symlink' && content !== null && 'link' in content) {
    return `${line} link=${escapeBytes(checkedLink(path, content.link))}\n`;
  }
  if (full.type === 'file' || full.type === 'symlink' || content !== null) {
    throw badData(`${quoted(path)} is a ${full.type}, and its content is something else.`);
  }
  return `${line}\n`;
}

function checkedLink(path: ByteString, link: ByteString): ByteString {
  if (link === '' || link.length > MAX_LINK_BYTES || link.includes('\0')) {
    throw badData(`The symlink ${quoted(path)} has a target that is empty, too long or holds a NUL byte.`);
  }
  return link;
}
