import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ANNOUNCEMENT_BYTES } from '../../src/neighbours/records';
import { announcement, SimClock, SimLaptop, SimNetwork, seeded, simInterface } from './simulation';

const MINUTE = 60_000;

async function classroom(
  nicks: (string | undefined)[],
  seed = 1,
): Promise<{ network: SimNetwork; laptops: SimLaptop[] }> {
  const network = new SimNetwork(new SimClock(), seeded(seed));
  const laptops = nicks.map((_nick, i) => new SimLaptop(network, `10.77.0.${i + 1}`));
  for (const [i, laptop] of laptops.entries()) {
    await laptop.neighbours.start();
    laptop.neighbours.announce(announcement(nicks[i]));
  }
  return { network, laptops };
}

describe('neighbours (simulated network)', () => {
  it('appear, change and leave, told once each', async () => {
    const { network, laptops } = await classroom(['Ana', 'Ben', 'Cam']);
    const [ana, ben, cam] = laptops as [SimLaptop, SimLaptop, SimLaptop];
    for (const { neighbours } of laptops) neighbours.watch();
    await network.clock.run(10_000);
    assert.deepEqual(
      laptops.map(({ sees }) => sees),
      [
        ['Ben', 'Cam'],
        ['Ana', 'Cam'],
        ['Ana', 'Ben'],
      ],
    );
    ben.neighbours.announce(announcement('Ben', '408'));
    await network.clock.run(10_000);
    await ben.neighbours.withdraw();
    await network.clock.run(10_000);
    for (const { told } of [ana, cam]) {
      const ofBen = told.filter(({ sighting }) => sighting.id === 'Ben');
      assert.deepEqual(
        ofBen.map(({ event, sighting }) => `${event} ${sighting.version}`),
        ['added 407', 'changed 408', 'removed 408'],
      );
    }
    assert.deepEqual(ana.sees, ['Cam']);
    assert.deepEqual(ben.sees, ['Ana', 'Cam']);
  });

  it('show themselves as they announced themselves', async () => {
    const { network, laptops } = await classroom(['Ana', 'Ben']);
    await network.clock.run(10_000);
    const [ben] = laptops[0]!.neighbours.list();
    const { image, version, commit, nick, colors, port } = announcement('Ben');
    const { lastSeen, ...rest } = ben!;
    assert.deepEqual(rest, {
      id: 'Ben',
      instance: 'Ben',
      host: laptops[1]!.neighbours.name?.host,
      nick,
      colors,
      addresses: [{ host: '10.77.0.2', port }],
      image,
      version,
      commit,
    });
    const age = 1_700_000_000_000 + network.clock.now() - lastSeen;
    assert.ok(age >= 0 && age < 10_000, `${age}`);
  });

  it('that share no name have one that says nothing', async () => {
    const { network, laptops } = await classroom([undefined, '', '\u202E']);
    await network.clock.run(10_000);
    for (const { neighbours } of laptops) {
      assert.equal(neighbours.list().length, 2);
      for (const { id, nick } of neighbours.list()) {
        assert.match(id, /^XO [0-9a-f]{6}$/);
        assert.equal(nick, '');
      }
    }
  });

  it('of one name are numbered, and all are there', async () => {
    const { network, laptops } = await classroom(['Ana', 'ana', 'Ana', 'Ben']);
    for (const { neighbours } of laptops) neighbours.watch();
    await network.clock.run(30_000);
    const all = new Set(laptops.flatMap(({ sees }) => sees.map(id => id.toLowerCase())));
    assert.deepEqual([...all].sort(), ['ana', 'ana (2)', 'ana (3)', 'ben']);
    for (const { sees } of laptops) assert.equal(sees.length, 3);
    assert.ok(laptops[3]!.neighbours.list().every(({ nick }) => nick.toLowerCase() === 'ana'));
  });

  it('find each other whatever is lost, whenever they come, whatever they are called', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          seed: fc.nat(),
          loss: fc.integer({ min: 0, max: 30 }),
          comers: fc.array(fc.record({ nick: fc.constantFrom('Ana', 'Ben', undefined), at: fc.nat({ max: 20_000 }) }), {
            minLength: 2,
            maxLength: 7,
          }),
        }),
        async ({ seed, loss, comers }) => {
          const network = new SimNetwork(new SimClock(), seeded(seed));
          network.loss = loss / 100;
          const laptops = comers.map((_comer, i) => new SimLaptop(network, `10.77.0.${i + 1}`));
          for (const [i, { nick, at }] of comers.entries()) {
            network.clock.after(at, () => {
              void laptops[i]!.neighbours.start();
              laptops[i]!.neighbours.announce(announcement(nick));
              laptops[i]!.neighbours.watch();
            });
          }
          await network.clock.run(5 * MINUTE);
          // A record lost four times running may be missing for a moment: until what was lost is asked for again.
          for (let minute = 0; laptops.some(({ sees }) => sees.length < comers.length - 1); minute++) {
            assert.ok(minute < 15, 'somebody never sees somebody');
            await network.clock.run(MINUTE);
          }
          assert.equal(new Set(laptops.flatMap(({ sees }) => sees)).size, comers.length);
          await Promise.all(laptops.map(({ neighbours }) => neighbours.close()));
          // The goodbyes are still on their way.
          await network.clock.run(10);
          assert.equal(network.clock.pending, 0);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('are told apart by what they say, not by their address (as on lo)', async () => {
    const network = new SimNetwork(new SimClock(), seeded(5));
    const laptops = ['Ana', 'Ana', 'Ben'].map(() => new SimLaptop(network, '10.77.0.1'));
    for (const [i, { neighbours }] of laptops.entries()) {
      await neighbours.start();
      neighbours.watch();
      neighbours.announce({ ...announcement(['Ana', 'Ana', 'Ben'][i]), port: 20707 + i });
    }
    await network.clock.run(20_000);
    for (const [i, { neighbours }] of laptops.entries()) {
      const ports = neighbours.list().flatMap(({ addresses }) => addresses.map(({ port }) => port));
      assert.deepEqual(
        ports.sort(),
        [20707, 20708, 20709].filter(port => port !== 20707 + i),
      );
    }
    assert.deepEqual(laptops[2]!.sees, ['Ana', 'Ana (2)']);
  });

  it('say nothing once they have said it, until somebody asks', async () => {
    const { network, laptops } = await classroom(Array.from({ length: 30 }, (_none, i) => `Child ${i}`));
    await network.clock.run(MINUTE);
    assert.ok(network.frames.every(({ bytes }) => bytes < ANNOUNCEMENT_BYTES));
    const perLaptop = network.frames.length / 30;
    assert.ok(perLaptop <= 5.5, `${perLaptop} packets a laptop to begin with`);
    const quiet = network.clock.now();
    await network.clock.run(60 * MINUTE);
    assert.deepEqual(network.after(quiet), []);
    laptops[7]!.neighbours.watch();
    await network.clock.run(20_000);
    assert.equal(laptops[7]!.sees.length, 29);
    assert.ok(network.after(quiet).length < 30 * 3, `${network.after(quiet).length} packets to find 29`);
  });

  it('are found by one who comes late and watches', async () => {
    const { network } = await classroom(['Ana', 'Ben']);
    await network.clock.run(10 * MINUTE);
    const late = new SimLaptop(network, '10.77.0.3');
    late.neighbours.watch();
    await late.neighbours.start();
    await network.clock.run(1500);
    assert.deepEqual(late.sees, ['Ana', 'Ben']);
  });

  it('whose cable is pulled are gone in two minutes, or in ten seconds once somebody cannot reach them', async () => {
    const { network, laptops } = await classroom(['Ana', 'Ben', 'Cam']);
    const ana = laptops[0]!;
    ana.neighbours.watch();
    await network.clock.run(MINUTE);
    for (const address of ['10.77.0.2', '10.77.0.3']) network.cable(address, 'out');
    const pulled = network.clock.now();
    ana.neighbours.doubt('Ben');
    await network.clock.run(3 * MINUTE);
    const gone = ana.told
      .filter(({ event }) => event === 'removed')
      .map(({ at, sighting }) => [sighting.id, at - pulled]);
    assert.deepEqual(
      gone.map(([id]) => id),
      ['Ben', 'Cam'],
    );
    const [ben, cam] = gone.map(([, ms]) => Number(ms)) as [number, number];
    assert.ok(ben >= 10_000 && ben < 12_000, `${ben}`);
    assert.ok(cam <= 121_000, `${cam}`);
    network.cable('10.77.0.3', 'in');
    laptops[2]!.neighbours.announce(announcement('Cam', '409'));
    await network.clock.run(MINUTE);
    assert.deepEqual(ana.sees, ['Cam']);
  });

  it('stay while they answer, however long somebody watches', async () => {
    const { network, laptops } = await classroom(['Ana', 'Ben', 'Cam']);
    laptops[0]!.neighbours.watch();
    await network.clock.run(10_000);
    laptops[0]!.told.length = 0;
    const start = network.clock.now();
    await network.clock.run(60 * MINUTE);
    assert.deepEqual(laptops[0]!.told, []);
    assert.deepEqual(laptops[0]!.sees, ['Ben', 'Cam']);
    const perMinute = network.after(start).length / 60;
    assert.ok(perMinute < 6, `${perMinute} packets a minute while one of three watches`);
  });

  it('take a new name when the nick changes, and keep no trace of the old one', async () => {
    const { network, laptops } = await classroom(['Ana', 'Ben']);
    await network.clock.run(10_000);
    laptops[1]!.neighbours.announce(announcement(undefined));
    const start = network.clock.now();
    await network.clock.run(10_000);
    assert.match(String(laptops[0]!.sees), /^XO /);
    const later = network.after(start + 1000);
    assert.ok(later.length > 0);
    assert.doesNotMatch(JSON.stringify(later), /Ben/);
  });

  it('follow the network: an interface that goes, comes back, and gets another address', async () => {
    const { network, laptops } = await classroom(['Ana', 'Ben']);
    const [ana, ben] = laptops as [SimLaptop, SimLaptop];
    ana.neighbours.watch();
    await network.clock.run(10_000);
    ana.interfaces = [];
    await network.clock.run(5000);
    assert.deepEqual(ana.sees, []);
    assert.deepEqual(ana.warnings, ['There is no network here now, so no neighbour can be seen.']);
    assert.deepEqual(
      ana.neighbours.warnings().map(({ text }) => text),
      ana.warnings,
    );
    await network.clock.run(5000);
    assert.equal(ana.warnings.length, 1);
    ana.interfaces = [simInterface('eth0', '10.77.0.77', 9)];
    await network.clock.run(10_000);
    assert.deepEqual(ana.sees, ['Ben']);
    assert.deepEqual(ana.neighbours.warnings(), []);
    assert.deepEqual(
      ben.neighbours.list().map(({ addresses }) => addresses[0]?.host),
      ['10.77.0.77'],
    );
  });

  it('are one neighbour when seen through two interfaces, and we do not quarrel with ourselves', async () => {
    const network = new SimNetwork(new SimClock(), seeded(3));
    const other = new SimNetwork(network.clock, seeded(4));
    const [ana, ben] = ['10.77.0.1', '10.77.0.2'].map(address => new SimLaptop(network, address, { wlan0: other })) as [
      SimLaptop,
      SimLaptop,
    ];
    // Ana has two cables in the same network, Ben is on both networks.
    ana.interfaces.push(simInterface('eth1', '10.77.1.1', 2));
    ben.interfaces.push(simInterface('wlan0', '10.77.1.2', 2));
    for (const [laptop, nick] of [
      [ana, 'Ana'],
      [ben, 'Ben'],
    ] as const) {
      await laptop.neighbours.start();
      laptop.neighbours.watch();
      laptop.neighbours.announce(announcement(nick));
    }
    await network.clock.run(20_000);
    ana.neighbours.announce(announcement('Ana', '408'));
    await network.clock.run(20_000);
    assert.deepEqual(ana.sees, ['Ben']);
    assert.deepEqual(
      ben.neighbours
        .list()
        .map(({ id, version, addresses }) => [id, version, addresses.map(({ host }) => host).sort()]),
      [['Ana', '408', ['10.77.0.1', '10.77.1.1']]],
    );
    assert.deepEqual(
      ben.told.filter(({ event }) => event === 'removed'),
      [],
    );
  });

  it('do not quarrel with what they said themselves a moment ago', async () => {
    const { network, laptops } = await classroom(['Ana', 'Ben']);
    await network.clock.run(10_000);
    const start = network.clock.now();
    // 408 is under way, and comes back when it is already wrong.
    laptops[0]!.neighbours.announce(announcement('Ana', '408'));
    laptops[0]!.neighbours.announce(announcement('Ana', '409'));
    await network.clock.run(10_000);
    assert.deepEqual(
      network.after(start - 1).filter(({ message }) => message.kind === 'query'),
      [],
    );
    assert.equal(laptops[1]!.neighbours.list()[0]?.version, '409');
  });

  it('are looked for again after a sleep', async () => {
    const { network, laptops } = await classroom(['Ana', 'Ben', 'Cam']);
    const ana = laptops[0]!;
    ana.neighbours.watch();
    await network.clock.run(30_000);
    // Asleep: Ben leaves for good, and Ana's clock stands still.
    network.cable('10.77.0.2', 'out');
    ana.slept = 8 * 3_600_000;
    await network.clock.run(20_000);
    assert.deepEqual(ana.sees, ['Cam']);
    assert.deepEqual(laptops[2]!.sees.includes('Ana'), true);
  });

  it('are looked for, and the name claimed again, after the link was gone for a moment', async () => {
    const { network, laptops } = await classroom(['Ana', 'Ben', 'Cam']);
    const ana = laptops[0]!;
    ana.neighbours.watch();
    await network.clock.run(30_000);
    const start = network.clock.now();
    // Ana walks to another access point, where Ben is not; nobody tells her but the count of her interface.
    network.cable('10.77.0.2', 'out');
    ana.interfaces = ana.interfaces.map(on => ({ ...on, flaps: on.flaps + 2 }));
    await network.clock.run(20_000);
    assert.deepEqual(ana.sees, ['Cam']);
    const probes = network
      .after(start)
      .filter(({ from, message }) => from === '10.77.0.1' && message.authorities.length > 0);
    assert.equal(probes.length, 3);
    // Once, not again with every look.
    const later = network.clock.now();
    await network.clock.run(20_000);
    assert.deepEqual(
      network.after(later).filter(({ message }) => message.authorities.length > 0),
      [],
    );
  });

  it('leave nothing behind when they close', async () => {
    const { network, laptops } = await classroom(['Ana', 'Ben']);
    laptops[0]!.neighbours.watch();
    await network.clock.run(3000);
    const start = network.clock.now();
    await Promise.all(laptops.map(({ neighbours }) => neighbours.close()));
    laptops[0]!.neighbours.announce(announcement('Ana'));
    laptops[0]!.neighbours.watch();
    await laptops[0]!.neighbours.start();
    await network.clock.run(MINUTE);
    assert.equal(network.after(start - 1).filter(({ message }) => message.kind === 'response').length, 2);
    assert.equal(network.clock.pending, 0);
  });
});
