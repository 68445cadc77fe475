/** Small helpers at the edge to the file system, where names are bytes. */
import { lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { type ByteString, fromBuffer, joinPath, toBuffer } from '../core/bytes';
import { breathe } from './pace';

/** A path of ours (text) as bytes, to join paths of images to. */
export function asBytes(path: string): ByteString {
  return fromBuffer(Buffer.from(path, 'utf8'));
}

/** What to hand to `fs` for the path of an image that lies under `base`. */
export function diskPath(base: ByteString, path: ByteString): Buffer {
  return toBuffer(path === '' ? base : `${base}/${path}`);
}

/** Names in a directory, in byte order. */
export function namesIn(dir: Buffer): ByteString[] {
  return readdirSync(dir, { encoding: 'buffer' })
    .map(name => fromBuffer(name))
    .sort();
}

/** True for the error of a system call that ended so. */
export function failedWith(error: unknown, ...codes: string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException | null)?.code ?? '');
}

/** `rm -rf` for names that are not UTF-8, too, without holding the event loop. */
export async function removeTree(dir: string): Promise<void> {
  const base = asBytes(dir);
  /** Directories still to remove; `emptied` ones have had their contents removed or pushed above them. */
  const stack: { path: ByteString; emptied: boolean }[] = [{ path: '', emptied: false }];
  if (lstatSync(dir, { throwIfNoEntry: false }) === undefined) return;
  while (stack.length > 0) {
    await breathe();
    const top = stack[stack.length - 1] as { path: ByteString; emptied: boolean };
    const at = diskPath(base, top.path);
    if (top.emptied) {
      rmdirSync(at);
      stack.pop();
      continue;
    }
    top.emptied = true;
    if (!lstatSync(at).isDirectory()) {
      unlinkSync(at);
      stack.pop();
      continue;
    }
    for (const entry of readdirSync(at, { encoding: 'buffer', withFileTypes: true })) {
      // Node's types say string; with encoding 'buffer' it is a Buffer.
      const path = joinPath(top.path, fromBuffer(entry.name as unknown as Buffer));
      if (entry.isDirectory()) stack.push({ path, emptied: false });
      else unlinkSync(diskPath(base, path));
      await breathe();
    }
  }
}
