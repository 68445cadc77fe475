/** Who is near, and that we are near: DNS-SD over multicast DNS on every suitable interface (docs/protocol.md). */
import { EventEmitter } from 'node:events';
import { type Sentence, sentence } from '../core/sentences';
import type { Timer } from './clock';
import { type Environment, realEnvironment } from './environment';
import type { NetworkInterface } from './interfaces';
import type { Family } from './link';
import { foldCase } from './names';
import {
  type Announcement,
  fittingNick,
  type Identity,
  instanceName,
  numbered,
  randomHost,
  randomInstance,
  Said,
} from './records';
import { type Presence, Segment } from './segment';
import { Roster, type Sighting } from './sighting';

export type { Announcement } from './records';
export type { Sighting } from './sighting';

export interface NeighboursOptions {
  /** Names of interfaces; default: all that are up and can multicast, without loopback and container bridges. */
  interfaces?: string[];
  /** Without `interfaces`: look on loopback too, where services on this very machine may be. */
  loopback?: boolean;
}

interface NeighboursEvents {
  added: [Sighting];
  changed: [Sighting];
  removed: [Sighting];
  /** What does not work now; everything else goes on. */
  warning: [Sentence];
}

/** How often interfaces are looked at, in ms. */
const POLL = 3000;
/** The wall clock ran on by so many ms while ours stood still: the laptop slept. */
const SLEPT = 10_000;
const MAX_HOSTS = 16;
/** Bearers of one name that are numbered one by one; after them numbers are drawn, or a class of Anas never settles. */
const NUMBERED = 4;

/**
 * Announces this laptop and watches for others. Events come for whatever is heard, but only while watched do we ask:
 * unwatched, neighbours are forgotten as their records end.
 */
export class Neighbours extends EventEmitter<NeighboursEvents> {
  readonly #wanted: readonly string[] | null;
  readonly #loopback: boolean;
  readonly #segments = new Map<string, Segment>();
  readonly #near = new Roster();
  readonly #said: Said;
  /** Problems that are told, by what they are about. */
  readonly #warnings = new Map<string, Sentence>();
  readonly #anonymous: string;
  /** The host names that were ours lately, folded. */
  readonly #hosts = new Set<string>();
  #host: string;
  #number = 1;
  #presence: Presence | null = null;
  #watchers = 0;
  #poll: Timer | null = null;
  #clockGap: number;
  #lookedAt: number;
  #closed = false;

  constructor(
    options: NeighboursOptions = {},
    private readonly world: Environment = realEnvironment,
  ) {
    super();
    this.#wanted = options.interfaces ?? null;
    this.#loopback = options.loopback ?? false;
    this.#said = new Said(() => world.clock.now());
    this.#anonymous = randomInstance(world.random);
    this.#host = randomHost(world.random);
    this.#clockGap = this.#epoch();
    this.#lookedAt = world.clock.now();
  }

  /** Opens the sockets. Never rejects because multicast fails: emits 'warning'. */
  async start(): Promise<void> {
    if (this.#closed || this.#poll) return;
    this.#lookAgainAndAgain();
    await Promise.all(Array.from(this.#segments.values(), segment => segment.wire.ready));
  }

  /**
   * Says who we are: at first (and with a new nick, because the name on the network is made of it) it is claimed and
   * announced, later what changed is announced.
   */
  announce(announcement: Announcement): void {
    if (this.#closed) return;
    const nick = fittingNick(announcement);
    const before = this.#presence;
    if (before && before.nick === nick) {
      this.#presence = { ...before, announcement };
      this.#say();
      for (const segment of this.#segments.values()) segment.update(this.#presence);
      return;
    }
    this.#number = 1;
    this.#presence = { identity: this.#identity(nick), announcement, nick };
    this.#claim();
  }

  /** Goodbye. Resolves when it has been sent. */
  async withdraw(): Promise<void> {
    this.#presence = null;
    for (const segment of this.#segments.values()) segment.stop();
    this.#say();
    await Promise.all(Array.from(this.#segments.values(), segment => segment.wire.flush()));
  }

  /** Begins to ask who is near; counted. */
  watch(): void {
    if (this.#watchers++ === 0) for (const { browser } of this.#segments.values()) browser.watch();
  }

  /** Ends one watch(). */
  unwatch(): void {
    if (this.#watchers === 0) return;
    if (--this.#watchers === 0) for (const { browser } of this.#segments.values()) browser.unwatch();
  }

  /** Who is near now; never ourselves. */
  list(): Sighting[] {
    for (const key of this.#near.keys()) this.#refresh(key);
    return this.#near.list();
  }

  /** As what we announce ourselves: instance and host label; null while we do not. */
  get name(): Identity | null {
    return this.#presence?.identity ?? null;
  }

  /**
   * A neighbour answered in another way, as what it announces: word from the owner itself. Its records hold for another
   * whole life, on all links, and nobody need be asked for them by multicast.
   */
  vouch(id: string): void {
    const key = this.#near.keyOf(id);
    if (key === null) return;
    for (const { browser } of this.#segments.values()) browser.vouch(key);
    this.#refresh(key);
  }

  /** A neighbour could not be reached: asked for at once, it is removed in ten seconds unless it answers. */
  doubt(id: string): void {
    const key = this.#near.keyOf(id);
    if (key !== null) for (const { browser } of this.#segments.values()) browser.doubt(key);
  }

  /** Somebody is there who is not in the list: all are asked for once more, soon. */
  askAgain(): void {
    for (const { browser } of this.#segments.values()) browser.askAgain();
  }

  /** Whether anybody else, neighbour or not, is heard on the networks of now. */
  get heardOthers(): boolean {
    return [...this.#segments.values()].some(({ heardOthers }) => heardOthers);
  }

  /** What does not work now. */
  warnings(): Sentence[] {
    return [...new Map(Array.from(this.#warnings.values(), warning => [warning.text, warning])).values()];
  }

  /** Goodbye, and no sockets or timers are left. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#poll?.cancel();
    const segments = [...this.#segments.values()];
    this.#segments.clear();
    await Promise.all(segments.map(segment => segment.close()));
  }

  // Our names

  #identity(nick: string): Identity {
    this.#hosts.add(`${this.#host}.local`);
    if (this.#hosts.size > MAX_HOSTS) this.#hosts.delete(this.#hosts.keys().next().value ?? '');
    return { instance: numbered(nick || this.#anonymous, this.#number), host: this.#host };
  }

  /** Takes down what we say on all interfaces, to know it when it comes back. */
  #say(): void {
    const presence = this.#presence;
    const all = presence ? Array.from(this.#segments.values(), segment => segment.records(presence)) : [];
    this.#said.replace(all.flat());
  }

  #claim(): void {
    const presence = this.#presence;
    if (!presence) return;
    this.#say();
    for (const segment of this.#segments.values()) segment.start(presence);
  }

  #onTaken(name: string): void {
    const presence = this.#presence;
    if (!presence) return;
    if (foldCase(name) === foldCase(instanceName(presence.identity))) {
      this.#number += this.#number < NUMBERED ? 1 : 1 + Math.floor(this.world.random() * this.#number);
    } else if (foldCase(name) === `${this.#host}.local`) this.#host = randomHost(this.world.random);
    else return;
    this.#presence = { ...presence, identity: this.#identity(presence.nick) };
    this.#claim();
  }

  // Interfaces

  #lookAgainAndAgain(): void {
    this.#look();
    this.#poll = this.world.clock.after(POLL, () => this.#lookAgainAndAgain());
  }

  #look(): void {
    const wanted = new Map<string, [NetworkInterface, Family]>();
    for (const on of this.world.interfaces(this.#wanted, this.#loopback)) {
      // The first IPv4 address is the one we are bound to; an interface made anew needs a new socket as well.
      if (on.v4.length > 0) wanted.set(`${on.name} ${on.index} ${on.v4[0]}`, [on, 'v4']);
      if (on.v6.length > 0) wanted.set(`${on.name} ${on.index} v6`, [on, 'v6']);
    }
    for (const [key, segment] of this.#segments) {
      if (!wanted.has(key)) this.#warnings.delete(key);
      if (!wanted.has(key) || segment.wire.failed) this.#drop(key, segment);
    }
    for (const [key, [on, family]] of wanted) {
      const segment = this.#segments.get(key);
      if (!segment) this.#open(key, on, family);
      else if (segment.renew(on)) this.#beginAgain(segment);
    }
    if (wanted.size === 0) {
      const where = this.#wanted?.join(', ');
      const missing = where === undefined ? sentence('network-missing') : sentence('network-missing-on', { where });
      this.#warn('network', missing);
    } else this.#warnings.delete('network');
    const presence = this.#presence;
    if (presence) {
      this.#say();
      for (const segment of this.#segments.values()) segment.update(presence);
    }
    this.#noticeSleep();
  }

  #open(key: string, on: NetworkInterface, family: Family): void {
    const segment = new Segment(on, family, this.world, {
      isOurs: record => this.#said.has(record),
      onTaken: name => this.#onTaken(name),
      onChange: changed => this.#refresh(changed),
      onProblem: problem => {
        if (this.#segments.get(key) === segment) this.#warn(key, problem);
      },
    });
    this.#segments.set(key, segment);
    void segment.wire.ready.then(() => {
      if (this.#segments.get(key) !== segment) return;
      if (!segment.wire.failed) this.#warnings.delete(key);
      if (this.#watchers > 0) segment.browser.watch();
      if (!this.#presence) return;
      this.#say();
      segment.start(this.#presence);
    });
  }

  #drop(key: string, segment: Segment): void {
    const seen = segment.browser.keys();
    this.#segments.delete(key);
    void segment.close();
    for (const neighbour of seen) this.#refresh(neighbour);
  }

  /**
   * After a sleep nothing that we knew is sure, and perhaps others have taken our name. Asleep, our clock stands still
   * and the other runs on; a process that was stopped, or a machine that was frozen, comes late to look.
   */
  #noticeSleep(): void {
    const gap = this.#epoch();
    const now = this.world.clock.now();
    const slept = Math.abs(gap - this.#clockGap) > SLEPT || now - this.#lookedAt > POLL + SLEPT;
    this.#clockGap = gap;
    this.#lookedAt = now;
    if (!slept) return;
    for (const segment of this.#segments.values()) this.#beginAgain(segment);
  }

  /** What was known of this link is not sure any more (RFC 6762 §8, §10.4): others are asked for, our name is claimed. */
  #beginAgain(segment: Segment): void {
    for (const key of segment.browser.keys()) segment.browser.doubt(key);
    if (this.#presence) segment.start(this.#presence);
  }

  #warn(about: string, warning: Sentence): void {
    if (this.#closed || this.#warnings.get(about)?.text === warning.text) return;
    const told = this.warnings().some(({ text }) => text === warning.text);
    this.#warnings.set(about, warning);
    if (!told) this.emit('warning', warning);
  }

  // Sightings

  /** What to add to clock times to get ms since 1970. */
  #epoch(): number {
    return this.world.wallTime() - this.world.clock.now();
  }

  /** Looks at an instance again, and tells what is new. */
  #refresh(key: string): void {
    if (this.#closed) return;
    const seen = Array.from(this.#segments.values(), ({ browser }) => browser.sighting(key));
    const others = seen.filter(sighting => sighting !== null).filter(({ host }) => !this.#hosts.has(host));
    for (const { event, sighting } of this.#near.update(key, others, this.#epoch())) this.emit(event, sighting);
  }
}
