/**
 * The life of our announcement on one link: probe, announce twice, answer, defend, goodbye (RFC 6762 §8–§10).
 * Pure: time, chance and sending come from outside.
 */
import { Answering, type Endpoint, MDNS_PORT, type Send } from './answering';
import { between, type Clock, type Random, type Timer } from './clock';
import { type Message, message, type ResourceRecord } from './dns';
import { nameKey, recordKey, setKey } from './keys';
import { foldCase } from './names';
import { changedSets, compareSets, OTHER_TTL, SERVICE, SERVICE_TYPES } from './records';

const PROBES = 3;
const PROBE_INTERVAL = 250;
const ANNOUNCE_INTERVAL = 1000;
/** Whoever loses a tie-break tries again after this time (§8.2). */
const DEFER = 1000;
/** After so many conflicts in ten seconds, five seconds pass before the next probe (§8.1). */
const MANY_CONFLICTS = 15;
const CONFLICT_WINDOW = 10_000;
const CONFLICT_PAUSE = 5000;

/** Every laptop with an image answers for the service type itself; nobody announces it. */
const SERVICE_TYPE: ResourceRecord = { name: SERVICE_TYPES, type: 'PTR', ttl: OTHER_TTL, flush: false, data: SERVICE };

export interface ResponderIo {
  clock: Clock;
  random: Random;
  send: Send;
  /** True for what we say ourselves, here or on another interface: our own packets come back. */
  isOurs(record: ResourceRecord): boolean;
  /** Another host holds this name: call start() with a new one. */
  onTaken(name: string): void;
}

export class Responder {
  #state: 'silent' | 'probing' | 'announced' = 'silent';
  #records: readonly ResourceRecord[] = [];
  /** What others may know from us: announced, and neither taken back nor disputed. Probing anew does not end it. */
  #known: readonly ResourceRecord[] = [];
  readonly #answering: Answering;
  #timer: Timer | null = null;
  /** What the next announcements hold, how often still, and when the last one was. */
  #news: readonly ResourceRecord[] = [];
  #repeats = 0;
  #announcedAt = Number.NEGATIVE_INFINITY;
  #conflicts: number[] = [];

  constructor(private readonly io: ResponderIo) {
    this.#answering = new Answering(io.clock, io.random, io.send);
  }

  /** True once the names are ours and announced. */
  get announced(): boolean {
    return this.#state === 'announced';
  }

  /** Claims the names of these records; says goodbye to those announced before under other names. */
  start(records: readonly ResourceRecord[]): void {
    const names = new Set(records.map(({ name, type, data }) => (type === 'PTR' ? data : name)));
    this.#goodbye(this.#known.filter(({ name, type, data }) => !names.has(type === 'PTR' ? data : name)));
    this.#records = records;
    this.#probe(between(this.io.random, 0, PROBE_INTERVAL));
  }

  /** The same names say something new; nothing is probed again. */
  update(records: readonly ResourceRecord[]): void {
    const before = this.#records;
    const sets = new Set(records.map(setKey));
    const ended = before.filter(record => !sets.has(setKey(record)));
    const changed = changedSets(before, records);
    if (ended.length === 0 && changed.length === 0) return;
    this.#records = records;
    if (this.#state !== 'announced') return;
    this.#goodbye(ended);
    this.#answering.use([...records, SERVICE_TYPE]);
    this.#known = records;
    if (changed.length === 0) return;
    const outstanding = this.#repeats > 0 ? new Set(this.#news.map(setKey)) : new Set<string>();
    this.#announce(records.filter(record => changed.includes(record) || outstanding.has(setKey(record))));
  }

  /** Goodbye, then silence. */
  stop(): void {
    this.#goodbye(this.#known);
    this.abandon();
  }

  /** Silence without a goodbye: the link is gone. */
  abandon(): void {
    this.#state = 'silent';
    this.#timer?.cancel();
    this.#repeats = 0;
    this.#records = [];
    this.#known = [];
    this.#answering.use([]);
  }

  receive(m: Message, from: Endpoint): void {
    if (this.#state === 'silent') return;
    if (m.kind === 'response') {
      if (from.port === MDNS_PORT) this.#hear([...m.answers, ...m.additionals]);
    } else if (this.#state === 'announced') this.#answering.query(m, from);
    else if (m.authorities.length > 0) this.#breakTie(m);
  }

  #holds(name: string): boolean {
    const key = foldCase(name);
    return this.#records.some(record => record.flush && nameKey(record) === key);
  }

  #probe(delay: number): void {
    this.#state = 'probing';
    this.#repeats = 0;
    this.#answering.use([]);
    this.#timer?.cancel();
    let sent = 0;
    const step = () => {
      if (sent++ === PROBES) {
        this.#state = 'announced';
        this.#known = this.#records;
        this.#answering.use([...this.#records, SERVICE_TYPE]);
        this.#announce(this.#records);
        return;
      }
      const unique = this.#records.filter(record => record.flush);
      const names = [...new Set(unique.map(record => record.name))];
      // No QU bit: next to an avahi-daemon, unicast answers to port 5353 may go to it instead of us.
      const questions = names.map(name => ({ name, type: 'ANY' as const, unicast: false }));
      this.io.send(message('query', { questions, authorities: unique.map(record => ({ ...record, flush: false })) }));
      this.#timer = this.io.clock.after(PROBE_INTERVAL, step);
    };
    this.#timer = this.io.clock.after(delay + this.#pause(), step);
  }

  #pause(): number {
    const since = this.io.clock.now() - CONFLICT_WINDOW;
    this.#conflicts = this.#conflicts.filter(time => time > since);
    return this.#conflicts.length >= MANY_CONFLICTS ? CONFLICT_PAUSE : 0;
  }

  /** Two announcements, a second apart (§8.3), and never two within a second. */
  #announce(records: readonly ResourceRecord[]): void {
    this.#news = records;
    this.#repeats = 2;
    this.#timer?.cancel();
    const step = () => {
      this.#announcedAt = this.io.clock.now();
      this.#answering.sent(this.#news);
      this.io.send(message('response', { answers: this.#news }));
      this.#repeats--;
      if (this.#repeats > 0) this.#timer = this.io.clock.after(ANNOUNCE_INTERVAL, step);
    };
    const wait = this.#announcedAt + ANNOUNCE_INTERVAL - this.io.clock.now();
    if (wait > 0) this.#timer = this.io.clock.after(wait, step);
    else step();
  }

  #goodbye(records: readonly ResourceRecord[]): void {
    if (records.length === 0) return;
    this.#known = this.#known.filter(record => !records.includes(record));
    this.io.send(message('response', { answers: records.map(record => ({ ...record, ttl: 0 })) }));
  }

  /** Somebody else probes for a name while we do (§8.2). */
  #breakTie(probe: Message): void {
    const names = new Set(probe.questions.map(question => foldCase(question.name)));
    for (const name of names) {
      if (!this.#holds(name)) continue;
      const theirs = probe.authorities.filter(record => nameKey(record) === name);
      if (theirs.length === 0 || theirs.every(record => this.io.isOurs(record))) continue;
      const ours = this.#records.filter(record => record.flush && nameKey(record) === name);
      if (compareSets(ours, theirs) < 0) {
        this.#probe(DEFER);
        return;
      }
    }
  }

  #hear(records: readonly ResourceRecord[]): void {
    this.#answering.heard(records);
    const ours = new Map(this.#records.map(record => [recordKey(record), record]));
    const weakened: ResourceRecord[] = [];
    for (const record of records) {
      const mine = ours.get(recordKey(record));
      if (mine) {
        // Somebody says that ours is about to end: put it right (§6.6).
        if (record.ttl < mine.ttl / 2) weakened.push(mine);
      } else if (record.ttl > 0 && this.#disputes(record)) {
        this.#onConflict(record.name);
        return;
      }
    }
    if (this.#state === 'announced' && weakened.length > 0 && this.#repeats === 0) this.#announce(weakened);
  }

  /** While probing, anything under our name is a conflict; later only other data of a type that we have (§9). */
  #disputes(record: ResourceRecord): boolean {
    // NSEC only says what is not there (§6.1), and may be our own words from before.
    if (record.type === 'NSEC' || !this.#holds(record.name) || this.io.isOurs(record)) return false;
    if (this.#state === 'probing') return true;
    const key = setKey(record);
    return this.#records.some(mine => setKey(mine) === key);
  }

  #onConflict(name: string): void {
    this.#conflicts.push(this.io.clock.now());
    // A goodbye to what is another's by now would be that other's.
    this.#known = this.#known.filter(
      record => foldCase(record.type === 'PTR' ? record.data : record.name) !== foldCase(name),
    );
    // Names that were ours are probed for again: whoever probes finds the other and takes a new name.
    if (this.#state === 'announced') this.#probe(0);
    else this.io.onTaken(name);
  }
}
