/**
 * What was heard on one link, and the neighbours that it makes up: a PTR record of the service leads to an instance, its
 * SRV and TXT to its host and claims, that host's A and AAAA to where it can be asked (RFC 6763 §4). Pure.
 */
import type { Endpoint } from './answering';
import { Cache, type Entry } from './cache';
import type { Clock, Random } from './clock';
import type { Message, Question, RecordOf, RecordType, ResourceRecord } from './dns';
import { dataKey, nameKey } from './keys';
import { foldCase, labelsOf } from './names';
import { Origins } from './origins';
import { HOST_TTL, SERVICE } from './records';
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
  /** Clock time of the last word of it. */
  heard: number;
}

export interface DirectoryIo {
  clock: Clock;
  random: Random;
  /** Our own PTR while announced. */
  ownAnswer(): ResourceRecord | null;
  /** An address as it can be asked at from here (with its zone), or null if it is not on this link. */
  reachable(address: string): string | null;
}

/** Neighbours on one link; further ones are not taken in. */
export const MAX_NEIGHBOURS = 1000;
const MAX_ADDRESSES = 4;
/** SRV or TXT records of one instance: one, or two while it changes. */
const SMALL_SET = 2;
/** Bytes of a TXT record that are taken in. */
const MAX_TEXT = 1300;

export class Directory {
  readonly cache: Cache;
  /** Instances by the folded name of the host that their SRV names. */
  readonly #users = new Map<string, string[]>();
  readonly #origins = new Origins();

  constructor(private readonly io: DirectoryIo) {
    const limit = ({ type }: ResourceRecord) => {
      if (type === 'PTR') return MAX_NEIGHBOURS;
      return type === 'A' || type === 'AAAA' ? MAX_ADDRESSES : SMALL_SET;
    };
    this.cache = new Cache(io.clock, io.random, limit);
  }

  /** The keys of all instances heard of, complete or not. */
  keys(): string[] {
    return this.cache.get(SERVICE, 'PTR').map(({ record }) => dataKey(record));
  }

  /** What is known of an instance; null while it is incomplete, makes no sense, or is not on this link. */
  sighting(key: string): LinkSighting | null {
    const whole = this.#whole(key);
    if (!whole) return null;
    const { pointer, service, text, entries, addresses, claims } = whole;
    const { port, target } = service.record.data;
    const heard = Math.max(pointer.heard, service.heard, text.heard, ...entries.map(entry => entry.heard));
    const { label } = instanceOf(pointer.record)!;
    return { instance: label, host: foldCase(target), claims, port, addresses, heard };
  }

  /** Everything that makes up an instance, if it is there and makes sense. */
  #whole(key: string) {
    const pointer = this.pointer(key);
    const service = this.cache.last(key, 'SRV');
    const text = this.cache.last(key, 'TXT');
    if (!pointer || !service || !text || service.record.data.port === 0) return null;
    const claims = claimsIn(text.record.data);
    const entries = this.#addresses(service.record.data.target);
    const addresses = entries.map(({ record }) => this.io.reachable(record.data)).filter(address => address !== null);
    return claims && addresses.length > 0 ? { pointer, service, text, entries, addresses, claims } : null;
  }

  /** Takes in what of a response leads to a neighbour, and nothing else; returns the keys of those it concerns. */
  take(m: Message, from: Endpoint): Set<string> {
    const records = [...m.answers, ...m.additionals];
    const touched = new Set<string>();
    // One moment for the whole message, so that what came together is asked for together.
    const late = this.cache.lateness();
    const take = (wanted: (record: ResourceRecord) => boolean, touch: (record: ResourceRecord) => Iterable<string>) => {
      const taken = records.filter(wanted);
      this.cache.add(taken, late);
      for (const record of taken) for (const key of touch(record)) touched.add(key);
    };
    take(
      record => this.leadsToOther(record) && this.#admits(record, from),
      record => [dataKey(record)],
    );
    for (const key of touched) if (this.pointer(key) === null) this.#origins.forget(key);
    take(
      record => (record.type === 'SRV' || isSmallText(record)) && this.pointer(nameKey(record)) !== null,
      record => {
        const key = nameKey(record);
        if (record.type === 'SRV' && record.ttl > 0) {
          this.#use(foldCase(record.data.target), key);
          const pointer = this.pointer(key);
          if (pointer?.fading) this.cache.renew(pointer.record, late);
        }
        return [key];
      },
    );
    take(
      record => (record.type === 'A' || record.type === 'AAAA') && this.#users.has(nameKey(record)),
      record => this.#users.get(nameKey(record)) ?? [],
    );
    return touched;
  }

  /** A pointer to an instance that is not our own. */
  leadsToOther(record: ResourceRecord): boolean {
    const instance = instanceOf(record);
    return instance !== null && !this.#isOwn(instance.key);
  }

  #isOwn(key: string): boolean {
    const own = this.io.ownAnswer();
    return own !== null && dataKey(own) === key;
  }

  pointer(key: string): Entry<'PTR'> | null {
    return this.cache.findBy('PTR', SERVICE, key);
  }

  /** Known answers are those with more than half their life before them (RFC 6762 §7.1) of neighbours that are complete. */
  known(): RecordOf<'PTR'>[] {
    const now = this.io.clock.now();
    const own = this.io.ownAnswer();
    const known = this.cache
      .get(SERVICE, 'PTR')
      .filter(entry => this.#isKnown(entry) && !this.#isOwn(dataKey(entry.record)));
    const answers = known.map(({ record, expires }) => ({ ...record, ttl: Math.round((expires - now) / 1000) }));
    return own?.type === 'PTR' ? [...answers, own] : answers;
  }

  /** Whether our own known answers would hold this one. */
  knows(answer: ResourceRecord): boolean {
    const instance = instanceOf(answer);
    if (!instance) return false;
    if (this.#isOwn(instance.key)) return true;
    const entry = this.pointer(instance.key);
    return entry !== null && this.#isKnown(entry);
  }

  #isKnown({ record, heard, expires }: Entry<'PTR'>): boolean {
    const left = expires - this.io.clock.now();
    return left > (expires - heard) / 2 && this.#whole(dataKey(record)) !== null;
  }

  /** What to ask for to make an instance complete. */
  lacking(key: string): Question[] {
    const question = (name: string, type: RecordType) => ({ name, type, unicast: false });
    const name = this.pointer(key)?.record.data;
    if (name === undefined) return [];
    const lacking: Question[] = [];
    const service = this.cache.last(key, 'SRV')?.record.data;
    if (!service) lacking.push(question(name, 'SRV'));
    else if (this.#addresses(service.target).length === 0) {
      lacking.push(question(service.target, 'A'), question(service.target, 'AAAA'));
    }
    if (!this.cache.last(key, 'TXT')) lacking.push(question(name, 'TXT'));
    return lacking;
  }

  /** Whoever is asked for SRV adds the addresses (RFC 6763 §12.2): one question less. Who does not is asked for both. */
  renewing(host: string, type: 'A' | 'AAAA'): Question[] {
    const users = this.#users.get(foldCase(host)) ?? [];
    const services = users.flatMap(key => this.cache.get(key, 'SRV').slice(-1));
    const ends = Math.min(...this.cache.get(host, type).map(({ expires }) => expires));
    const questions = services.map(({ record: { name } }): Question => ({ name, type: 'SRV', unicast: false }));
    const late = ends - this.io.clock.now() < (HOST_TTL * 1000) / 10;
    return late || services.length === 0 ? [...questions, { name: host, type, unicast: false }] : questions;
  }

  /** The addresses of its host that are known. */
  addresses(service: RecordOf<'SRV'>): ResourceRecord[] {
    return this.#addresses(service.data.target).map(({ record }) => record);
  }

  /** Somebody could not reach it: unless it answers soon, its host is gone (RFC 6762 §10.4). */
  doubt(key: string): void {
    for (const { record } of this.cache.get(key, 'SRV')) {
      this.cache.doubt(record);
      for (const { record: address } of this.#addresses(record.data.target)) this.cache.doubt(address);
    }
  }

  /** It said itself, elsewhere than here, that all it announces is still so. */
  vouch(key: string): void {
    const pointer = this.pointer(key);
    const service = this.cache.last(key, 'SRV');
    const text = this.cache.last(key, 'TXT');
    const addresses = service ? this.#addresses(service.record.data.target) : [];
    // What was confirmed together is asked for together.
    const late = this.cache.lateness();
    for (const entry of [pointer, service, text, ...addresses]) if (entry) this.cache.renew(entry.record, late);
  }

  /**
   * Forgets what has ended, and what hung on it. `unanswered`: somebody asked for it all the while.
   * @returns the keys of the instances that it concerns
   */
  expire(unanswered: boolean): Set<string> {
    const touched = new Set<string>();
    for (const record of this.cache.expire()) for (const key of this.#forget(record, unanswered)) touched.add(key);
    return touched;
  }

  #forget(record: ResourceRecord, unanswered: boolean): Iterable<string> {
    switch (record.type) {
      case 'PTR': {
        const key = dataKey(record);
        this.#origins.forget(key);
        const hosts = this.cache.get(key, 'SRV').map(entry => foldCase(entry.record.data.target));
        this.cache.drop(key, 'SRV');
        this.cache.drop(key, 'TXT');
        for (const host of hosts) this.#leave(host, key);
        return [key];
      }
      case 'SRV': {
        const key = nameKey(record);
        this.#leave(foldCase(record.data.target), key);
        // It did not answer when it was asked again and again: probably it is not there at all. For ten seconds more it is
        // itself asked for what it lacks (§10.4); for its pointer all would have to be asked, and in a crowd by all.
        const pointer = this.pointer(key);
        if (pointer && unanswered && !this.cache.last(key, 'SRV')) this.cache.giveUp(pointer.record);
        return [key];
      }
      case 'TXT':
        return [nameKey(record)];
      case 'A':
      case 'AAAA':
        return this.#users.get(nameKey(record)) ?? [];
      case 'NSEC':
        return [];
    }
  }

  #admits(record: ResourceRecord, from: Endpoint): boolean {
    return record.type === 'PTR' && record.ttl > 0
      ? this.#origins.admit(dataKey(record), from.address)
      : this.cache.find(record) !== null;
  }

  #addresses(host: string): (Entry<'A'> | Entry<'AAAA'>)[] {
    return [...this.cache.get(host, 'A'), ...this.cache.get(host, 'AAAA')];
  }

  #use(host: string, key: string): void {
    const users = this.#users.get(host) ?? [];
    if (!users.includes(key)) this.#users.set(host, [...users, key]);
  }

  /** The instance no longer lives on this host; addresses that nobody needs are forgotten. */
  #leave(host: string, key: string): void {
    if (this.cache.get(key, 'SRV').some(({ record }) => foldCase(record.data.target) === host)) return;
    const others = (this.#users.get(host) ?? []).filter(user => user !== key);
    if (others.length > 0) {
      this.#users.set(host, others);
      return;
    }
    this.#users.delete(host);
    this.cache.drop(host, 'A');
    this.cache.drop(host, 'AAAA');
  }
}

/** Cleaning a stranger's text takes its time, and the same record is looked at again and again. */
const read = new WeakMap<readonly Buffer[], Claims | null>();

function claimsIn(strings: readonly Buffer[]): Claims | null {
  let claims = read.get(strings);
  if (claims === undefined) {
    claims = parseTxt(strings);
    read.set(strings, claims);
  }
  return claims;
}

/** RFC 6763 §6.2 lets no sensible TXT be longer. */
function isSmallText(record: ResourceRecord): boolean {
  return record.type === 'TXT' && record.data.reduce((sum, part) => sum + 1 + part.length, 0) <= MAX_TEXT;
}

/** The instance that a pointer leads to: its key, and its label as it was written. */
interface Instance {
  key: string;
  label: string;
}

/** Lists of known answers are looked through again and again. */
const instances = new WeakMap<ResourceRecord, Instance | null>();

/** null for any other record. */
function instanceOf(record: ResourceRecord): Instance | null {
  let instance = instances.get(record);
  if (instance === undefined) {
    instance = record.type === 'PTR' && nameKey(record) === SERVICE ? toInstance(record.data) : null;
    instances.set(record, instance);
  }
  return instance;
}

function toInstance(data: string): Instance | null {
  const key = foldCase(data);
  // One label before the service type.
  const [label, ...rest] = key.endsWith(`.${SERVICE}`) ? labelsOf(data) : [];
  return label !== undefined && rest.length === 3 ? { key, label } : null;
}
