/** rsync from a daemon, unchanged files as hard links to what the laptop has: what everybody would use today. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { differences } from '../../test/lan/same-tree';
import type { Pair, Peer, Prepared } from './peer';
import { measured, serving } from './place';
import { say } from './trees';

const PORT = 8730;

async function prepare({ from, to, work }: Pair, options: string): Promise<Prepared> {
  const dir = join(work, `rsync${options}`);
  mkdirSync(dir, { recursive: true });
  return {
    made: null,
    serve: donor => {
      const config = join(dir, 'rsyncd.conf');
      const module = `[tree]\npath = ${to}\nread only = yes\n`;
      writeFileSync(config, `uid = root\ngid = root\nuse chroot = no\nreverse lookup = no\n${module}`);
      const daemon = ['rsync', '--daemon', '--no-detach', `--config=${config}`, `--port=${PORT}`];
      return serving(donor, dir, daemon, ['rsync', `rsync://127.0.0.1:${PORT}/`]);
    },
    laptop: async (place, donor, own) => {
      const copy = ['rsync', options, '--numeric-ids', `--link-dest=${from}`];
      const made = join(own, 'tree');
      return {
        take: () => measured(place, own, [...copy, `rsync://${donor.address}:${PORT}/tree/`, `${made}/`]),
        check: () => differences(to, made),
        close: async () => rmSync(own, { recursive: true, force: true }),
      };
    },
    close: async () => rmSync(dir, { recursive: true, force: true }),
  };
}

const version = () => say('rsync', '--version').split('\n')[0]!.trim();

export const rsync: Peer = { name: 'rsync', version, prepare: pair => prepare(pair, '-aHAX') };
export const rsyncZ: Peer = { name: 'rsync -z', version, prepare: pair => prepare(pair, '-aHAXz') };
