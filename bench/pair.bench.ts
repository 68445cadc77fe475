/**
 * Two real Debian trees, one point release apart, between real laptops in network namespaces: up from A, down from C,
 * each beside rsync on the same pair over the same link. Usage: npm run bench -- pair [small|full]
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Laptop } from '../test/lan/laptop';
import { Lan, type Shape } from '../test/lan/namespaces';
import { differences } from '../test/lan/same-tree';
import { Link } from './link';
import { type Measured, measureRsync, type Side } from './rsync';

const NAME = 'debian';
/** As fast as the machine can, and about what a classroom's radio leaves to one laptop. */
const LINKS: Record<string, Shape | null> = {
  bare: null,
  '20 Mbit/s': { rate: '20mbit', burst: '64kb', latency: '200ms' },
};

interface Place extends Side {
  nick: string;
  link: Link;
}

interface Row extends Measured {
  way: string;
  link: string;
  tool: string;
  objects: number | null;
  raw: number | null;
  wire: number;
}

const size = process.argv[2] ?? 'small';
// On the same disk as the trees: rsync's --link-dest and our stores both live from hard links.
const images = resolve('build/images', size);
mkdirSync(images, { recursive: true });
const work = mkdtempSync(join(images, 'pair-'));
const tree = (version: string) => join(images, version);

function check(holds: boolean, sentence: string): void {
  if (!holds) throw new Error(`not so: ${sentence}`);
  console.log(`  ok: ${sentence}`);
}

/** A laptop that was flashed with one version, at that place. */
async function flashed(place: Place, version: string): Promise<Laptop> {
  const laptop = new Laptop(place.nick, place.inside, mkdtempSync(join(work, `${place.nick}-`)));
  mkdirSync(laptop.dir, { recursive: true });
  await laptop.flash(tree(version), NAME, version);
  return laptop;
}

/** `child` goes from one version to another that only `friend` has; proves what the child then holds. */
async function measureOurs(friend: Place, child: Place, from: string, to: string, link: string): Promise<Row> {
  console.log(`\n${from} to ${to}, link ${link}: ${child.nick} from ${friend.nick}`);
  const giving = await flashed(friend, to);
  const taking = await flashed(child, from);
  try {
    await giving.serve();
    await taking.serve();
    const seen = (await taking.neighbours(5)).find(({ nick }) => nick === giving.nick);
    check(seen?.version === to, `${child.nick} sees by mDNS that ${friend.nick} has ${to} (${seen?.relation})`);
    const plan = await taking.compare(to);
    console.log(`  plan: ${plan.added} added, ${plan.changed} changed, ${plan.removed} removed`);
    const before = child.link.bytes;
    const result = await taking.upgrade(to);
    const wire = child.link.bytes - before;
    check((await taking.status()).staged?.version === to, `${to} is staged; ${result.bytesReceived} bytes received`);
    await taking.activate();
    check((await taking.status()).current?.version === to, `${to} is current`);
    const still = differences(tree(to), taking.currentTree);
    for (const line of still.slice(0, 20)) console.log(`  ${line}`);
    check(still.length === 0, 'rsync -HAXc finds no difference between the original and the staged tree but times');
    const { seconds } = result;
    const [receiver, sender] = [taking.peakMemory, giving.peakMemory];
    const { objects, bytesRaw } = plan;
    const way = `${from} → ${to}`;
    return { way, link, tool: 'pass-it-on', objects, raw: bytesRaw, wire, seconds, receiver, sender };
  } finally {
    await Promise.all([giving.stop(), taking.stop()]);
    for (const laptop of [giving, taking]) rmSync(laptop.dir, { recursive: true, force: true });
  }
}

async function theirs(friend: Place, child: Place, from: string, to: string, link: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const compress of [false, true]) {
    const before = child.link.bytes;
    const files = { tree: tree(to), base: tree(from), to: join(work, 'rsynced'), work, compress };
    const measured = await measureRsync(friend, child, files);
    const wire = child.link.bytes - before;
    const tool = compress ? 'rsync -z' : 'rsync';
    rows.push({ way: `${from} → ${to}`, link, tool, objects: null, raw: null, wire, ...measured });
  }
  return rows;
}

function print(rows: Row[]): void {
  const mb = (bytes: number | null) => (bytes === null ? '' : (bytes / 1e6).toFixed(2));
  console.log('\n| way | link | tool | objects | raw MB | MB on the wire | seconds | peak MB receiver | sender |');
  console.log('| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const { way, link, tool, objects, raw, wire, seconds, receiver, sender } of rows) {
    const cells = [way, link, tool, objects ?? '', mb(raw), mb(wire), seconds.toFixed(1), mb(receiver), mb(sender)];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

async function main(): Promise<void> {
  const missing = ['v1', 'v2'].filter(version => !existsSync(tree(version)));
  if (missing.length > 0) execFileSync('bench/images.sh', [size, images, ...missing], { stdio: 'inherit' });
  const lan = await Lan.create(3);
  const rows: Row[] = [];
  try {
    const places = lan.laptops.map(({ inside, address }, index) => {
      return { nick: 'ABC'[index]!, inside, address, link: new Link(inside) };
    });
    const [a, b, c] = places as [Place, Place, Place];
    for (const [link, shape] of Object.entries(LINKS)) {
      if (shape) for (const laptop of places.keys()) lan.shape(laptop, shape);
      rows.push(await measureOurs(a, b, 'v1', 'v2', link), ...(await theirs(a, b, 'v1', 'v2', link)));
      rows.push(await measureOurs(c, b, 'v2', 'v1', link), ...(await theirs(c, b, 'v2', 'v1', link)));
    }
  } finally {
    await lan.close();
    rmSync(work, { recursive: true, force: true });
  }
  print(rows);
}

// An end without a table is a failure, also when nothing was left to wait for.
process.exitCode = 1;
main().then(() => {
  process.exitCode = 0;
});
