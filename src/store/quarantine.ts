/**
 * Objects of an image that is not complete yet, under `partial/`: trees arrive before their children, and "I have this
 * tree" must always mean "and all below it". Only staging moves them into `git/`.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { toPassItOnError } from '../core/errors';
import { isOid, MAX_OBJECT_BYTES, type ObjectType, type Oid, objectOid } from '../core/object';
import { encodeTree, MODE, parseTree, type TreeEntry } from '../core/tree';
import { removeTree } from './disk';
import { type GitObject, LooseObjects, ObjectReader } from './objects';
import { breathe } from './pace';
import type { TreeCache } from './tree-cache';

export class Quarantine {
  /** What is here and, below it, what the store holds. */
  readonly reader: ObjectReader;
  readonly #objects: LooseObjects;
  /** Those here that were written or read just now, and so are whole. */
  readonly #whole = new Set<Oid>();

  /**
   * dir: created when missing, kept over restarts.
   * fallback: the store's own objects, which are complete.
   * onDiscard: how the store removes it, and with it the blobs that only this image needed.
   */
  constructor(
    readonly dir: string,
    private readonly fallback: LooseObjects,
    private readonly trees: TreeCache,
    private readonly onDiscard: (quarantine: Quarantine) => Promise<void>,
  ) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    // Temporary files go beside it, where a crash leaves nothing that stays: this folder survives restarts.
    this.#objects = new LooseObjects(dir, dirname(dir));
    // The store first: most of an image's trees are there, and not to find a file costs as much as to read it.
    this.reader = new ObjectReader(oid => this.fallback.read(oid) ?? this.#read(oid), trees);
  }

  /** Keeps an object; returns its oid. Throws 'bad-data' for a malformed tree. */
  async putObject(type: ObjectType, data: Buffer): Promise<Oid> {
    await breathe();
    const oid = objectOid(type, data);
    if (type === 'tree') parseTree(data);
    this.#keep(type, data, oid);
    // It will be asked for soon.
    if (type === 'tree') this.trees.put(oid, data);
    return oid;
  }

  /**
   * The same for a tree that is told by its entries; false, and nothing kept, where it is not the one of that name.
   * Throws 'bad-data' for entries that are none of a tree.
   */
  async putTree(oid: Oid, entries: readonly TreeEntry[]): Promise<boolean> {
    await breathe();
    const data = encodeTree(entries);
    if (data.length > MAX_OBJECT_BYTES || objectOid('tree', data) !== oid) return false;
    this.#keep('tree', data, oid);
    // parseTree refuses what encodeTree refuses.
    this.trees.put(oid, data);
    return true;
  }

  #keep(type: ObjectType, data: Buffer, oid: Oid): void {
    try {
      if (this.#whole.has(oid) || this.#objects.has(oid) || this.fallback.has(oid)) return;
      this.#objects.write(type, data, oid);
      this.#whole.add(oid);
    } catch (error) {
      throw toPassItOnError(error);
    }
  }

  #read(oid: Oid): GitObject | null {
    const object = this.#objects.read(oid);
    if (object === null) this.#whole.delete(oid);
    else this.#whole.add(oid);
    return object;
  }

  /** It is here, and not in the store. */
  #holds(oid: Oid): boolean {
    return this.#whole.has(oid) || this.#read(oid) !== null;
  }

  async readObject(oid: Oid): Promise<GitObject | null> {
    await breathe();
    return this.reader.read(oid);
  }

  async readTree(oid: Oid): Promise<TreeEntry[]> {
    return this.reader.tree(oid);
  }

  async has(oid: Oid): Promise<boolean> {
    return (await this.readObject(oid)) !== null;
  }

  /** Moves one object into the store; false if it is there already. */
  release(oid: Oid): boolean {
    if (!this.#holds(oid)) return false;
    this.#move(oid);
    return true;
  }

  #move(oid: Oid): void {
    this.fallback.take(oid, this.#objects.path(oid));
    this.#whole.delete(oid);
  }

  /** Moves a tree and all that is below it into the store, children first: what the store has is always complete. */
  async releaseTree(root: Oid): Promise<void> {
    const stack: { oid: Oid; entered: boolean }[] = [{ oid: root, entered: false }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      await breathe();
      // Whatever is here and whole; what is below it was moved since it was looked at.
      if (top.entered) this.#move(top.oid);
      if (top.entered || !this.#holds(top.oid)) {
        stack.pop();
        continue;
      }
      top.entered = true;
      for (const { oid, mode } of await this.readTree(top.oid)) {
        if (mode === MODE.dir) stack.push({ oid, entered: false });
      }
    }
  }

  /** Forgets what was gathered, and blobs that nothing else needs. */
  async discard(): Promise<void> {
    await this.onDiscard(this);
  }

  /** Removes the folder only. */
  async remove(): Promise<void> {
    await removeTree(this.dir);
  }

  /** Oids of the objects that are here and not in the store; whether they are whole is another question. */
  *own(): Generator<Oid> {
    for (const prefix of readdirSync(this.dir)) {
      if (prefix.length !== 2) continue;
      for (const rest of readdirSync(join(this.dir, prefix))) if (isOid(prefix + rest)) yield prefix + rest;
    }
  }
}
