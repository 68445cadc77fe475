/** Pass It On between real laptops: found by mDNS, fetched, checked and staged. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Laptop } from '../../test/lan/laptop';
import { differences } from '../../test/lan/same-tree';
import type { Pair, Peer, Prepared } from './peer';
import { HERE, measured, together } from './place';
import { say } from './trees';

const NAME = 'debian';
/** How long a laptop looks around at once before anything is measured, and how often on a busy machine. */
const LOOK_S = 3;
const LOOKS = 10;
const PROGRAM = resolve('dist/pass-it-on');

async function seesDonor(laptop: Laptop): Promise<void> {
  for (let looks = 0; looks < LOOKS; looks++) {
    const seen = await laptop.neighbours(LOOK_S);
    if (seen.some(({ nick }) => nick === 'donor')) return;
  }
  throw new Error(`${laptop.nick} does not see the donor`);
}

async function prepare({ from, to, fromVersion, toVersion, work }: Pair, withBase: boolean, more: string[]) {
  const dir = join(work, withBase ? 'ours-both' : 'ours-single');
  const source = (inside: readonly string[]) => new Laptop('donor', inside, dir);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const flashing = source(HERE.inside);
  if (withBase) await flashing.run('publish', from, '--name', NAME, '--version', fromVersion);
  await flashing.flash(to, NAME, toVersion);
  const prepared: Prepared = {
    made: null,
    serve: async donor => {
      // Deltas kept for the next classmate do not outlive the service, so a second run is no cheaper than the first.
      const laptop = source(donor.inside);
      await laptop.serve();
      const before = laptop.cpu;
      return {
        stop: async () => {
          const usage = { cpu: laptop.cpu - before, memory: laptop.peakMemory };
          await laptop.stop();
          return usage;
        },
      };
    },
    laptop: async (place, _donor, own) => {
      mkdirSync(own, { recursive: true });
      const laptop = new Laptop(`laptop ${place.address}`, place.inside, own);
      await laptop.flash(from, NAME, fromVersion);
      await laptop.serve();
      await seesDonor(laptop);
      return {
        take: async () => {
          const before = laptop.cpu;
          const words = [PROGRAM, 'upgrade', toVersion, ...more, '--store', laptop.store];
          const command = await measured(place, own, ['env', 'PASS_IT_ON_ALLOW_UNSIGNED=1', ...words]);
          return together(command, { cpu: laptop.cpu - before, memory: laptop.peakMemory });
        },
        check: () => differences(to, laptop.stagedTree),
        close: async () => {
          await laptop.stop();
          rmSync(own, { recursive: true, force: true });
        },
      };
    },
    close: async () => rmSync(dir, { recursive: true, force: true }),
  };
  return prepared;
}

const version = () =>
  `pass-it-on ${JSON.parse(readFileSync('package.json', 'utf8')).version} ${say('git', 'describe', '--always', '--dirty').trim()}`;

function effort(name: string, ...more: string[]): Peer {
  return { name, version, prepare: (pair, withBase) => prepare(pair, withBase, more) };
}

export const ours = effort('Pass It On');
export const oursBytes = effort('Pass It On --effort bytes', '--effort', 'bytes');
export const oursSpeed = effort('Pass It On --effort speed', '--effort', 'speed');
