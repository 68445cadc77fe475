/** Who stays and who goes as time passes, and whose questions are left to others (RFC 6762 §5.2, §7.3, §10.4, §10.5). */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { message } from '../../src/neighbours/dns';
import { SERVICE } from '../../src/neighbours/records';
import { asked, Browsing, key, recordsOf } from './browsing';

describe('the browser', () => {
  let b: Browsing;

  beforeEach(() => {
    b = new Browsing();
  });

  describe('over time', () => {
    it('keeps who answers, for hours, and asks each only when a record is about to end', () => {
      const laptops = ['Ana', 'Ben', 'Cam'].map((nick, i) => recordsOf(nick, i + 1));
      for (const records of laptops) b.respond(...records);
      b.browser.watch();
      b.alive(laptops, 3 * 3_600_000);
      assert.equal(b.browser.keys().filter(one => b.browser.sighting(one)).length, 3);
    });

    it('asks a silent one at 80, 85, 90 and 95 % of two minutes, then lets it go', () => {
      b.browser.watch();
      b.within(60_000);
      b.respond(...recordsOf('Ana', 1));
      const times = b
        .within(119_990)
        .filter(({ message: m }) => asked(m).includes(`SRV Ana.${SERVICE}`))
        .map(({ delay }) => delay / 1200);
      assert.deepEqual(
        times.map(share => Math.floor(share / 5) * 5),
        [80, 85, 90, 95],
      );
      assert.ok(b.browser.sighting(key('Ana')));
      b.clock.advance(300);
      assert.equal(b.browser.sighting(key('Ana')), null);
      assert.deepEqual(b.browser.keys(), [key('Ana')]);
      b.clock.advance(12_000);
      assert.deepEqual(b.browser.keys(), []);
    });

    it('lets a doubted one go after ten seconds, unless it answers', () => {
      const [ana, ben] = [recordsOf('Ana', 1), recordsOf('Ben', 2)];
      b.respond(...ana, ...ben);
      b.browser.watch();
      b.within(5000);
      b.browser.doubt(key('Ana'));
      b.browser.doubt(key('Ben'));
      b.alive([ben], 9900);
      assert.ok(b.browser.sighting(key('Ana')));
      b.alive([ben], 400);
      assert.equal(b.browser.sighting(key('Ana')), null);
      b.alive([ben], 60_000);
      assert.ok(b.browser.sighting(key('Ben')));
    });

    it('leaves a question to somebody else who just asked it knowing no more', () => {
      b.browser.watch();
      b.within(20_000);
      const question = message('query', { questions: [{ name: SERVICE, type: 'PTR', unicast: false }] });
      const next = () => b.within(70_000)[0]!.delay;
      // Pauses so far were 1, 2, 4, 8 s: the next question would come about 31 s after the start.
      b.clock.advance(5000);
      b.hear(question);
      const waited = next();
      assert.ok(waited >= 32_000, `${waited}`);
    });

    it('leaves it also to one whose known answers fill several packets, but not if he knows somebody it does not', () => {
      const question = { questions: [{ name: SERVICE, type: 'PTR' as const, unicast: false }] };
      for (const [last, left] of [
        ['Ana', true],
        ['Stranger', false],
      ] as const) {
        for (const nick of ['Ana', 'Ben', 'Cam']) b.respond(...recordsOf(nick, 1));
        b.browser.watch();
        b.within(20_000);
        // Pauses so far were 1, 2, 4, 8 s: the next question would come about 31 s after the start.
        b.clock.advance(5000);
        b.hear(message('query', { ...question, truncated: true, answers: [recordsOf('Ben', 1)[0]!] }));
        b.hear(message('query', { truncated: true, answers: [recordsOf('Cam', 1)[0]!] }));
        b.hear(message('query', { answers: [recordsOf(last, 1)[0]!] }));
        const [next] = b.within(70_000).filter(({ message: m }) => m.questions.some(({ type }) => type === 'PTR'));
        assert.equal(next!.delay >= 32_000, left, `${last}: ${next?.delay}`);
        b.browser.unwatch();
        b.within(100_000);
      }
    });

    it('leaves a record to another who just asked for it, but asks itself before it ends', () => {
      b.respond(...recordsOf('Ana', 1));
      b.browser.watch();
      const asks = (ms: number) =>
        b.within(ms).filter(({ message: m }) => m.questions.some(({ type }) => type === 'SRV')).length;
      assert.equal(asks(95_900), 0);
      // Just before this laptop would at 80 %, and again until it would have.
      for (let ms = 0; ms < 3000; ms += 300) {
        const question = { name: `Ana.${SERVICE}`, type: 'SRV' as const, unicast: false };
        const host = { name: recordsOf('Ana', 1)[3]!.name, type: 'A' as const, unicast: false };
        b.hear(message('query', { questions: [question, host] }));
        assert.equal(asks(300), 0, `${ms} ms`);
      }
      // Nobody answered him: at 85 % it asks for itself.
      assert.equal(asks(2900), 0);
      assert.ok(asks(3000) >= 1);
    });

    it('asks again, but ever more rarely, where another knows somebody of whom it never heard', () => {
      b.browser.watch();
      b.within(1000_000);
      const hint = (nick: string) => b.hear(message('query', { answers: [recordsOf(nick, 1)[0]!] }));
      hint('Ana');
      const delays = b.within(2000).map(({ delay }) => delay);
      assert.equal(delays.length, 1);
      assert.ok(delays[0]! >= 520 && delays[0]! <= 1120, `${delays}`);
      // Whoever invents names, every second for an hour, gets no more than a few questions out of it.
      let asked = 0;
      for (let i = 0; i < 3600; i++) {
        hint(`Fake ${i}`);
        asked += b.within(1000).length;
      }
      assert.ok(asked >= 8 && asked <= 16, `${asked}`);
      // It was no more than a hint: nobody is taken in on hearsay, and who is known is no news.
      assert.deepEqual(b.browser.keys(), []);
      b.respond(...recordsOf('Ana', 1));
      b.within(20_000);
      hint('Ana');
      b.own = recordsOf('Me', 7)[0]!;
      hint('Me');
      assert.deepEqual(b.within(1000), []);
    });

    it('asks nobody where the one it missed was heard right after the hint', () => {
      b.browser.watch();
      b.within(1000_000);
      b.hear(message('query', { answers: [recordsOf('Ana', 1)[0]!] }));
      b.respond(...recordsOf('Ana', 1));
      assert.deepEqual(b.within(10_000), []);
    });

    it('does not take itself for a neighbour, nor ask for itself', () => {
      b.own = recordsOf('Me', 7)[0]!;
      b.respond(...recordsOf('Me', 7));
      b.browser.watch();
      const questions = b.within(119_000).flatMap(({ message: m }) => asked(m));
      assert.deepEqual([...new Set(questions)], [`PTR ${SERVICE}`]);
      assert.deepEqual(b.browser.keys(), []);
    });
  });

  describe('what others ask for in vain', () => {
    const question = (nick: string, type: 'SRV' | 'A' = 'SRV') =>
      message('query', {
        questions: [
          { name: type === 'SRV' ? `${nick}.${SERVICE}` : recordsOf(nick, 1)[3]!.name, type, unicast: false },
        ],
      });

    it('ends ten seconds after the third time in a quarter of a minute, without a question of our own', () => {
      b.respond(...recordsOf('Ana', 1));
      b.clock.advance(5000);
      // However many ask at once, one that is busy has time to answer.
      for (let i = 0; i < 7; i++) {
        b.hear(question('Ana'));
        b.clock.advance(2000);
      }
      b.clock.advance(11_000);
      assert.ok(b.browser.sighting(key('Ana')));
      b.hear(question('Ana'));
      b.clock.advance(9900);
      assert.ok(b.browser.sighting(key('Ana')));
      b.clock.advance(600);
      assert.equal(b.browser.sighting(key('Ana')), null);
      assert.deepEqual(b.sent, []);
    });

    it('stays where it is answered, asked for too soon after the answer, or known to the asker', () => {
      const [pointer] = recordsOf('Ana', 1);
      b.respond(...recordsOf('Ana', 1));
      for (let i = 0; i < 6; i++) {
        b.clock.advance(2000);
        b.hear(question('Ana'));
        b.respond(recordsOf('Ana', 1)[1]!);
        // Its owner must not answer these.
        for (let again = 0; again < 5; again++) {
          b.clock.advance(100);
          b.hear(question('Ana'));
        }
        const ask = { questions: [{ name: SERVICE, type: 'PTR' as const, unicast: false }] };
        b.hear(message('query', { ...ask, answers: [pointer!] }));
        b.hear(message('query', { ...ask, truncated: true }));
      }
      b.clock.advance(12_000);
      assert.ok(b.browser.sighting(key('Ana')));
    });
  });
});
