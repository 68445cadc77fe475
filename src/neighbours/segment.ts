/** All that we do on one link: announce and browse. */
import type { Sentence } from '../core/sentences';
import { Browser } from './browser';
import type { ResourceRecord } from './dns';
import type { Environment, Wire } from './environment';
import { type NetworkInterface, reachable } from './interfaces';
import type { Family } from './link';
import { type Announcement, buildRecords, type Identity, SERVICE } from './records';
import { Responder } from './responder';

export interface SegmentListener {
  isOurs(record: ResourceRecord): boolean;
  onTaken(name: string): void;
  onChange(key: string): void;
  onProblem(problem: Sentence): void;
}

export interface Presence {
  identity: Identity;
  announcement: Announcement;
  /** As sent; '' for none. */
  nick: string;
}

/** Addresses that are remembered: those of a crowd, and some more. */
const MAX_REACHABLE = 4096;

export class Segment {
  readonly wire: Wire;
  readonly browser: Browser;
  readonly #responder: Responder;
  #records: readonly ResourceRecord[] = [];
  #heardOthers = false;
  /** What reachable() said of an address: it is asked again and again, and its answer costs a call out of JavaScript. */
  readonly #reachable = new Map<string, string | null>();

  constructor(
    private on: NetworkInterface,
    family: Family,
    world: Environment,
    listener: SegmentListener,
  ) {
    this.wire = world.openWire(on, family, {
      onMessage: (m, from) => {
        const source = from.address.split('%')[0] ?? '';
        if (!this.on.v4.includes(source) && !this.on.v6.includes(source)) this.#heardOthers = true;
        this.#responder.receive(m, from);
        this.browser.receive(m, from);
      },
      onProblem: problem => listener.onProblem(problem),
    });
    const { clock, random } = world;
    const io = { clock, random, send: this.wire.send.bind(this.wire) };
    this.#responder = new Responder({ ...io, isOurs: listener.isOurs, onTaken: listener.onTaken });
    this.browser = new Browser({
      ...io,
      ownAnswer: () => (this.#responder.announced ? (this.#records.find(isPointer) ?? null) : null),
      reachable: address => this.#reach(address),
      onChange: listener.onChange,
    });
  }

  /** Whether any packet of another machine came in. */
  get heardOthers(): boolean {
    return this.#heardOthers;
  }

  /** The records that say this on this interface. */
  records(presence: Presence): ResourceRecord[] {
    const { identity, announcement, nick } = presence;
    return buildRecords(identity, announcement, nick, this.on);
  }

  /** Claims the names and announces. Until the link is open nobody would hear it: call it then. */
  start(presence: Presence): void {
    if (!this.wire.open) return;
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

  /**
   * The interface as it is now: addresses were added to it or removed, perhaps its link was gone for a moment.
   * Returns true if it was: what is on the other end may be another network.
   */
  renew(on: NetworkInterface): boolean {
    const flapped = on.flaps !== this.on.flaps;
    this.on = on;
    this.#reachable.clear();
    this.wire.renew(on);
    return flapped;
  }

  #reach(address: string): string | null {
    let reached = this.#reachable.get(address);
    if (reached === undefined) {
      if (this.#reachable.size >= MAX_REACHABLE) this.#reachable.clear();
      reached = reachable(this.on, address);
      this.#reachable.set(address, reached);
    }
    return reached;
  }

  /** Says goodbye if the link still stands, and ends. */
  async close(): Promise<void> {
    this.#responder.stop();
    this.browser.close();
    await this.wire.close();
  }
}

function isPointer(record: ResourceRecord): boolean {
  return record.type === 'PTR' && record.name === SERVICE;
}
