/** What a crowd that no machine holds costs, by simulation. */
import { rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { Store } from '../../src/store/store';
import { Crowd } from '../../test/neighbours/crowd';
import { workFolder } from '../end';
import { ARRIVAL_S, ARRIVING_S, cost, hourly, IDLE_FROM_S, type Row } from './row';

/** Frames and bytes of one question over HTTP and its answer, as counted between real laptops. */
const FRAMES = 10;
const BYTES = 1400;

/** idle: minutes; loss: the share of packets that each laptop misses. */
export async function simulated(laptops: number, idle: number, loss: number): Promise<Row> {
  const load = loadavg()[0]!;
  const folder = workFolder('neighbours');
  const store = await Store.open(join(folder, 'store'));
  try {
    const crowd = new Crowd(store, laptops, loss, ARRIVAL_S);
    const until = IDLE_FROM_S + idle * 60;
    await crowd.clock.run(until * 1000);
    const { flickers } = crowd;
    const questions = crowd.questions.filter(time => time >= IDLE_FROM_S && time < until).length;
    const pulled = await crowd.pull();
    const frames = crowd.multicast();
    return {
      what: loss === 0 ? 'simulated' : `simulated, ${loss * 100} % lost`,
      laptops,
      arriving: cost(frames, laptops, 0, ARRIVING_S),
      idle: hourly(cost(frames, laptops, IDLE_FROM_S, until), idle * 60),
      unicast: hourly({ packets: (questions * FRAMES) / laptops, bytes: (questions * BYTES) / laptops }, idle * 60),
      settled: crowd.settled,
      heard: null,
      flickers,
      pulled,
      load: [load, loadavg()[0]!],
    };
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
