/** What happens to laptops and their networks while they are on: networks meet, lids close, addresses change hands. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Announcement, Sighting } from '../../src/neighbours/neighbours';
import { tempFolder } from '../support/temp';
import { Announcer } from './announcer';
import { Laptop } from './laptop';
import { Lan } from './namespaces';
import { isProbe, Prober } from './prober';
import { Watcher } from './watcher';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
/** Longer than a laptop may be stopped without taking it for a sleep, in ms. */
const SLEEP = 16_000;

function announcement(nick: string): Announcement {
  return { image: 'olpc-xo', version: '407', commit: COMMIT, port: 20707, nick };
}

const ids = (list: Sighting[]) => list.map(({ id }) => id).sort();
const at = (list: Sighting[], id: string) => list.find(one => one.id === id)?.addresses[0]?.host;

/** Laptops that watch and announce these nicks. */
function classOf(lan: Lan, nicks: readonly string[]): Announcer[] {
  return nicks.map((nick, i) => {
    const laptop = new Announcer(lan.run.bind(lan, i));
    laptop.command('watch');
    laptop.announce(announcement(nick));
    return laptop;
  });
}

describe('laptops on the move', { concurrency: true, timeout: 300_000 }, () => {
  it('of one name, whose networks are joined, both stay: one takes a number', async () => {
    const lan = await Lan.create(3);
    try {
      lan.link(1, 'down');
      const [ana, other, ben] = classOf(lan, ['Ana', 'Ana', 'Ben']) as [Announcer, Announcer, Announcer];
      await ben.sees(list => ids(list).join() === 'Ana');
      lan.link(1, 'up');
      const seen = await ben.sees(list => ids(list).join() === 'Ana,Ana (2)');
      assert.notEqual(at(seen, 'Ana'), at(seen, 'Ana (2)'));
      // And each is one to the other, not two.
      for (const one of [ana, other]) {
        await one.sees(list => list.length === 2 && ids(list).includes('Ben'));
      }
      await Promise.all([ana, other, ben].map(laptop => laptop.close()));
    } finally {
      await lan.close();
    }
  });

  it('that slept while another took their name come back with a number, and see who is there now', async () => {
    const lan = await Lan.create(3);
    try {
      const [ana, ben] = classOf(lan, ['Ana', 'Ben']) as [Announcer, Announcer];
      await ana.until('added', ({ id }) => id === 'Ben');
      ben.suspend();
      ana.command('doubt Ben');
      await ana.until('removed', ({ id }) => id === 'Ben');
      const cam = new Announcer(lan.run.bind(lan, 2));
      cam.announce(announcement('Ben'));
      await ana.sees(list => at(list, 'Ben') === lan.laptops[2]!.address);
      await sleep(SLEEP);
      ben.resume();
      const seen = await ana.sees(list => ids(list).join() === 'Ben,Ben (2)');
      const hosts = seen.map(({ addresses }) => addresses[0]?.host).sort();
      assert.deepEqual(hosts, [lan.laptops[1]!.address, lan.laptops[2]!.address]);
      await ben.sees(list => list.length === 2 && ids(list).includes('Ana'));
      await Promise.all([ana, ben, cam].map(laptop => laptop.close()));
    } finally {
      await lan.close();
    }
  });

  it('whose lid was closed for a moment of their own time look and claim again, because the wall clock ran on', async t => {
    const lan = await Lan.create(3, { ipv6: false });
    try {
      // In a sleep the clock that our timers go by stands still. This machine cannot sleep for a test: but a process that is
      // stopped for a moment, and finds the wall clock an hour later, sees the same.
      const wall = join(tempFolder(t), 'wall');
      writeFileSync(wall, '+0');
      const faketime = {
        LD_PRELOAD: execFileSync('dpkg', ['-L', 'libfaketime'], { encoding: 'utf8' }).match(
          /^.*libfaketime\.so\.1$/m,
        )![0],
        FAKETIME_TIMESTAMP_FILE: wall,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      };
      const prober = new Prober(lan, 2);
      await prober.ready;
      const ana = new Announcer(lan.run.bind(lan, 0));
      const ben = new Announcer((command, args, options) =>
        lan.run(1, command, args, { ...options, env: { ...process.env, ...faketime } }),
      );
      for (const [laptop, nick] of [
        [ana, 'Ana'],
        [ben, 'Ben'],
      ] as const) {
        laptop.announce(announcement(nick));
        laptop.command('watch');
      }
      await ben.until('added', ({ id }) => id === 'Ana');
      await ana.until('added', ({ id }) => id === 'Ben');
      await prober.during(5000);

      const nap = async () => {
        ben.suspend();
        await sleep(1000);
        ben.resume();
      };
      let from = prober.heard.length;
      await nap();
      await prober.during(5000);
      assert.ok(!prober.heard.slice(from).some(isProbe));

      from = prober.heard.length;
      ana.kill();
      writeFileSync(wall, '+3600');
      await nap();
      await prober.until(isProbe, from);
      // She answers no more: and is gone long before her records end.
      await ben.until('removed', ({ id }) => id === 'Ana');
      await ben.close();
    } finally {
      await lan.close();
    }
  });

  it('whose interface was switched off and on are back, on IPv4 and IPv6', async () => {
    const lan = await Lan.create(2);
    try {
      const [ana, ben] = classOf(lan, ['Ana', 'Ben']) as [Announcer, Announcer];
      const both = (list: Sighting[]) => list.length === 1 && list[0]!.addresses.length === 2;
      await ana.sees(both);
      await ben.sees(both);
      await lan.output(1, 'ip', ['link', 'set', 'eth0', 'down']);
      await ben.until('removed', ({ id }) => id === 'Ana');
      await lan.output(1, 'ip', ['link', 'set', 'eth0', 'up']);
      await ben.sees(both);
      await ana.sees(both);
      await Promise.all([ana.close(), ben.close()]);
    } finally {
      await lan.close();
    }
  });

  it('that roam to another subnet see who is there, and are seen at their new address', async () => {
    const lan = await Lan.create(3, { ipv6: false });
    try {
      const move = async (laptop: number, address: string) => {
        await lan.output(laptop, 'ip', ['addr', 'flush', 'dev', 'eth0']);
        await lan.output(laptop, 'ip', ['addr', 'add', `${address}/24`, 'dev', 'eth0']);
      };
      await move(2, '192.168.5.1');
      const [ana, ben, cam] = classOf(lan, ['Ana', 'Ben', 'Cam']) as [Announcer, Announcer, Announcer];
      await ana.sees(list => ids(list).join() === 'Ben');
      await ben.sees(list => ids(list).join() === 'Ana');
      await move(1, '192.168.5.2');
      await ben.sees(list => ids(list).join() === 'Cam');
      await cam.sees(list => at(list, 'Ben') === '192.168.5.2');
      ana.command('doubt Ben');
      await ana.sees(list => list.length === 0);
      await move(1, lan.laptops[1]!.address);
      await ben.sees(list => ids(list).join() === 'Cam' || list.length === 0);
      await Promise.all([ana, ben, cam].map(laptop => laptop.close()));
    } finally {
      await lan.close();
    }
  });

  it('do not stand for one that left and whose address they were given', async t => {
    const lan = await Lan.create(3, { ipv6: false });
    const folder = tempFolder(t);
    const tree = join(folder, 'tree');
    mkdirSync(join(tree, 'etc'), { recursive: true });
    writeFileSync(join(tree, 'etc/version'), '407');
    const laptops = ['Maya', 'Ana', 'Ben'].map(
      (nick, i) => new Laptop(nick, lan.laptops[i]!.inside, join(folder, nick)),
    );
    const [maya, ana, ben] = laptops as [Laptop, Laptop, Laptop];
    try {
      for (const laptop of laptops) {
        mkdirSync(laptop.dir);
        await laptop.flash(tree, 'olpc-xo', '407');
      }
      await maya.serve('--interface', 'eth0');
      await ana.serve('--interface', 'eth0');
      const watcher = new Watcher(maya, lan.laptops[0]!.inside);
      await watcher.until(shown => shown.some(({ nick, confirmed }) => nick === 'Ana' && confirmed));
      lan.link(1, 'down');
      const { address } = lan.laptops[1]!;
      await lan.output(2, 'ip', ['addr', 'flush', 'dev', 'eth0']);
      await lan.output(2, 'ip', ['addr', 'add', `${address}/16`, 'dev', 'eth0']);
      await ben.serve('--interface', 'eth0');
      // Both hold the same image, and one address answers for it.
      await watcher.until(shown => shown.length === 1 && shown[0]!.nick === 'Ben' && shown[0]!.confirmed);
      assert.equal(watcher.events.findLast(({ nick }) => nick === 'Ben')?.address, `${address}:20707`);
      assert.equal(await watcher.interrupt(), 0);
    } finally {
      await Promise.all(laptops.map(laptop => laptop.stop()));
      await lan.close();
    }
  });
});
