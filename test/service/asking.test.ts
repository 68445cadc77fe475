/** Whom to ask over HTTP, and when: few questions, shared in a class, and bounded in a crowd. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PassItOnError } from '../../src/core/errors';
import { Asking } from '../../src/service/asking';
import type { ImagesAnswer } from '../../src/transfer/images-answer';
import { COMMIT, SimClock, seeded } from '../neighbours/simulation';

const HOUR = 3_600_000;
const name = (i: number) => ({ instance: `Laptop ${i}`, host: `xo-${i}` });

function holds(i: number): ImagesAnswer {
  const releaseTime = '2026-03-01T00:00:00.000Z';
  const image = { name: 'olpc-xo', version: '407', commit: COMMIT, releaseTime, signedBy: null, bytes: 9 };
  return { current: COMMIT, images: [image], fetching: null, nick: '', announced: name(i) };
}

const claim = (i: number) => ({
  addresses: [`10.77.0.${i}:20707`],
  image: { name: 'olpc-xo', version: '407', commit: COMMIT },
  announced: name(i),
});

/** Laptop number `me` asks `others`; what it asks is counted, and told to whom it asks if they `listen`. */
class Class {
  readonly clock = new SimClock();
  readonly random = seeded(5);
  readonly asked: { at: number; by: number; whom: number }[] = [];
  readonly silentOnes: number[] = [];
  readonly vouched: { by: number; id: string; at: number }[] = [];
  readonly all: Asking[];
  readonly gone = new Set<number>();

  constructor(
    readonly count: number,
    readonly listen: boolean,
  ) {
    this.all = Array.from({ length: count }, (_none, by) => {
      return new Asking({
        clock: this.clock,
        random: this.random,
        ask: async address => {
          const whom = Number(/\.(\d+):/.exec(address)![1]);
          this.asked.push({ at: this.clock.now(), by, whom });
          if (this.gone.has(whom)) throw new PassItOnError('source-gone', 'It does not answer.', 'Wait.');
          if (this.listen) this.all[whom]!.asksUs(`Laptop ${by}`, name(by), COMMIT);
          return holds(whom);
        },
        onChange: () => {},
        onVouched: id => this.vouched.push({ by, id, at: this.clock.now() }),
        onSilent: () => this.silentOnes.push(by),
      });
    });
  }

  begin(): void {
    for (const [me, asking] of this.all.entries()) {
      asking.start();
      for (let i = 0; i < this.count; i++) if (i !== me) asking.take(`Laptop ${i}`, claim(i));
    }
  }
}

describe('asking', () => {
  it('is shared in a class: who asks is there, so each pair asks half as often, and nobody is out of sight', async () => {
    const questions: number[] = [];
    for (const listen of [false, true]) {
      const pupils = new Class(10, listen);
      pupils.begin();
      await pupils.clock.run(HOUR);
      questions.push(pupils.asked.length);
      for (let me = 0; me < 10; me++) {
        for (let other = 0; other < 10; other++) {
          if (other === me) continue;
          const heard = pupils.vouched
            .filter(({ by, id }) => by === me && id === `Laptop ${other}`)
            .map(({ at }) => at);
          const gaps = heard.slice(1).map((at, i) => at - heard[i]!);
          // Below the life of an SRV record, and before it would be asked for by multicast.
          assert.ok(Math.max(...gaps) < 96_000, `${Math.max(...gaps)}`);
          // Each has answered to each, now and then, itself.
          const answers = pupils.asked.filter(({ by, whom }) => by === me && whom === other).map(({ at }) => at);
          const silence = Math.max(...[...answers, pupils.clock.now()].slice(1).map((at, i) => at - answers[i]!));
          assert.ok(silence <= 601_000, `${silence}`);
        }
      }
    }
    const [alone, shared] = questions as [number, number];
    assert.ok(shared < 0.65 * alone, `${shared} instead of ${alone}`);
  });

  it('is not spared by somebody who never answered, or says something else than what was announced', async () => {
    const pair = new Class(3, false);
    const [me] = pair.all as [Asking];
    const vouched = () => pair.vouched.filter(({ by }) => by === 0).length;
    me.start();
    me.take('Laptop 1', claim(1));
    me.asksUs('Laptop 1', name(1), COMMIT);
    assert.equal(vouched(), 0);
    await pair.clock.run(10_000);
    assert.equal(me.standing('Laptop 1')?.confirmed, true);
    const before = vouched();
    me.asksUs('Laptop 1', name(2), COMMIT);
    me.asksUs('Laptop 1', name(1), 'f'.repeat(40));
    me.asksUs('Laptop 2', name(2), COMMIT);
    assert.equal(vouched(), before);
    me.asksUs('Laptop 1', name(1), COMMIT);
    assert.equal(vouched(), before + 1);
    me.stop();
    me.asksUs('Laptop 1', name(1), COMMIT);
    assert.equal(vouched(), before + 1);
  });

  it('is spared by an upgrade that asks there now, and had a good answer', async () => {
    const pair = new Class(2, false);
    const [me] = pair.all as [Asking];
    me.start();
    me.take('Laptop 1', claim(1));
    const answered = me.askedElsewhere(claim(1).addresses[0]!);
    await pair.clock.run(1000);
    assert.deepEqual([pair.asked.length, me.standing('Laptop 1')?.confirmed], [0, false]);
    answered(holds(1));
    assert.deepEqual([me.standing('Laptop 1')?.confirmed, me.standing('Laptop 1')?.roundTrip], [true, 1000]);
    assert.deepEqual([pair.vouched.length, pair.asked.length], [1, 0]);
    await pair.clock.run(60_000);
    assert.equal(pair.asked.length, 0);
    await pair.clock.run(30_000);
    assert.equal(pair.asked.length, 1);
  });

  it('is not spared where what an upgrade heard there is not what was announced, or nothing', async () => {
    for (const heard of [null, holds(2), { ...holds(1), images: [] }]) {
      const pair = new Class(2, false);
      const [me] = pair.all as [Asking];
      me.start();
      me.take('Laptop 1', claim(1));
      const answered = me.askedElsewhere(claim(1).addresses[0]!);
      await pair.clock.run(1000);
      answered(heard);
      // Nothing is said of it before it was asked from here.
      const { confirmed, problem } = me.standing('Laptop 1')!;
      assert.deepEqual([confirmed, problem, pair.vouched.length], [false, null, 0]);
      await pair.clock.run(1);
      assert.deepEqual([pair.asked.length, me.standing('Laptop 1')?.confirmed], [1, true]);
    }
  });

  it('goes on where an upgrade never says what it heard, or nobody watches', async () => {
    const pair = new Class(2, false);
    const [me] = pair.all as [Asking];
    me.take('Laptop 1', claim(1));
    me.askedElsewhere(claim(1).addresses[0]!)(holds(1));
    assert.equal(me.standing('Laptop 1')?.confirmed, false);
    me.start();
    me.askedElsewhere(claim(1).addresses[0]!);
    await pair.clock.run(5000);
    assert.deepEqual([pair.asked.length, me.standing('Laptop 1')?.confirmed], [1, true]);
  });

  it('comes back soon to who did not answer, and less often to who never does', async () => {
    const pair = new Class(2, false);
    const [me] = pair.all as [Asking];
    pair.gone.add(1);
    me.start();
    me.take('Laptop 1', claim(1));
    await pair.clock.run(12 * 60_000);
    const times = pair.asked.map(({ at }) => at);
    const [, ...pauses] = times.slice(1).map((at, i) => (at - times[i]!) / 1000);
    for (const [i, usual] of [20, 20, 20, 20, 20, 20, 75, 75].entries()) {
      assert.ok(pauses[i]! >= 0.85 * usual && pauses[i]! <= 1.15 * usual, `${pauses}`);
    }
    pair.gone.delete(1);
    await pair.clock.run(87_000);
    assert.equal(me.standing('Laptop 1')?.confirmed, true);
  });

  it('finds out who is gone within two minutes, though a class shares it', async () => {
    const pupils = new Class(10, true);
    pupils.begin();
    await pupils.clock.run(600_000);
    pupils.gone.add(0);
    pupils.all[0]!.stop();
    const pulled = pupils.clock.now();
    while (new Set(pupils.silentOnes).size < 9) await pupils.clock.run(1000);
    assert.ok(pupils.clock.now() - pulled < 100_000, `${pupils.clock.now() - pulled}`);
  });

  it('costs no more in a crowd than in a class', async () => {
    const crowd = new Class(1, false);
    const [me] = crowd.all as [Asking];
    me.start();
    for (let i = 1; i <= 1000; i++) me.take(`Laptop ${i}`, claim(i));
    await crowd.clock.run(HOUR);
    const perHour = crowd.asked.length;
    assert.ok(perHour > 1500 && perHour <= 1860, `${perHour}`);
    // All have their turn, and who comes then has it soon.
    assert.equal(new Set(crowd.asked.map(({ whom }) => whom)).size, 1000);
    me.take('Laptop 2000', claim(2000));
    await crowd.clock.run(20_000);
    assert.equal(me.standing('Laptop 2000')?.confirmed, true);
  });
});
