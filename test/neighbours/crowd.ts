/** Crowds that no machine holds: the real Neighbours and the real asking on a simulated network, IPv4 only. */
import { PassItOnError } from '../../src/core/errors';
import type { Message } from '../../src/neighbours/dns';
import { instanceName, SERVICE } from '../../src/neighbours/records';
import { Near } from '../../src/service/near';
import type { Store } from '../../src/store/store';
import type { ImagesAnswer } from '../../src/transfer/images-answer';
import { announcement, COMMIT, SimClock, SimLaptop, SimNetwork, seeded } from './simulation';

/** What an Ethernet frame holds besides DNS over IPv4. */
const HEADERS = 14 + 20 + 8;
/** A round trip over a busy radio, in ms. */
const ROUND_TRIP = 5;
/** How long it takes to find that nobody takes a question, in ms. */
const UNREACHED = 3000;
/** Where a laptop that was pulled out is still shown after so long, it is not waited for any further, in s. */
const PULLED_PATIENCE_S = 150;

const image = { name: 'olpc-xo', version: '407', commit: COMMIT, signedBy: null, bytes: 9 };
const images = [{ ...image, releaseTime: '2026-03-01T00:00:00.000Z' }];

interface Pupil {
  laptop: SimLaptop;
  near: Near;
}

export class Crowd {
  readonly clock = new SimClock();
  /** When questions were asked over HTTP, in s. */
  readonly questions: number[] = [];
  flickers = 0;
  private readonly network: SimNetwork;
  private readonly start = this.clock.now();
  /** By the address where it is asked. */
  private readonly pupils = new Map<string, Pupil>();
  /** Who shows the first one, which will be pulled out. */
  private readonly showing = new Set<SimLaptop>();
  private pairs = 0;
  private arrived = 0;
  private complete: number | null = null;

  /** loss: the share of packets that each laptop misses. arrivalS: within so many seconds they come, one after the other. */
  constructor(
    private readonly store: Store,
    private readonly laptops: number,
    loss: number,
    arrivalS = 10,
  ) {
    this.network = new SimNetwork(this.clock, seeded(laptops));
    this.network.shared = true;
    this.network.loss = loss;
    for (let i = 0; i < laptops; i++) {
      const pupil = this.add(`10.77.${Math.floor(i / 250)}.${(i % 250) + 1}`);
      this.clock.after((i * arrivalS * 1000) / laptops, () => void this.begin(pupil, i));
    }
  }

  /** Seconds from the last arrival until everybody had seen everybody. */
  get settled(): number | null {
    return this.complete === null ? null : (this.complete - this.arrived) / 1000;
  }

  /** All frames that went to everybody, as [seconds since the start, bytes]. */
  multicast(): [number, number][] {
    const all = this.network.frames.filter(({ to }) => to === null);
    return all.map(({ at, bytes }) => [(at - this.start) / 1000, bytes + HEADERS]);
  }

  /** The questions to everybody that this laptop would have to answer, or all. */
  asksFor(number: number): Message[] {
    const instance = instanceName({ instance: nick(number), host: '' });
    return this.network.frames
      .map(({ message }) => message)
      .filter(
        ({ kind, questions }) =>
          kind === 'query' && questions.some(({ name }) => name === instance || name === SERVICE),
      );
  }

  /** Pulls the first one's cable; returns the seconds until nobody shows it any more, null if that takes too long. */
  async pull(): Promise<number | null> {
    const [address, { laptop, near }] = this.pupils.entries().next().value!;
    this.network.cable(address.replace(/:.*/, ''), 'out');
    this.pupils.delete(address);
    near.unwatch();
    this.showing.delete(laptop);
    const pulled = this.clock.now();
    const passed = () => (this.clock.now() - pulled) / 1000;
    while (this.showing.size > 0 && passed() < PULLED_PATIENCE_S) await this.clock.run(1000);
    return this.showing.size > 0 ? null : passed();
  }

  private add(address: string): Pupil {
    const laptop = new SimLaptop(this.network, address);
    laptop.told.push = () => 0;
    const near = new Near(laptop.neighbours, this.store, event => this.hear(laptop, event), {
      clock: this.clock,
      random: this.network.random,
      ask: where => this.ask(where, laptop),
      hasGateway: () => false,
      mounts: () => '',
    });
    this.pupils.set(`${address}:20707`, { laptop, near });
    return { laptop, near };
  }

  private async begin({ laptop, near }: Pupil, number: number): Promise<void> {
    this.arrived = this.clock.now();
    await laptop.neighbours.start();
    laptop.neighbours.announce(announcement(nick(number)));
    near.watch();
  }

  private hear(by: SimLaptop, { event, id }: { event: string; id: string }): void {
    if (event === 'added') this.pairs++;
    if (event === 'removed') this.flickers++;
    if (this.pairs === this.laptops * (this.laptops - 1)) this.complete ??= this.clock.now();
    if (id !== nick(0)) return;
    if (event === 'added') this.showing.add(by);
    if (event === 'removed') this.showing.delete(by);
  }

  private async ask(address: string, asker: SimLaptop): Promise<ImagesAnswer> {
    const asked = this.pupils.get(address);
    await new Promise<void>(resolve => void this.clock.after(asked ? ROUND_TRIP : UNREACHED, resolve));
    if (!asked) throw new PassItOnError('source-gone', 'It does not answer.', 'Wait.');
    this.questions.push((this.clock.now() - this.start) / 1000);
    // As the server passes on who asks.
    const { name } = asker.neighbours;
    if (name) asked.near.askedBy(asker.interfaces[0]!.v4[0]!, { ...name, current: COMMIT });
    return { current: COMMIT, images, fetching: null, nick: '', announced: asked.laptop.neighbours.name };
  }
}

function nick(number: number): string {
  return `Laptop ${number}`;
}
