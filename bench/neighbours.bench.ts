/**
 * What finding each other costs the radio, while a class arrives and when it is idle: real laptops in network
 * namespaces, ours (the whole service, watched), avahi and bonjour-service doing the same job; and by simulation for
 * crowds that no machine holds. Prints a table in Markdown.
 * Usage: npm run bench -- neighbours [laptops=2,10,30,50] [kinds=ours,avahi,bonjour-service] [crowds=500,1000] [loss=0.1] [idle=MINUTES] [keep=FILE]
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { end } from './end';
import { bonjour, ours } from './neighbours/laptop';
import { KINDS, type Kind, real } from './neighbours/real';
import { head, line } from './neighbours/row';
import { simulated } from './neighbours/simulated';

const PEERS = 'bench/neighbours';
const IDLE_MINUTES = 10;
/** A minute of a thousand laptops takes this machine many: they are watched no longer when idle. */
const CROWD_MINUTES = 2;

async function main(): Promise<void> {
  const given = new Map(process.argv.slice(2).map(word => word.split('=', 2) as [string, string]));
  const list = (key: string, usual: string) =>
    (given.get(key) ?? usual).split(',').filter(one => one !== '' && one !== '0');
  const kinds = list('kinds', KINDS.join(','));
  const idle = Number(given.get('idle') ?? IDLE_MINUTES);
  const keep = given.get('keep') ?? null;
  if (kinds.includes('bonjour-service') && !existsSync(`${PEERS}/node_modules`)) {
    execFileSync('npm', ['ci', '--prefix', PEERS, '--no-audit', '--no-fund'], { stdio: 'inherit' });
  }
  console.log(head(idle));
  for (const laptops of list('laptops', '2,10,30,50').map(Number)) {
    for (const kind of kinds) console.log(line(await real(kind as Kind, laptops, __filename, { idle, keep })));
  }
  for (const laptops of list('crowds', '500,1000').map(Number))
    console.log(line(await simulated(laptops, Math.min(idle, CROWD_MINUTES), Number(given.get('loss') ?? 0))));
  const { user, system } = process.cpuUsage();
  const { maxRSS } = process.resourceUsage();
  console.error(`${((user + system) / 1e6).toFixed(0)} s of processor, at most ${(maxRSS / 1e3).toFixed(0)} MB`);
}

const [word, kind, nick = '', ...more] = process.argv.slice(2);
if (word !== 'laptop') end(main());
else if (kind === 'ours') void ours(nick, more[0] ?? '');
else void bonjour(nick, more[0] ?? '', more[1] ?? '');
