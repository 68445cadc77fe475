/** Which of our records answer a query, and when (RFC 6762 §5.4, §6, §7). Pure: time and sending come from outside. */
import { between, type Clock, type Random, type Timer } from './clock';
import { type Message, message, type Question, type RecordOf, type ResourceRecord } from './dns';
import { nameKey, recordKey } from './keys';
import { foldCase } from './names';
import { SERVICE } from './records';

export const MDNS_PORT = 5353;

export interface Endpoint {
  address: string;
  port: number;
}

/** Sends to everybody on the link, or to one asker. */
export type Send = (m: Message, to?: Endpoint) => void;

/** A record is multicast at most once in this time (§6), in ms; to defend a name, a little more often. */
const GAP = 1000;
const GAP_DEFENCE = 250;
/** Seconds that a legacy asker may keep an answer (§6.7). */
const LEGACY_TTL = 10;
/** Askers whose known answers span several packets that we wait for at once. */
const MAX_WAITING = 32;

interface Waiting {
  records: Set<ResourceRecord>;
  timer: Timer;
}

export class Answering {
  #records: readonly ResourceRecord[] = [];
  /** By folded name that is ours alone: which types it has (§6.1). */
  #denials = new Map<string, RecordOf<'NSEC'>>();
  /** When a record was last multicast, by record key. */
  readonly #last = new Map<string, number>();
  /** Answers gathered into one packet. */
  #pending: Waiting | null = null;
  /** Answers to askers that have more known answers to tell (TC), by asker. */
  readonly #waiting = new Map<string, Waiting>();

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly send: Send,
  ) {}

  /** From now on we answer with these; none: we are silent. Answers not yet sent are dropped. */
  use(records: readonly ResourceRecord[]): void {
    this.#pending?.timer.cancel();
    this.#pending = null;
    for (const { timer } of this.#waiting.values()) timer.cancel();
    this.#waiting.clear();
    this.#records = records;
    this.#denials = denialsFor(records);
    const keep = new Set([...records, ...this.#denials.values()].map(recordKey));
    for (const key of this.#last.keys()) if (!keep.has(key)) this.#last.delete(key);
  }

  /** Notes that these were multicast just now. */
  sent(records: Iterable<ResourceRecord>): void {
    for (const record of records) this.#last.set(recordKey(record), this.clock.now());
  }

  /** Somebody else multicast an answer that we were about to give: one is enough (§7.4). */
  heard(records: readonly ResourceRecord[]): void {
    for (const batch of [this.#pending, ...this.#waiting.values()]) this.#drop(batch, records, record => record.ttl);
  }

  query(query: Message, from: Endpoint): void {
    const asker = `${from.address} ${from.port}`;
    const waiting = this.#waiting.get(asker);
    if (waiting) {
      this.#drop(waiting, query.answers, record => record.ttl / 2);
      // And still more are to come (§7.2).
      if (query.truncated) this.#wait(asker, []);
    }
    const { found, atOnce } = this.#lookUp(query.questions);
    if (found.size === 0) return;
    const known = new Map(query.answers.map(answer => [recordKey(answer), answer.ttl]));
    for (const record of found.keys()) {
      if ((known.get(recordKey(record)) ?? -1) >= record.ttl / 2) found.delete(record);
    }
    if (from.port !== MDNS_PORT) {
      // A plain resolver does not understand what mDNS means by NSEC.
      const answers = [...found.keys()].filter(({ type }) => type !== 'NSEC');
      if (answers.length > 0) this.#answerLegacy(query, answers, from);
      return;
    }
    if (found.size === 0) return;
    const defence = query.authorities.length > 0;
    const multicast = this.#answerUnicast(found, from);
    if (defence) this.#transmit(multicast, GAP_DEFENCE);
    else if (query.truncated) this.#wait(asker, multicast);
    else if (atOnce) this.#transmit(multicast, GAP);
    else this.#gather(multicast);
  }

  /** Our records that answer, with whether all their askers wanted unicast; atOnce: nobody else can have an answer. */
  #lookUp(questions: readonly Question[]): { found: Map<ResourceRecord, boolean>; atOnce: boolean } {
    const found = new Map<ResourceRecord, boolean>();
    let atOnce = true;
    for (const { name, type, unicast } of questions) {
      const key = foldCase(name);
      const matches = this.#records.filter(
        record => (type === 'ANY' || type === record.type) && nameKey(record) === key,
      );
      const denial = this.#denials.get(key);
      if (matches.length === 0 && denial) matches.push(denial);
      if (matches.length === 0 || matches.some(record => !record.flush)) atOnce = false;
      for (const record of matches) found.set(record, (found.get(record) ?? true) && unicast);
    }
    return { found, atOnce };
  }

  /** SRV and TXT help who asks for PTR, addresses help who asks for either (RFC 6763 §12). */
  #additionals(answers: readonly ResourceRecord[]): ResourceRecord[] {
    const service = answers.some(record => record.type === 'PTR' && nameKey(record) === SERVICE);
    const host = service || answers.some(({ type }) => type === 'SRV' || type === 'A' || type === 'AAAA');
    const helpful = this.#records.filter(({ type }) => {
      if (type === 'SRV' || type === 'TXT') return service;
      return host && (type === 'A' || type === 'AAAA');
    });
    const all: ResourceRecord[] = helpful.filter(record => !answers.includes(record));
    // Who asks for one kind of address learns that there is no other (§6.2).
    const address = answers.find(({ type }) => type === 'A' || type === 'AAAA');
    const denial = address && this.#denials.get(nameKey(address));
    const types = denial?.data ?? ['A', 'AAAA'];
    if (denial && !(types.includes('A') && types.includes('AAAA')) && !answers.includes(denial)) all.push(denial);
    return all;
  }

  #response(answers: readonly ResourceRecord[]): Message {
    return message('response', { answers, additionals: this.#additionals(answers) });
  }

  #answerLegacy(query: Message, found: ResourceRecord[], from: Endpoint): void {
    const plain = (record: ResourceRecord) => ({ ...record, flush: false, ttl: Math.min(record.ttl, LEGACY_TTL) });
    const answers = found;
    const additionals = this.#additionals(found).filter(({ type }) => type !== 'NSEC');
    const questions = query.questions
      .filter(({ type }) => type !== 'OTHER')
      .map(question => ({ ...question, unicast: false }));
    const parts = { id: query.id, questions, answers: answers.map(plain), additionals: additionals.map(plain) };
    this.send(message('response', parts), from);
  }

  /** Answers by unicast what was asked so and was multicast within a quarter of its TTL; returns the rest. */
  #answerUnicast(found: Map<ResourceRecord, boolean>, from: Endpoint): ResourceRecord[] {
    const unicast: ResourceRecord[] = [];
    const multicast: ResourceRecord[] = [];
    for (const [record, asked] of found) {
      (asked && this.#within(record, record.ttl * 250) ? unicast : multicast).push(record);
    }
    if (unicast.length > 0) this.send(this.#response(unicast), from);
    return multicast;
  }

  #within(record: ResourceRecord, ms: number): boolean {
    const last = this.#last.get(recordKey(record));
    return last !== undefined && this.clock.now() - last < ms;
  }

  #transmit(records: Iterable<ResourceRecord>, gap: number): void {
    const answers = [...records].filter(record => !this.#within(record, gap));
    if (answers.length === 0) return;
    const response = this.#response(answers);
    this.sent([...response.answers, ...response.additionals]);
    this.send(response);
  }

  /** Shared records wait a random moment, so that many laptops do not answer at once, and leave in one packet. */
  #gather(records: readonly ResourceRecord[]): void {
    if (this.#pending) {
      for (const record of records) this.#pending.records.add(record);
      return;
    }
    const timer = this.clock.after(between(this.random, 20, 120), () => {
      const pending = this.#pending;
      this.#pending = null;
      if (pending) this.#transmit(pending.records, GAP);
    });
    this.#pending = { records: new Set(records), timer };
  }

  /** More known answers follow (§7.2): wait for them. */
  #wait(asker: string, records: readonly ResourceRecord[]): void {
    const earlier = this.#waiting.get(asker);
    if (!earlier && this.#waiting.size >= MAX_WAITING) {
      this.#gather(records);
      return;
    }
    earlier?.timer.cancel();
    const timer = this.clock.after(between(this.random, 400, 500), () => {
      const waiting = this.#waiting.get(asker);
      this.#waiting.delete(asker);
      if (waiting) this.#transmit(waiting.records, GAP);
    });
    this.#waiting.set(asker, { records: new Set([...(earlier?.records ?? []), ...records]), timer });
  }

  /** Takes out of `batch` what is in `heard` with enough TTL left. */
  #drop(batch: Waiting | null, heard: readonly ResourceRecord[], enough: (record: ResourceRecord) => number): void {
    if (!batch || heard.length === 0) return;
    const ttls = new Map(heard.map(record => [recordKey(record), record.ttl]));
    for (const record of batch.records) {
      if ((ttls.get(recordKey(record)) ?? -1) >= enough(record)) batch.records.delete(record);
    }
  }
}

/** For each name that is ours alone, an NSEC record with its types and the longest life that one of them has. */
function denialsFor(records: readonly ResourceRecord[]): Map<string, RecordOf<'NSEC'>> {
  const denials = new Map<string, RecordOf<'NSEC'>>();
  for (const { name, type, ttl, flush } of records) {
    if (!flush) continue;
    const key = foldCase(name);
    const before = denials.get(key);
    const data = [...new Set([...(before?.data ?? []), type])];
    denials.set(key, { name, type: 'NSEC', ttl: Math.max(ttl, before?.ttl ?? 0), flush: true, data });
  }
  return denials;
}
