/** One laptop takes from one donor. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Lan, type Shape } from '../../test/lan/namespaces';
import { Link } from '../link';
import type { Made, Pair, Peer, Prepared, Usage } from './peer';
import type { Place } from './place';
import { type Column, markdown, median, megabytes } from './table';

export interface AloneScenario {
  title: string;
  shape: Shape | null;
  /** Whether the donor holds the laptop's version, too. */
  withBase: boolean;
}

interface Run {
  /** On the wire, in bytes, as the laptop sees it. */
  down: number;
  up: number;
  seconds: number;
  laptop: Usage;
  donor: Usage;
}

interface Row extends Run {
  peer: Peer;
  made: Made | null;
  runs: number;
}

/** What takes less than this is done again, for the median of so many runs. */
const SHORT_S = 20;
const RUNS = 3;

const COLUMNS: Column[] = [
  { head: 'tool', digits: null },
  { head: 'MB down', digits: 2 },
  { head: 'up', digits: 2 },
  { head: '× first row', digits: 2 },
  { head: 'seconds', digits: 1 },
  { head: '× first row', digits: 2 },
  { head: 'CPU s laptop', digits: 1 },
  { head: 'donor', digits: 1 },
  { head: 'peak MB laptop', digits: 0 },
  { head: 'donor', digits: 0 },
  { head: 'made for this pair', digits: null },
  { head: 'runs', digits: 0 },
];

const wire = ({ down, up }: Run) => down + up;

function madeText(made: Made | null): string {
  if (!made) return '';
  const memory = megabytes(made.memory).toFixed(0);
  return `${megabytes(made.bytes).toFixed(1)} MB in ${made.seconds.toFixed(1)} s, ${made.cpu.toFixed(1)} CPU s, ${memory} MB`;
}

function table(rows: readonly Row[]): string {
  const first = rows[0]!;
  const cells = rows.map(row => [
    row.peer.name,
    megabytes(row.down),
    megabytes(row.up),
    wire(row) / wire(first),
    row.seconds,
    row.seconds / first.seconds,
    row.laptop.cpu,
    row.donor.cpu,
    megabytes(row.laptop.memory),
    megabytes(row.donor.memory),
    madeText(row.made),
    row.runs,
  ]);
  return markdown(COLUMNS, cells);
}

async function once(prepared: Prepared, donor: Place, place: Place, dir: string): Promise<Run> {
  const serving = await prepared.serve(donor);
  let given: Usage | null = null;
  try {
    const taker = await prepared.laptop(place, donor, dir);
    try {
      const link = new Link(place.inside);
      const before = link.counted;
      const start = performance.now();
      const laptop = await taker.take();
      const seconds = (performance.now() - start) / 1000;
      const after = link.counted;
      given = await serving.stop();
      const wrong = taker.check();
      if (wrong.length > 0) throw new Error(`the result is not the original:\n${wrong.slice(0, 20).join('\n')}`);
      return { down: after.down - before.down, up: after.up - before.up, seconds, laptop, donor: given };
    } finally {
      await taker.close();
    }
  } finally {
    if (!given) await serving.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Who takes part, and what its runs brought so far. */
interface Contender {
  peer: Peer;
  prepared: Prepared;
  done: Run[];
}

/**
 * @param runs of each; null: one, or three where one is short. In turns: a machine that grows slower meanwhile does so for all.
 * @returns the table; the peers that failed are reported to `failed` instead of having a row
 */
export async function alone(
  pair: Pair,
  { shape, withBase }: AloneScenario,
  peers: readonly Peer[],
  runs: number | null,
  failed: (peer: Peer, cause: unknown) => void,
): Promise<string> {
  const lan = await Lan.create(2, shape ? { shape } : {});
  const [donor, place] = lan.laptops as [Place, Place];
  const contenders = new Set<Contender>();
  const prepared: Contender[] = [];
  const trying = async (peer: Peer, what: () => Promise<void>, otherwise: () => void) => {
    try {
      await what();
    } catch (cause) {
      otherwise();
      failed(peer, cause);
    }
  };
  const wanted = ({ done }: Contender) => runs ?? (done.length === 0 || done[0]!.seconds < SHORT_S ? RUNS : 1);
  try {
    for (const peer of peers.filter(({ needsBase = false }) => withBase || !needsBase)) {
      const begin = async () => {
        const one: Contender = { peer, prepared: await peer.prepare(pair, withBase), done: [] };
        prepared.push(one);
        contenders.add(one);
      };
      await trying(peer, begin, () => {});
    }
    for (let round = 0; [...contenders].some(one => round < wanted(one)); round++) {
      for (const one of contenders) {
        if (round >= wanted(one)) continue;
        const run = async () => {
          const brought = await once(one.prepared, donor, place, join(pair.work, 'laptop'));
          one.done.push(brought);
          const { down, up, seconds } = brought;
          console.log(`  ${one.peer.name}: ${down} bytes down, ${up} up, ${seconds.toFixed(1)} s`);
        };
        await trying(one.peer, run, () => contenders.delete(one));
      }
    }
  } finally {
    for (const one of prepared) await one.prepared.close();
    await lan.close();
  }
  const rows = [...contenders].map(({ peer, prepared: { made }, done }): Row => {
    return { ...median(done, ({ seconds }) => seconds), peer, made, runs: done.length };
  });
  return rows.length === 0 ? 'Nothing could be measured.' : table(rows);
}
