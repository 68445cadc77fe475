/** Images put together by hand, with what the one who makes them could never have on disk. */
import { createHash } from 'node:crypto';
import { type Attributes, encodeAttributes, fullAttributes } from '../../src/core/attributes';
import { joinPath } from '../../src/core/bytes';
import { encodeCommit } from '../../src/core/commit';
import { manifestHeader, manifestLine } from '../../src/core/manifest';
import { objectOid } from '../../src/core/object';
import { compareEntries, encodeTree, MODE, type TreeEntry } from '../../src/core/tree';
import type { Quarantine, Store } from '../../src/store/store';
import { TIME } from './support';

export interface Crafted {
  /** Text for a file; a folder otherwise. */
  content?: string;
  below?: Record<string, Crafted>;
  attributes?: Attributes;
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Puts objects and blobs into the store; the image is complete in quarantine. */
export async function craft(store: Store, root: Crafted): Promise<{ commit: string; quarantine: Quarantine }> {
  const pending = await store.quarantine('0'.repeat(40));
  const attributes = new Map<string, Attributes>();
  let manifest = manifestHeader();

  const put = async (path: string, { below = {}, attributes: own }: Crafted): Promise<string> => {
    if (own !== undefined) attributes.set(path, own);
    const entries: TreeEntry[] = Object.entries(below).map(([name, { content }]) => ({
      mode: content === undefined ? MODE.dir : MODE.file,
      name,
      oid: content === undefined ? '' : objectOid('blob', Buffer.from(content)),
    }));
    for (const entry of entries.sort(compareEntries)) {
      const at = joinPath(path, entry.name);
      const item = below[entry.name] as Crafted;
      const full = fullAttributes(entry, item.attributes);
      if (item.content === undefined) {
        manifest += manifestLine(at, full, null);
        entry.oid = await put(at, item);
        continue;
      }
      const data = Buffer.from(item.content);
      const writer = store.receiveBlob(entry.oid, data.length);
      writer.write(data);
      writer.commit();
      if (item.attributes !== undefined) attributes.set(at, item.attributes);
      manifest += manifestLine(at, full, full.type === 'file' ? { size: data.length, sha256: sha256(data) } : null);
    }
    return pending.putObject('tree', encodeTree(entries));
  };

  const oid = await put('', root);
  const data = encodeAttributes(attributes);
  const tree = encodeTree([
    { mode: MODE.file, name: 'attributes', oid: await pending.putObject('blob', data) },
    { mode: MODE.dir, name: 'root', oid },
  ]);
  const commit = encodeCommit({
    tree: await pending.putObject('tree', tree),
    name: 'crafted',
    version: '1',
    releaseTime: TIME,
    manifestSha256: sha256(Buffer.from(manifest, 'latin1')),
    attributesSha256: sha256(data),
  });
  return { commit: await pending.putObject('commit', commit), quarantine: pending };
}
