/**
 * What may be asked of a machine's own service by people at it who do not own it: they come in by a socket that its unit
 * opens to a group (docs/operations.md). They upgrade, go back and make room; what the machine holds and gives besides,
 * and which folders a service that is root reads and writes, is its owner's business.
 */
import { resolve } from 'node:path';
import { PassItOnError } from '../core/errors';
import { looksLikeFolder } from '../transfer/folder-source';
import type { MethodName } from './contract';
import { isMediaPlace } from './media';

/** All there are: one that is forgotten here does not compile. */
export const GUEST_MAY: Readonly<Record<MethodName, boolean>> = {
  status: true,
  watchNeighbours: true,
  compare: true,
  upgrade: true,
  stopUpgrade: true,
  forgetUpgrade: true,
  activate: true,
  goBack: true,
  arrivalSeen: true,
  verify: true,
  remove: true,
  collectGarbage: true,
  manifest: true,
  // With these somebody decides which images there are, past all trust, or has files read or written as root.
  publish: false,
  use: false,
  adopt: false,
  export: false,
};

/** @throws PassItOnError 'no-permission' */
export function checkGuest(method: MethodName, params: unknown): void {
  if (!GUEST_MAY[method]) {
    const remedy = 'Ask as root, or name a store of your own (--store).';
    throw new PassItOnError('no-permission', 'Only the owner of this machine’s service may do that.', remedy);
  }
  const folder = foldersIn(params).find(path => !isMediaPlace(resolve(path)));
  if (folder === undefined) return;
  const remedy = 'Ask as root, or put the images on a stick.';
  throw new PassItOnError('no-permission', `This machine’s service does not look into ${folder} for you.`, remedy);
}

/** Absolute paths among the addresses that a request names. */
function foldersIn(params: unknown): string[] {
  const { from, target } = (params ?? {}) as { from?: unknown; target?: unknown };
  const addresses: unknown[] = [target, ...(Array.isArray(from) ? from : [])];
  return addresses.filter(one => typeof one === 'string').filter(looksLikeFolder);
}
