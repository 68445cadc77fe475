/** Crowds that no machine holds: the real Neighbours and the real asking on a simulated network, IPv4 only. */
import { rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { PassItOnError } from '../../src/core/errors';
import { Near } from '../../src/service/near';
import { Store } from '../../src/store/store';
import type { ImagesAnswer } from '../../src/transfer/images-answer';
import { announcement, COMMIT, SimClock, SimLaptop, SimNetwork, seeded } from '../../test/neighbours/simulation';
import { workFolder } from '../end';
import { ARRIVAL_S, ARRIVING_S, cost, hourly, IDLE_FROM_S, type Row } from './row';

/** What an Ethernet frame holds besides DNS over IPv4. */
const HEADERS = 14 + 20 + 8;
/** A round trip over a busy radio, in ms. */
const ROUND_TRIP = 5;
/** Frames and bytes of one question over HTTP and its answer, as counted between real laptops. */
const FRAMES = 10;
const BYTES = 1400;

const image = { name: 'olpc-xo', version: '407', commit: COMMIT, signedBy: null, bytes: 9 };
const images = [{ ...image, releaseTime: '2026-03-01T00:00:00.000Z' }];

/** idle: minutes; loss: the share of packets that each laptop misses. */
export async function simulated(laptops: number, idle: number, loss: number): Promise<Row> {
  const load = loadavg()[0]!;
  const folder = workFolder('neighbours');
  const store = await Store.open(join(folder, 'store'));
  try {
    const clock = new SimClock();
    const network = new SimNetwork(clock, seeded(laptops));
    network.shared = true;
    network.loss = loss;
    const start = clock.now();
    const at = new Map<string, SimLaptop>();
    let complete: number | null = null;
    let seen = 0;
    let flickers = 0;
    let arrived = 0;
    const nears = new Map<string, Near>();
    let questions = 0;
    const ask = async (address: string, asker: SimLaptop): Promise<ImagesAnswer> => {
      const laptop = at.get(address);
      if (!laptop) throw new PassItOnError('source-gone', 'It does not answer.', 'Wait.');
      if (clock.now() - start >= IDLE_FROM_S * 1000) questions++;
      // As the server passes on who asks.
      const { name } = asker.neighbours;
      if (name) nears.get(address)?.askedBy(asker.interfaces[0]!.v4[0]!, { ...name, current: COMMIT });
      await new Promise<void>(resolve => void clock.after(ROUND_TRIP, resolve));
      return { current: COMMIT, images, fetching: null, nick: '', announced: laptop.neighbours.name };
    };
    for (let i = 0; i < laptops; i++) {
      const address = `10.77.${Math.floor(i / 250)}.${(i % 250) + 1}`;
      const one = new SimLaptop(network, address);
      one.told.push = () => 0;
      at.set(`${address}:20707`, one);
      const count = ({ event }: { event: string }) => {
        if (event === 'added') seen++;
        if (event === 'removed') flickers++;
        if (seen === laptops * (laptops - 1)) complete ??= clock.now();
      };
      const near = new Near(one.neighbours, store, count, {
        clock,
        random: network.random,
        ask: address => ask(address, one),
        hasGateway: () => false,
        mounts: () => '',
      });
      nears.set(`${address}:20707`, near);
      clock.after((i * ARRIVAL_S * 1000) / laptops, () => {
        arrived = clock.now();
        void one.neighbours.start().then(() => {
          one.neighbours.announce(announcement(`Laptop ${i}`));
          near.watch();
        });
      });
    }
    const until = IDLE_FROM_S + idle * 60;
    await clock.run(until * 1000);
    const frames = network.frames
      .filter(({ to }) => to === null)
      .map(({ at: time, bytes }): [number, number] => [(time - start) / 1000, bytes + HEADERS]);
    return {
      what: loss === 0 ? 'simulated' : `simulated, ${loss * 100} % lost`,
      laptops,
      arriving: cost(frames, laptops, 0, ARRIVING_S),
      idle: hourly(cost(frames, laptops, IDLE_FROM_S, until), idle * 60),
      unicast: hourly({ packets: (questions * FRAMES) / laptops, bytes: (questions * BYTES) / laptops }, idle * 60),
      settled: complete === null ? null : (complete - arrived) / 1000,
      heard: null,
      flickers,
      pulled: null,
      load: [load, loadavg()[0]!],
    };
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
