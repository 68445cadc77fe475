/** Folders of loose git objects (commits, trees, attributes) in git's own layout. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { PassItOnError } from '../core/errors';
import { isOid, looseObject, type ObjectType, type Oid, objectOid, parseLooseObject } from '../core/object';
import type { TreeEntry } from '../core/tree';
import { temporaryName } from './atomic';
import { failedWith } from './disk';
import { breathe } from './pace';
import type { TreeCache } from './tree-cache';

export interface GitObject {
  type: ObjectType;
  data: Buffer;
}

/** One folder of loose objects; what it gives has the hash that its name says. */
export class LooseObjects {
  /**
   * dir: as git's `objects/`; temporaryDir on the same file system. Writes are whole or not there, but durable only
   * after `sync -f`; since every read is checked, one that power failure tore counts as missing.
   */
  constructor(
    readonly dir: string,
    private readonly temporaryDir: string,
  ) {}

  path(oid: Oid): string {
    if (!isOid(oid)) throw new RangeError(`not an oid: ${oid}`);
    return `${this.dir}/${oid.slice(0, 2)}/${oid.slice(2)}`;
  }

  /** Whether it is here and whole; for who expects that it is not, which `read` is slow to say. */
  has(oid: Oid): boolean {
    return existsSync(this.path(oid)) && this.read(oid) !== null;
  }

  read(oid: Oid): GitObject | null {
    let compressed: Buffer;
    try {
      compressed = readWhole(this.path(oid));
    } catch (error) {
      if (failedWith(error, 'ENOENT', 'ENOTDIR')) return null;
      throw error;
    }
    let object: GitObject;
    try {
      object = parseLooseObject(compressed);
    } catch (error) {
      if (error instanceof PassItOnError && error.code === 'bad-data') return null;
      throw error;
    }
    return objectOid(object.type, object.data) === oid ? object : null;
  }

  /** Overwrites: what is there may be torn. oid: of this object, where that is known. */
  write(type: ObjectType, data: Buffer, oid: Oid = objectOid(type, data)): Oid {
    const temporary = temporaryName(this.temporaryDir, 'object');
    try {
      writeFileSync(temporary, looseObject(type, data), { flag: 'wx', mode: 0o644 });
      this.take(oid, temporary);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    return oid;
  }

  /** Renames a loose object of elsewhere on this file system into this folder. */
  take(oid: Oid, from: string): void {
    const path = this.path(oid);
    try {
      renameSync(from, path);
    } catch (error) {
      if (!failedWith(error, 'ENOENT')) throw error;
      mkdirSync(join(this.dir, oid.slice(0, 2)), { recursive: true });
      renameSync(from, path);
    }
  }
}

/** Most objects are a few hundred bytes: to ask how many, and for memory of their own, takes longer than to read them. */
const memory = Buffer.allocUnsafeSlow(16 << 10);

/** A file's bytes, valid until the next call. */
function readWhole(path: string): Buffer {
  const fd = openSync(path, 'r');
  try {
    const bytes = readSync(fd, memory, 0, memory.length, 0);
    return bytes < memory.length ? memory.subarray(0, bytes) : readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Reading objects from wherever they are: the store's own, or a quarantine that falls back to the store. */
export class ObjectReader {
  constructor(
    readonly read: (oid: Oid) => GitObject | null,
    private readonly cache: TreeCache,
  ) {}

  /** For core's tree walks. Throws 'damaged' when the tree is not there, 'bad-data' when it is malformed. */
  readonly tree = async (oid: Oid): Promise<TreeEntry[]> => {
    await breathe();
    return this.cache.get(oid, this.read);
  };

  /** An object that must be there: else 'damaged'. */
  need(oid: Oid, type: ObjectType, what: string): Buffer {
    const object = this.read(oid);
    if (object?.type === type) return object.data;
    const message = `The ${what} (${oid.slice(0, 12)}) is missing or damaged.`;
    throw new PassItOnError('damaged', message, 'Get the image again from another laptop.');
  }
}
