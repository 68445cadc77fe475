/** Neighbours on real sockets: laptops in network namespaces on one bridge, and the mDNS stack that others have. */
import assert from 'node:assert/strict';
import { isIPv4 } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Announcement, Sighting } from '../../src/neighbours/neighbours';
import { Announcer } from './announcer';
import { Avahi, nameIn } from './avahi';
import { Lan } from './namespaces';
import { isProbe, isResponse, Prober } from './prober';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const SERVICE = '_xo-image._tcp';

function announcement(nick: string, version = '407', port = 20707): Announcement {
  return { image: 'olpc-xo', version, commit: COMMIT, port, nick, colors: ['#FF2B34', '#008009'] };
}

const ids = (list: Sighting[]) => list.map(({ id }) => id).sort();
const isCalled = (id: string) => (sighting: Sighting) => sighting.id === id;

describe('neighbours on a real network', { concurrency: true, timeout: 180_000 }, () => {
  it('appear, change version, leave with a goodbye, and leave without one', async () => {
    const lan = await Lan.create(3);
    try {
      const [ana, ben, cam] = lan.laptops.map((_laptop, i) => new Announcer(lan.run.bind(lan, i))) as [
        Announcer,
        Announcer,
        Announcer,
      ];
      const laptops = { Ana: ana, Ben: ben, Cam: cam };
      for (const [nick, laptop] of Object.entries(laptops)) {
        laptop.command('watch');
        laptop.announce(announcement(nick));
      }
      for (const [nick, laptop] of Object.entries(laptops)) {
        for (const [i, other] of Object.keys(laptops).entries()) {
          if (other === nick) continue;
          const seen = await laptop.until('added', isCalled(other));
          assert.equal(seen.version, '407');
          assert.equal(seen.commit, COMMIT);
          assert.deepEqual(seen.colors, ['#FF2B34', '#008009']);
          assert.deepEqual(seen.addresses[0], { host: lan.laptops[i]!.address, port: 20707 });
        }
      }

      ben.announce(announcement('Ben', '408'));
      for (const laptop of [ana, cam]) {
        await laptop.until('changed', sighting => sighting.id === 'Ben' && sighting.version === '408');
      }

      assert.equal(await ben.close(), 0);
      for (const laptop of [ana, cam]) await laptop.until('removed', isCalled('Ben'));

      lan.link(2, 'down');
      // Cam notices that her own network is gone.
      await cam.until('warning');
      await cam.until('removed', isCalled('Ana'));
      // Ana could not reach her: she is asked for and gone ten seconds later, not two minutes.
      ana.command('doubt Cam');
      await ana.until('removed', isCalled('Cam'));

      lan.link(2, 'up');
      const since = ana.told.length;
      await ana.until('added', isCalled('Cam'), since);
      assert.deepEqual(ids(await ana.list()), ['Cam']);
      assert.deepEqual(await Promise.all([ana.close(), cam.close()]), [0, 0]);
    } finally {
      await lan.close();
    }
  });

  it('of one nick are numbered, and have their IPv6 addresses with the zone after the IPv4 ones', async () => {
    const lan = await Lan.create(3);
    try {
      const laptops = lan.laptops.map((_laptop, i) => new Announcer(lan.run.bind(lan, i)));
      for (const [i, laptop] of laptops.entries()) {
        laptop.command('watch');
        laptop.announce(announcement(i < 2 ? 'Ana' : 'Ben'));
      }
      const complete = ({ nick, addresses }: Sighting) => nick === 'Ana' && addresses.length === 2;
      const seen = await laptops[2]!.sees(list => list.length === 2 && list.every(complete));
      assert.deepEqual(ids(seen), ['Ana', 'Ana (2)']);
      for (const { addresses } of seen) {
        assert.match(addresses[0]!.host, /^10\.77\.0\.[12]$/);
        assert.match(addresses[1]!.host, /^fe80::[0-9a-f:]+%eth0$/);
      }
      await Promise.all(laptops.map(laptop => laptop.close()));
    } finally {
      await lan.close();
    }
  });

  it('see each other where there is no IPv4 at all', async () => {
    const lan = await Lan.create(2);
    try {
      for (const i of [0, 1]) await lan.output(i, 'ip', ['-4', 'addr', 'flush', 'dev', 'eth0']);
      const [ana, ben] = [0, 1].map(i => new Announcer(lan.run.bind(lan, i))) as [Announcer, Announcer];
      for (const [laptop, nick] of [
        [ana, 'Ana'],
        [ben, 'Ben'],
      ] as const) {
        laptop.command('watch');
        laptop.announce(announcement(nick));
      }
      const seen = await ana.until('added', isCalled('Ben'));
      assert.match(seen.addresses[0]!.host, /^fe80::[0-9a-f:]+%eth0$/);
      await ben.until('added', isCalled('Ana'));
      await Promise.all([ana.close(), ben.close()]);
    } finally {
      await lan.close();
    }
  });

  it('are heard again through a network card that was exchanged', async () => {
    const lan = await Lan.create(2, { ipv6: false });
    try {
      const [ana, ben] = [0, 1].map(i => new Announcer(lan.run.bind(lan, i))) as [Announcer, Announcer];
      ana.command('watch');
      ana.announce(announcement('Ana'));
      ben.announce(announcement('Ben'));
      await ana.until('added', isCalled('Ben'));
      const since = ana.told.length;
      lan.replaceCard(0);
      await ana.until('removed', isCalled('Ben'), since);
      await ana.until('added', isCalled('Ben'), since);
      ben.announce(announcement('Ben', '408'));
      await ana.until('changed', ({ version }) => version === '408', since);
      await Promise.all([ana.close(), ben.close()]);
    } finally {
      await lan.close();
    }
  });

  it('are told apart on one machine, where all have the address of lo', async () => {
    const lan = await Lan.create(1);
    try {
      const nicks = ['Ana', 'Ana', 'Ben', 'Cam'];
      const laptops = nicks.map(() => new Announcer(lan.run.bind(lan, 0), 'lo'));
      for (const [i, laptop] of laptops.entries()) {
        laptop.command('watch');
        laptop.announce(announcement(nicks[i]!, '407', 20707 + i));
      }
      for (const [i, laptop] of laptops.entries()) {
        const seen = await laptop.sees(list => list.length === 3);
        const ports = seen.flatMap(({ addresses }) => addresses.map(({ host, port }) => `${host}:${port}`));
        const others = nicks.map((_nick, j) => `127.0.0.1:${20707 + j}`).filter((_address, j) => j !== i);
        assert.deepEqual(ports.sort(), others);
      }
      assert.deepEqual(ids(await laptops[2]!.list()), ['Ana', 'Ana (2)', 'Cam']);
      laptops[3]!.announce(announcement('Cam', '408', 20710));
      await laptops[0]!.until('changed', ({ id, version }) => id === 'Cam' && version === '408');
      const ended = await Promise.all(laptops.map(laptop => laptop.close()));
      assert.deepEqual(ended, [0, 0, 0, 0]);
    } finally {
      await lan.close();
    }
  });

  it('on this very machine are seen only by who looks on lo besides, as commands without a service do', async () => {
    const lan = await Lan.create(2, { ipv6: false });
    try {
      const demo = new Announcer(lan.run.bind(lan, 0), 'lo');
      const command = new Announcer(lan.run.bind(lan, 0), '', 'loopback');
      const service = new Announcer(lan.run.bind(lan, 0));
      const apart = new Announcer(lan.run.bind(lan, 1));
      demo.announce(announcement('Demo'));
      apart.announce(announcement('Ben'));
      for (const laptop of [command, service]) laptop.command('watch');
      const seen = await command.sees(list => list.length === 2);
      assert.deepEqual(ids(seen), ['Ben', 'Demo']);
      await service.until('added', isCalled('Ben'));
      assert.deepEqual(ids(await service.list()), ['Ben']);
      await Promise.all([demo, command, service, apart].map(laptop => laptop.close()));
    } finally {
      await lan.close();
    }
  });

  it('are looked for and told again after a cable was out for less than we look', async () => {
    const lan = await Lan.create(2, { ipv6: false });
    try {
      const [ana, ben] = [0, 1].map(i => new Announcer(lan.run.bind(lan, i))) as [Announcer, Announcer];
      const prober = new Prober(lan, 1);
      ana.announce(announcement('Ana'));
      await prober.until(heard => isResponse(heard));
      await prober.during(3000);
      const from = prober.heard.length;
      lan.link(0, 'down');
      lan.link(0, 'up');
      // What is on the other end may be another network: the name is claimed again (RFC 6762 §8).
      await prober.until(isProbe, from);
      await prober.until(isResponse, from);
      await Promise.all([ana.close(), ben.close()]);
    } finally {
      await lan.close();
    }
  });

  it('are missed with a plain sentence where port 5353 is kept by another program, until it is free', async () => {
    const lan = await Lan.create(2, { ipv6: false });
    try {
      const keep = "require('node:dgram').createSocket('udp4').bind(5353, () => console.log('kept'))";
      const keeper = lan.run(0, process.execPath, ['-e', keep], { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise(resolve => keeper.stdout!.once('data', resolve));
      const [ana, ben] = [0, 1].map(i => new Announcer(lan.run.bind(lan, i))) as [Announcer, Announcer];
      ana.announce(announcement('Ana'));
      ana.command('watch');
      ben.announce(announcement('Ben'));
      assert.match(await ana.until('warning'), /^Another program keeps the port for finding neighbours/);
      await ana.until('started');
      assert.deepEqual(await ana.list(), []);
      keeper.kill('SIGKILL');
      await ana.until('added', isCalled('Ben'));
      assert.equal(ana.told.filter(({ event }) => event === 'warning').length, 1);
      await Promise.all([ana.close(), ben.close()]);
    } finally {
      await lan.close();
    }
  });

  it('are not expected where there is no such interface, and that is said', async () => {
    const lan = await Lan.create(1);
    try {
      const ana = new Announcer(lan.run.bind(lan, 0), 'wlan7');
      ana.announce(announcement('Ana'));
      assert.equal(await ana.until('warning'), 'There is no network on wlan7 now, so no neighbour can be seen.');
      assert.deepEqual(await ana.list(), []);
      assert.equal(await ana.close(), 0);
    } finally {
      await lan.close();
    }
  });

  describe('beside avahi', { concurrency: false, timeout: 180_000 }, () => {
    let lan: Lan;
    let avahi: Avahi;
    let beside: Announcer;
    let apart: Announcer;

    before(async () => {
      lan = await Lan.create(2);
      avahi = await Avahi.start(lan, 0, 'teacher');
      beside = new Announcer(lan.run.bind(lan, 0), 'eth0');
      apart = new Announcer(lan.run.bind(lan, 1));
      beside.announce(announcement('Ana. (née\\Ñ)'));
      apart.announce(announcement('Ben', '408', 20708));
    });

    after(async () => {
      await lan.close();
      avahi.close();
    });

    it('are seen by avahi-browse as they announce themselves, from the same laptop and from another', async () => {
      const all = async (): Promise<string[][]> => {
        for (let tries = 0; tries < 20; tries++) {
          // What is heard over IPv4 is resolved to whichever address the daemon knows first.
          const lines = (await avahi.browse(SERVICE)).filter(
            ([, , family, , , , , address]) => family === 'IPv4' && isIPv4(address ?? ''),
          );
          if (lines.length >= 2) return lines.sort((a, b) => a[3]!.localeCompare(b[3]!));
        }
        throw new Error('avahi-browse never sees both');
      };
      const [ana, ben] = await all();
      assert.equal(nameIn(ana![3]!), 'Ana. (née\\Ñ)');
      assert.match(ana![6]!, /^xo-[0-9a-f]{8}\.local$/);
      assert.deepEqual(ana!.slice(7, 9), [lan.laptops[0]!.address, '20707']);
      assert.equal(ben![3], 'Ben');
      assert.match(ben![6]!, /^xo-[0-9a-f]{8}\.local$/);
      assert.deepEqual(ben!.slice(7, 9), [lan.laptops[1]!.address, '20708']);
      const txt = [
        'txtvers=1',
        'image=olpc-xo',
        'version=408',
        `commit=${COMMIT}`,
        'nick=Ben',
        'colors=#FF2B34,#008009',
      ];
      assert.deepEqual(ben![9]!.match(/[^" ][^"]*/g)?.sort(), txt.sort());
    });

    it('see what avahi-publish announces, and when it ends', async () => {
      for (const laptop of [beside, apart]) laptop.command('watch');
      const txt = ['txtvers=1', 'image=olpc-xo', 'version=13.2.10', `commit=${COMMIT}`, 'nick=Profe'];
      const publisher = avahi.publish('School. server', SERVICE, 8080, txt);
      for (const laptop of [beside, apart]) {
        const seen = await laptop.until('added', isCalled('School. server'));
        assert.deepEqual([seen.nick, seen.version, seen.colors], ['Profe', '13.2.10', null]);
        // IPv6 may be heard first; once both are, IPv4 leads.
        const { address } = lan.laptops[0]!;
        await laptop.sees(list =>
          list.some(({ addresses: [first] }) => first?.host === address && first.port === 8080),
        );
      }
      publisher.kill('SIGTERM');
      for (const laptop of [beside, apart]) await laptop.until('removed', isCalled('School. server'));
    });

    it('give way to a name that avahi holds', async () => {
      const publisher = avahi.publish('Cam', SERVICE, 8080, [`commit=${COMMIT}`, 'image=x', 'version=1']);
      await apart.until('added', isCalled('Cam'));
      beside.announce(announcement('Cam', '409'));
      await apart.until('added', isCalled('Cam (2)'));
      publisher.kill('SIGTERM');
    });

    it('keep a name that avahi wants, which takes another', async () => {
      const publisher = avahi.publish('Ben', SERVICE, 8080, [`commit=${COMMIT}`, 'image=x', 'version=1']);
      // As avahi numbers its names.
      await apart.until('added', isCalled('Ben #2'));
      const seen = await beside.sees(list => ids(list).includes('Ben') && ids(list).includes('Ben #2'));
      assert.equal(seen.find(isCalled('Ben'))?.version, '408');
      publisher.kill('SIGTERM');
    });

    it('are followed by avahi-browse to a new version, a new name, and the end', async () => {
      /** What avahi-browse tells of them once it is so: instance and version. */
      const until = async (so: (seen: [string, string][]) => boolean) => {
        let seen: [string, string][] = [];
        for (let tries = 0; tries < 20; tries++) {
          const lines = (await avahi.browse(SERVICE)).filter(([, , family]) => family === 'IPv4');
          seen = lines.map(line => [line[3]!, /version=([^"]*)/.exec(line[9] ?? '')?.[1] ?? '']);
          if (so(seen)) return;
        }
        throw new Error(`avahi-browse never sees it, but: ${JSON.stringify(seen)}`);
      };
      const has = (name: string, version: string) => (seen: [string, string][]) =>
        seen.some(one => one[0] === name && one[1] === version);
      apart.announce(announcement('Ben', '410', 20708));
      await until(has('Ben', '410'));
      apart.announce(announcement('Bea', '410', 20708));
      await until(seen => has('Bea', '410')(seen) && !seen.some(([name]) => name === 'Ben'));
      assert.equal(await apart.close(), 0);
      await until(seen => !seen.some(([name]) => name === 'Bea'));
      assert.equal(await beside.close(), 0);
    });
  });
});
