/** An answer over HTTP is word from the laptop itself: what it announced holds, and nobody need be asked by multicast. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { PassItOnError } from '../../src/core/errors';
import { ANOTHER } from '../../src/service/claim';
import { Near } from '../../src/service/near';
import { Store } from '../../src/store/store';
import type { ImagesAnswer } from '../../src/transfer/images-answer';
import { announcement, COMMIT, SimClock, SimLaptop, SimNetwork, seeded } from '../neighbours/simulation';

const HOUR = 3_600_000;

describe('a neighbour that answers over HTTP', () => {
  let folder: string;
  let store: Store;
  let network: SimNetwork;
  let me: SimLaptop;
  let near: Near;
  /** Who is at an address now, and announces what. */
  let at: Map<string, SimLaptop>;
  let removed: string[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pass-it-on-vouch-'));
    store = await Store.open(join(folder, 'store'));
    network = new SimNetwork(new SimClock(), seeded(11));
    me = new SimLaptop(network, '10.77.0.200');
    at = new Map();
    removed = [];
    near = new Near(
      me.neighbours,
      store,
      ({ event, id }) => {
        if (event === 'removed') removed.push(id);
      },
      { clock: network.clock, random: network.random, hasGateway: () => false, ask: async address => answer(address) },
    );
    await me.neighbours.start();
    near.watch();
  });

  afterEach(async () => {
    for (const { neighbours } of [me, ...at.values()]) await neighbours.close();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function answer(address: string): ImagesAnswer {
    const laptop = at.get(address);
    if (!laptop) throw new PassItOnError('source-gone', 'It does not answer.', 'Wait.');
    const releaseTime = '2026-03-01T00:00:00.000Z';
    const image = { name: 'olpc-xo', version: '407', commit: COMMIT, releaseTime, signedBy: null, bytes: 9 };
    return { current: COMMIT, images: [image], fetching: null, nick: '', announced: laptop.neighbours.name };
  }

  const arrive = async (nick: string, number: number) => {
    const address = `10.77.0.${number}`;
    const laptop = new SimLaptop(network, address);
    at.set(`${address}:20707`, laptop);
    await laptop.neighbours.start();
    laptop.neighbours.announce(announcement(nick));
    return laptop;
  };
  const ids = () => near.list().map(({ id }) => id);

  it('is asked for nothing by multicast for hours, stays, and was seen just now', async () => {
    for (let i = 1; i <= 5; i++) await arrive(`Laptop ${i}`, i);
    await network.clock.run(60_000);
    const since = network.clock.now();
    await network.clock.run(4 * HOUR);
    const multicast = network.after(since).filter(({ to }) => to === null);
    // Only the question for newcomers, at most once an hour in the end; its known answers leave nothing to say.
    const questions = multicast.flatMap(({ message }) => message.questions);
    assert.ok(multicast.length <= 11, `${multicast.length}`);
    assert.deepEqual([...new Set(questions.map(({ type }) => type))], ['PTR']);
    assert.deepEqual(removed, []);
    for (const { confirmed, lastSeen } of near.list()) {
      assert.equal(confirmed, true);
      assert.ok(1_700_000_000_000 + network.clock.now() - Date.parse(lastSeen) < 90_000);
    }
  });

  it('does not keep alive another one whose address it took over', async () => {
    await arrive('Ana', 1);
    await network.clock.run(60_000);
    // Ana's battery is empty, and her address is given to Ben, who has the same image.
    network.cable('10.77.0.1', 'out');
    await arrive('Ben', 2);
    at.set('10.77.0.1:20707', at.get('10.77.0.2:20707')!);
    await network.clock.run(120_000);
    assert.deepEqual(ids(), ['Ben']);
  });

  it('is marked where it lends itself the address of another', async () => {
    await arrive('Ana', 1);
    const liar = await arrive('Liar', 66);
    at.set('10.77.0.66:20707', at.get('10.77.0.1:20707')!);
    await network.clock.run(60_000);
    const marks = near.list().map(({ id, confirmed, problem }) => [id, confirmed, problem]);
    assert.deepEqual(marks.sort(), [
      ['Ana', true, null],
      ['Liar', false, ANOTHER.text],
    ]);
    await liar.neighbours.close();
  });

  it('is gone after its goodbye, however well it was vouched for', async () => {
    const ana = await arrive('Ana', 1);
    await network.clock.run(60_000);
    at.delete('10.77.0.1:20707');
    await ana.neighbours.close();
    await network.clock.run(5000);
    assert.deepEqual(ids(), []);
  });

  it('and has a new image or name is shown with it, though its announcement was missed', async () => {
    const ana = await arrive('Ana', 1);
    await network.clock.run(60_000);
    network.cable('10.77.0.1', 'out');
    ana.neighbours.announce(announcement('Bea'));
    await network.clock.run(10_000);
    network.cable('10.77.0.1', 'in');
    await network.clock.run(180_000);
    assert.deepEqual(ids(), ['Bea']);
  });
});
