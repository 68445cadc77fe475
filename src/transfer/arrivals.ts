/**
 * What a laptop has of the image that it is fetching, told to classmates who fetch it too: `GET /images/COMMIT/have`. A log
 * that only grows, so that who asks again is told what is new and no more; each blob by the first four bytes of its oid,
 * which says enough (one that is not there after all costs one line of a request). And what it has asked for where the whole
 * image is, so that classmates ask for something else there.
 */
import { randomInt } from 'node:crypto';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';

const PREFIX_BYTES = 4;
/** Which log it is, where in it the answer begins, how many blobs of it follow, and which list of those that are coming, which then follows. */
const HEAD_BYTES = 16;
/** News that come one after the other are told together; at once, where no more are coming. */
const GATHER_MS = 1_000;
const LAST_MS = 50;
/** What classmates gave others can have from them as well: that is told with other news, or so much later. */
const SECOND_HAND_MS = 10_000;
const MOST_COMING = 4096;
/** As many paths as an image may have. */
const MOST = 1_000_000;
export const MAX_HAVE_BYTES = HEAD_BYTES + (MOST + MOST_COMING) * PREFIX_BYTES;

/** What an asker has been told: of which log how many, and which list of what is coming. */
export interface Known {
  log: number;
  count: number;
  list: number;
}

/** Of one who has been told nothing yet. */
export const NOTHING_KNOWN: Known = { log: 0, count: 0, list: 0 };

/** The giving side. */
export class Arrivals {
  readonly id = randomInt(1, 2 ** 32);
  private log = Buffer.alloc(1024);
  private count = 0;
  private readonly coming = new Set<readonly Oid[]>();
  /** Counts the changes of that. */
  private list = 1;
  /** Who knows less than this misses what only this laptop has, or has asked for. */
  private firstHand = { count: 0, list: 0 };
  /** Those who wait for news. */
  private readonly waiting = new Set<Waiting>();

  constructor(readonly commit: Oid) {}

  /** These have been asked for where the whole image is; the answer is to be called when they have come, or will not. */
  expect(oids: readonly Oid[]): () => void {
    this.coming.add(oids);
    this.firstHand.list = ++this.list;
    this.tell();
    return () => {
      this.coming.delete(oids);
      this.list++;
      this.tell();
    };
  }

  /** isFirstHand: not from a classmate. */
  add(oid: Oid, isFirstHand = true): void {
    if (this.count === MOST) return;
    const at = this.count * PREFIX_BYTES;
    if (at === this.log.length) this.log = Buffer.concat([this.log], this.log.length * 2);
    this.log.writeUInt32BE(prefix(oid), at);
    this.count++;
    if (isFirstHand) this.firstHand.count = this.count;
    this.tell();
  }

  /**
   * Resolves when there is something worth telling one who knows this; after so many ms at the latest, or when `gone` fires. Who knows
   * nothing yet is told at once.
   */
  news(known: Known, ms: number, gone: AbortSignal): Promise<void> {
    if (known.log !== this.id || !(ms > 0) || gone.aborted) return Promise.resolve();
    return new Promise(resolve => {
      const waiting = new Waiting(known, () => {
        gone.removeEventListener('abort', waiting.end);
        this.waiting.delete(waiting);
        resolve();
      });
      gone.addEventListener('abort', waiting.end);
      this.waiting.add(waiting);
      waiting.endWithin(ms);
      this.tell();
    });
  }

  /** Those who wait for it will be told what is new to them. */
  private tell(): void {
    for (const waiting of this.waiting) {
      const { count, list } = waiting.known;
      if (count < this.firstHand.count || list < this.firstHand.list) {
        waiting.endWithin(this.coming.size > 0 ? GATHER_MS : LAST_MS);
      } else if (count < this.count || list < this.list) waiting.endWithin(SECOND_HAND_MS);
    }
  }

  /** What came after that, and what is coming where that has changed; all where the asker knows another log. */
  since(known: Known): Buffer {
    const isThis = known.log === this.id && known.count <= this.count;
    const from = isThis ? known.count : 0;
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32BE(this.id, 0);
    head.writeUInt32BE(from, 4);
    head.writeUInt32BE(this.count - from, 8);
    head.writeUInt32BE(this.list, 12);
    const isNew = !isThis || known.list !== this.list;
    const coming = isNew ? [...this.coming].flat().slice(0, MOST_COMING) : [];
    const expected = Buffer.alloc(coming.length * PREFIX_BYTES);
    for (const [at, oid] of coming.entries()) expected.writeUInt32BE(prefix(oid), at * PREFIX_BYTES);
    return Buffer.concat([head, this.log.subarray(from * PREFIX_BYTES, this.count * PREFIX_BYTES), expected]);
  }
}

/** One who waits for news. */
class Waiting {
  private timer: NodeJS.Timeout | undefined;
  /** When it is told, in ms. */
  private due = Number.POSITIVE_INFINITY;

  constructor(
    readonly known: Known,
    private readonly onEnd: () => void,
  ) {}

  readonly end = () => {
    clearTimeout(this.timer);
    this.onEnd();
  };

  /** In so many ms, unless it is told sooner anyway. */
  endWithin(ms: number): void {
    const due = performance.now() + ms;
    if (due >= this.due) return;
    clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(this.end, ms);
  }
}

/** The asking side: what one classmate has said so far. */
export class Heard implements Known {
  /** To be told when it is asked again. */
  log = 0;
  count = 0;
  list = 0;
  private readonly prefixes = new Set<number>();
  private coming: ReadonlySet<number> = new Set();

  /** It has it, or will soon. */
  expects(oid: Oid): boolean {
    return this.expectsPrefix(prefix(oid));
  }

  /** The same, for who asks many: see `prefix`. */
  expectsPrefix(begins: number): boolean {
    return this.coming.has(begins) || this.prefixes.has(begins);
  }

  has(oid: Oid): boolean {
    return this.prefixes.has(prefix(oid));
  }

  /** As long as it does not answer, nothing that it said is believed. */
  forget(): void {
    this.log = this.count = this.list = 0;
    this.prefixes.clear();
    this.coming = new Set();
  }

  /** It has said something, if only that it has nothing yet. */
  get isTelling(): boolean {
    return this.log !== 0;
  }

  /** What it said that it would have has come. */
  get isQuiet(): boolean {
    return this.count > 0 && this.coming.size === 0;
  }

  /** True when there was something new. @throws PassItOnError 'source-lied' */
  learn(answer: Buffer): boolean {
    const words = Array.from({ length: Math.floor(answer.length / PREFIX_BYTES) }, (_, i) =>
      answer.readUInt32BE(i * 4),
    );
    const [log = 0, from = 0, count = 0, list = 0, ...blobs] = words;
    const follows = log === this.log ? from === this.count : from === 0;
    const fits = answer.length >= HEAD_BYTES && answer.length % PREFIX_BYTES === 0 && count <= blobs.length;
    if (!fits || !follows || from + count > MOST || blobs.length - count > MOST_COMING) {
      throw new PassItOnError('source-lied', 'A laptop sent something that is no list.', 'Try another laptop.');
    }
    // After a restart it may have less than it had.
    if (log !== this.log) this.prefixes.clear();
    if (log !== this.log || list !== this.list) this.coming = new Set(blobs.slice(count));
    for (const blob of blobs.slice(0, count)) this.prefixes.add(blob);
    this.log = log;
    this.list = list;
    this.count = from + count;
    return count > 0;
  }
}

/** What tells one blob from another here. */
export function prefix(oid: Oid): number {
  return Number.parseInt(oid.slice(0, 2 * PREFIX_BYTES), 16);
}
