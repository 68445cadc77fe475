/** Records heard on one link, for as long as they hold (RFC 6762 §5.2, §10.2). Pure. */
import { Agenda } from './agenda';
import type { Clock, Random } from './clock';
import type { RecordType, ResourceRecord } from './dns';
import { Entry, type Lateness, lateness } from './entry';
import { dataKey, nameKey } from './keys';
import { foldCase } from './names';

export type { Entry } from './entry';

/**
 * What would be asked for within so many ms is asked for at once where something is, if 80 % of its life are over: 2 % of the
 * life of the records that live shortest.
 */
const TOGETHER = 2400;
/** What was heard within so many ms before a whole set belongs to it, too (§10.2). */
const SAME_SET = 1000;

/** By the key of its data; the one heard last at the end. */
type RecordSet = Map<string, Entry>;

export class Cache {
  /** By type and folded name. */
  readonly #sets: Record<RecordType, Map<string, RecordSet>> = {
    A: new Map(),
    AAAA: new Map(),
    PTR: new Map(),
    SRV: new Map(),
    TXT: new Map(),
    NSEC: new Map(),
  };
  readonly #byEnd = new Agenda<Entry>({
    get: entry => entry.placeByEnd,
    set: (entry, place) => {
      entry.placeByEnd = place;
    },
  });
  readonly #byPlan = new Agenda<Entry>({
    get: entry => entry.placeByPlan,
    set: (entry, place) => {
      entry.placeByPlan = place;
    },
  });

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
    /** How many records one set may hold. */
    private readonly limit: (record: ResourceRecord) => number,
  ) {}

  /** For records that came together, so that they are asked for together. */
  lateness(): Lateness {
    return lateness(this.random);
  }

  /** Takes in records of one message. */
  add(records: readonly ResourceRecord[], late = this.lateness()): void {
    const now = this.clock.now();
    for (const record of records) {
      const set: RecordSet = this.#setOf(record) ?? new Map();
      if (record.flush) this.#flush(set, now);
      const key = dataKey(record);
      const known = set.get(key);
      if (record.ttl === 0) {
        if (known) this.#takeBack(known, now);
        continue;
      }
      if (!known && set.size >= this.limit(record)) {
        // Many may share a set, and who came first stays; but the owner of a unique one knows better than before.
        if (!record.flush) continue;
        this.#unplan(set.values().next().value);
        set.delete(set.keys().next().value ?? '');
      }
      known?.hear(record, now, late);
      const entry = known ?? new Entry(record, now, late);
      // Last heard, last in the set.
      if (known && set.size > 1) set.delete(key);
      set.set(key, entry);
      if (!known) this.#sets[record.type].set(nameKey(record), set);
      this.#plan(entry);
    }
  }

  #setOf(record: ResourceRecord): RecordSet | undefined {
    return this.#sets[record.type].get(nameKey(record));
  }

  /** The whole set is in this message: what was heard more than a second ago and is not in it ends. */
  #flush(set: RecordSet, now: number): void {
    for (const entry of set.values()) if (now - entry.arrived > SAME_SET) this.#takeBack(entry, now);
  }

  #takeBack(entry: Entry, now: number): void {
    entry.takeBack(now);
    this.#plan(entry);
  }

  #plan(entry: Entry): void {
    this.#byEnd.put(entry, entry.expires);
    this.#byPlan.put(entry, entry.planned);
  }

  #unplan(entry: Entry | undefined): void {
    if (!entry) return;
    this.#byEnd.remove(entry);
    this.#byPlan.remove(entry);
  }

  /** All records of a name and type that hold now, the one heard last at the end. */
  get<T extends RecordType>(name: string, type: T): Entry<T>[] {
    const now = this.clock.now();
    const held: Entry<T>[] = [];
    for (const entry of this.#named(name, type)) if (entry.expires > now) held.push(entry);
    return held;
  }

  /** The record of a name and type that was heard last, if one holds now. */
  last<T extends RecordType>(name: string, type: T): Entry<T> | null {
    const now = this.clock.now();
    let last: Entry<T> | null = null;
    for (const entry of this.#named(name, type)) if (entry.expires > now) last = entry;
    return last;
  }

  #named<T extends RecordType>(name: string, type: T): Iterable<Entry<T>> {
    const set = this.#sets[type].get(foldCase(name)) as Map<string, Entry<T>> | undefined;
    return set?.values() ?? [];
  }

  /** What was heard that says the same as `record`, if it holds now. */
  find(record: ResourceRecord): Entry | null {
    return this.findBy(record.type, nameKey(record), dataKey(record));
  }

  /** The same by its keys (keys.ts). */
  findBy<T extends RecordType>(type: T, name: string, data: string): Entry<T> | null {
    const entry = this.#sets[type].get(name)?.get(data) as Entry<T> | undefined;
    return entry && entry.expires > this.clock.now() ? entry : null;
  }

  /** Its owner was asked elsewhere, and it still is true: it lives as long again as from an answer. */
  renew(record: ResourceRecord, late = this.lateness()): void {
    const entry = this.find(record);
    if (!entry || entry.over) return;
    entry.renew(this.clock.now(), late);
    this.#plan(entry);
  }

  /** Somebody found it not to be true: it ends in ten seconds unless it is heard again. */
  doubt(record: ResourceRecord): void {
    const entry = this.find(record);
    if (!entry) return;
    entry.doubt(this.clock.now());
    this.#plan(entry);
  }

  /** What it is about does not answer: it ends in ten seconds unless it is heard again, and need not be asked for. */
  giveUp(record: ResourceRecord): void {
    const entry = this.find(record);
    if (!entry) return;
    entry.giveUp(this.clock.now());
    this.#plan(entry);
  }

  /** Somebody else asked for what it comes with: we need not ask as well. */
  leave(record: ResourceRecord): void {
    const entry = this.find(record);
    if (!entry) return;
    entry.leave(this.clock.now());
    this.#plan(entry);
  }

  /**
   * Somebody else asked for it: its owner should answer now, to all. We need not ask as well (§7.3), but for the last time
   * before it ends; nor because nobody answers (§10.5).
   */
  expected(record: ResourceRecord): void {
    const entry = this.find(record);
    if (!entry) return;
    entry.expect(this.clock.now());
    this.#plan(entry);
  }

  /** Removes what has ended and returns it. */
  expire(): ResourceRecord[] {
    const ended = this.#byEnd.until(this.clock.now());
    for (const entry of ended) {
      const { record } = entry;
      const set = this.#setOf(record);
      set?.delete(dataKey(record));
      if (set?.size === 0) this.#sets[record.type].delete(nameKey(record));
      this.#unplan(entry);
    }
    return ended.map(({ record }) => record);
  }

  /** Removes a set at once: nobody needs it any more. */
  drop(name: string, type: RecordType): void {
    const key = foldCase(name);
    for (const entry of this.#sets[type].get(key)?.values() ?? []) this.#unplan(entry);
    this.#sets[type].delete(key);
  }

  /**
   * Up to `max` records whose time to be asked for again has come, and such as may be asked for where others' has: in a crowd
   * one packet asks for many. Each is returned once for each such time.
   */
  due(max: number): ResourceRecord[] {
    const now = this.clock.now();
    if (this.#byPlan.next > now) return [];
    const together = this.#byPlan.until(now + TOGETHER).filter(({ opens }) => opens <= now);
    const due = together.slice(0, max);
    for (const entry of due) {
      entry.ask(now);
      this.#plan(entry);
    }
    return due.map(({ record }) => record);
  }

  /** When expire() or (if `refreshing`) due() has something to do next; Infinity if never. */
  next(refreshing: boolean): number {
    return refreshing ? Math.min(this.#byEnd.next, this.#byPlan.next) : this.#byEnd.next;
  }
}
