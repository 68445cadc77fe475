/**
 * Sticks and disks that are plugged in and hold exported images, as they come and go. Only while somebody watches: the
 * list of mounts is read again and again, which takes a hundredth of a millisecond; node has no way to wait for POLLPRI on it.
 */
import { readFileSync } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock, Timer } from '../neighbours/clock';
import { cleanText } from '../neighbours/txt';
import { IMAGES_FILE } from '../transfer/export-layout';

export interface Plugged {
  /** Absolute path of the folder that `export` wrote. */
  folder: string;
  /** What the stick is called, cleaned for display. */
  label: string;
}

export interface MediaIo {
  clock: Clock;
  /** The text of /proc/self/mountinfo. */
  mounts?(): string;
  onPlugged(media: Plugged): void;
  onPulled(folder: string): void;
}

/** Where desktops and people mount what they plug in. */
const PLACES = /^\/(?:media|run\/media|mnt)(?:\/|$)/;
/** Whether what is there was plugged in, by where it is. path: absolute, without `..`. */
export function isMediaPlace(path: string): boolean {
  return PLACES.test(path);
}

/** Looking into these could wait for a machine elsewhere, or mount it. */
const ELSEWHERE = /^(?:autofs|nfs4?|cifs|smb3|9p|ceph|fuse\.sshfs)$/;
const LOOK_MS = 2_000;
/** Looks between two into sticks that have not changed: somebody may export to one. */
const PATIENCE = 10;
/** Mounts, and folders on each, that are looked into. */
const MAX_MOUNTS = 16;
const MAX_FOLDERS = 256;

export class Media {
  readonly #io: MediaIo;
  readonly #plugged = new Map<string, Plugged>();
  #timer: Timer | null = null;
  /** Another for each watch(); null: nobody watches. */
  #watch: object | null = null;
  #before = '';
  #unchanged = 0;

  constructor(io: MediaIo) {
    this.#io = io;
  }

  watch(): void {
    if (this.#watch) return;
    this.#watch = {};
    this.#before = '';
    void this.#look(this.#watch);
  }

  /** Forgets what is plugged in, and tells nobody. */
  unwatch(): void {
    this.#watch = null;
    this.#timer?.cancel();
    this.#plugged.clear();
  }

  async #look(watch: object): Promise<void> {
    const mounts = removable((this.#io.mounts ?? readMounts)());
    const now = mounts.join('\n');
    if (now !== this.#before || ++this.#unchanged >= PATIENCE) {
      this.#before = now;
      this.#unchanged = 0;
      const found = (await Promise.all(mounts.map(exportsOn))).flat();
      if (this.#watch !== watch) return;
      this.#tell(new Map(found.map(media => [media.folder, media])));
    }
    this.#timer = this.#io.clock.after(LOOK_MS, () => void this.#look(watch));
  }

  #tell(found: ReadonlyMap<string, Plugged>): void {
    for (const folder of this.#plugged.keys()) {
      if (found.has(folder)) continue;
      this.#plugged.delete(folder);
      this.#io.onPulled(folder);
    }
    for (const [folder, media] of found) {
      if (this.#plugged.has(folder)) continue;
      this.#plugged.set(folder, media);
      this.#io.onPlugged(media);
    }
  }
}

function readMounts(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    // Without /proc nothing can be said about sticks; they can still be named by their folder.
    return '';
  }
}

/** Mount points in a mountinfo text (proc(5)) where something removable may be. */
export function removable(mountinfo: string): string[] {
  const found: string[] = [];
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const escaped = before.split(' ')[4] ?? '';
    // Blanks and the like are \ooo, one for each byte.
    const path = escaped.replace(/\\([0-7]{3})/g, (_all, code: string) =>
      String.fromCharCode(Number.parseInt(code, 8)),
    );
    const type = after.split(' ')[0] ?? '';
    // A name that is no UTF-8 has lost bytes by now, and cannot be opened.
    if (PLACES.test(path) && !ELSEWHERE.test(type) && !path.includes('\uFFFD')) found.push(path);
  }
  return [...new Set(found)].slice(0, MAX_MOUNTS);
}

/** The folders that `export` wrote: the stick itself, and those directly on it. */
async function exportsOn(mount: string): Promise<Plugged[]> {
  const entries = await readdir(mount, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter(entry => entry.isDirectory()).map(({ name }) => join(mount, name));
  const found: Plugged[] = [];
  for (const folder of [mount, ...folders.sort().slice(0, MAX_FOLDERS)]) {
    const holds = await access(join(folder, IMAGES_FILE)).then(
      () => true,
      () => false,
    );
    if (holds) found.push({ folder, label: cleanText(basename(mount)) });
  }
  return found;
}
