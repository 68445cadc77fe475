/**
 * The product once, from end to end: three laptops in three network namespaces, the real command line, an upgrade and
 * a downgrade between root file systems with everything in them, and rsync as the judge.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Laptop } from './laptop';
import { Lan } from './namespaces';
import { makeRootTrees } from './root-trees';
import { differences } from './same-tree';

const NAME = 'made-up';

describe('three laptops on one network', () => {
  let dir: string;
  let lan: Lan;
  let first: string;
  let second: string;
  let a: Laptop;
  let b: Laptop;
  let c: Laptop;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'pass-it-on-upgrade-'));
    first = join(dir, 'first');
    second = join(dir, 'second');
    lan = await Lan.create(3);
    makeRootTrees(first, second, lan.asRoot);
    [a, b, c] = lan.laptops.map(({ inside }, index) => {
      const nick = ['Ana', 'Ben', 'Cam'][index]!;
      return new Laptop(nick, inside, join(dir, nick));
    }) as [Laptop, Laptop, Laptop];
    await a.flash(second, NAME, '2');
    await b.flash(first, NAME, '1');
    await c.flash(first, NAME, '1');
  });

  after(async () => {
    await Promise.all([a, b, c].map(laptop => laptop?.stop()));
    await lan?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it('holds what was published, to the last attribute', async () => {
    assert.deepEqual(differences(second, a.currentTree), []);
    assert.deepEqual(differences(first, b.currentTree), []);
    // The judge itself: it does see that these two are not the same.
    assert.ok(differences(first, a.currentTree).length > 100);
    assert.equal((await b.status()).current?.commit, (await c.status()).current?.commit);
  });

  it('goes up from a neighbour found by mDNS', async () => {
    await a.serve();
    await b.serve();
    const seen = (await b.neighbours(5)).filter(({ nick }) => nick === 'Ana');
    assert.deepEqual([seen[0]?.event, seen[0]?.version, seen[0]?.relation], ['added', '2', 'newer']);

    const plan = await b.compare('2');
    assert.equal(plan.from?.version, '1');
    assert.ok(plan.objects > 150 && plan.objects < 170, `${plan.objects} objects to fetch`);

    const result = await b.upgrade('2');
    assert.deepEqual([result.result, result.version, result.commit], ['staged', '2', plan.to.commit]);
    // What did not change, 3 MB of it in one file, does not cross the network; nor what outlines find of the rest.
    assert.ok(result.bytesReceived > 10_000 && result.bytesReceived < 1_000_000, `${result.bytesReceived} bytes`);
    const staged = await b.status();
    assert.deepEqual([staged.current?.version, staged.staged?.version], ['1', '2']);
    assert.deepEqual(differences(second, b.stagedTree), []);
    assert.deepEqual(differences(first, b.currentTree), []);

    const active = await b.activate();
    assert.deepEqual([active.current?.version, active.previous?.version, active.staged], ['2', '1', null]);
    assert.deepEqual(differences(second, b.currentTree), []);
    assert.deepEqual((await b.verify('2')).problems, []);
  });

  it('tells its neighbours about its new version', async () => {
    const seen = await a.neighbours(5);
    const ben = seen.findLast(({ nick }) => nick === 'Ben');
    assert.deepEqual([ben?.version, ben?.relation], ['2', 'same']);
  });

  it('goes back to what it still holds without asking anybody', async () => {
    const result = await b.upgrade('1');
    assert.equal(result.bytesReceived, 0);
    assert.deepEqual(differences(first, b.stagedTree), []);
  });

  it('goes down to an older version that only a third laptop has', async () => {
    // Ben has both by now: he leaves, so that Cam is the only one to ask.
    await b.stop();
    await c.serve();
    const seen = (await a.neighbours(5)).filter(({ nick }) => nick === 'Cam');
    assert.deepEqual([seen[0]?.event, seen[0]?.version, seen[0]?.relation], ['added', '1', 'older']);
    const result = await a.upgrade('1');
    assert.ok(result.bytesReceived > 0);
    assert.deepEqual(differences(first, a.stagedTree), []);
    await a.activate();
    assert.deepEqual(differences(first, a.currentTree), []);
    assert.equal((await a.status()).current?.commit, (await c.status()).current?.commit);
  });
});
