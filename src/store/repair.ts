/** Finds what is wrong with a held image, and mends what can be mended from this disk alone. */
import { lstatSync } from 'node:fs';
import { parseAttributes } from '../core/attributes';
import type { ByteString } from '../core/bytes';
import { PassItOnError } from '../core/errors';
import { EMPTY_TREE, type Oid } from '../core/object';
import { encodeTree, MODE, type TreeEntry } from '../core/tree';
import { asBytes, type DiskPath, diskPath } from './disk';
import type { Held } from './held';
import { type ImageHead, readAttributes, walkImage } from './image';
import { mendTree } from './mend';
import type { Parts } from './parts';
import { recoverBlob } from './recover';
import type { WorkOptions } from './types';
import { type Damage, verifyTree } from './verify';

export interface Repaired {
  /** Paths made anew, in this image and in others that shared an inode with it. */
  mended: number;
  /** Contents that no file here holds any more: when they have been received, repair again. */
  missing: Oid[];
}

export class Repair {
  constructor(private readonly parts: Parts) {}

  /** True when the commit, every tree of the image, and its attributes can be read. */
  async hasObjects(commit: Oid): Promise<boolean> {
    if (this.parts.held.brokenOne(commit) !== null) return false;
    const { head } = this.parts.held.need(commit);
    this.#restoreHead(head);
    try {
      parseAttributes(this.parts.objects.need(head.attributes, 'blob', 'list of attributes'));
      this.parts.objects.need(head.info.tree, 'tree', 'tree of the image');
      const seen = new Set<Oid>();
      const todo = [head.root];
      for (let oid = todo.pop(); oid !== undefined; oid = todo.pop()) {
        if (seen.has(oid) || oid === EMPTY_TREE) continue;
        seen.add(oid);
        this.parts.objects.need(oid, 'tree', 'folder listing');
        for (const entry of await this.parts.objects.tree(oid)) if (entry.mode === MODE.dir) todo.push(entry.oid);
      }
      return true;
    } catch (error) {
      if (error instanceof PassItOnError && error.code === 'damaged') return false;
      throw error;
    }
  }

  /** The commit and the tree that names its parts are known as long as we run, though they rot on the disk. */
  #restoreHead({ commit, data, info, root, attributes }: ImageHead): void {
    const { objects } = this.parts.git;
    if (objects.read(commit) === null) objects.write('commit', data);
    if (objects.read(info.tree) !== null) return;
    const entries: TreeEntry[] = [
      { mode: MODE.file, name: 'attributes', oid: attributes },
      { mode: MODE.dir, name: 'root', oid: root },
    ];
    objects.write('tree', encodeTree(entries));
  }

  /** Throws 'damaged' when the image's own objects are missing: receive those first. */
  async run(commit: Oid, options: WorkOptions): Promise<Repaired> {
    const held = this.parts.held.need(commit);
    const attributes = readAttributes(held.head, this.parts.objects);
    const { dir } = held.image;
    const { damage } = await verifyTree(dir, held.head, attributes, this.parts.objects, this.parts.blobs, options);
    await this.#condemn(held, damage);
    const missing = await this.#recover(damage);
    let mended = 0;
    for (const other of this.parts.held.all()) {
      const todo = other === held ? damage : await this.#sharing(other, damage);
      if (todo.paths.size === 0 && todo.extra.length === 0) continue;
      const otherAttributes = readAttributes(other.head, this.parts.objects);
      const temporaryDir = this.parts.layout.partial;
      const at = other.image.dir;
      mended += await mendTree(
        at,
        other.head,
        otherAttributes,
        this.parts.objects,
        this.parts.blobs,
        temporaryDir,
        todo,
      );
    }
    await this.parts.blobs.flush(true);
    return { mended, missing };
  }

  /** A blob that is the inode of a wrong path is wrong, if only in its attributes: it must be made anew as well. */
  async #condemn({ head }: Held, damage: Damage): Promise<void> {
    if (damage.paths.size === 0) return;
    const attributes = readAttributes(head, this.parts.objects);
    for await (const { path, entry, full } of walkImage(head, attributes, this.parts.objects)) {
      if (full.type === 'dir' || !damage.paths.has(path)) continue;
      const stat = lstatSync(this.parts.blobs.path(entry.oid), { throwIfNoEntry: false });
      if (stat === undefined || damage.inodes.has(stat.ino)) damage.blobs.add(entry.oid);
    }
  }

  /** Makes the damaged blobs anew from whatever file of the store still holds their content. Returns the others. */
  async #recover(damage: Damage): Promise<Oid[]> {
    if (damage.blobs.size === 0) return [];
    const places = await this.#places(damage.blobs);
    await this.parts.blobs.forget(damage.blobs);
    const missing: Oid[] = [];
    for (const [oid, paths] of places) {
      let recovered = await recoverBlob(this.parts.blobs, oid, this.parts.blobs.path(oid), 'copy');
      for (const path of paths) {
        if (recovered) break;
        const stat = lstatSync(path, { throwIfNoEntry: false });
        const how = stat !== undefined && damage.sound.has(stat.ino) ? 'share' : 'copy';
        recovered = await recoverBlob(this.parts.blobs, oid, path, how);
      }
      if (recovered) continue;
      await this.parts.blobs.drop([oid]);
      missing.push(oid);
    }
    return missing;
  }

  /** Where the images have these contents. */
  async #places(oids: ReadonlySet<Oid>): Promise<Map<Oid, DiskPath[]>> {
    const places = new Map<Oid, DiskPath[]>([...oids].map(oid => [oid, []]));
    for (const { head, image } of this.parts.held.all()) {
      const base = asBytes(image.dir);
      const attributes = readAttributes(head, this.parts.objects);
      for await (const { path, entry } of walkImage(head, attributes, this.parts.objects)) {
        places.get(entry.oid)?.push(diskPath(base, path));
      }
    }
    return places;
  }

  /** Paths of another image that share a wrong inode. */
  async #sharing({ head, image }: Held, { inodes }: Damage) {
    const paths = new Set<ByteString>();
    const sound = new Set<number>();
    const todo = { paths, sound, extra: [] as ByteString[] };
    if (inodes.size === 0) return todo;
    const base = asBytes(image.dir);
    const attributes = readAttributes(head, this.parts.objects);
    for await (const { path, full } of walkImage(head, attributes, this.parts.objects)) {
      if (full.type === 'dir') continue;
      const inode = lstatSync(diskPath(base, path), { throwIfNoEntry: false })?.ino;
      if (inode === undefined) continue;
      if (inodes.has(inode)) paths.add(path);
      else sound.add(inode);
    }
    return todo;
  }
}
