/**
 * ostree: the donor's archive repository on a web server, `ostree pull` into the laptop's bare repository, and a checkout
 * of hard links. With static deltas made beforehand, as a pull takes them; and as one file, applied offline.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Made, Pair, Peer, Prepared } from './peer';
import { HERE, measured } from './place';
import { diskUse, plainTree, remaining, say } from './trees';
import { serveFolder, WEB_PORT, webVersion } from './web';

const BRANCH = 'debian';
const at = (repo: string) => ['ostree', `--repo=${repo}`];

function ostree(repo: string, ...args: string[]): string {
  return say('ostree', `--repo=${repo}`, ...args).trim();
}

/** Both versions in an archive repository, and a laptop's repository that has pulled `from`. Once for all ways to pull. */
interface Commits {
  archive: string;
  /** Holds nothing but `to`. */
  single: string;
  laptop: string;
  from: string;
  to: string;
}

function commits({ from, to, fromVersion, toVersion, work }: Pair): Commits {
  const dir = join(work, 'ostree');
  const [archive, single, laptop] = [join(dir, 'archive'), join(dir, 'single'), join(dir, 'laptop')];
  if (!existsSync(dir)) {
    for (const [repo, mode] of [
      [archive, 'archive'],
      [single, 'archive'],
      [laptop, 'bare'],
    ] as const) {
      mkdirSync(repo, { recursive: true });
      ostree(repo, 'init', `--mode=${mode}`);
    }
    ostree(archive, 'commit', `--branch=${BRANCH}`, `--tree=dir=${plainTree(from, fromVersion, work)}`);
    const first = ostree(archive, 'rev-parse', BRANCH);
    ostree(laptop, 'pull-local', archive, BRANCH);
    ostree(laptop, 'refs', `--create=donor:${BRANCH}`, first);
    ostree(laptop, 'refs', '--delete', BRANCH);
    ostree(archive, 'commit', `--branch=${BRANCH}`, `--tree=dir=${plainTree(to, toVersion, work)}`);
    ostree(single, 'pull-local', archive, BRANCH);
    ostree(single, 'summary', '--update');
    ostree(archive, 'summary', '--update');
  }
  return {
    archive,
    single,
    laptop,
    to: ostree(archive, 'rev-parse', BRANCH),
    from: ostree(archive, 'rev-parse', `${BRANCH}^`),
  };
}

type Deltas = 'none' | 'pulled' | 'offline';
/** As one file beside the repository. */
const DELTA_FILE = 'delta';

async function generate({ archive, from, to }: Commits, work: string, whole: boolean): Promise<Made> {
  const file = join(archive, DELTA_FILE);
  const generate = [...at(archive), 'static-delta', 'generate', `--from=${from}`, `--to=${to}`];
  // Without a fallback everything is in the file; by default large files are fetched as they are.
  const command = whole ? [...generate, '--inline', '--min-fallback-size=0', `--filename=${file}`] : generate;
  const start = performance.now();
  const usage = await measured(HERE, work, command);
  const seconds = (performance.now() - start) / 1000;
  if (!whole) ostree(archive, 'summary', '--update');
  return { ...usage, seconds, bytes: diskUse(whole ? file : join(archive, 'deltas')) };
}

async function prepare(pair: Pair, withBase: boolean, deltas: Deltas): Promise<Prepared> {
  const made = commits(pair);
  const repo = withBase ? made.archive : made.single;
  const dir = join(pair.work, `ostree-${deltas}`);
  const cost = deltas === 'none' ? null : await generate(made, dir, deltas === 'offline');
  return {
    made: cost,
    serve: donor => serveFolder(donor, repo, dir),
    laptop: async (place, donor, own) => {
      const [mine, tree] = [join(own, 'repo'), join(own, 'tree')];
      mkdirSync(own, { recursive: true });
      // Objects are never changed where they lie.
      say('cp', '-al', made.laptop, mine);
      const url = `http://${donor.address}:${WEB_PORT}`;
      ostree(mine, 'remote', 'add', '--no-gpg-verify', 'donor', url);
      const way = deltas === 'pulled' ? '--require-static-deltas' : '--disable-static-deltas';
      const pull = [...at(mine), 'pull', way, 'donor', BRANCH];
      const file = join(own, DELTA_FILE);
      const offline = [
        ['curl', '-sSf', '-o', file, `${url}/${DELTA_FILE}`],
        [...at(mine), 'static-delta', 'apply-offline', file],
      ];
      const checkout = [...at(mine), 'checkout', '--require-hardlinks', made.to, tree];
      return {
        take: () => measured(place, own, ...(deltas === 'offline' ? offline : [pull]), checkout),
        // Hard links among the files of one image are not kept.
        check: () => remaining(plainTree(pair.to, pair.toVersion, pair.work), tree, '-pogAX'),
        close: async () => rmSync(own, { recursive: true, force: true }),
      };
    },
    close: async () => {
      rmSync(join(made.archive, DELTA_FILE), { force: true });
      rmSync(join(made.archive, 'deltas'), { recursive: true, force: true });
      ostree(made.archive, 'summary', '--update');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const version = () => `ostree ${/Version: '(.*)'/.exec(say('ostree', '--version'))?.[1]} from ${webVersion()}`;

export const ostreePull: Peer = {
  name: 'ostree pull',
  version,
  prepare: (pair, withBase) => prepare(pair, withBase, 'none'),
};
export const ostreeDeltas: Peer = {
  name: 'ostree, static deltas pulled',
  version,
  needsBase: true,
  prepare: (pair, withBase) => prepare(pair, withBase, 'pulled'),
};
export const ostreeOffline: Peer = {
  name: 'ostree, static delta as one file',
  version,
  needsBase: true,
  prepare: (pair, withBase) => prepare(pair, withBase, 'offline'),
};
