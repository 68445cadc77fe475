/** The life of an announcement: claim, defence, news, goodbye (RFC 6762 §8 to §10). */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { message, type ResourceRecord } from '../../src/neighbours/dns';
import { recordKey } from '../../src/neighbours/keys';
import { buildRecords, compareSets, SERVICE } from '../../src/neighbours/records';
import { A, HOST, INSTANCE, identity, PEER, PTR, q, Responding, recordsOf, SRV, TXT, types } from './responding';
import { announcement } from './simulation';

describe('the responder', () => {
  let r: Responding;

  beforeEach(() => {
    r = new Responding();
  });

  describe('claiming a name', () => {
    it('probes three times, 250 ms apart, then announces twice, a second apart, then is silent for ever', () => {
      const start = r.clock.now();
      r.responder.start(recordsOf());
      r.clock.advance(24 * 3_600_000);
      const [first, ...more] = r.sent.map(({ at }) => at - start);
      assert.ok(first! >= 0 && first! <= 250, `first probe after ${first} ms`);
      assert.deepEqual(
        more.map(at => Math.round(at - first!)),
        [250, 500, 750, 1750],
      );
      assert.equal(r.sent.map(({ message: m }) => m.kind).join(' '), 'query query query response response');
      for (const { message: probe } of r.sent.slice(0, 3)) {
        assert.deepEqual(probe.questions, [q(INSTANCE, 'ANY'), q(HOST, 'ANY')]);
        assert.deepEqual(
          probe.authorities,
          [SRV, TXT, A].map(record => ({ ...record, flush: false })),
        );
      }
      for (const { message: news } of r.sent.slice(3)) assert.deepEqual(news.answers, [PTR, SRV, TXT, A]);
      assert.equal(r.clock.pending, 0);
    });

    it('does not take its own packets for a rival', () => {
      r.responder.start(recordsOf());
      const echo = () => {
        for (const { message: m } of r.sent.splice(0)) r.hear(m, { address: '10.77.0.1', port: 5353 });
      };
      for (let ms = 0; ms < 4000; ms += 10) {
        r.clock.advance(10);
        echo();
      }
      assert.deepEqual(r.taken, []);
      assert.ok(r.responder.announced);
    });

    it('gives a name up that somebody answers for', () => {
      r.responder.start(recordsOf());
      r.clock.advance(300);
      r.respond({ ...SRV, data: { priority: 0, weight: 0, port: 1, target: 'other.local' } } as ResourceRecord);
      assert.deepEqual(r.taken, [INSTANCE]);
    });

    it('gives it up for any record under that name, in any spelling', () => {
      for (const rival of [
        { name: INSTANCE.toUpperCase(), type: 'TXT', ttl: 9, flush: true, data: [Buffer.from('x')] },
        { name: HOST, type: 'AAAA', ttl: 9, flush: true, data: 'fe80::1' },
      ] as ResourceRecord[]) {
        r.taken.length = 0;
        r.responder.start(recordsOf());
        r.clock.advance(300);
        r.respond(rival);
        assert.deepEqual(r.taken, [rival.name]);
      }
    });

    it('does not give it up for a goodbye, nor for an answer from another port', () => {
      r.responder.start(recordsOf());
      const rival = { ...SRV, data: { priority: 0, weight: 0, port: 1, target: 'other.local' } } as ResourceRecord;
      r.respond({ ...rival, ttl: 0 });
      r.hear(message('response', { answers: [rival] }), { ...PEER, port: 4711 });
      assert.deepEqual(r.taken, []);
    });

    it('lets the lexicographically later of two that probe at once win, and tries again after a second', () => {
      for (const host of ['xo-00000000', 'xo-ffffffff']) {
        r.responder.start(recordsOf());
        r.clock.advance(260);
        const theirs = recordsOf('407', host).filter(record => record.flush && record.name === INSTANCE);
        const ours = recordsOf().filter(record => record.flush && record.name === INSTANCE);
        const weLose = compareSets(ours, theirs) < 0;
        assert.equal(weLose, host === 'xo-ffffffff');
        r.sent.length = 0;
        r.ask([q(INSTANCE, 'ANY')], { authorities: theirs });
        const [next] = r.within(5000);
        if (weLose) assert.equal(next?.delay, 1000);
        else assert.ok(next!.delay <= 250);
        assert.deepEqual(r.taken, []);
        assert.ok(r.responder.announced);
      }
    });

    it('waits five seconds after fifteen conflicts', () => {
      const rival = { ...SRV, data: { priority: 0, weight: 0, port: 1, target: 'other.local' } } as ResourceRecord;
      for (let i = 0; i < 15; i++) {
        r.responder.start(recordsOf());
        r.respond(rival);
      }
      r.responder.start(recordsOf());
      const [next] = r.within(10_000);
      assert.ok(next!.delay >= 5000 && next!.delay <= 5250, `${next?.delay} ms`);
    });
  });

  describe('holding a name', () => {
    it('answers a probe at once, with everything under that name', () => {
      r.settle();
      r.ask([q(INSTANCE, 'ANY')], { authorities: recordsOf('1', 'rival').slice(1, 2) });
      const [answer] = r.within(0);
      assert.equal(types(answer!.message), 'SRV TXT');
      assert.equal(answer!.to, undefined);
    });

    it('probes again when somebody claims it with other data, and then yields', () => {
      r.settle();
      const rival = { ...SRV, data: { priority: 0, weight: 0, port: 1, target: 'other.local' } } as ResourceRecord;
      r.respond(rival);
      assert.equal(r.responder.announced, false);
      const [probe] = r.within(200);
      assert.equal(probe?.message.kind, 'query');
      assert.deepEqual(r.taken, []);
      r.respond(rival);
      assert.deepEqual(r.taken, [INSTANCE]);
    });

    it('stays calm when its own words come back, also old ones', () => {
      r.settle();
      r.responder.update(recordsOf('408'));
      r.respond(TXT);
      r.respond(PTR, SRV, TXT, A);
      assert.ok(r.responder.announced);
    });

    it('puts right who says that its records are about to end', () => {
      r.settle();
      r.respond({ ...PTR, ttl: 0 });
      const [answer] = r.within(500);
      assert.deepEqual(answer?.message.answers, [PTR]);
    });
  });

  describe('news and goodbye', () => {
    it('announces what changed, twice, without probing', () => {
      r.settle();
      r.responder.update(recordsOf('408'));
      const news = r.within(10_000);
      assert.deepEqual(
        news.map(({ delay, message: m }) => [delay, m.kind, types(m)]),
        [
          [0, 'response', 'TXT'],
          [1000, 'response', 'TXT'],
        ],
      );
    });

    it('says nothing where nothing changed, and still gives the answer it owed', () => {
      r.settle();
      r.ask([q(SERVICE, 'PTR')]);
      r.responder.update(recordsOf());
      const answers = r.within(5000);
      assert.deepEqual(
        answers.map(({ message: m }) => types(m)),
        ['PTR'],
      );
    });

    it('announces a whole set when one of it changed, and says goodbye to a set that ended', () => {
      r.settle();
      r.responder.update(recordsOf('407', identity.host, ['10.77.0.1', '10.77.0.2']));
      assert.equal(types(r.within(0)[0]!.message), 'A A');
      r.within(5000);
      r.responder.update(recordsOf('407', identity.host, []));
      const [bye] = r.within(0);
      assert.deepEqual(
        bye?.message.answers.map(({ type, ttl }) => [type, ttl]),
        [
          ['A', 0],
          ['A', 0],
        ],
      );
    });

    it('does not announce more than once a second however often it changes', () => {
      r.settle();
      for (let i = 0; i < 50; i++) {
        r.responder.update(recordsOf(`${500 + i}`));
        r.clock.advance(40);
      }
      r.clock.advance(10_000);
      const times = r.sent.map(({ at }) => at);
      assert.ok(times.every((at, i) => i === 0 || at - times[i - 1]! >= 1000));
      const [last] = r.sent.at(-1)!.message.answers;
      assert.equal(recordKey(last!), recordKey(recordsOf('549')[2]!));
    });

    it('says goodbye once, to everything but the service type, and is silent', () => {
      r.settle();
      r.responder.stop();
      const [bye, ...more] = r.within(0);
      assert.deepEqual(more, []);
      assert.deepEqual(
        bye?.message.answers,
        [PTR, SRV, TXT, A].map(record => ({ ...record, ttl: 0 })),
      );
      r.ask([q(SERVICE, 'PTR')]);
      assert.deepEqual(r.within(60_000), []);
      assert.equal(r.clock.pending, 0);
    });

    it('says no goodbye for names that never were its own', () => {
      r.responder.start(recordsOf());
      r.clock.advance(300);
      r.sent.length = 0;
      r.responder.stop();
      assert.deepEqual(r.within(60_000), []);
    });

    it('says goodbye to what was announced before, where it was about to claim it anew', () => {
      r.settle();
      r.responder.start(recordsOf());
      r.clock.advance(300);
      r.sent.length = 0;
      r.responder.stop();
      const [bye] = r.within(0);
      assert.equal(bye && types(bye.message), 'PTR SRV TXT A');
      assert.ok(bye?.message.answers.every(({ ttl }) => ttl === 0));
    });

    it('says no goodbye to a name that another has by now', () => {
      r.settle();
      r.responder.start(recordsOf());
      r.clock.advance(300);
      r.respond({ ...SRV, data: { priority: 0, weight: 0, port: 1, target: 'other.local' } } as ResourceRecord);
      assert.deepEqual(r.taken, [INSTANCE]);
      r.sent.length = 0;
      r.responder.stop();
      const [bye] = r.within(0);
      assert.equal(bye && types(bye.message), 'A');
    });

    it('says goodbye to the old name, and not to the host, when it takes a new one', () => {
      r.settle();
      const renamed = buildRecords({ ...identity, instance: 'Ana (2)' }, announcement('Ana'), 'Ana', {
        v4: ['10.77.0.1'],
        v6: [],
      });
      r.responder.start(renamed);
      const [bye] = r.within(0);
      assert.deepEqual(
        bye?.message.answers.map(({ type, ttl }) => `${type} ${ttl}`),
        ['PTR 0', 'SRV 0', 'TXT 0'],
      );
    });
  });
});
