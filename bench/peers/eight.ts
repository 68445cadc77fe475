/** Eight laptops take from one donor at once; and one alone, in the same network, to compare with. */
import { join } from 'node:path';
import { Lan, type Shape } from '../../test/lan/namespaces';
import { Link } from '../link';
import type { Pair, Peer, Prepared, Taker, Usage } from './peer';
import { type Place, together } from './place';
import { Processor, share } from './processors';
import { type Column, markdown, megabytes } from './table';

export interface EightScenario {
  title: string;
  shape: Shape;
  /** False: each laptop's port has that limit. True: all of them together have. */
  radio: boolean;
  /** True: each has an equal part of this machine's processors, whether one takes or eight; false: all share them. */
  own?: boolean;
}

interface Row {
  what: string;
  laptops: number;
  /** Bytes that left the donor, and that anybody sent. */
  given: number;
  sent: number;
  /** Until the first and the last were done. */
  first: number;
  last: number;
  /** The mean of processor seconds, the largest memory. */
  laptop: Usage;
  donor: Usage;
}

const LAPTOPS = 8;

const COLUMNS: Column[] = [
  { head: 'tool', digits: null },
  { head: 'laptops', digits: 0 },
  { head: 'MB leaving the donor', digits: 2 },
  { head: '× one alone', digits: 2 },
  { head: 'MB sent by all', digits: 2 },
  { head: 'seconds until the first', digits: 1 },
  { head: 'the last', digits: 1 },
  { head: '× one alone', digits: 2 },
  { head: 'CPU s a laptop', digits: 1 },
  { head: 'donor', digits: 1 },
  { head: 'peak MB laptop', digits: 0 },
  { head: 'donor', digits: 0 },
];

function table(rows: readonly Row[]): string {
  const cells = rows.map(row => {
    const one = rows.find(({ what, laptops }) => what === row.what && laptops === 1)!;
    const times = (value: (row: Row) => number) => (row === one ? null : value(row) / value(one));
    return [
      row.what,
      row.laptops,
      megabytes(row.given),
      times(({ given }) => given),
      megabytes(row.sent),
      row.first,
      row.last,
      times(({ last }) => last),
      row.laptop.cpu,
      row.donor.cpu,
      megabytes(row.laptop.memory),
      megabytes(row.donor.memory),
    ];
  });
  return markdown(COLUMNS, cells);
}

async function measure(
  pair: Pair,
  peer: Peer,
  prepared: Prepared,
  scenario: EightScenario,
  count: number,
): Promise<Row> {
  // A laptop's own frames come back to it over a shared medium, which IPv6 takes for somebody with its address.
  const lan = await Lan.create(count + 1, { shape: scenario.shape, radio: scenario.radio, ipv6: !scenario.radio });
  const takers: Taker[] = [];
  const processors = scenario.own ? lan.laptops.map(() => new Processor()) : [];
  try {
    const [donor, ...places] = lan.laptops.map((laptop, index) => processors[index]?.at(laptop) ?? laptop) as [
      Place,
      ...Place[],
    ];
    const links = [donor, ...places].map(({ inside }) => new Link(inside));
    const serving = await prepared.serve(donor);
    let given: Usage | null = null;
    try {
      for (const [index, place] of places.entries())
        takers.push(await prepared.laptop(place, donor, join(pair.work, `laptop-${index}`)));
      for (const processor of processors) processor.limit(share(LAPTOPS + 1));
      const before = links.map(link => link.counted.up);
      const start = performance.now();
      const ends: number[] = [];
      const usages = await Promise.all(
        takers.map(async taker => {
          const usage = await taker.take();
          ends.push((performance.now() - start) / 1000);
          return usage;
        }),
      );
      const sent = links.map((link, index) => link.counted.up - before[index]!);
      given = await serving.stop();
      for (const taker of takers) {
        const wrong = taker.check();
        if (wrong.length > 0) throw new Error(`the result is not the original:\n${wrong.slice(0, 20).join('\n')}`);
      }
      const sum = together(...usages);
      return {
        what: peer.name,
        laptops: count,
        given: sent[0]!,
        sent: sent.reduce((total, bytes) => total + bytes, 0),
        first: Math.min(...ends),
        last: Math.max(...ends),
        laptop: { cpu: sum.cpu / count, memory: sum.memory },
        donor: given,
      };
    } finally {
      if (!given) await serving.stop();
    }
  } finally {
    for (const taker of takers) await taker.close();
    await lan.close();
    for (const processor of processors) await processor.close();
  }
}

/** @returns the table; the peers that failed are reported to `failed` instead of having a row */
export async function eight(
  pair: Pair,
  scenario: EightScenario,
  peers: readonly Peer[],
  failed: (peer: Peer, cause: unknown) => void,
): Promise<string> {
  const rows: Row[] = [];
  for (const peer of peers) {
    try {
      const prepared = await peer.prepare(pair, true);
      try {
        for (const count of [1, LAPTOPS]) {
          const row = await measure(pair, peer, prepared, scenario, count);
          console.log(`  ${row.what}, ${count}: ${row.given} bytes from the donor, ${row.last.toFixed(1)} s`);
          rows.push(row);
        }
      } finally {
        await prepared.close();
      }
    } catch (cause) {
      failed(peer, cause);
    }
  }
  return rows.length === 0 ? 'Nothing could be measured.' : table(rows);
}
