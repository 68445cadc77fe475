/**
 * git: `git fetch` from a git daemon, then a checkout over the files of the old version, which is quickest but leaves no
 * old version to go back to. Owners, modes but the executable bit, attributes, devices and empty folders are lost.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pair, Peer, Prepared } from './peer';
import { measured, serving } from './place';
import { plainTree, remaining, say } from './trees';

const PORT = 8732;
const BRANCH = 'refs/heads/debian';
const NOBODY = ['-c', 'user.name=a', '-c', 'user.email=a@localhost', '-c', 'gc.auto=0', '-c', 'core.fileMode=true'];

function commands(gitDir: string, tree: string) {
  const words = ['git', ...NOBODY, '-c', 'safe.directory=*', `--git-dir=${gitDir}`, `--work-tree=${tree}`];
  const git = (...args: string[]) => say(words[0]!, ...words.slice(1), ...args).trim();
  return { words, git };
}

/** Files are taken as they are, whatever attributes an image's own .gitattributes name. */
function init(gitDir: string): void {
  mkdirSync(gitDir, { recursive: true });
  say('git', 'init', '-q', '--bare', gitDir);
  mkdirSync(join(gitDir, 'info'), { recursive: true });
  writeFileSync(join(gitDir, 'info/attributes'), '* -text -eol -ident -filter -working-tree-encoding\n');
}

/** The donor's repository with both versions, one with `to` alone, and the laptop's with `from`, checked out. */
function repositories({ from, to, fromVersion, toVersion, work }: Pair) {
  const dir = join(work, 'git');
  const both = join(dir, 'both');
  const single = join(dir, 'single');
  const laptop = join(dir, 'laptop');
  if (!existsSync(dir)) {
    init(both);
    init(single);
    mkdirSync(laptop);
    const old = commands(both, plainTree(from, fromVersion, work));
    old.git('add', '-A', '-f', '.');
    old.git('commit', '-q', '-m', fromVersion);
    const first = old.git('rev-parse', 'HEAD');
    say('cp', '-a', both, join(laptop, 'repo'));
    say('cp', '-a', plainTree(from, fromVersion, work), join(laptop, 'tree'));
    const next = commands(both, plainTree(to, toVersion, work));
    next.git('add', '-A', '-f', '.');
    next.git('commit', '-q', '-m', toVersion);
    next.git('update-ref', BRANCH, 'HEAD');
    const alone = next.git('commit-tree', '-m', toVersion, 'HEAD^{tree}');
    next.git('update-ref', 'refs/heads/alone', alone);
    commands(single, laptop).git('fetch', '-q', both, `refs/heads/alone:${BRANCH}`);
    next.git('update-ref', '-d', 'refs/heads/alone');
    next.git('update-ref', '--no-deref', 'refs/heads/from', first);
  }
  return { dir, laptop };
}

async function prepare(pair: Pair, withBase: boolean): Promise<Prepared> {
  const { dir, laptop } = repositories(pair);
  return {
    made: null,
    serve: donor => {
      const daemon = ['git', 'daemon', '--export-all', '--reuseaddr', `--port=${PORT}`, `--base-path=${dir}`];
      const ready = ['git', 'ls-remote', `git://127.0.0.1:${PORT}/single`];
      return serving(donor, dir, ['env', 'GIT_CONFIG_COUNT=0', ...daemon], ready);
    },
    laptop: async (place, donor, own) => {
      mkdirSync(own, { recursive: true });
      say('cp', '-a', `${laptop}/.`, own);
      const tree = join(own, 'tree');
      const { words, git } = commands(join(own, 'repo'), tree);
      git('status', '--porcelain');
      const url = `git://${donor.address}:${PORT}/${withBase ? 'both' : 'single'}`;
      const fetch = [...words, 'fetch', '-q', url, BRANCH];
      const checkout = [...words, 'checkout', '-q', '-f', '--detach', 'FETCH_HEAD'];
      return {
        take: () => measured(place, own, fetch, checkout),
        check: () => {
          const lines = remaining(plainTree(pair.to, pair.toVersion, pair.work), tree, '-E');
          // Folders: git knows none.
          return lines.filter(line => !/^(cd\+{9}|\.d)|^\*deleting .*\/$/.test(line));
        },
        close: async () => rmSync(own, { recursive: true, force: true }),
      };
    },
    close: async () => {},
  };
}

export const gitFetch: Peer = {
  name: 'git fetch, checkout in place',
  version: () => say('git', '--version').trim(),
  prepare,
};
