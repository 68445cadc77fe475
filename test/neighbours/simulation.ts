/** A network, its laptops and their time, without waiting. Every packet goes through our encoder and the real decoder. */
import { BlockList } from 'node:net';
import { decode } from 'dns-packet';
import type { Endpoint } from '../../src/neighbours/answering';
import type { Clock, Timer } from '../../src/neighbours/clock';
import { toMessage } from '../../src/neighbours/decode';
import { encode, type Message } from '../../src/neighbours/dns';
import type { Environment, Wire, WireListener } from '../../src/neighbours/environment';
import type { NetworkInterface } from '../../src/neighbours/interfaces';
import { type Announcement, Neighbours, type Sighting } from '../../src/neighbours/neighbours';

/** Numbers in [0, 1) that are the same again for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Planned {
  at: number;
  order: number;
  action: (() => void) | null;
}

/** A heap of what is planned: crowds plan hundreds of thousands of things. */
export class SimClock implements Clock {
  #now = 1_000_000;
  #order = 0;
  #heap: Planned[] = [];
  #cancelled = 0;

  now(): number {
    return this.#now;
  }

  after(ms: number, action: () => void): Timer {
    const planned: Planned = { at: this.#now + Math.max(0, ms), order: this.#order++, action };
    this.#push(planned);
    return {
      cancel: () => {
        if (planned.action === null) return;
        planned.action = null;
        this.#cancelled++;
      },
    };
  }

  /** Timers that have not run yet. */
  get pending(): number {
    return this.#heap.length - this.#cancelled;
  }

  #push(planned: Planned): void {
    const heap = this.#heap;
    let i = heap.push(planned) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (before(heap[parent]!, planned)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = planned;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (before(last, heap[child]!)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
  }

  /** What is to be done next, or null; it is time for it now. */
  #next(until: number): (() => void) | null {
    for (;;) {
      const next = this.#heap[0];
      if (!next || next.at > until) return null;
      this.#pop();
      const { action } = next;
      if (action === null) {
        this.#cancelled--;
        continue;
      }
      next.action = null;
      this.#now = next.at;
      return action;
    }
  }

  /** Lets `ms` pass. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (let next = this.#next(until); next; next = this.#next(until)) next();
    this.#now = until;
  }

  /** Lets `ms` pass, with room for promises after every timer. */
  async run(ms: number): Promise<void> {
    const until = this.#now + ms;
    await new Promise(setImmediate);
    for (let next = this.#next(until); next; next = this.#next(until)) {
      next();
      await new Promise(setImmediate);
    }
    this.#now = until;
  }
}

function before(a: Planned, b: Planned): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** What goes over the wire and comes out of the real decoder; throws where the decoder refuses what we encode. */
export function overTheWire(m: Message): Message {
  return received(encode(m));
}

function received(bytes: Buffer): Message {
  const received = toMessage(decode(bytes));
  if (!received) throw new Error('we sent what everybody must ignore');
  return received;
}

export interface Frame {
  at: number;
  from: string;
  /** null: to everybody. */
  to: Endpoint | null;
  bytes: number;
  message: Message;
}

interface Plug {
  address: string;
  listener: WireListener;
}

export class SimNetwork {
  readonly frames: Frame[] = [];
  /** All receivers get one copy of a packet, at one moment: for crowds, where a copy and a moment for each take too long. */
  shared = false;
  /** The share of packets that each receiver misses. */
  loss = 0;
  readonly #plugs = new Set<Plug>();
  /** When the last packet of a sender arrives: at one receiver, or where they share it, at all. */
  readonly #last = new Map<string, Map<Plug | 'all', number>>();
  readonly #unplugged = new Set<string>();

  constructor(
    readonly clock: SimClock,
    readonly random: () => number,
  ) {}

  plug(plug: Plug): void {
    this.#plugs.add(plug);
  }

  unplug(plug: Plug): void {
    this.#plugs.delete(plug);
  }

  /** Pulls or puts back the cable of an address, without anybody being told. */
  cable(address: string, state: 'in' | 'out'): void {
    if (state === 'in') this.#unplugged.delete(address);
    else this.#unplugged.add(address);
  }

  send(from: string, m: Message, to: Endpoint | null): void {
    const bytes = encode(m);
    const message = received(bytes);
    this.frames.push({ at: this.clock.now(), from, to, bytes: bytes.length, message });
    const reached = [...this.#plugs].filter(plug => this.#reaches(from, plug, to));
    const deliver = (plug: Plug, copy: Message) => {
      if (this.#plugs.has(plug)) plug.listener.onMessage(copy, { address: from, port: 5353 });
    };
    if (this.shared) {
      this.#arrive(from, 'all', () => {
        for (const plug of reached) deliver(plug, message);
      });
      return;
    }
    // A copy for each: nobody may rely on sharing what he got with the sender.
    for (const plug of reached) this.#arrive(from, plug, () => deliver(plug, received(bytes)));
  }

  #reaches(from: string, { address }: Plug, to: Endpoint | null): boolean {
    if (to && to.address !== address) return false;
    if (address === from) return true;
    return !this.#unplugged.has(from) && !this.#unplugged.has(address) && this.random() >= this.loss;
  }

  /** Packets of one sender stay in order, as on a real link. */
  #arrive(from: string, where: Plug | 'all', action: () => void): void {
    const last = this.#last.get(from) ?? new Map<Plug | 'all', number>();
    this.#last.set(from, last);
    const now = this.clock.now();
    const at = Math.max(now + 0.2 + this.random(), last.get(where) ?? 0);
    last.set(where, at);
    this.clock.after(at - now, action);
  }

  /** The frames sent after `since` (clock time). */
  after(since: number): Frame[] {
    return this.frames.filter(frame => frame.at > since);
  }
}

class SimWire implements Wire {
  readonly ready = Promise.resolve();
  readonly open = true;
  readonly failed = false;
  readonly #plug: Plug;

  constructor(
    private readonly network: SimNetwork,
    address: string,
    listener: WireListener,
  ) {
    this.#plug = { address, listener };
    network.plug(this.#plug);
  }

  send(m: Message, to?: Endpoint): void {
    this.network.send(this.#plug.address, m, to ?? null);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  renew(): void {}

  async close(): Promise<void> {
    this.network.unplug(this.#plug);
  }
}

/** An interface of the 10.77.0.0/16 network. */
export function simInterface(name: string, address: string, index = 1): NetworkInterface {
  const subnets = new BlockList();
  subnets.addSubnet('10.77.0.0', 16, 'ipv4');
  return { name, index, v4: [address], v6: [], subnets, flaps: 0 };
}

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

export function announcement(nick: string | undefined, version = '407'): Announcement {
  return { image: 'olpc-xo', version, commit: COMMIT, port: 20707, nick, colors: ['#FF2B34', '#008009'] };
}

/** The real Neighbours on a simulated network, with a record of what it told. */
export class SimLaptop {
  readonly neighbours: Neighbours;
  readonly told: { event: 'added' | 'changed' | 'removed'; sighting: Sighting; at: number }[] = [];
  readonly warnings: string[] = [];
  interfaces: NetworkInterface[];
  /** How much longer than the clock the wall clock ran. */
  slept = 0;

  constructor(network: SimNetwork, address: string, networks: Record<string, SimNetwork> = {}) {
    this.interfaces = [simInterface('eth0', address)];
    const { clock, random } = network;
    const world: Environment = {
      clock,
      random,
      wallTime: () => 1_700_000_000_000 + clock.now() + this.slept,
      interfaces: wanted => this.interfaces.filter(({ name }) => !wanted || wanted.includes(name)),
      openWire: (on, _family, listener) => new SimWire(networks[on.name] ?? network, on.v4[0]!, listener),
    };
    this.neighbours = new Neighbours({}, world);
    for (const event of ['added', 'changed', 'removed'] as const) {
      this.neighbours.on(event, sighting => this.told.push({ event, sighting, at: clock.now() }));
    }
    this.neighbours.on('warning', ({ text }) => this.warnings.push(text));
  }

  /** The ids of those it sees, sorted. */
  get sees(): string[] {
    return this.neighbours
      .list()
      .map(({ id }) => id)
      .sort();
  }
}
