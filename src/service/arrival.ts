/**
 * What has just become of this laptop: written down when another image becomes the current one, so that after the
 * restart the screen can say what has changed, until somebody has read it.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageCommit } from '../core/commit';
import { parseCommit } from '../core/commit';
import { replaceFile } from '../store/atomic';
import type { HeldImage, Store } from '../store/store';
import type { Status } from './contract';
import { logError } from './log';

const FILE = 'arrived.json';

type Note = NonNullable<Status['arrived']> & { commit: string };

export class Arrival {
  private note: Note | null = null;

  constructor(private readonly store: Store) {}

  /** What an earlier service has written down. */
  async recall(): Promise<void> {
    const text = await readFile(join(this.store.dir, FILE), 'utf8').catch(() => null);
    if (text === null) return;
    try {
      const { commit, before, back, releaseNotes } = JSON.parse(text) as Note;
      this.note = { commit, before: String(before), back: back === true, releaseNotes };
    } catch (cause) {
      // It costs nothing but a few words on the screen.
      logError(FILE, cause);
      await this.seen();
    }
  }

  /** null when nothing has changed that was not read, or another image is in use by now. */
  get news(): Status['arrived'] {
    if (!this.note || this.note.commit !== this.store.state.current?.commit) return null;
    const { before, back, releaseNotes } = this.note;
    return { before, back, releaseNotes };
  }

  /** The current image is another one than `before`; back: as it was before that. */
  async became(before: HeldImage | null, back: boolean): Promise<void> {
    const { current } = this.store.state;
    if (!current || !before || before.commit === current.commit) return;
    const { releaseNotes = null } = this.commit(current.commit) ?? {};
    this.note = { commit: current.commit, before: before.version, back, releaseNotes };
    await replaceFile(
      join(this.store.dir, FILE),
      JSON.stringify(this.note),
      join(this.store.dir, 'partial'),
      0o600,
    ).catch(
      // A full disk, say: the image is in use all the same.
      cause => logError(FILE, cause),
    );
  }

  async seen(): Promise<void> {
    this.note = null;
    await rm(join(this.store.dir, FILE), { force: true });
  }

  private commit(oid: string): ImageCommit | null {
    const data = this.store.commitData(oid);
    return data && parseCommit(data);
  }
}
