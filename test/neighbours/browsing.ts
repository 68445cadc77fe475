/** A browser alone with its time, and what its tests say to it and hear from it. */
import assert from 'node:assert/strict';
import { Browser } from '../../src/neighbours/browser';
import {
  encode,
  MAX_PACKET,
  type Message,
  message,
  type RecordOf,
  type ResourceRecord,
} from '../../src/neighbours/dns';
import { buildRecords, SERVICE } from '../../src/neighbours/records';
import { announcement, overTheWire, SimClock, seeded } from './simulation';

export const PEER = { address: '10.77.0.9', port: 5353 };

/** The records of a laptop on 10.77.0.0/16. */
export function recordsOf(nick: string, number: number, version = '407'): ResourceRecord[] {
  const host = `xo-${number.toString(16).padStart(8, '0')}`;
  const addresses = { v4: [`10.77.${number >> 8}.${number & 255}`], v6: [] };
  return buildRecords({ instance: nick, host }, announcement(nick, version), nick, addresses);
}

/** What recordsOf() gives. */
export type Four = [RecordOf<'PTR'>, RecordOf<'SRV'>, RecordOf<'TXT'>, RecordOf<'A'>];

export const key = (nick: string) => `${nick.toLowerCase()}.${SERVICE}`;

let seed = 100;

export class Browsing {
  readonly clock = new SimClock();
  readonly sent: { at: number; message: Message }[] = [];
  /** The keys told by onChange. */
  readonly changes: string[] = [];
  /** Our own PTR. */
  own: ResourceRecord | null = null;
  readonly browser = new Browser({
    clock: this.clock,
    random: seeded(++seed),
    send: m => {
      assert.ok(encode(m).length <= MAX_PACKET);
      this.sent.push({ at: this.clock.now(), message: overTheWire(m) });
    },
    ownAnswer: () => this.own,
    reachable: address => (address.startsWith('10.77.') ? address : null),
    onChange: changed => this.changes.push(changed),
  });

  hear(m: Message, from = PEER): void {
    this.browser.receive(overTheWire(m), from);
  }

  respond(...answers: ResourceRecord[]): void {
    this.hear(message('response', { answers }));
  }

  /** What was sent since this was last called and will be within `ms`, with the delay from now. */
  within(ms: number): { message: Message; delay: number }[] {
    const start = this.clock.now();
    this.clock.advance(ms);
    return this.sent.splice(0).map(({ at, message: m }) => ({ message: m, delay: at - start }));
  }

  /** Plays everybody near: answers direct questions about these. */
  alive(laptops: ResourceRecord[][], ms: number): void {
    for (let passed = 0; passed < ms; passed += 100) {
      for (const { message: m } of this.within(100)) {
        const answers = laptops.flat().filter(({ name, type }) => asked(m).includes(`${type} ${name}`));
        const known = new Set(m.answers.map(({ data }) => data));
        const fresh = answers.filter(({ data }) => !known.has(data));
        if (fresh.length > 0) this.respond(...fresh);
      }
    }
  }
}

/** The questions of a message, for example `SRV Ana._xo-image._tcp.local`. */
export function asked(m: Message): string[] {
  return m.questions.map(({ name, type }) => `${type} ${name}`);
}
