/**
 * Eight laptops that upgrade at once from one donor, each in a network namespace with its port shaped to 50 Mbit/s in both
 * directions; before that one of them alone. What leaves the donor, and when the last is ready. The donor holds the
 * old version, too (`--without-base`: it does not). Nine laptops share this machine's processors: their seconds are told, too.
 *
 * Usage: npm run bench -- eight [made-up|small|full] [--laptops N] [--effort E] [--without-base]
 */
import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Laptop } from '../test/lan/laptop';
import { Lan } from '../test/lan/namespaces';
import { differences } from '../test/lan/same-tree';
import { end, workFolder } from './end';
import { Link } from './link';

const NAME = 'debian';
const PORT = { rate: '50mbit', burst: '64kb', latency: '200ms' };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    laptops: { type: 'string', default: '8' },
    effort: { type: 'string', default: 'auto' },
    'without-base': { type: 'boolean', default: false },
  },
});
const size = positionals[0] ?? 'made-up';
const count = Number(values.laptops);
const images = resolve('build/images', size);
const work = workFolder('eight', images);

/** Contents that nothing helps with: only sharing makes it faster. 64 MB in 400 files, of sizes as in a system. */
function makeUp(version: string): string {
  const dir = join(work, version);
  mkdirSync(dir);
  writeFileSync(join(dir, 'version'), version);
  if (version === 'v1') return dir;
  for (let i = 0; i < 400; i++) {
    const bytes = i % 20 === 0 ? 1_500_000 : Math.floor(90_000 * (1 + Math.sin(i)));
    writeFileSync(join(dir, `file${i}`), randomFillSync(Buffer.alloc(bytes)));
  }
  return dir;
}

function treeOf(version: string): string {
  if (size === 'made-up') return makeUp(version);
  const dir = join(images, version);
  if (!existsSync(dir)) execFileSync('bench/images.sh', [size, images, version], { stdio: 'inherit' });
  return dir;
}

interface Row {
  laptops: number;
  /** Bytes out of the donor, and into each of the others on average. */
  donor: number;
  received: number;
  first: number;
  last: number;
  /** Processor seconds: of the donor's service; of the others' services, and of their commands, on average. */
  cpu: { donor: number; laptop: number; command: number };
}

/** Processor seconds of all programs that this one started and that have ended (stat of proc(5)). */
function ended(): number {
  const [user, system] = readFileSync('/proc/self/stat', 'latin1')
    .replace(/^.*\) /, '')
    .split(' ')
    .slice(13, 15);
  return (Number(user) + Number(system)) / 100;
}

/** One upgrade of so many laptops at the same time. The first of `places` is the donor. */
async function measure(lan: Lan, trees: { v1: string; v2: string }, laptops: number): Promise<Row> {
  const dir = mkdtempSync(join(work, 'class-'));
  const all = lan.laptops.slice(0, laptops + 1).map(({ inside }, i) => {
    return new Laptop(i === 0 ? 'donor' : `laptop${i}`, inside, join(dir, String(i)));
  });
  const [donor, ...others] = all as [Laptop, ...Laptop[]];
  try {
    if (!values['without-base']) await donor.flash(trees.v1, NAME, 'v1');
    await donor.flash(trees.v2, NAME, 'v2');
    for (const other of others) await other.flash(trees.v1, NAME, 'v1');
    await Promise.all(all.map(laptop => laptop.serve()));
    // A class that sits together knows each other: everybody has answered everybody.
    await Promise.all(others.map(other => other.neighbours(8)));
    const link = new Link(lan.laptops[0]!.inside);
    const before = link.counted.up;
    const cpuBefore = { all: all.map(({ cpu }) => cpu), ended: ended() };
    const begun = performance.now();
    const results = await Promise.all(
      others.map(async other => {
        const result = await other.upgrade('v2', '--effort', values.effort!);
        return { ...result, ready: (performance.now() - begun) / 1000 };
      }),
    );
    const left = link.counted.up - before;
    const command = (ended() - cpuBefore.ended) / laptops;
    const [ofDonor = 0, ...ofOthers] = all.map(({ cpu }, i) => cpu - cpuBefore.all[i]!);
    const cpu = { donor: ofDonor, laptop: ofOthers.reduce((sum, one) => sum + one, 0) / laptops, command };
    for (const other of others) {
      const wrong = differences(trees.v2, other.stagedTree);
      if (wrong.length > 0) throw new Error(`not the same: ${wrong.slice(0, 5).join('\n')}`);
    }
    const ready = results.map(result => result.ready);
    const received = results.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0) / laptops;
    return { laptops, donor: left, received, first: Math.min(...ready), last: Math.max(...ready), cpu };
  } finally {
    await Promise.all(all.map(laptop => laptop.stop()));
    rmSync(dir, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const trees = { v1: treeOf('v1'), v2: treeOf('v2') };
  const lan = await Lan.create(count + 1);
  const rows: Row[] = [];
  try {
    for (const [i] of lan.laptops.entries()) lan.shape(i, PORT);
    for (const laptops of [1, count]) {
      rows.push(await measure(lan, trees, laptops));
      console.log(JSON.stringify(rows.at(-1)));
    }
  } finally {
    await lan.close();
  }
  const mb = (bytes: number) => (bytes / 1e6).toFixed(2);
  const heads = ['image', 'laptops', 'MB out of the donor', 'MB into each', 'first ready, s', 'last ready, s'];
  const cpuHeads = ['CPU s: donor', 'each laptop', 'its command'];
  console.log(`\n| ${[...heads, ...cpuHeads].join(' | ')} |\n| --- |${' ---: |'.repeat(8)}`);
  for (const { laptops, donor, received, first, last, cpu } of rows) {
    const seconds = [first, last, cpu.donor, cpu.laptop, cpu.command].map(one => one.toFixed(1));
    console.log(`| ${[size, laptops, mb(donor), mb(received), ...seconds].join(' | ')} |`);
  }
  const [one, eight] = rows as [Row, Row];
  const ratio = (a: number, b: number) => (a / b).toFixed(2);
  console.log(
    `\ndonor: ${ratio(eight.donor, one.donor)} × one upgrade; time: ${ratio(eight.last, one.last)} × one laptop's`,
  );
}

end(main());
