/** What the outside world is to Neighbours; tests put a simulated network in its place. */
import type { Sentence } from '../core/sentences';
import type { Endpoint } from './answering';
import { type Clock, type Random, realClock } from './clock';
import type { Message } from './dns';
import { currentInterfaces, type NetworkInterface } from './interfaces';
import { type Family, Link } from './link';

/** A multicast socket on one interface. */
export interface Wire {
  /** Resolves when it can send, or never will. */
  readonly ready: Promise<void>;
  /** True while it can send; failed: it never will, make a new one. */
  readonly open: boolean;
  readonly failed: boolean;
  /** To the whole link, or to one address on it. */
  send(m: Message, to?: Endpoint): void;
  /** Resolves when all that was sent has left. */
  flush(): Promise<void>;
  /** Addresses were added to the interface or removed from it. */
  renew(on: NetworkInterface): void;
  close(): Promise<void>;
}

export interface WireListener {
  onMessage(m: Message, from: Endpoint): void;
  /** Something does not work; each sentence comes once. */
  onProblem(problem: Sentence): void;
}

export interface Environment {
  clock: Clock;
  random: Random;
  /** ms since 1970; unlike the clock it goes on while the laptop sleeps. */
  wallTime(): number;
  /** The interfaces of these names; null: all on which neighbours can be, loopback as asked. */
  interfaces(wanted: readonly string[] | null, loopback: boolean): NetworkInterface[];
  openWire(on: NetworkInterface, family: Family, listener: WireListener): Wire;
}

export const realEnvironment: Environment = {
  clock: realClock,
  random: Math.random,
  wallTime: Date.now,
  interfaces: currentInterfaces,
  openWire: (on, family, listener) => new Link(on, family, listener),
};
