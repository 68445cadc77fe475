/**
 * Who is near on one link: listens always, asks while somebody watches, and puts sightings together from the records
 * heard (RFC 6762 §5.2, §7, §10; RFC 6763 §4). Pure: time, chance and sending come from outside.
 */
import { type Endpoint, MDNS_PORT, type Send } from './answering';
import { Cache, type Entry } from './cache';
import { between, type Clock, type Random, type Timer } from './clock';
import { type Message, type Question, type RecordOf, type RecordType, type ResourceRecord, recordKey } from './dns';
import { foldCase, labelsOf } from './names';
import { Origins } from './origins';
import { Overheard } from './overheard';
import { browseQuery, directQueries } from './queries';
import { HOST_TTL, OTHER_TTL, SERVICE } from './records';
import { type Claims, parseTxt } from './txt';

/** A neighbour as one link shows it. */
export interface LinkSighting {
  /** Instance label. */
  instance: string;
  /** Name of its host, folded: tells our own announcements from others'. */
  host: string;
  claims: Claims;
  port: number;
  /** On this link, IPv4 first; IPv6 with its zone. */
  addresses: string[];
  /** Clock time of the last record heard. */
  heard: number;
}

export interface BrowserIo {
  clock: Clock;
  random: Random;
  send: Send;
  /** Our own PTR while announced: told as a known answer, so that we do not answer ourselves. */
  ownAnswer(): ResourceRecord | null;
  /** An address as it can be asked at from here (with its zone), or null if it is not on this link. */
  reachable(address: string): string | null;
  /** This instance may have appeared, changed or gone (`key` as for sighting()). */
  onChange(key: string): void;
}

/** Neighbours on one link; further ones are not taken in. */
export const MAX_NEIGHBOURS = 1000;
const MAX_ADDRESSES = 4;
/** SRV or TXT records of one instance: one, or two while it changes. */
const SMALL_SET = 2;
/** Bytes of a TXT record that are taken in. */
const MAX_TEXT = 1300;
/** The second question comes a second after the first, then twice as long each time, at most an hour (§5.2). */
const FIRST_INTERVAL = 1000;
const LONGEST_INTERVAL = 3_600_000;
/** Hints from others make us ask at most so often, in ms. */
const HINT_INTERVAL = 10_000;
/** Direct questions in one second, so that a flood of names cannot make us flood. */
const MAX_QUESTIONS = 60;
const TICK = 1000;

/** Missing records of an instance: when to ask next, and how long to wait after that. */
interface Missing {
  at: number;
  pause: number;
}

export class Browser {
  readonly #cache: Cache;
  /** Instances by the folded name of the host that their SRV names. */
  readonly #users = new Map<string, Set<string>>();
  readonly #missing = new Map<string, Missing>();
  readonly #origins = new Origins();
  readonly #overheard = new Overheard();
  #state: 'listening' | 'watching' | 'closed' = 'listening';
  #interval = FIRST_INTERVAL;
  #browsedAt = 0;
  #browseTimer: Timer | null = null;
  #askTimer: Timer | null = null;
  #againTimer: Timer | null = null;
  #askNotBefore = 0;
  /** The next questions include the one for everybody. */
  #askForAll = false;
  #sweepTimer: Timer | null = null;
  #sweepAt = Number.POSITIVE_INFINITY;

  constructor(private readonly io: BrowserIo) {
    const limit = ({ type }: ResourceRecord) => {
      if (type === 'PTR') return MAX_NEIGHBOURS;
      return type === 'A' || type === 'AAAA' ? MAX_ADDRESSES : SMALL_SET;
    };
    this.#cache = new Cache(io.clock, io.random, limit);
  }

  /** Asks, and keeps asking ever more rarely, until unwatch(). */
  watch(): void {
    if (this.#state !== 'listening') return;
    this.#state = 'watching';
    this.#interval = FIRST_INTERVAL;
    this.#browsedAt = this.io.clock.now();
    this.#browseTimer = this.io.clock.after(between(this.io.random, 20, 120), () => this.#browse());
    for (const key of this.keys()) this.#resolve(key);
    this.#sweepWithin(TICK);
  }

  unwatch(): void {
    if (this.#state === 'watching') this.#state = 'listening';
    this.#browseTimer?.cancel();
    this.#againTimer?.cancel();
    this.#askTimer?.cancel();
    this.#askTimer = null;
    this.#askForAll = false;
    this.#overheard.forget();
    this.#missing.clear();
  }

  close(): void {
    this.unwatch();
    this.#state = 'closed';
    this.#sweepTimer?.cancel();
  }

  /** Somebody could not reach it: unless it answers now, it is gone in ten seconds (§10.4). */
  doubt(key: string): void {
    for (const { record } of this.#cache.get(key, 'SRV')) {
      this.#cache.doubt(record);
      for (const { record: address } of this.#addresses(record.data.target)) this.#cache.doubt(address);
    }
    this.#ask();
    this.#sweepWithin(TICK);
  }

  /** It said itself, elsewhere than here, that all it announces is still so. */
  vouch(key: string): void {
    const pointer = this.#pointer(key);
    const service = this.#cache.get(key, 'SRV').at(-1);
    const text = this.#cache.get(key, 'TXT').at(-1);
    const addresses = service ? this.#addresses(service.record.data.target) : [];
    for (const entry of [pointer, service, text, ...addresses]) if (entry) this.#cache.renew(entry.record);
  }

  /** Somebody is known to be there who is not heard of here: everybody is asked for once more, soon but not often. */
  askAgain(): void {
    if (this.#state !== 'watching') return;
    const wait = Math.max(0, HINT_INTERVAL - (this.io.clock.now() - this.#browsedAt));
    this.#againTimer?.cancel();
    this.#againTimer = this.io.clock.after(wait, () => this.#askForEverybody());
  }

  /** The keys of all instances heard of, complete or not. */
  keys(): string[] {
    return this.#cache.get(SERVICE, 'PTR').map(({ record }) => foldCase(record.data));
  }

  /** What is known of an instance; null while it is incomplete, makes no sense, or is not on this link. */
  sighting(key: string): LinkSighting | null {
    const pointer = this.#pointer(key);
    const service = this.#cache.get(key, 'SRV').at(-1);
    const text = this.#cache.get(key, 'TXT').at(-1);
    if (!pointer || !service || !text || service.record.data.port === 0) return null;
    const claims = parseTxt(text.record.data);
    const { port, target } = service.record.data;
    const entries = this.#addresses(target);
    const addresses = entries.map(({ record }) => this.io.reachable(record.data)).filter(address => address !== null);
    if (!claims || addresses.length === 0) return null;
    const heard = Math.max(...[pointer, service, text, ...entries].map(entry => entry.heard));
    const instance = labelsOf(pointer.record.data)[0] ?? '';
    return { instance, host: foldCase(target), claims, port, addresses, heard };
  }

  receive(m: Message, from: Endpoint): void {
    if (this.#state === 'closed' || from.port !== MDNS_PORT) return;
    if (m.kind === 'query') {
      this.#expectAnswers(m);
      this.#hearQuestion(m, from);
      return;
    }
    // Only what leads to a neighbour is kept: PTR of the service, then SRV and TXT of those, then their addresses.
    const records = [...m.answers, ...m.additionals];
    const touched = new Set<string>();
    // One moment for the whole message, so that what came together is asked for together.
    const late = this.#cache.lateness();
    const take = (wanted: (record: ResourceRecord) => boolean, touch: (record: ResourceRecord) => Iterable<string>) => {
      const taken = records.filter(wanted);
      this.#cache.add(taken, late);
      for (const record of taken) for (const key of touch(record)) touched.add(key);
    };
    take(
      record => this.#leadsToOther(record) && this.#admits(record, from),
      record => (record.type === 'PTR' ? [foldCase(record.data)] : []),
    );
    for (const key of touched) if (this.#pointer(key) === null) this.#origins.forget(key);
    take(
      record => (record.type === 'SRV' || isSmallText(record)) && this.#pointer(foldCase(record.name)) !== null,
      record => {
        const key = foldCase(record.name);
        if (record.type === 'SRV' && record.ttl > 0) this.#use(foldCase(record.data.target), key);
        return [key];
      },
    );
    take(
      ({ type, name }) => (type === 'A' || type === 'AAAA') && this.#users.has(foldCase(name)),
      ({ name }) => this.#users.get(foldCase(name)) ?? [],
    );
    for (const key of touched) {
      this.#resolve(key);
      this.io.onChange(key);
    }
    if (touched.size > 0) this.#sweepWithin(TICK);
  }

  /** A pointer to an instance that is not our own. */
  #leadsToOther(record: ResourceRecord): boolean {
    if (record.type !== 'PTR' || foldCase(record.name) !== SERVICE || !isInstance(record.data)) return false;
    const own = this.io.ownAnswer();
    return own === null || recordKey(own) !== recordKey(record);
  }

  #admits(record: ResourceRecord, from: Endpoint): boolean {
    return record.type === 'PTR' && record.ttl > 0
      ? this.#origins.admit(foldCase(record.data), from.address)
      : this.#cache.find(record) !== null;
  }

  #pointer(key: string): Entry<'PTR'> | null {
    const pointer = { name: SERVICE, type: 'PTR' as const, ttl: OTHER_TTL, flush: false, data: key };
    return this.#cache.find(pointer) as Entry<'PTR'> | null;
  }

  #addresses(host: string): (Entry<'A'> | Entry<'AAAA'>)[] {
    return [...this.#cache.get(host, 'A'), ...this.#cache.get(host, 'AAAA')];
  }

  #use(host: string, key: string): void {
    const users = this.#users.get(host) ?? new Set();
    this.#users.set(host, users.add(key));
  }

  /** The instance no longer lives on this host; addresses that nobody needs are forgotten. */
  #leave(host: string, key: string): void {
    if (this.#cache.get(key, 'SRV').some(({ record }) => foldCase(record.data.target) === host)) return;
    const users = this.#users.get(host);
    users?.delete(key);
    if (users?.size !== 0) return;
    this.#users.delete(host);
    this.#cache.drop(host, 'A');
    this.#cache.drop(host, 'AAAA');
  }

  // Asking

  #browse(): void {
    this.#sendBrowse();
    this.#nextBrowse();
  }

  #nextBrowse(): void {
    this.#overheard.forget();
    this.#browsedAt = this.io.clock.now();
    this.#browseTimer?.cancel();
    this.#browseTimer = this.io.clock.after(this.#interval * between(this.io.random, 1, 1.1), () => this.#browse());
    this.#interval = Math.min(this.#interval * 2, LONGEST_INTERVAL);
  }

  /** Known answers are those with more than half their life before them (§7.1) of neighbours that are complete. */
  #known(): RecordOf<'PTR'>[] {
    const now = this.io.clock.now();
    const own = this.io.ownAnswer();
    const known = this.#cache.get(SERVICE, 'PTR').filter(({ record, heard, expires }) => {
      return expires - now > (expires - heard) / 2 && this.sighting(foldCase(record.data)) !== null;
    });
    const answers = known.map(({ record, expires }) => ({ ...record, ttl: Math.round((expires - now) / 1000) }));
    return own?.type === 'PTR' ? [...answers.filter(answer => recordKey(answer) !== recordKey(own)), own] : answers;
  }

  #sendBrowse(): void {
    for (const query of browseQuery(this.#known())) this.io.send(query);
  }

  /**
   * Somebody else asks what we ask. If he knows no more than we do, his question serves us too (§7.3). If he knows
   * somebody of whom we never heard, because packets get lost, that is reason to ask again; it is no more than a hint,
   * for what is known to others must not be believed (§7.1).
   */
  #hearQuestion(m: Message, from: Endpoint): void {
    if (this.#state !== 'watching') return;
    const quiet = this.io.clock.now() - this.#browsedAt;
    if (m.answers.some(answer => this.#leadsToOther(answer) && this.#cache.find(answer) === null)) {
      if (quiet >= HINT_INTERVAL) this.#askForEverybody();
      return;
    }
    // The pause under way is half of #interval; before half of it is over we still ask ourselves.
    const open = quiet >= this.#interval / 4;
    if (this.#overheard.servesUs(m, from, open, () => new Set(this.#known().map(recordKey)))) this.#nextBrowse();
  }

  #askForEverybody(): void {
    this.#browsedAt = this.io.clock.now();
    this.#askForAll = true;
    this.#ask();
  }

  /** What somebody asks for, and does not know, will be answered while it is true: if not, it is not (§10.5). */
  #expectAnswers({ questions, answers, truncated }: Message): void {
    // Of a question whose known answers follow elsewhere we cannot tell what it expects.
    if (truncated) return;
    const known = new Set(answers.map(recordKey));
    for (const { name, type } of questions) {
      if (type === 'OTHER' || type === 'NSEC') continue;
      const types = type === 'ANY' ? (['SRV', 'TXT', 'A', 'AAAA'] as const) : [type];
      for (const { record } of types.flatMap(one => this.#cache.get(name, one))) {
        if (!known.has(recordKey(record))) this.#cache.expected(record);
      }
    }
    this.#sweepWithin(TICK);
  }

  #lacking(key: string): Question[] {
    const question = (name: string, type: RecordType) => ({ name, type, unicast: false });
    const name = this.#pointer(key)?.record.data;
    if (name === undefined) return [];
    const lacking: Question[] = [];
    const service = this.#cache.get(key, 'SRV').at(-1)?.record.data;
    if (!service) lacking.push(question(name, 'SRV'));
    else if (this.#addresses(service.target).length === 0) {
      lacking.push(question(service.target, 'A'), question(service.target, 'AAAA'));
    }
    if (this.#cache.get(key, 'TXT').length === 0) lacking.push(question(name, 'TXT'));
    return lacking;
  }

  #resolve(key: string): void {
    if (this.#lacking(key).length === 0) this.#missing.delete(key);
    else if (this.#state === 'watching' && !this.#missing.has(key)) {
      this.#missing.set(key, { at: this.io.clock.now(), pause: TICK });
      this.#ask();
    }
  }

  /** Soon asks for all that is missing or about to end. */
  #ask(): void {
    if (this.#state !== 'watching' || this.#askTimer) return;
    const wait = Math.max(between(this.io.random, 20, 120), this.#askNotBefore - this.io.clock.now());
    this.#askTimer = this.io.clock.after(wait, () => {
      this.#askTimer = null;
      this.#sendQuestions();
    });
  }

  #sendQuestions(): void {
    const now = this.io.clock.now();
    const questions = new Map<string, Question>();
    const add = (question: Question) => questions.set(`${question.type} ${foldCase(question.name)}`, question);
    for (const [key, missing] of this.#missing) {
      if (missing.at > now || questions.size >= MAX_QUESTIONS) continue;
      const lacking = this.#lacking(key);
      lacking.forEach(add);
      if (lacking.length === 0) this.#missing.delete(key);
      missing.at = now + missing.pause;
      missing.pause = Math.min(missing.pause * 2, LONGEST_INTERVAL);
    }
    let browse = this.#askForAll;
    this.#askForAll = false;
    for (const { name, type } of this.#cache.due(MAX_QUESTIONS - questions.size)) {
      if (type === 'PTR') browse = true;
      else if (type === 'A' || type === 'AAAA') this.#renewAddress(name, type).forEach(add);
      else add({ name, type, unicast: false });
    }
    if (browse) this.#sendBrowse();
    for (const query of directQueries([...questions.values()])) this.io.send(query);
    if (questions.size >= MAX_QUESTIONS) this.#askNotBefore = now + TICK;
    this.#sweepWithin(TICK);
  }

  /** Whoever is asked for SRV adds the addresses (RFC 6763 §12.2): one question less. Who does not is asked for both. */
  #renewAddress(host: string, type: 'A' | 'AAAA'): Question[] {
    const users = [...(this.#users.get(foldCase(host)) ?? [])];
    const services = users.flatMap(key => this.#cache.get(key, 'SRV').slice(-1));
    const ends = Math.min(...this.#cache.get(host, type).map(({ expires }) => expires));
    const questions = services.map(({ record: { name } }): Question => ({ name, type: 'SRV', unicast: false }));
    const late = ends - this.io.clock.now() < (HOST_TTL * 1000) / 10;
    return late || services.length === 0 ? [...questions, { name: host, type, unicast: false }] : questions;
  }

  // What ends

  /** Sweeps at most `ms` from now. */
  #sweepWithin(ms: number): void {
    const at = this.io.clock.now() + ms;
    if (this.#state === 'closed' || at >= this.#sweepAt) return;
    this.#sweepTimer?.cancel();
    this.#sweepAt = at;
    this.#sweepTimer = this.io.clock.after(ms, () => this.#sweep());
  }

  #sweep(): void {
    this.#sweepAt = Number.POSITIVE_INFINITY;
    const touched = new Set<string>();
    for (const record of this.#cache.expire()) for (const key of this.#forget(record)) touched.add(key);
    for (const key of touched) {
      this.#resolve(key);
      this.io.onChange(key);
    }
    const watching = this.#state === 'watching';
    let next = this.#cache.next(watching);
    if (watching) for (const { at } of this.#missing.values()) next = Math.min(next, at);
    const wait = next - this.io.clock.now();
    if (watching && wait <= 0) this.#ask();
    if (next !== Number.POSITIVE_INFINITY) this.#sweepWithin(Math.max(wait, TICK / 4));
  }

  /** A record has ended; returns the instances that it concerns. */
  #forget(record: ResourceRecord): Iterable<string> {
    switch (record.type) {
      case 'PTR': {
        const key = foldCase(record.data);
        this.#origins.forget(key);
        const hosts = this.#cache.get(key, 'SRV').map(entry => foldCase(entry.record.data.target));
        this.#cache.drop(key, 'SRV');
        this.#cache.drop(key, 'TXT');
        for (const host of hosts) this.#leave(host, key);
        this.#missing.delete(key);
        return [key];
      }
      case 'SRV': {
        const key = foldCase(record.name);
        this.#leave(foldCase(record.data.target), key);
        // It did not answer when it was asked again and again: probably it is not there at all.
        const pointer = this.#pointer(key);
        if (pointer && this.#state === 'watching' && this.#cache.get(key, 'SRV').length === 0) {
          this.#cache.doubt(pointer.record);
        }
        return [key];
      }
      case 'TXT':
        return [foldCase(record.name)];
      case 'A':
      case 'AAAA':
        return this.#users.get(foldCase(record.name)) ?? [];
      case 'NSEC':
        return [];
    }
  }
}

/** RFC 6763 §6.2 lets no sensible TXT be longer. */
function isSmallText(record: ResourceRecord): boolean {
  return record.type === 'TXT' && record.data.reduce((sum, part) => sum + 1 + part.length, 0) <= MAX_TEXT;
}

/** One label before the service type. */
function isInstance(data: unknown): data is string {
  return typeof data === 'string' && foldCase(data).endsWith(`.${SERVICE}`) && labelsOf(data).length === 4;
}
