/** A class of real laptops in network namespaces, IPv4 and IPv6, while it arrives, while it is idle, and when one goes. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Store } from '../../src/store/store';
import { Avahi } from '../../test/lan/avahi';
import { Capture } from '../../test/lan/capture';
import { Lan } from '../../test/lan/namespaces';
import { announcement } from '../../test/neighbours/simulation';
import { workFolder } from '../end';
import type { Told } from './laptop';
import { ARRIVAL_S, ARRIVING_S, cost, hourly, IDLE_FROM_S, type Row } from './row';

export const KINDS = ['ours', 'avahi', 'bonjour-service'] as const;
export type Kind = (typeof KINDS)[number];

/** Where a laptop that was pulled out is still shown after so long, it is not measured any further, in s. */
const PULLED_PATIENCE_S = 150;
const LIBRARY = resolve('bench/neighbours/node_modules/bonjour-service');

export interface RealOptions {
  /** Minutes. */
  idle: number;
  /** Keep what went over the bridge here; null: it is thrown away. */
  keep: string | null;
}

/** program: the bundle that becomes a laptop when it is called with `laptop KIND …`. */
export async function real(kind: Kind, laptops: number, program: string, options: RealOptions): Promise<Row> {
  const folder = workFolder('neighbours');
  const lan = await Lan.create(laptops);
  const crowd = new Crowd(lan, kind, program, folder);
  const load = loadavg()[0]!;
  try {
    await crowd.load(laptops);
    // Addresses settle (IPv6 checks its own for a second or two) before anybody measures.
    await sleep(4000);
    const capture = await Capture.start(lan, options.keep ?? join(folder, 'wire.pcapng'), '');
    const start = Date.now();
    for (let i = 0; i < laptops; i++) {
      await sleep(Math.max(0, start + (i * ARRIVAL_S * 1000) / laptops - Date.now()));
      crowd.begin(i);
    }
    const until = IDLE_FROM_S + options.idle * 60;
    await sleep(start + until * 1000 - Date.now());
    const { flickers } = crowd;
    const pulled = kind === 'ours' ? await crowd.pull(0) : null;
    await capture.end();
    const read = async (filter: string) => {
      const lines = await capture.read(filter);
      const frames = lines.map(line => line.split('\t').map(Number));
      return frames.map(([at, bytes]): [number, number] => [at! - start / 1000, bytes!]);
    };
    const multicast = await read('udp.port == 5353 && eth.dst[0] & 1');
    const unicast = await read('tcp || (udp && !(eth.dst[0] & 1))');
    const idle = (frames: [number, number][]) => hourly(cost(frames, laptops, IDLE_FROM_S, until), options.idle * 60);
    return {
      what: kind,
      laptops,
      arriving: cost(multicast, laptops, 0, ARRIVING_S),
      idle: idle(multicast),
      unicast: idle(unicast),
      settled: crowd.settledAfter(crowd.lastBegun),
      heard: crowd.settledAfter(await announcedAt(capture)),
      flickers: kind === 'ours' ? flickers : null,
      pulled,
      load: [load, loadavg()[0]!],
    };
  } finally {
    await lan.close();
    crowd.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Crowd {
  flickers = 0;
  private readonly children: ChildProcess[] = [];
  private readonly daemons: Avahi[] = [];
  private readonly seen: Set<string>[] = [];
  private begun = 0;
  lastBegun = 0;
  private complete: number | null = null;
  private onChange = () => {};

  constructor(
    private readonly lan: Lan,
    private readonly kind: Kind,
    private readonly program: string,
    private readonly folder: string,
  ) {}

  /** All processes are there, and wait: thirty laptops have thirty processors to start theirs, this machine has not. */
  async load(laptops: number): Promise<void> {
    if (this.kind === 'avahi') return;
    const model = await flashed(join(this.folder, 'model'));
    const loaded: Promise<unknown>[] = [];
    for (let i = 0; i < laptops; i++) {
      const store = join(this.folder, `store-${i}`);
      if (this.kind === 'ours') cpSync(model, store, { recursive: true });
      const words = this.kind === 'ours' ? [store] : [LIBRARY, this.lan.laptops[i]!.address];
      const child = this.lan.run(i, process.execPath, [this.program, 'laptop', this.kind, `Laptop ${i}`, ...words], {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { ...process.env, PASS_IT_ON_ALLOW_UNSIGNED: '1' },
      });
      this.children.push(child);
      this.seen.push(new Set());
      const lines = createInterface({ input: child.stdout! });
      loaded.push(once(lines, 'line'));
      lines.on('line', text => this.hear(i, text as Told));
    }
    await Promise.all(loaded);
  }

  begin(i: number): void {
    if (this.kind === 'avahi') void this.beginAvahi(i);
    else this.children[i]!.stdin!.write('\n');
  }

  /** Seconds from then (ms since 1970) until everybody had seen everybody. */
  settledAfter(then: number): number | null {
    return this.complete === null ? null : Math.max(0, this.complete - then) / 1000;
  }

  /** Pulls the cable of one; resolves with the seconds until nobody shows it any more, or null. */
  async pull(laptop: number): Promise<number | null> {
    const id = `Laptop ${laptop}`;
    const others = this.seen.filter((_seen, i) => i !== laptop);
    const pulled = Date.now();
    this.lan.link(laptop, 'down');
    return new Promise(resolve => {
      const timer = setTimeout(() => resolve(null), PULLED_PATIENCE_S * 1000);
      this.onChange = () => {
        if (others.some(seen => seen.has(id))) return;
        clearTimeout(timer);
        resolve((Date.now() - pulled) / 1000);
      };
      this.onChange();
    });
  }

  close(): void {
    for (const daemon of this.daemons) daemon.close();
  }

  private hear(i: number, told: Told): void {
    const id = told.slice(1);
    if (told === 'begun') {
      this.begun++;
      this.lastBegun = Date.now();
    } else if (told.startsWith('+')) this.seen[i]!.add(id);
    else if (told.startsWith('-')) {
      this.flickers++;
      this.seen[i]!.delete(id);
    }
    const all = this.seen.length - 1;
    if (this.begun > all && this.seen.every(({ size }) => size === all)) this.complete ??= Date.now();
    this.onChange();
  }

  /** Announces and browses as ours do, with the same words. */
  private async beginAvahi(i: number): Promise<void> {
    const daemon = await Avahi.start(this.lan, i, `laptop-${i}`);
    this.daemons.push(daemon);
    const { image, version, commit, port } = announcement('');
    const txt = [`txtvers=1`, `image=${image}`, `version=${version}`, `commit=${commit}`, `nick=Laptop ${i}`];
    daemon.publish(`Laptop ${i}`, '_xo-image._tcp', port, [...txt, 'colors=#FF2B34,#008009']);
    daemon.watch('_xo-image._tcp');
  }
}

/** When the last laptop was announced for the first time, in ms since 1970. */
async function announcedAt(capture: Capture): Promise<number> {
  const first = new Map<string, number>();
  for (const line of await capture.read('dns.flags.response == 1 && dns.resp.type == 12')) {
    const [time = '', , source = ''] = line.split('\t');
    if (!first.has(source)) first.set(source, Number(time) * 1000);
  }
  return Math.max(...first.values());
}

/** A store with one small image in use. */
async function flashed(dir: string): Promise<string> {
  const tree = join(dir, 'tree/etc');
  mkdirSync(tree, { recursive: true });
  writeFileSync(join(tree, 'version'), '407');
  const store = await Store.open(join(dir, 'store'));
  const { image } = await store.publish(join(dir, 'tree'), { name: 'olpc-xo', version: '407', time: 1 });
  await store.use(image.commit);
  await store.close();
  return join(dir, 'store');
}
