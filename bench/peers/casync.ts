/** casync: chunks on a web server, `casync extract` with the old tree as seed. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Pair, Peer, Prepared } from './peer';
import { measured } from './place';
import { remaining, say } from './trees';
import { serveFolder, WEB_PORT, webVersion } from './web';

async function prepare({ from, to, work }: Pair): Promise<Prepared> {
  const dir = join(work, 'casync');
  if (!existsSync(dir)) {
    mkdirSync(dir);
    say('casync', 'make', `--store=${dir}/chunks.castr`, `${dir}/image.caidx`, to);
  }
  return {
    made: null,
    serve: donor => serveFolder(donor, dir, dir),
    laptop: async (place, donor, own) => {
      const url = `http://${donor.address}:${WEB_PORT}`;
      const tree = join(own, 'tree');
      const extract = ['casync', 'extract', `--store=${url}/chunks.castr`, `--seed=${from}`];
      return {
        take: () => measured(place, own, [...extract, `${url}/image.caidx`, tree]),
        check: () => remaining(to, tree, '-pogDAX'),
        close: async () => rmSync(own, { recursive: true, force: true }),
      };
    },
    close: async () => {},
  };
}

export const casync: Peer = {
  name: 'casync, old tree as seed',
  version: () => `${say('casync', '--version').trim().split('\n')[0]} from ${webVersion()}`,
  prepare,
};
