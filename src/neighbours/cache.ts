/** Records heard on one link, for as long as they hold (RFC 6762 §5.2, §10). Pure. */
import type { Clock, Random } from './clock';
import { type RecordOf, type RecordType, type ResourceRecord, recordKey, setKey } from './dns';

/** Shares of a record's life at which it is asked for again, each up to 2 % later by chance. */
const REFRESH = [0.8, 0.85, 0.9, 0.95];
const JITTER = 0.02;
/** A record that is doubted lives this much longer, and is asked for at these times (§10.4), in ms. */
const DOUBT = 10_000;
const DOUBT_QUERIES = [0, 1000, 3000, 7000];
/**
 * Passive observation of failures (§10.5): what others asked for so often without an answer, each time at least a
 * second after the last (sooner its owner must not answer again), ends ten seconds later. The RFC wants two questions or
 * more: three, because on a busy radio one answer in five may be missed here that others hear.
 */
const UNANSWERED = 3;
const UNANSWERED_GAP = 1500;
/** What is due within so many ms is asked for at once: 2 % of the life of the records that live shortest. */
const TOGETHER = 2400;
/** Another's question takes the place of our own in the next so many ms. */
const SERVED = 1000;
/** What is said goodbye to, or flushed, lives one second longer (§10.1, §10.2). */
const LAST_SECOND = 1000;
/** No claim is believed for longer than the longest TTL that RFC 6762 recommends, in seconds. */
const MAX_TTL = 4500;

export interface Entry<T extends RecordType = RecordType> {
  record: RecordOf<T>;
  /** When it was last known from its owner, when it last came in a packet, and when it ends (ms of the clock). */
  heard: number;
  arrived: number;
  expires: number;
  /** Taken back by its owner: it only lives out its last second. */
  over: boolean;
  /** Times at which to ask for it again, soonest first. */
  refresh: number[];
  /** When others asked for it since it was heard last. */
  asked: number[];
}

export class Cache {
  readonly #sets = new Map<string, Map<string, Entry>>();

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
    /** How many records one set may hold. */
    private readonly limit: (record: ResourceRecord) => number,
  ) {}

  /** By which shares of their life records are asked for later than others. */
  lateness(): number[] {
    return REFRESH.map(() => JITTER * this.random());
  }

  /** Takes in records of one message. */
  add(records: readonly ResourceRecord[], late: readonly number[] = this.lateness()): void {
    const now = this.clock.now();
    for (const record of records) {
      const set = this.#sets.get(setKey(record)) ?? new Map<string, Entry>();
      if (record.flush) this.#flush(set, now);
      const key = recordKey(record);
      const entry = set.get(key);
      if (record.ttl === 0) {
        if (entry) this.#takeBack(entry, now);
        continue;
      }
      if (!entry && set.size >= this.limit(record)) {
        // Many may share a set, and who came first stays; but the owner of a unique one knows better than before.
        if (!record.flush) continue;
        set.delete(set.keys().next().value ?? '');
      }
      // Last heard, last in the set.
      set.delete(key);
      set.set(key, this.#entry(record, now, late));
      this.#sets.set(setKey(record), set);
    }
  }

  #entry(record: ResourceRecord, now: number, late: readonly number[]): Entry {
    const life = Math.min(record.ttl, MAX_TTL) * 1000;
    const refresh = REFRESH.map((share, i) => now + life * (share + late[i]!));
    return { record, heard: now, arrived: now, expires: now + life, over: false, refresh, asked: [] };
  }

  /** The whole set is in this message: what was heard more than a second ago and is not in it ends. */
  #flush(set: Map<string, Entry>, now: number): void {
    for (const entry of set.values()) if (now - entry.arrived > LAST_SECOND) this.#takeBack(entry, now);
  }

  #takeBack(entry: Entry, now: number): void {
    entry.over = true;
    this.#end(entry, now + LAST_SECOND);
  }

  #end(entry: Entry, at: number): void {
    entry.expires = Math.min(entry.expires, at);
    entry.refresh = [];
  }

  /** All records of a name and type that hold now, the one heard last at the end. */
  get<T extends RecordType>(name: string, type: T): Entry<T>[] {
    const now = this.clock.now();
    const set = this.#sets.get(setKey({ name, type })) as Map<string, Entry<T>> | undefined;
    return [...(set?.values() ?? [])].filter(entry => entry.expires > now);
  }

  /** What was heard that says the same as `record`, if it holds now. */
  find(record: ResourceRecord): Entry | null {
    const entry = this.#sets.get(setKey(record))?.get(recordKey(record));
    return entry && entry.expires > this.clock.now() ? entry : null;
  }

  /** Its owner was asked elsewhere, and it still is true: it lives as long again as from an answer. */
  renew(record: ResourceRecord): void {
    const entry = this.find(record);
    if (!entry || entry.over) return;
    const { arrived } = entry;
    Object.assign(entry, this.#entry(entry.record, this.clock.now(), this.lateness()), { arrived });
  }

  /** Somebody found it not to be true: it ends in ten seconds unless it is heard again. */
  doubt(record: ResourceRecord): void {
    const now = this.clock.now();
    const entry = this.find(record);
    if (!entry || entry.expires <= now + DOUBT) return;
    entry.expires = now + DOUBT;
    entry.refresh = DOUBT_QUERIES.map(ms => now + ms);
  }

  /**
   * Somebody else asked for it: its owner should answer now, to all. We need not ask as well (§7.3), but for the last time
   * before it ends; nor because nobody answers (§10.5).
   */
  expected(record: ResourceRecord): void {
    const now = this.clock.now();
    const entry = this.find(record);
    if (!entry) return;
    entry.refresh = entry.refresh.filter((time, i, all) => time > now + SERVED || i === all.length - 1);
    if (now - (entry.asked.at(-1) ?? entry.heard) < UNANSWERED_GAP) return;
    entry.asked.push(now);
    if (entry.asked.length >= UNANSWERED) this.#end(entry, now + DOUBT);
  }

  /** Removes what has ended and returns it. */
  expire(): ResourceRecord[] {
    const now = this.clock.now();
    const gone: ResourceRecord[] = [];
    for (const [setName, set] of this.#sets) {
      for (const [key, entry] of set) {
        if (entry.expires > now) continue;
        set.delete(key);
        gone.push(entry.record);
      }
      if (set.size === 0) this.#sets.delete(setName);
    }
    return gone;
  }

  /** Removes a set at once: nobody needs it any more. */
  drop(name: string, type: RecordType): void {
    this.#sets.delete(setKey({ name, type }));
  }

  /**
   * Up to `max` records whose time to be asked for again has come, or comes soon where others' has: in a crowd one packet
   * asks for many. Each is returned once for each such time.
   */
  due(max: number): ResourceRecord[] {
    const now = this.clock.now();
    if (this.next(true) > now) return [];
    const soon = now + TOGETHER;
    const due: ResourceRecord[] = [];
    for (const set of this.#sets.values()) {
      for (const entry of set.values()) {
        if (due.length >= max) return due;
        const planned = entry.refresh[0] ?? Number.POSITIVE_INFINITY;
        if (planned > soon) continue;
        entry.refresh = entry.refresh.filter(time => time > Math.max(now, planned));
        due.push(entry.record);
      }
    }
    return due;
  }

  /** When expire() or (if `refreshing`) due() has something to do next; Infinity if never. */
  next(refreshing: boolean): number {
    let next = Number.POSITIVE_INFINITY;
    for (const set of this.#sets.values()) {
      for (const { expires, refresh } of set.values()) {
        next = Math.min(next, expires, refreshing ? (refresh[0] ?? expires) : expires);
      }
    }
    return next;
  }
}
