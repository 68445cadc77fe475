/** All that we do on one link: announce and browse. */
import { Browser } from './browser';
import { realClock } from './clock';
import type { ResourceRecord } from './dns';
import { type NetworkInterface, reachable } from './interfaces';
import { type Family, Link } from './link';
import { type Announcement, buildRecords, type Identity, SERVICE } from './records';
import { Responder } from './responder';

export interface SegmentListener {
  isOurs(record: ResourceRecord): boolean;
  onTaken(name: string): void;
  onChange(key: string): void;
  onProblem(sentence: string): void;
}

export interface Presence {
  identity: Identity;
  announcement: Announcement;
  /** As sent; '' for none. */
  nick: string;
}

export class Segment {
  readonly link: Link;
  readonly browser: Browser;
  readonly #responder: Responder;
  #records: readonly ResourceRecord[] = [];

  constructor(
    private on: NetworkInterface,
    family: Family,
    listener: SegmentListener,
  ) {
    this.link = new Link(on, family, {
      onMessage: (m, from) => {
        this.#responder.receive(m, from);
        this.browser.receive(m, from);
      },
      onProblem: sentence => listener.onProblem(sentence),
    });
    const io = { clock: realClock, random: Math.random, send: this.link.send.bind(this.link) };
    this.#responder = new Responder({ ...io, isOurs: listener.isOurs, onTaken: listener.onTaken });
    this.browser = new Browser({
      ...io,
      ownAnswer: () => (this.#responder.announced ? (this.#records.find(isPointer) ?? null) : null),
      reachable: address => reachable(this.on, address),
      onChange: listener.onChange,
    });
  }

  /** The records that say this on this interface. */
  records(presence: Presence): ResourceRecord[] {
    const { identity, announcement, nick } = presence;
    return buildRecords(identity, announcement, nick, this.on);
  }

  /** Claims the names and announces. Until the link is open nobody would hear it: call it then. */
  start(presence: Presence): void {
    if (!this.link.open) return;
    this.#records = this.records(presence);
    this.#responder.start(this.#records);
  }

  /** Announces what changed under the same names. */
  update(presence: Presence): void {
    this.#records = this.records(presence);
    this.#responder.update(this.#records);
  }

  /** Says goodbye. */
  stop(): void {
    this.#responder.stop();
  }

  /** Addresses were added to the interface or removed from it. */
  renew(on: NetworkInterface): void {
    this.on = on;
    this.link.renew(on);
  }

  /** Says goodbye if the link still stands, and ends. */
  async close(): Promise<void> {
    this.#responder.stop();
    this.browser.close();
    await this.link.close();
  }
}

function isPointer(record: ResourceRecord): boolean {
  return record.type === 'PTR' && record.name === SERVICE;
}
