/** What is believed on a real network: real services, real liars, a real cable. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { NeighbourEvent } from '../../src/service/contract';
import { Announcer } from './announcer';
import { Laptop } from './laptop';
import { Lan } from './namespaces';
import { Watcher } from './watcher';

const WRONG = 'b'.repeat(40);

describe('neighbours that are asked', { concurrency: false, timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'pass-it-on-confirmed-'));
  let lan: Lan;
  let laptops: Laptop[];
  let watcher: Watcher;
  let commit: string;
  let liar: Announcer;

  before(async () => {
    lan = await Lan.create(4);
    const tree = join(folder, 'tree');
    mkdirSync(join(tree, 'etc'), { recursive: true });
    writeFileSync(join(tree, 'etc/version'), '407');
    laptops = ['Maya', 'Ana', 'Ben'].map((nick, i) => new Laptop(nick, lan.laptops[i]!.inside, join(folder, nick)));
    for (const laptop of laptops) {
      mkdirSync(laptop.dir);
      await laptop.flash(tree, 'olpc-xo', '407');
      await laptop.serve('--interface', 'eth0');
    }
    commit = (await laptops[0]!.status()).current!.commit;
    watcher = new Watcher(laptops[0]!, lan.laptops[0]!.inside);
  });

  after(async () => {
    await Promise.all(laptops.map(laptop => laptop.stop()));
    await lan.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('can give once they answered; liars and strangers are marked', async () => {
    const port = 20707;
    liar = new Announcer(lan.run.bind(lan, 3), 'eth0');
    liar.announce({ image: 'olpc-xo', version: '999', commit: WRONG, port, nick: '\u202Eliar\u0007' });
    // Something else that speaks HTTP.
    const web = "require('node:http').createServer((q, r) => r.end('<h1>printer</h1>')).listen(20707)";
    lan.run(3, process.execPath, ['-e', web], { stdio: 'ignore' });
    await watcher.until(shown => {
      const [ana, ben, other] = ['Ana', 'Ben', 'liar'].map(nick => shown.find(one => one.nick === nick));
      return Boolean(ana?.confirmed && ben?.confirmed && other?.problem);
    });
    const { problem, confirmed } = watcher.events.findLast(({ nick }) => nick === 'liar')!;
    assert.deepEqual([problem, confirmed], ['Something else answers at its address.', false]);
    assert.ok(watcher.events.every(({ nick }) => ['Ana', 'Ben', 'liar'].includes(nick)));
  });

  it('are not newer by saying so, where the commit is known', async () => {
    liar.announce({ image: 'olpc-xo', version: '1000', commit, port: 20707, nick: 'liar' });
    await watcher.until(shown => shown.some(({ problem }) => problem?.startsWith('It announces 1000')));
    const marked = watcher.events.findLast(({ nick }) => nick === 'liar')!;
    assert.deepEqual([marked.version, marked.relation, marked.confirmed], ['407', 'same', false]);
    assert.equal(marked.problem, 'It announces 1000, but that is 407.');
    await liar.close();
  });

  it('leave two minutes after the cable was pulled, and nobody else flickers', async () => {
    lan.link(1, 'down');
    const before = watcher.events.length;
    await watcher.until(shown => !shown.some(({ nick }) => nick === 'Ana'));
    lan.link(1, 'up');
    await watcher.until(shown => shown.some(({ nick, confirmed }) => nick === 'Ana' && confirmed));
    const ben = watcher.events.slice(before).filter(({ nick }) => nick === 'Ben');
    assert.ok(ben.every(({ event }) => event === 'changed'));
    assert.equal(await watcher.interrupt(), 0);
  });

  it('may be named by address, where no multicast leads to them', async () => {
    // Its network card refuses to multicast.
    const settings = join(folder, 'settings.json');
    writeFileSync(settings, JSON.stringify({ sources: [`${lan.laptops[2]!.address}:20707`] }));
    const lonely = new Laptop(
      'Lonely',
      [...lan.laptops[3]!.inside, 'env', `PASS_IT_ON_SETTINGS=${settings}`],
      join(folder, 'lonely'),
    );
    mkdirSync(lonely.dir);
    const typed = `${lan.laptops[1]!.address}:20707`;
    await lan.output(3, 'ip', ['link', 'set', 'dev', 'eth0', 'multicast', 'off']);
    const events = await lonely.run<NeighbourEvent>('neighbours', '--wait', '8', '--from', typed);
    const shown = events
      .filter(({ event }) => event === 'added')
      .map(({ id, nick, confirmed }) => [id, nick, confirmed]);
    assert.deepEqual(shown.sort(), [
      [typed, 'Ana', true],
      [`${lan.laptops[2]!.address}:20707`, 'Ben', true],
    ]);
  });
});
