/**
 * File contents and symlink targets: `blobs/ab/cdef…`, uncompressed, named by git oid, hard-linked into images. A blob
 * gets its name only when its hash was right; one that the hash cache does not vouch for is hashed again before it is
 * believed. So "it exists" means "it is whole", power failures included.
 */
import {
  constants,
  lstatSync,
  mkdirSync,
  promises,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { PassItOnError, toPassItOnError } from '../core/errors';
import { isOid, type Oid } from '../core/object';
import { syncFileSystem, temporaryName } from './atomic';
import { BlobNames } from './blob-names';
import {
  asBlob,
  type BlobPlace,
  type BlobWriter,
  type ClaimedFile,
  resume,
  SMALL,
  sourceLied,
  takeWhole,
  writerFor,
  writeSmall,
} from './blob-writer';
import { failedWith, openFileIf, readFileIf, unlinkFreeing } from './disk';
import { hashHandle } from './hash-handle';
import { HashCache, type HashRecord, matches, recordOf } from './hashcache';
import { IntakePool } from './intake-pool';
import type { BlobFacts, Landed, LandingField } from './landing';
import { KEPT } from './layout';
import { breathe, Turns } from './pace';
import { PackedParts } from './packed-part';

/** After this much unsynced, what is fetched is made durable, so that power failure costs little. */
const SYNC_BYTES = 256 * 1024 * 1024;
const SYNC_BLOBS = 4000;
/** An open blob, checked against its record; the caller closes the handle. */
export interface OpenBlob {
  size: number;
  handle: promises.FileHandle;
}

/** The same by its number, for synchronous calls. size in bytes. */
export interface OpenFile {
  size: number;
  descriptor: number;
}

/** size in bytes. */
export interface FoundBlob {
  size: number;
  sha256: string;
  stat: Stats;
}

export class Blobs implements BlobPlace, LandingField {
  readonly #cache: HashCache;
  readonly names: BlobNames;
  readonly #syncs = new Turns();
  #unsyncedBytes = 0;
  #unsyncedBlobs = 0;
  #syncFailure: unknown = null;
  /** Large blobs that are being received into their own file. */
  readonly #claimed = new Set<Oid>();
  /** What came of large blobs as others pack them. */
  readonly packed = new PackedParts(oid => `${this.kept(oid)}.packed`);
  /** While unused blobs are being swept: those that came meanwhile and must stay. */
  #arrivals: Set<Oid> | null = null;

  /** dir: `blobs/`; temporaryDir on the same file system. */
  constructor(
    readonly dir: string,
    private readonly temporaryDir: string,
    cacheFile: string,
    private readonly readOnly: boolean,
  ) {
    this.#cache = new HashCache(cacheFile, temporaryDir, readOnly);
    this.names = new BlobNames(dir, this.#cache);
  }

  path(oid: Oid): string {
    if (!isOid(oid)) throw new RangeError(`not an oid: ${oid}`);
    return `${this.dir}/${oid.slice(0, 2)}/${oid.slice(2)}`;
  }

  /** Size in bytes and SHA-256 of a held blob, or null. Hashes the file when its record does not fit it. */
  async info(oid: Oid): Promise<{ size: number; sha256: string } | null> {
    const found = await this.find(oid);
    return found === null ? null : { size: found.size, sha256: found.sha256 };
  }

  /** A held blob whose record fits its file at this moment; null where only `find` can tell. */
  glance(oid: Oid): FoundBlob | null {
    const record = this.#cache.get(oid);
    const stat = record === null ? undefined : lstatSync(this.path(oid), { throwIfNoEntry: false });
    if (record === null || stat === undefined || !matches(record, stat)) return null;
    return { size: record.size, sha256: record.sha256, stat };
  }

  /** Whether that is the very file of a blob, and unchanged since it was hashed. */
  isFileOf(oid: Oid, stat: Stats): boolean {
    return stat.isFile() && this.#cache.matches(oid, stat.size, stat.mtimeMs, stat.ino);
  }

  /** What a blob was when it was hashed last, without a look at the disk; null where nothing is recorded. */
  recorded(oid: Oid): { size: number; sha256: string } | null {
    return this.#cache.get(oid);
  }

  /** How many records have gone so far. */
  get recordsGone(): number {
    return this.#cache.deleted;
  }

  /** As `glance`, but where the record does not fit the file is hashed again; null when it is not held. */
  async find(oid: Oid): Promise<FoundBlob | null> {
    await breathe();
    const stat = lstatSync(this.path(oid), { throwIfNoEntry: false });
    if (stat === undefined) {
      this.#cache.delete(oid);
      return null;
    }
    const record = this.#cache.get(oid);
    if (record !== null && matches(record, stat)) return { size: record.size, sha256: record.sha256, stat };
    return this.#rehash(oid);
  }

  /** Size of a blob as it was when it was hashed last, without a look at the disk; null where nothing is recorded. */
  recordedSize(oid: Oid): number | null {
    return this.#cache.sizeOf(oid);
  }

  async has(oid: Oid): Promise<boolean> {
    return (await this.info(oid)) !== null;
  }

  async #rehash(oid: Oid): Promise<FoundBlob | null> {
    const path = this.path(oid);
    const handle = await promises.open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    let actual: { oid: Oid; sha256: string } | null;
    let stat: Stats;
    try {
      stat = await handle.stat();
      actual = stat.isFile() ? await hashHandle(handle, stat.size) : null;
    } finally {
      await handle.close();
    }
    if (actual?.oid === oid) {
      this.#remember(oid, recordOf(stat, actual.sha256));
      return { size: stat.size, sha256: actual.sha256, stat };
    }
    // Left over from a power failure, or damaged: not the content of this name, so this name is not held.
    await this.drop([oid]);
    return null;
  }

  /** Removes blobs; their records first, lest one fits the next file by chance. Returns bytes of disk given back. */
  async drop(oids: readonly Oid[]): Promise<number> {
    await this.#unrecord(oids);
    if (this.readOnly) return 0;
    let freed = 0;
    for (const oid of oids) {
      await breathe();
      try {
        freed += unlinkFreeing(this.path(oid));
      } catch (error) {
        // Two who looked at a damaged blob at once both come here.
        if (!failedWith(error, 'ENOENT')) throw error;
      }
    }
    return freed;
  }

  /** Records of these count no longer, as when many are to be replaced: for each its own would mean a new file each time. */
  async forget(oids: Iterable<Oid>): Promise<void> {
    await this.#unrecord(oids);
    this.names.doubt();
  }

  async #unrecord(oids: Iterable<Oid>): Promise<void> {
    for (const oid of oids) this.#cache.delete(oid);
    if (!this.readOnly) await this.#syncs.run(() => this.#cache.flush(new Set()));
  }

  /** Lets a file under `partial/`, whose content was hashed just now, stand for this name, whatever stood for it. */
  async replace(oid: Oid, sha256: string, temporary: string): Promise<void> {
    await this.drop([oid]);
    this.#name(oid, temporary, recordOf(lstatSync(temporary), sha256));
  }

  #remember(oid: Oid, record: HashRecord): void {
    this.#cache.put(oid, record);
    this.#unsyncedBytes += record.size;
    this.#unsyncedBlobs += 1;
  }

  /** For reading: null when not held, or when the file is no longer what its record says (it is hashed again then). */
  async open(oid: Oid): Promise<OpenBlob | null> {
    if ((await this.info(oid)) === null) return null;
    let handle: promises.FileHandle;
    try {
      handle = await promises.open(this.path(oid), constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      if (failedWith(error, 'ENOENT', 'ELOOP')) return null;
      throw toPassItOnError(error);
    }
    const stat = await handle.stat();
    const record = this.#cache.get(oid);
    if (record !== null && matches(record, stat)) return { size: stat.size, handle };
    await handle.close();
    return null;
  }

  /** The content of a held blob of up to `most` bytes whose file is as it was when it was hashed; null for `open` to tell. */
  readSmall(oid: Oid, most = SMALL): Buffer | null {
    const size = this.#cache.sizeOf(oid);
    return size === null || size > most ? null : this.#readRecorded(oid, size);
  }

  /** A held blob whose file is as it was when it was hashed, at once; null for `open` to tell. The caller closes it. */
  openFile(oid: Oid): OpenFile | null {
    const size = this.#cache.sizeOf(oid);
    const descriptor = size === null ? null : openFileIf(this.path(oid), stat => this.isFileOf(oid, stat));
    return size === null || descriptor === null ? null : { size, descriptor };
  }

  /** The content of a blob with a record of that size; null where its file is not there or not as the record says. */
  #readRecorded(oid: Oid, size: number): Buffer | null {
    return readFileIf(this.path(oid), size, stat => this.isFileOf(oid, stat));
  }

  /** A small blob's content. Null when not held. Throws 'bad-data' when it is longer than `maxBytes`. */
  async read(oid: Oid, maxBytes: number): Promise<Buffer | null> {
    const found = await this.find(oid);
    if (found === null) return null;
    if (found.size > maxBytes) {
      const message = `The object ${oid.slice(0, 12)} has ${found.size} bytes where at most ${maxBytes} make sense.`;
      throw new PassItOnError('bad-data', message, 'Get the image from another laptop.');
    }
    return this.#readRecorded(oid, found.size);
  }

  /** Begins to receive a blob of `size` bytes. */
  receive(oid: Oid, size: number): BlobWriter {
    this.#mayReceive(oid, size);
    return writerFor(this, oid, size);
  }

  /** Goes on with the first `from` bytes of what was kept of it. */
  async resume(oid: Oid, size: number, from: number): Promise<BlobWriter> {
    this.#mayReceive(oid, size);
    return resume(this, oid, size, from);
  }

  /** One that has come in one piece; `data` may be used for something else afterwards. Throws as a writer's `commit`. */
  receiveWhole(oid: Oid, data: Buffer): void {
    this.#tellSyncFailure();
    takeWhole(this, oid, data);
  }

  #mayReceive(oid: Oid, size: number): void {
    this.path(oid);
    if (!Number.isSafeInteger(size) || size < 0) throw sourceLied(oid);
    this.#tellSyncFailure();
  }

  #tellSyncFailure(): void {
    const failure = this.#syncFailure;
    this.#syncFailure = null;
    if (failure !== null) throw toPassItOnError(failure);
  }

  facts(oid: Oid): BlobFacts | null {
    const record = this.#cache.get(oid);
    return record && { oid, ...record };
  }

  land({ oid, file, ...record }: Landed): void {
    this.#tellSyncFailure();
    this.packed.arrived(oid);
    this.#give(oid, file, record);
  }

  /** How many bytes are here of a blob whose receiving was broken off; 0 while it is being received. */
  keptBytes(oid: Oid): number {
    return this.#claimed.has(oid) ? 0 : (lstatSync(this.kept(oid), { throwIfNoEntry: false })?.size ?? 0);
  }

  /** Where what came of a blob stays until the rest comes. */
  kept(oid: Oid): string {
    return join(this.temporaryDir, `${KEPT}${oid}`);
  }

  /** The file that is kept, unless somebody else has it. */
  claim(oid: Oid): ClaimedFile {
    if (this.#claimed.has(oid)) return { path: this.temporary(), stays: false, release: () => {} };
    this.#claimed.add(oid);
    return { path: this.kept(oid), stays: true, release: () => this.#claimed.delete(oid) };
  }

  /** Keeps content whose hashes are known to be right; true when it was not held before. */
  keep(oid: Oid, sha256: string, data: Buffer): boolean {
    if (this.glance(oid) !== null) return false;
    const temporary = this.temporary();
    try {
      this.#name(oid, temporary, recordOf(writeSmall(temporary, data), sha256));
      return true;
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  /** The same for a file of ours under `partial/` that holds the content; the file is gone afterwards. */
  keepFile(oid: Oid, sha256: string, temporary: string, descriptor: number): void {
    this.packed.arrived(oid);
    this.#give(oid, temporary, recordOf(asBlob(descriptor), sha256));
  }

  /** Gives whole content its name, or removes it where that is held already. */
  #give(oid: Oid, temporary: string, record: HashRecord): void {
    if (this.glance(oid) === null) this.#name(oid, temporary, record);
    else unlinkSync(temporary);
  }

  /** What is there by that name and has no record that fits counts for nothing: this content was hashed just now. */
  #name(oid: Oid, temporary: string, record: HashRecord): void {
    const path = this.path(oid);
    try {
      renameSync(temporary, path);
    } catch (error) {
      if (!failedWith(error, 'ENOENT')) throw error;
      mkdirSync(join(this.dir, oid.slice(0, 2)), { recursive: true, mode: 0o700 });
      renameSync(temporary, path);
    }
    this.#arrived(oid, record);
  }

  #arrived(oid: Oid, record: HashRecord): void {
    this.#remember(oid, record);
    this.#arrivals?.add(oid);
    if (this.#unsyncedBytes > SYNC_BYTES || this.#unsyncedBlobs > SYNC_BLOBS) this.#syncSoon();
  }

  /** Threads that put content into its place, which `took` then makes a blob. program: as for IntakePool. */
  intake(program: string | null): IntakePool {
    return new IntakePool(this.dir, temporaryName(this.temporaryDir, 'intake'), program);
  }

  /** What a thread has hashed and put into its place is a blob. */
  took(oid: Oid, record: HashRecord): void {
    this.#arrived(oid, record);
  }

  temporary(): string {
    return temporaryName(this.temporaryDir, 'blob');
  }

  /** True when some held blob may have this size: then it is worth hashing a large file before copying it. */
  mayHoldSize(size: number): boolean {
    return this.#cache.hasSize(size);
  }

  /** The file's times or owner were changed by us (staging): its record follows. */
  refresh(oid: Oid, stat: Stats): void {
    const record = this.#cache.get(oid);
    if (record !== null && !matches(record, stat)) this.#cache.put(oid, recordOf(stat, record.sha256));
  }

  #syncSoon(): void {
    this.#unsyncedBytes = 0;
    this.#unsyncedBlobs = 0;
    this.flush().catch(error => {
      // Told to the next who wants to write.
      this.#syncFailure = error;
    });
  }

  /** Makes all blobs and records so far durable, and with `always` whatever else was written to the file system. */
  async flush(always = false): Promise<void> {
    await this.#syncs.run(async () => {
      const records = this.#cache.takePending();
      if (records.size === 0 && !always) return;
      try {
        await syncFileSystem(this.dir);
      } catch (error) {
        this.#cache.keepPending(records);
        throw error;
      }
      await this.#cache.flush(records);
      this.#unsyncedBytes = 0;
      this.#unsyncedBlobs = 0;
      this.#syncFailure = null;
    });
  }

  /** Removes every blob that `mark` does not name, except those that arrive meanwhile. Returns bytes given back. */
  async sweep(mark: () => Promise<ReadonlySet<Oid>>): Promise<number> {
    const arrivals = new Set<Oid>();
    this.#arrivals = arrivals;
    try {
      const used = await mark();
      const unused: Oid[] = [];
      for (const prefix of readdirSync(this.dir)) {
        await breathe();
        for (const rest of readdirSync(join(this.dir, prefix))) {
          if (!used.has(prefix + rest)) unused.push(prefix + rest);
        }
      }
      return unused.length === 0 ? 0 : await this.drop(unused.filter(oid => !arrivals.has(oid)));
    } finally {
      this.#arrivals = null;
    }
  }
}
