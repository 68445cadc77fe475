/** Is an unfinished image whole, and what its commit says? */
import { checkAttributes } from '../core/attributes';
import { badData } from '../core/bad-data';
import { checkBounds } from '../core/bounds';
import type { Oid } from '../core/object';
import type { Blobs } from './blobs';
import { computeManifest, imageLists, readAttributes, readHead } from './image';
import type { Quarantine } from './quarantine';
import type { WorkOptions } from './types';

/** See Store.checkImage. */
export async function checkImage(commit: Oid, quarantine: Quarantine, blobs: Blobs, opts: WorkOptions): Promise<void> {
  const { reader } = quarantine;
  const head = readHead(commit, reader.need(commit, 'commit', 'commit of the image'), reader);
  const attributes = readAttributes(head, reader);
  await checkBounds(head.root, reader.tree);
  let files = 0;
  const counted = async function* () {
    for await (const list of imageLists(head, attributes, reader)) {
      for (const { full } of list) if (full.type !== 'dir') files += 1;
      yield list;
    }
  };
  await checkAttributes(attributes, counted());
  const manifest = await computeManifest(imageLists(head, attributes, reader), blobs, {
    signal: opts.signal,
    onProgress: (done, _, bytes) => opts.onProgress?.(done, files, bytes, 0),
  });
  if (manifest.sha256 !== head.info.manifestSha256) {
    const { name, version } = head.info;
    throw badData(`The contents of ${name} ${version} are not those of its commit (Manifest-SHA256).`);
  }
}
