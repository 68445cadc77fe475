/**
 * What was heard on one link, and the neighbours that it makes up: a PTR record of the service leads to an instance, its
 * SRV and TXT to its host and claims, that host's A and AAAA to where it can be asked (RFC 6763 §4). Pure.
 */
import type { Endpoint } from './answering';
import { Cache, type Entry } from './cache';
import type { Clock, Random } from './clock';
import { type Message, type Question, type RecordOf, type RecordType, type ResourceRecord, recordKey } from './dns';
import { foldCase, labelsOf } from './names';
import { Origins } from './origins';
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
  readonly #users = new Map<string, Set<string>>();
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
    return this.cache.get(SERVICE, 'PTR').map(({ record }) => foldCase(record.data));
  }

  /** What is known of an instance; null while it is incomplete, makes no sense, or is not on this link. */
  sighting(key: string): LinkSighting | null {
    const pointer = this.pointer(key);
    const service = this.cache.get(key, 'SRV').at(-1);
    const text = this.cache.get(key, 'TXT').at(-1);
    if (!pointer || !service || !text || service.record.data.port === 0) return null;
    const claims = claimsIn(text.record.data);
    const { port, target } = service.record.data;
    const entries = this.#addresses(target);
    const addresses = entries.map(({ record }) => this.io.reachable(record.data)).filter(address => address !== null);
    if (!claims || addresses.length === 0) return null;
    const heard = Math.max(...[pointer, service, text, ...entries].map(entry => entry.heard));
    const instance = labelsOf(pointer.record.data)[0] ?? '';
    return { instance, host: foldCase(target), claims, port, addresses, heard };
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
      record => (record.type === 'PTR' ? [foldCase(record.data)] : []),
    );
    for (const key of touched) if (this.pointer(key) === null) this.#origins.forget(key);
    take(
      record => (record.type === 'SRV' || isSmallText(record)) && this.pointer(foldCase(record.name)) !== null,
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
    return touched;
  }

  /** A pointer to an instance that is not our own. */
  leadsToOther(record: ResourceRecord): boolean {
    if (record.type !== 'PTR' || foldCase(record.name) !== SERVICE || !isInstance(record.data)) return false;
    const own = this.io.ownAnswer();
    return own === null || recordKey(own) !== recordKey(record);
  }

  pointer(key: string): Entry<'PTR'> | null {
    const pointer = { name: SERVICE, type: 'PTR' as const, ttl: OTHER_TTL, flush: false, data: key };
    return this.cache.find(pointer) as Entry<'PTR'> | null;
  }

  /** Known answers are those with more than half their life before them (RFC 6762 §7.1) of neighbours that are complete. */
  known(): RecordOf<'PTR'>[] {
    const now = this.io.clock.now();
    const own = this.io.ownAnswer();
    const known = this.cache.get(SERVICE, 'PTR').filter(entry => this.#isKnown(entry));
    const answers = known.map(({ record, expires }) => ({ ...record, ttl: Math.round((expires - now) / 1000) }));
    return own?.type === 'PTR' ? [...answers.filter(answer => recordKey(answer) !== recordKey(own)), own] : answers;
  }

  /** Whether our own known answers would hold this one. */
  knows(answer: ResourceRecord): boolean {
    if (answer.type !== 'PTR') return false;
    const own = this.io.ownAnswer();
    if (own !== null && recordKey(own) === recordKey(answer)) return true;
    const entry = this.cache.find(answer);
    return entry !== null && this.#isKnown(entry as Entry<'PTR'>);
  }

  #isKnown({ record, heard, expires }: Entry<'PTR'>): boolean {
    const left = expires - this.io.clock.now();
    return left > (expires - heard) / 2 && this.sighting(foldCase(record.data)) !== null;
  }

  /** What to ask for to make an instance complete. */
  lacking(key: string): Question[] {
    const question = (name: string, type: RecordType) => ({ name, type, unicast: false });
    const name = this.pointer(key)?.record.data;
    if (name === undefined) return [];
    const lacking: Question[] = [];
    const service = this.cache.get(key, 'SRV').at(-1)?.record.data;
    if (!service) lacking.push(question(name, 'SRV'));
    else if (this.#addresses(service.target).length === 0) {
      lacking.push(question(service.target, 'A'), question(service.target, 'AAAA'));
    }
    if (this.cache.get(key, 'TXT').length === 0) lacking.push(question(name, 'TXT'));
    return lacking;
  }

  /** Whoever is asked for SRV adds the addresses (RFC 6763 §12.2): one question less. Who does not is asked for both. */
  renewing(host: string, type: 'A' | 'AAAA'): Question[] {
    const users = [...(this.#users.get(foldCase(host)) ?? [])];
    const services = users.flatMap(key => this.cache.get(key, 'SRV').slice(-1));
    const ends = Math.min(...this.cache.get(host, type).map(({ expires }) => expires));
    const questions = services.map(({ record: { name } }): Question => ({ name, type: 'SRV', unicast: false }));
    const late = ends - this.io.clock.now() < (HOST_TTL * 1000) / 10;
    return late || services.length === 0 ? [...questions, { name: host, type, unicast: false }] : questions;
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
    const service = this.cache.get(key, 'SRV').at(-1);
    const text = this.cache.get(key, 'TXT').at(-1);
    const addresses = service ? this.#addresses(service.record.data.target) : [];
    for (const entry of [pointer, service, text, ...addresses]) if (entry) this.cache.renew(entry.record);
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
        const key = foldCase(record.data);
        this.#origins.forget(key);
        const hosts = this.cache.get(key, 'SRV').map(entry => foldCase(entry.record.data.target));
        this.cache.drop(key, 'SRV');
        this.cache.drop(key, 'TXT');
        for (const host of hosts) this.#leave(host, key);
        return [key];
      }
      case 'SRV': {
        const key = foldCase(record.name);
        this.#leave(foldCase(record.data.target), key);
        // It did not answer when it was asked again and again: probably it is not there at all.
        const pointer = this.pointer(key);
        if (pointer && unanswered && this.cache.get(key, 'SRV').length === 0) this.cache.doubt(pointer.record);
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

  #admits(record: ResourceRecord, from: Endpoint): boolean {
    return record.type === 'PTR' && record.ttl > 0
      ? this.#origins.admit(foldCase(record.data), from.address)
      : this.cache.find(record) !== null;
  }

  #addresses(host: string): (Entry<'A'> | Entry<'AAAA'>)[] {
    return [...this.cache.get(host, 'A'), ...this.cache.get(host, 'AAAA')];
  }

  #use(host: string, key: string): void {
    const users = this.#users.get(host) ?? new Set();
    this.#users.set(host, users.add(key));
  }

  /** The instance no longer lives on this host; addresses that nobody needs are forgotten. */
  #leave(host: string, key: string): void {
    if (this.cache.get(key, 'SRV').some(({ record }) => foldCase(record.data.target) === host)) return;
    const users = this.#users.get(host);
    users?.delete(key);
    if (users?.size !== 0) return;
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

/** One label before the service type. */
function isInstance(data: unknown): data is string {
  return typeof data === 'string' && foldCase(data).endsWith(`.${SERVICE}`) && labelsOf(data).length === 4;
}
