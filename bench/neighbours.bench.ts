/**
 * What finding each other costs the radio: multicast packets and bytes a laptop, while a class arrives and when it is
 * idle, for real laptops in network namespaces, ours and with avahi; and by simulation for crowds that no machine holds.
 * Usage: npm run bench -- neighbours [LAPTOPS,…] [ours,avahi] [SIMULATED,…]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Neighbours } from '../src/neighbours/neighbours';
import { Avahi } from '../test/lan/avahi';
import { Capture } from '../test/lan/capture';
import { Lan } from '../test/lan/namespaces';
import { announcement, SimClock, SimLaptop, SimNetwork, seeded } from '../test/neighbours/simulation';

/** Laptops arrive one after the other within this time; then come the half minute of arrival, a pause, and the idle time. */
const ARRIVAL_S = 10;
const ARRIVING_S = 30;
/** From this second on until that one: a whole round of asking again for addresses, which hold two minutes. */
const IDLE_FROM_S = 60;
const IDLE_UNTIL_S = 168;
/** What an Ethernet frame holds besides DNS over IPv4. */
const HEADERS = 14 + 20 + 8;

interface Cost {
  /** A laptop. */
  packets: number;
  bytes: number;
}

interface Row {
  what: string;
  laptops: number;
  arriving: Cost;
  /** A laptop and hour. */
  idle: Cost;
  /** From the last arrival until everybody saw everybody, in s; null: not measured. */
  settled: number | null;
}

/** One laptop of ours as its own process: prints each neighbour that it sees. */
async function laptop(nick: string): Promise<void> {
  const neighbours = new Neighbours();
  neighbours.on('added', ({ id }) => console.log(id));
  neighbours.announce(announcement(nick));
  neighbours.watch();
  await neighbours.start();
  process.on('SIGTERM', () => void neighbours.close().then(() => process.exit()));
  setInterval(() => {}, 2 ** 30);
}

/** Frames as [seconds since the start, bytes]. */
function cost(frames: [number, number][], laptops: number, from: number, until: number): Cost {
  const inside = frames.filter(([at]) => at >= from && at < until);
  const bytes = inside.reduce((sum, [, length]) => sum + length, 0);
  return { packets: inside.length / laptops, bytes: bytes / laptops };
}

function hourly({ packets, bytes }: Cost): Cost {
  const factor = 3600 / (IDLE_UNTIL_S - IDLE_FROM_S);
  return { packets: packets * factor, bytes: bytes * factor };
}

async function real(what: 'ours' | 'avahi', laptops: number): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'pass-it-on-bench-'));
  const lan = await Lan.create(laptops);
  const daemons: Avahi[] = [];
  try {
    // Addresses settle (IPv6 checks its own for a second or two) before anybody measures.
    await sleep(4000);
    const capture = await Capture.start(lan, join(folder, 'wire.pcapng'));
    const start = Date.now() / 1000;
    const seen = Array.from({ length: laptops }, () => new Set<string>());
    let complete: number | null = null;
    for (let i = 0; i < laptops; i++) {
      await sleep(Math.max(0, (start + (i * ARRIVAL_S) / laptops) * 1000 - Date.now()));
      if (what === 'avahi') void avahi(lan, i, daemons);
      else {
        const child = lan.run(i, process.execPath, [__filename, 'laptop', `Laptop ${i}`], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        createInterface({ input: child.stdout! }).on('line', id => {
          seen[i]!.add(id);
          if (seen.every(({ size }) => size === laptops - 1)) complete ??= Date.now() / 1000;
        });
      }
    }
    const arrived = Date.now() / 1000;
    await sleep((start + IDLE_UNTIL_S) * 1000 - Date.now());
    await capture.end();
    const lines = await capture.read('mdns && eth.dst[0] & 1');
    const frames = lines
      .map(line => line.split('\t').map(Number))
      .map(([at, bytes]): [number, number] => [at! - start, bytes!]);
    return {
      what,
      laptops,
      arriving: cost(frames, laptops, 0, ARRIVING_S),
      idle: hourly(cost(frames, laptops, IDLE_FROM_S, IDLE_UNTIL_S)),
      settled: complete === null ? null : Math.max(0, complete - arrived),
    };
  } finally {
    await lan.close();
    for (const daemon of daemons) daemon.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Announces and browses as ours do, with the same words. */
async function avahi(lan: Lan, i: number, daemons: Avahi[]): Promise<void> {
  const daemon = await Avahi.start(lan, i, `laptop-${i}`);
  daemons.push(daemon);
  const { image, version, commit } = announcement('');
  const txt = [`txtvers=1`, `image=${image}`, `version=${version}`, `commit=${commit}`, `nick=Laptop ${i}`];
  daemon.publish(`Laptop ${i}`, '_xo-image._tcp', 20707, [...txt, 'colors=#FF2B34,#008009']);
  daemon.watch('_xo-image._tcp');
}

/** The real Neighbours on a simulated network, IPv4 only, on simulated time. */
async function simulated(laptops: number): Promise<Row> {
  const clock = new SimClock();
  const network = new SimNetwork(clock, seeded(laptops));
  network.shared = true;
  const start = clock.now();
  const all: SimLaptop[] = [];
  let complete: number | null = null;
  let arrived = 0;
  const added = new Map<SimLaptop, number>();
  for (let i = 0; i < laptops; i++) {
    const one = new SimLaptop(network, `10.77.${Math.floor(i / 250)}.${(i % 250) + 1}`);
    all.push(one);
    clock.after((i * ARRIVAL_S * 1000) / laptops, () => {
      arrived = clock.now();
      void one.neighbours.start().then(() => {
        one.neighbours.announce(announcement(`Laptop ${i}`));
        one.neighbours.watch();
      });
    });
    one.neighbours.on('added', () => {
      added.set(one, (added.get(one) ?? 0) + 1);
      if (added.get(one) === laptops - 1 && [...added.values()].filter(n => n >= laptops - 1).length === laptops) {
        complete ??= clock.now();
      }
    });
  }
  await network.clock.run(IDLE_UNTIL_S * 1000);
  const frames = network.frames
    .filter(({ to }) => to === null)
    .map(({ at, bytes }): [number, number] => [(at - start) / 1000, bytes + HEADERS]);
  return {
    what: 'simulated',
    laptops,
    arriving: cost(frames, laptops, 0, ARRIVING_S),
    idle: hourly(cost(frames, laptops, IDLE_FROM_S, IDLE_UNTIL_S)),
    settled: complete === null ? null : (complete - arrived) / 1000,
  };
}

function show({ what, laptops, arriving, idle, settled }: Row): void {
  const kilo = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
  const first = `${arriving.packets.toFixed(1)} packets, ${kilo(arriving.bytes)} in the first ${ARRIVING_S} s`;
  const later = `${idle.packets.toFixed(0)} packets, ${kilo(idle.bytes)} an hour when idle`;
  const all = settled === null ? '' : `; all see all ${settled.toFixed(1)} s after the last came`;
  console.log(`${what}, ${laptops} laptops, each: ${first}; ${later}${all}`);
}

async function main(): Promise<void> {
  const [sizes = '2,10,30,50', kinds = 'ours,avahi', crowds = '500,1000'] = process.argv.slice(2);
  const numbers = (text: string) =>
    text
      .split(',')
      .map(Number)
      .filter(n => n > 0);
  for (const laptops of numbers(sizes)) {
    for (const kind of ['ours', 'avahi'] as const) if (kinds.includes(kind)) show(await real(kind, laptops));
  }
  for (const laptops of numbers(crowds)) show(await simulated(laptops));
}

void (process.argv[2] === 'laptop' ? laptop(process.argv[3] ?? '') : main());
