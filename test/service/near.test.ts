/** Who is shown, and what is believed of them: real Neighbours and a real store, on a simulated network and its time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LACKING, SILENT, STRANGER } from '../../src/service/claim';
import { announcement, COMMIT } from '../neighbours/simulation';
import { around, holds, seenAs, silent, stranger, textsOf } from './around';

const OTHER = 'f'.repeat(40);

describe('who is near', () => {
  it('is only seen at first, can give once it answered, and is asked again now and then', async t => {
    const { clock, told, asked, look, arrive, events } = await around(t);
    const near = look();
    near.watch();
    await arrive('Ana', 1);
    await clock.run(3000);
    assert.equal(told[0]?.confirmed, false);
    await clock.run(5000);
    assert.deepEqual([seenAs(near, 'Ana')?.confirmed, seenAs(near, 'Ana')?.problem], [true, null]);
    assert.deepEqual(events('Ana'), ['added', 'changed']);
    await clock.run(3_600_000);
    const gaps = asked.slice(1).map(({ at }, i) => at - asked[i]!.at);
    assert.ok(Math.min(...gaps) >= 17_000 && Math.max(...gaps) <= 87_000, `${gaps}`);
    assert.deepEqual(events('Ana'), ['added', 'changed']);
    near.unwatch();
    const before = asked.length;
    await clock.run(3_600_000);
    assert.equal(asked.length, before);
    near.watch();
    await clock.run(10_000);
    assert.ok(asked.length > before);
  });

  it('is asked by nobody who does not watch', async t => {
    const { clock, asked, look, arrive } = await around(t);
    const near = look(['10.77.0.9']);
    await arrive('Ana', 1);
    await clock.run(100_000);
    assert.deepEqual(asked, []);
    assert.equal(seenAs(near, 'Ana')?.confirmed, false);
  });

  it('is gone two minutes after its cable was pulled, at the latest, and not before it is out', async t => {
    const { network, clock, told, answers, look, arrive } = await around(t);
    const near = look();
    near.watch();
    for (let i = 1; i <= 10; i++) await arrive(`Laptop ${i}`, i);
    await clock.run(300_000);
    for (let i = 1; i <= 5; i++) {
      network.cable(`10.77.0.${i}`, 'out');
      answers.delete(`10.77.0.${i}:20707`);
      const pulled = clock.now();
      told.length = 0;
      while (seenAs(near, `Laptop ${i}`)) await clock.run(1000);
      const took = clock.now() - pulled;
      assert.ok(took <= 120_000, `${took}`);
      assert.deepEqual(
        told.filter(({ event }) => event === 'removed').map(({ id }) => id),
        [`Laptop ${i}`],
      );
    }
    assert.equal(near.list().length, 5);
  });

  it('stays where one answer got lost, and says nothing of it', async t => {
    const { clock, told, answers, look, arrive } = await around(t);
    const near = look();
    near.watch();
    await arrive('Ana', 1);
    await clock.run(10_000);
    told.length = 0;
    let count = 0;
    answers.set('10.77.0.1:20707', holds());
    const flaky = answers.get.bind(answers);
    answers.get = address => (++count % 2 === 1 ? silent : flaky(address));
    await clock.run(600_000);
    assert.ok(count > 10);
    assert.deepEqual(told, []);
    assert.equal(seenAs(near, 'Ana')?.confirmed, true);
  });

  it('stays where it is too busy to answer, and says nothing of it; but not for ever', async t => {
    const { network, clock, told, answers, look, arrive } = await around(t);
    const near = look();
    near.watch();
    await arrive('Ana', 1);
    await clock.run(20_000);
    told.length = 0;
    answers.set('10.77.0.1:20707', 'late');
    // It does not hear the radio either, as one that has no time to read what came.
    network.cable('10.77.0.1', 'out');
    await clock.run(120_000);
    assert.deepEqual(
      told.filter(({ event }) => event !== 'changed'),
      [],
    );
    assert.deepEqual([seenAs(near, 'Ana')?.confirmed, seenAs(near, 'Ana')?.problem], [true, null]);
    answers.set('10.77.0.1:20707', holds());
    network.cable('10.77.0.1', 'in');
    await clock.run(600_000);
    assert.deepEqual(
      told.filter(({ event }) => event !== 'changed'),
      [],
    );
    assert.equal(seenAs(near, 'Ana')?.confirmed, true);
    // Its program hangs.
    answers.set('10.77.0.1:20707', 'late');
    network.cable('10.77.0.1', 'out');
    await clock.run(300_000);
    assert.deepEqual(near.list(), []);
  });

  it('is not known to be there by being late where it never answered', async t => {
    const { clock, answers, look, arrive } = await around(t);
    const near = look();
    near.watch();
    await arrive('Ana', 1, 'late');
    await clock.run(30_000);
    assert.deepEqual([seenAs(near, 'Ana')?.confirmed, seenAs(near, 'Ana')?.problem], [false, null]);
    await clock.run(120_000);
    assert.deepEqual([seenAs(near, 'Ana')?.confirmed, seenAs(near, 'Ana')?.problem], [false, SILENT.text]);
    answers.set('10.77.0.1:20707', holds());
    await clock.run(120_000);
    assert.equal(seenAs(near, 'Ana')?.confirmed, true);
  });

  it('has a problem where it announces what it does not have, or something else answers, or nothing', async t => {
    const { clock, answers, look, arrive } = await around(t);
    const near = look();
    near.watch();
    await arrive('Liar', 1, holds(OTHER));
    await arrive('Other', 2, holds(COMMIT, '999'));
    await arrive('Stranger', 3, stranger);
    await arrive('Deaf', 4, silent);
    await clock.run(30_000);
    const problems = near.list().map(({ id, confirmed, problem }) => [id, confirmed, problem]);
    assert.deepEqual(problems.sort(), [
      ['Deaf', false, SILENT.text],
      ['Liar', false, LACKING.text],
      ['Other', false, 'It announces 407, but that is 999.'],
      ['Stranger', false, STRANGER.text],
    ]);
    // It is no longer a liar once it says the truth.
    answers.set('10.77.0.1:20707', holds());
    await clock.run(120_000);
    assert.deepEqual([seenAs(near, 'Liar')?.confirmed, seenAs(near, 'Liar')?.problem], [true, null]);
  });

  it('is not newer by saying so: what a commit says that was read here counts', async t => {
    const { clock, told, look, arrive } = await around(t);
    const near = look();
    near.watch();
    const ana = await arrive('Ana', 1, holds(COMMIT, '999'));
    ana.neighbours.announce(announcement('Ana', '999'));
    await clock.run(30_000);
    assert.deepEqual([seenAs(near, 'Ana')?.version, seenAs(near, 'Ana')?.confirmed], ['999', true]);
    told.length = 0;
    near.learn(COMMIT, { name: 'olpc-xo', version: '407' });
    assert.deepEqual(
      told.map(({ id, version, confirmed, problem }) => [id, version, confirmed, problem]),
      [['Ana', '407', false, 'It announces 999, but that is 407.']],
    );
  });

  it('stays near when somebody else says goodbye for it, and goes when it says so itself', async t => {
    const { network, clock, told, answers, look, arrive, events } = await around(t);
    const near = look();
    near.watch();
    const ana = await arrive('Ana', 1);
    await clock.run(20_000);
    told.length = 0;
    // To us alone, so that Ana cannot put it right.
    const { message } = network.frames.find(({ from, message: m }) => from === '10.77.0.1' && m.kind === 'response')!;
    const goodbye = { ...message, answers: message.answers.map(record => ({ ...record, ttl: 0 })) };
    network.send('10.77.0.66', goodbye, { address: '10.77.0.200', port: 5353 });
    await clock.run(20_000);
    assert.ok(events('Ana').every(event => event === 'changed'));
    assert.equal(seenAs(near, 'Ana')?.confirmed, true);
    // It is in the list again: its news are heard.
    ana.neighbours.announce(announcement('Ana', '408'));
    answers.set('10.77.0.1:20707', holds(COMMIT, '408'));
    await clock.run(20_000);
    assert.equal(seenAs(near, 'Ana')?.version, '408');
    assert.ok(!events('Ana').includes('added') && !events('Ana').includes('removed'));
    answers.delete('10.77.0.1:20707');
    await ana.neighbours.close();
    await clock.run(5000);
    assert.deepEqual(near.list(), []);
    assert.equal(events('Ana').at(-1), 'removed');
  });

  it('is one neighbour when it takes a new name', async t => {
    const { clock, look, arrive } = await around(t);
    const near = look();
    near.watch();
    const ana = await arrive('Ana', 1);
    await clock.run(20_000);
    ana.neighbours.announce(announcement('Bea'));
    await clock.run(20_000);
    assert.deepEqual(
      near.list().map(({ id }) => id),
      ['Bea'],
    );
  });

  it('can be asked though somebody adds a wrong address to its own', async t => {
    const { network, clock, answers, look, arrive } = await around(t);
    const near = look();
    near.watch();
    await arrive('Ana', 1);
    await clock.run(2000);
    const { message } = network.frames.find(({ message: m }) => m.kind === 'response')!;
    const address = message.answers.find(({ type }) => type === 'A')!;
    const wrong = { ...address, type: 'A' as const, data: '10.77.0.99', flush: false };
    network.send('10.77.0.66', { ...message, answers: [wrong] }, { address: '10.77.0.200', port: 5353 });
    await clock.run(20_000);
    assert.deepEqual([seenAs(near, 'Ana')?.confirmed, seenAs(near, 'Ana')?.address], [true, '10.77.0.1:20707']);
    answers.set('10.77.0.99:20707', stranger);
    await clock.run(600_000);
    assert.deepEqual([seenAs(near, 'Ana')?.confirmed, seenAs(near, 'Ana')?.address], [true, '10.77.0.1:20707']);
  });

  it('can give among a thousand false ones, which cost no more than some questions a second', async t => {
    const { network, clock, asked, look, arrive } = await around(t);
    const near = look();
    near.watch();
    await arrive('Ana', 1);
    await clock.run(10_000);
    const { message } = network.frames.find(({ message: m }) => m.kind === 'response')!;
    const start = clock.now();
    for (let i = 0; i < 10_000; i++) {
      const fake = JSON.parse(
        JSON.stringify(message)
          .replaceAll('Ana', `Fake ${i}`)
          .replace(/xo-[0-9a-f]{8}/g, `xo-${i}`),
      );
      for (const answer of fake.answers) {
        if (answer.type === 'TXT') answer.data = message.answers.find(({ type }) => type === 'TXT')!.data;
        if (answer.type === 'A') answer.data = `10.77.9.${i % 250}`;
      }
      network.send(`10.77.9.${i % 20}`, fake, { address: '10.77.0.200', port: 5353 });
    }
    await clock.run(1000);
    await arrive('Ben', 2);
    await clock.run(60_000);
    assert.ok(near.list().length <= 1000);
    assert.deepEqual(
      near
        .candidates()
        .slice(0, 2)
        .map(({ nick }) => nick)
        .sort(),
      ['Ana', 'Ben'],
    );
    const perSecond = asked.filter(({ at }) => at > start).length / 61;
    assert.ok(perSecond < 100, `${perSecond}`);
  });

  it('is asked for an image in the order of how close it is, liars last', async t => {
    const { clock, look, arrive } = await around(t);
    const near = look();
    near.watch();
    for (const [nick, number] of [
      ['Ana', 1],
      ['Ben', 2],
      ['Cam', 3],
    ] as const) {
      await arrive(nick, number);
    }
    await arrive('Liar', 4, holds(OTHER));
    await clock.run(30_000);
    near.gave([{ address: '10.77.0.3:20707', bytes: 40e6 }], 2);
    near.gave([{ address: '10.77.0.1:20707', bytes: 1e6 }], 2);
    assert.deepEqual(
      near.candidates().map(({ nick }) => nick),
      ['Cam', 'Ben', 'Ana', 'Liar'],
    );
  });

  it('may be known by address alone, from the settings or typed, and is shown once, while it answers', async t => {
    const { clock, answers, look, arrive, events } = await around(t);
    const near = look(['10.77.0.9', 'not an address!']);
    assert.deepEqual(textsOf(near), ['"not an address!", which is set here as a source, is not an address.']);
    answers.set('10.77.0.9:20707', holds(OTHER, '408'));
    answers.set('10.77.0.8:8080', holds(OTHER, '409'));
    near.watch();
    near.lookAt(['10.77.0.8:8080']);
    assert.throws(() => near.lookAt(['?']), { code: 'usage' });
    await clock.run(10_000);
    const shown = () => near.list().map(({ id, nick, version, confirmed }) => [id, nick, version, confirmed]);
    assert.deepEqual(shown(), [
      ['10.77.0.8:8080', 'Server', '409', true],
      ['10.77.0.9:20707', 'Server', '408', true],
    ]);
    answers.delete('10.77.0.8:8080');
    await clock.run(120_000);
    assert.deepEqual(shown(), [['10.77.0.9:20707', 'Server', '408', true]]);
    assert.deepEqual(events('10.77.0.8:8080'), ['added', 'removed']);
    // It announces itself as well: it is one neighbour.
    await arrive('School', 9);
    await clock.run(30_000);
    assert.deepEqual(
      near.list().map(({ id }) => id),
      ['School'],
    );
    near.unwatch();
    near.watch();
    await clock.run(10_000);
    assert.deepEqual(
      near.list().map(({ id }) => id),
      ['School'],
    );
  });
});
