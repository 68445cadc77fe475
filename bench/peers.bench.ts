/**
 * Beside the peers, each in its ordinary best use: one table a scenario and direction, each result proven against the original.
 *
 *     npm run bench -- peers [small|full|next|next-full] [SCENARIO…] [--only PEER,…] [--way up|down] [--runs N] [--work DIR]
 *
 * Scenarios: fast, fast-alone, slow, slow-alone (one laptop from a donor that holds both versions, or the new one alone),
 * eight, eight-radio, eight-own. Peers: ours, bytes, speed, rsync, rsync-z, ostree, ostree-deltas, ostree-file, git, casync.
 *
 * DIR: where everybody's stores and repositories are made, if not on the disk of the trees. In memory (/dev/shm) no run pays for what the
 * one before it removed (docs/performance.md).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Shape } from '../test/lan/namespaces';
import { end, workFolder } from './end';
import { type AloneScenario, alone } from './peers/alone';
import { casync } from './peers/casync';
import { type EightScenario, eight } from './peers/eight';
import { gitFetch } from './peers/git';
import { ostreeDeltas, ostreeOffline, ostreePull } from './peers/ostree';
import { ours, oursBytes, oursSpeed } from './peers/ours';
import type { Pair, Peer } from './peers/peer';
import { rsync, rsyncZ } from './peers/rsync';

/** Which trees of bench/images.sh: size, older, newer. */
const PAIRS: Record<string, [string, string, string]> = {
  small: ['small', 'v1', 'v2'],
  full: ['full', 'v1', 'v2'],
  next: ['small', 'v1', 'v3'],
  'next-full': ['full', 'v1', 'v3'],
};

const PEERS: Record<string, Peer> = {
  ours,
  bytes: oursBytes,
  speed: oursSpeed,
  rsync,
  'rsync-z': rsyncZ,
  ostree: ostreePull,
  'ostree-deltas': ostreeDeltas,
  'ostree-file': ostreeOffline,
  git: gitFetch,
  casync,
};

/** About what a classroom's radio leaves to one laptop; and to all. */
const SLOW: Shape = { rate: '20mbit', burst: '64kb', latency: '200ms' };
const CLASSROOM: Shape = { rate: '50mbit', burst: '64kb', latency: '200ms' };

const ALONE: Record<string, AloneScenario> = {
  fast: { title: 'at full speed', shape: null, withBase: true },
  'fast-alone': { title: 'at full speed, the donor holds only the new version', shape: null, withBase: false },
  slow: { title: 'over 20 Mbit/s', shape: SLOW, withBase: true },
  'slow-alone': { title: 'over 20 Mbit/s, the donor holds only the new version', shape: SLOW, withBase: false },
};

const EIGHT: Record<string, EightScenario> = {
  eight: { title: 'eight at once, 50 Mbit/s each', shape: CLASSROOM, radio: false },
  'eight-radio': { title: 'eight at once, 50 Mbit/s for all together', shape: CLASSROOM, radio: true },
  'eight-own': {
    title: 'eight at once, 50 Mbit/s each, as many parts of the processors',
    shape: CLASSROOM,
    radio: false,
    own: true,
  },
};
/** For a crowd: who takes part unless told otherwise. */
const CROWD = ['ours', 'rsync-z', 'ostree'];

function pick<T>(what: string, all: Record<string, T>, names: readonly string[]): [string, T][] {
  return names.map(name => {
    const one = all[name];
    if (one === undefined) throw new Error(`No ${what} is called ${name}. There are: ${Object.keys(all).join(', ')}`);
    return [name, one];
  });
}

function machine(peers: readonly Peer[]): string {
  const { model } = cpus()[0]!;
  const node = `Linux ${release()}, Node ${process.version}`;
  const versions = [...new Set(peers.map(peer => peer.version()))].join('; ');
  return `${availableParallelism()} cores (${model}), ${node}; ${versions}.`;
}

function load(): string {
  return loadavg()
    .map(value => value.toFixed(1))
    .join(', ');
}

function settings() {
  const text = { type: 'string' } as const;
  const options = { only: text, way: text, runs: text, work: text };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const named = positionals[0] !== undefined && positionals[0] in PAIRS;
  const pair = named ? positionals[0]! : 'small';
  const wanted = positionals.slice(named ? 1 : 0);
  const scenarios = pick<AloneScenario | EightScenario>(
    'scenario',
    { ...ALONE, ...EIGHT },
    wanted.length > 0 ? wanted : [...Object.keys(ALONE), ...Object.keys(EIGHT)],
  );
  const only = values.only === undefined ? null : pick('peer', PEERS, values.only.split(','));
  const runs = values.runs === undefined ? null : Number(values.runs);
  if (runs !== null && !(Number.isInteger(runs) && runs > 0)) throw new Error('--runs takes a number of runs');
  const ways = pick('way', { up: false, down: true }, values.way === undefined ? ['up', 'down'] : [values.way]);
  return { pair, scenarios, only, runs, ways, place: values.work };
}

async function main(): Promise<void> {
  const { pair, scenarios, only, runs, ways, place } = settings();
  const [size, older, newer] = PAIRS[pair]!;
  const images = resolve('build/images', size);
  const missing = [older, newer].filter(version => !existsSync(join(images, version)));
  if (missing.length > 0) execFileSync('bench/images.sh', [size, images, ...missing], { stdio: 'inherit' });

  const tables: string[] = [];
  const failures: string[] = [];
  for (const [way, down] of ways) {
    const [fromVersion, toVersion] = down ? [newer, older] : [older, newer];
    const work = workFolder('peers', place ?? images);
    const versions: Pair = {
      from: join(images, fromVersion),
      to: join(images, toVersion),
      fromVersion,
      toVersion,
      work,
    };
    try {
      for (const [, scenario] of scenarios) {
        const title = `${size} ${fromVersion} → ${toVersion} (${way}), ${scenario.title}`;
        console.log(`\n${title}; load ${load()}`);
        const failed = (peer: Peer, cause: unknown) => {
          console.error(`  ${peer.name} failed:`, cause);
          failures.push(`${title}: ${peer.name}`);
        };
        const begun = `Load average at the beginning ${load()}`;
        const crowd = 'radio' in scenario;
        const names = crowd ? pick('peer', PEERS, CROWD) : Object.entries(PEERS);
        const peers = (only ?? names).map(([, peer]) => peer);
        const table = crowd
          ? await eight(versions, scenario, peers, failed)
          : await alone(versions, scenario, peers, runs, failed);
        tables.push(`### ${title}\n\n${table}\n\n${begun}, at the end ${load()}.`);
        console.log(`\n${table}`);
      }
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
  console.log(`\n${machine((only ?? Object.entries(PEERS)).map(([, peer]) => peer))}\n\n${tables.join('\n\n')}`);
  if (failures.length > 0) throw new Error(`Failed: ${failures.join('; ')}`);
}

end(main());
