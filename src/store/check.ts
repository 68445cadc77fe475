/** Is an unfinished image whole, and what its commit says? */
import { checkAttributes } from '../core/attributes';
import { badData } from '../core/bad-data';
import { checkBounds } from '../core/bounds';
import { findPaths } from '../core/diff';
import type { Oid } from '../core/object';
import type { BegunImage } from './admission';
import type { Blobs } from './blobs';
import { computeManifest, imageLists, readAttributes, readHead } from './image';
import type { Quarantine } from './quarantine';
import type { CheckOptions } from './types';

/** See Store.checkImage. Progress: paths. begun: of this image, where it is being staged already. */
export async function checkImage(
  commit: Oid,
  quarantine: Quarantine,
  blobs: Blobs,
  opts: CheckOptions,
  begun: BegunImage | null,
): Promise<void> {
  const { reader } = quarantine;
  const head = begun?.head ?? readHead(commit, reader.need(commit, 'commit', 'commit of the image'), reader);
  const attributes = begun?.attributes ?? readAttributes(head, reader);
  const paths = await checkBounds(head.root, reader.tree);
  await checkAttributes(attributes, findPaths(head.root, attributes.keys(), reader.tree));
  const walked = async () => {
    const options = {
      signal: opts.signal,
      byRecord: opts.byRecord,
      onProgress: (done: number, _: number, bytes: number) => opts.onProgress?.(done, paths, bytes, 0),
    };
    return (await computeManifest(imageLists(head, attributes, reader), blobs, options)).sha256;
  };
  const sha256 = (await begun?.draft.finish(opts.signal)) ?? (await walked());
  opts.onProgress?.(paths, paths, 0, 0);
  if (sha256 !== head.info.manifestSha256) {
    const { name, version } = head.info;
    throw badData(`The contents of ${name} ${version} are not those of its commit (Manifest-SHA256).`);
  }
}
