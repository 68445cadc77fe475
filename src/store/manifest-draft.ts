/**
 * The manifest of an image that is being staged while its contents come: written down path by path as staging passes them, with holes
 * for what is not here yet, so that the check need not walk the image once more. In a file, because the text of 40,000 paths is 6 MB;
 * it has no name, so that nothing is left of it whatever happens.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { manifestHeader, manifestLine } from '../core/manifest';
import type { Blobs } from './blobs';
import { withBuffer } from './buffers';
import { contentAtHand, contentOf, type ImagePath } from './image';
import { breathe, isOutOfBreath, stopIfAsked } from './pace';

/** What is written at once. Bytes. */
const PIECE = 64 << 10;

export class ManifestDraft {
  readonly #descriptor: number;
  /** Behind what is in the file. */
  #waiting = manifestHeader();
  /** In the file, in bytes. */
  #written = 0;
  readonly #holes: { at: number; item: ImagePath }[] = [];
  readonly #recordsGone: number;
  #isOpen = true;

  /** file: a name of a moment. Throws what open(2) throws. */
  constructor(
    file: string,
    private readonly blobs: Blobs,
  ) {
    this.#recordsGone = blobs.recordsGone;
    this.#descriptor = openSync(file, 'wx+', 0o600);
    unlinkSync(file);
  }

  /** The next path, in the order of walkLists. Throws 'bad-data' as manifestLine does. */
  add(item: ImagePath): void {
    // A blob's record is believed, for it is looked at when it is placed.
    const content = contentAtHand(item, this.blobs, true);
    if (content === undefined) this.#holes.push({ at: this.#written + this.#waiting.length, item });
    else this.#waiting += manifestLine(item.path, item.full, content);
    if (this.#waiting.length >= PIECE) this.#write();
  }

  #write(): void {
    const bytes = Buffer.from(this.#waiting, 'latin1');
    this.#waiting = '';
    try {
      for (let at = 0; at < bytes.length && this.#isOpen; )
        at += writeSync(this.#descriptor, bytes, at, undefined, this.#written + at);
    } catch {
      // It only saves work: what room the disk has is for the image.
      this.close();
    }
    this.#written += bytes.length;
  }

  /**
   * Its SHA-256, now that all contents are here; null where only a walk can tell: it was closed, or a blob has been found damaged
   * meanwhile, perhaps one that is told here. Throws 'damaged' where a content is not here, 'stopped'.
   */
  async finish(signal?: AbortSignal): Promise<string | null> {
    this.#write();
    const hash = createHash('sha256');
    let at = 0;
    const hashUntil = async (end: number, buffer: Buffer): Promise<void> => {
      while (at < end) {
        if (isOutOfBreath()) await breathe();
        stopIfAsked(signal);
        // Closed, its number may be another file's.
        if (!this.#isOpen) return;
        const bytes = readSync(this.#descriptor, buffer, 0, Math.min(buffer.length, end - at), at);
        if (bytes === 0) return this.close();
        hash.update(buffer.subarray(0, bytes));
        at += bytes;
      }
    };
    await withBuffer(async buffer => {
      for (const { at: hole, item } of this.#holes) {
        await hashUntil(hole, buffer);
        hash.update(manifestLine(item.path, item.full, await contentOf(item, this.blobs, true)), 'latin1');
      }
      await hashUntil(this.#written, buffer);
    });
    return this.#isOpen && this.blobs.recordsGone === this.#recordsGone ? hash.digest('hex') : null;
  }

  /** Harmless when it is closed already. */
  close(): void {
    if (this.#isOpen) closeSync(this.#descriptor);
    this.#isOpen = false;
  }
}
