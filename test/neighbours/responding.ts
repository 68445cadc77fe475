/** A responder alone with its time, and what its tests say to it and hear from it. */
import type { Endpoint } from '../../src/neighbours/answering';
import { type Message, message, type Question, type ResourceRecord } from '../../src/neighbours/dns';
import { recordKey } from '../../src/neighbours/keys';
import { buildRecords, SERVICE } from '../../src/neighbours/records';
import { Responder } from '../../src/neighbours/responder';
import { announcement, overTheWire, SimClock, seeded } from './simulation';

export const PEER: Endpoint = { address: '10.77.0.9', port: 5353 };
export const INSTANCE = `Ana.${SERVICE}`;
export const HOST = 'xo-5a5a5a5a.local';
export const identity = { instance: 'Ana', host: 'xo-5a5a5a5a' };

export function recordsOf(version = '407', host = identity.host, v4 = ['10.77.0.1']): ResourceRecord[] {
  return buildRecords({ ...identity, host }, announcement('Ana', version), 'Ana', { v4, v6: [] });
}

export const [PTR, SRV, TXT, A] = recordsOf() as [ResourceRecord, ResourceRecord, ResourceRecord, ResourceRecord];

export interface Sent {
  at: number;
  message: Message;
  to: Endpoint | undefined;
}

let seed = 0;

export class Responding {
  readonly clock = new SimClock();
  readonly sent: Sent[] = [];
  /** The names told by onTaken. */
  readonly taken: string[] = [];
  /** The keys of what is our own. */
  said = new Set(recordsOf().map(recordKey));
  readonly responder = new Responder({
    clock: this.clock,
    random: seeded(++seed),
    send: (m, to) => this.sent.push({ at: this.clock.now(), message: overTheWire(m), to }),
    isOurs: record => this.said.has(recordKey(record)),
    onTaken: name => this.taken.push(name),
  });

  hear(m: Message, from = PEER): void {
    this.responder.receive(overTheWire(m), from);
  }

  ask(questions: Question[], parts: Partial<Message> = {}, from = PEER): void {
    this.hear(message('query', { ...parts, questions }), from);
  }

  respond(...answers: ResourceRecord[]): void {
    this.hear(message('response', { answers }));
  }

  /** What was sent since this was last called and will be within `ms`, with the delay from now. */
  within(ms: number): (Omit<Sent, 'at'> & { delay: number })[] {
    const start = this.clock.now();
    this.clock.advance(ms);
    return this.sent.splice(0).map(({ at, ...rest }) => ({ ...rest, delay: at - start }));
  }

  /** Announced for so long that no rate limit is left. */
  settle(): void {
    this.responder.start(recordsOf());
    this.clock.advance(60_000);
    this.sent.length = 0;
  }
}

export const q = (name: string, type: Question['type'], unicast = false): Question => ({ name, type, unicast });

/** The types of all answers, in order, for example `SRV TXT`. */
export const types = (m: Message) => m.answers.map(({ type }) => type).join(' ');
