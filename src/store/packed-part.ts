/**
 * What came of a large blob from a source that packs it (zlib), as it came: whoever goes on after a stop asks for what follows in the
 * packed file, and cannot tell where that is from what was unpacked. It lies beside what was unpacked, and goes with it.
 */
import { closeSync, constants, lstatSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { toPassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { CHUNK } from './buffers';

/** Of all blobs. */
export class PackedParts {
  readonly #open = new Map<Oid, PackedPart>();

  /** pathOf: where that of a blob lies. */
  constructor(private readonly pathOf: (oid: Oid) => string) {}

  /** Null while somebody else has that of this blob. released: is called when it has been closed. */
  open(oid: Oid, released: () => void): PackedPart | null {
    if (this.#open.has(oid)) return null;
    const part = new PackedPart(this.pathOf(oid), () => {
      this.#open.delete(oid);
      released();
    });
    this.#open.set(oid, part);
    return part;
  }

  /** The whole blob is here. */
  arrived(oid: Oid): void {
    this.#open.get(oid)?.giveUp();
  }
}

export class PackedPart {
  #file: number | null = null;
  #length: number;
  /** Nothing more is kept. */
  #isGivenUp = false;

  constructor(
    private readonly path: string,
    private readonly released: () => void,
  ) {
    this.#length = lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Of what is kept, in bytes. */
  get length(): number {
    return this.#length;
  }

  /** What is kept, from its beginning. Each is valid until the next is asked for. */
  *chunks(): Generator<Buffer> {
    const memory = Buffer.allocUnsafeSlow(Math.min(CHUNK, this.#length));
    for (let at = 0; at < this.#length; ) {
      const count = readSync(this.#open(), memory, 0, Math.min(memory.length, this.#length - at), at);
      if (count === 0) return;
      at += count;
      yield memory.subarray(0, count);
    }
  }

  /** Keeps what follows. It only saves bytes: where there is no room for it, nothing of it is kept. */
  append(chunk: Buffer): void {
    if (this.#isGivenUp) return;
    try {
      const file = this.#open();
      for (let at = 0; at < chunk.length; ) {
        const count = writeSync(file, chunk, at, chunk.length - at, this.#length);
        at += count;
        this.#length += count;
      }
    } catch (cause) {
      this.giveUp();
      if (toPassItOnError(cause).code !== 'no-space') throw cause;
    }
  }

  /** Throws away what is kept. */
  clear(): void {
    this.#end();
    rmSync(this.path, { force: true });
    this.#length = 0;
  }

  /** The same, and keeps nothing any more. */
  giveUp(): void {
    this.clear();
    this.#isGivenUp = true;
  }

  /** To be called once, at the end; what is kept stays. */
  close(): void {
    this.#end();
    this.released();
  }

  #open(): number {
    this.#file ??= openSync(this.path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    return this.#file;
  }

  #end(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }
}
