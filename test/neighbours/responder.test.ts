import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Endpoint } from '../../src/neighbours/answering';
import { type Message, message, type Question, type ResourceRecord, recordKey } from '../../src/neighbours/dns';
import { foldCase } from '../../src/neighbours/names';
import { buildRecords, compareSets, HOST_TTL, OTHER_TTL, SERVICE, SERVICE_TYPES } from '../../src/neighbours/records';
import { Responder } from '../../src/neighbours/responder';
import { announcement, overTheWire, SimClock, seeded } from './simulation';

const PEER: Endpoint = { address: '10.77.0.9', port: 5353 };
const INSTANCE = `Ana.${SERVICE}`;
const HOST = 'xo-5a5a5a5a.local';
const identity = { instance: 'Ana', host: 'xo-5a5a5a5a' };

function recordsOf(version = '407', host = identity.host, v4 = ['10.77.0.1']): ResourceRecord[] {
  return buildRecords({ ...identity, host }, announcement('Ana', version), 'Ana', { v4, v6: [] });
}

const [PTR, SRV, TXT, A] = recordsOf() as [ResourceRecord, ResourceRecord, ResourceRecord, ResourceRecord];

interface Sent {
  at: number;
  message: Message;
  to: Endpoint | undefined;
}

describe('the responder', () => {
  let clock: SimClock;
  let responder: Responder;
  let sent: Sent[];
  let taken: string[];
  let said: Set<string>;
  let seed = 0;

  beforeEach(() => {
    clock = new SimClock();
    sent = [];
    taken = [];
    said = new Set(recordsOf().map(recordKey));
    responder = new Responder({
      clock,
      random: seeded(++seed),
      send: (m, to) => sent.push({ at: clock.now(), message: overTheWire(m), to }),
      isOurs: record => said.has(recordKey(record)),
      onTaken: name => taken.push(name),
    });
  });

  const hear = (m: Message, from = PEER) => responder.receive(overTheWire(m), from);
  const q = (name: string, type: Question['type'], unicast = false): Question => ({ name, type, unicast });
  const ask = (questions: Question[], parts: Partial<Message> = {}, from = PEER) =>
    hear(message('query', { ...parts, questions }), from);
  const respond = (...answers: ResourceRecord[]) => hear(message('response', { answers }));
  const types = (m: Message) => m.answers.map(({ type }) => type).join(' ');
  /** What has been sent since this was last called and will be within `ms`, with the delay from now. */
  const within = (ms: number) => {
    const start = clock.now();
    clock.advance(ms);
    return sent.splice(0).map(({ at, ...rest }) => ({ ...rest, delay: at - start }));
  };
  /** Announced for so long that no rate limit is left. */
  const settle = () => {
    responder.start(recordsOf());
    clock.advance(60_000);
    sent.length = 0;
  };

  describe('claiming a name', () => {
    it('probes three times, 250 ms apart, then announces twice, a second apart, then is silent for ever', () => {
      const start = clock.now();
      responder.start(recordsOf());
      clock.advance(24 * 3_600_000);
      const [first, ...more] = sent.map(({ at }) => at - start);
      assert.ok(first! >= 0 && first! <= 250, `first probe after ${first} ms`);
      assert.deepEqual(
        more.map(at => Math.round(at - first!)),
        [250, 500, 750, 1750],
      );
      assert.equal(sent.map(({ message: m }) => m.kind).join(' '), 'query query query response response');
      for (const { message: probe } of sent.slice(0, 3)) {
        assert.deepEqual(probe.questions, [q(INSTANCE, 'ANY'), q(HOST, 'ANY')]);
        assert.deepEqual(
          probe.authorities,
          [SRV, TXT, A].map(record => ({ ...record, flush: false })),
        );
      }
      for (const { message: news } of sent.slice(3)) assert.deepEqual(news.answers, [PTR, SRV, TXT, A]);
      assert.equal(clock.pending, 0);
    });

    it('does not take its own packets for a rival', () => {
      responder.start(recordsOf());
      const echo = () => {
        for (const { message: m } of sent.splice(0)) hear(m, { address: '10.77.0.1', port: 5353 });
      };
      for (let ms = 0; ms < 4000; ms += 10) {
        clock.advance(10);
        echo();
      }
      assert.deepEqual(taken, []);
      assert.ok(responder.announced);
    });

    it('gives a name up that somebody answers for', () => {
      responder.start(recordsOf());
      clock.advance(300);
      respond({ ...SRV, data: { priority: 0, weight: 0, port: 1, target: 'other.local' } } as ResourceRecord);
      assert.deepEqual(taken, [INSTANCE]);
    });

    it('gives it up for any record under that name, in any spelling', () => {
      for (const rival of [
        { name: INSTANCE.toUpperCase(), type: 'TXT', ttl: 9, flush: true, data: [Buffer.from('x')] },
        { name: HOST, type: 'AAAA', ttl: 9, flush: true, data: 'fe80::1' },
      ] as ResourceRecord[]) {
        taken.length = 0;
        responder.start(recordsOf());
        clock.advance(300);
        respond(rival);
        assert.deepEqual(taken, [rival.name]);
      }
    });

    it('does not give it up for a goodbye, nor for an answer from another port', () => {
      responder.start(recordsOf());
      const rival = { ...SRV, data: { priority: 0, weight: 0, port: 1, target: 'other.local' } } as ResourceRecord;
      respond({ ...rival, ttl: 0 });
      hear(message('response', { answers: [rival] }), { ...PEER, port: 4711 });
      assert.deepEqual(taken, []);
    });

    it('lets the lexicographically later of two that probe at once win, and tries again after a second', () => {
      for (const host of ['xo-00000000', 'xo-ffffffff']) {
        responder.start(recordsOf());
        clock.advance(260);
        const theirs = recordsOf('407', host).filter(record => record.flush && record.name === INSTANCE);
        const ours = recordsOf().filter(record => record.flush && record.name === INSTANCE);
        const weLose = compareSets(ours, theirs) < 0;
        assert.equal(weLose, host === 'xo-ffffffff');
        sent.length = 0;
        ask([q(INSTANCE, 'ANY')], { authorities: theirs });
        const [next] = within(5000);
        if (weLose) assert.equal(next?.delay, 1000);
        else assert.ok(next!.delay <= 250);
        assert.deepEqual(taken, []);
        assert.ok(responder.announced);
      }
    });

    it('waits five seconds after fifteen conflicts', () => {
      const rival = { ...SRV, data: { priority: 0, weight: 0, port: 1, target: 'other.local' } } as ResourceRecord;
      for (let i = 0; i < 15; i++) {
        responder.start(recordsOf());
        respond(rival);
      }
      responder.start(recordsOf());
      const [next] = within(10_000);
      assert.ok(next!.delay >= 5000 && next!.delay <= 5250, `${next?.delay} ms`);
    });
  });

  describe('holding a name', () => {
    it('answers a probe at once, with everything under that name', () => {
      settle();
      ask([q(INSTANCE, 'ANY')], { authorities: recordsOf('1', 'rival').slice(1, 2) });
      const [answer] = within(0);
      assert.equal(types(answer!.message), 'SRV TXT');
      assert.equal(answer!.to, undefined);
    });

    it('probes again when somebody claims it with other data, and then yields', () => {
      settle();
      const rival = { ...SRV, data: { priority: 0, weight: 0, port: 1, target: 'other.local' } } as ResourceRecord;
      respond(rival);
      assert.equal(responder.announced, false);
      const [probe] = within(200);
      assert.equal(probe?.message.kind, 'query');
      assert.deepEqual(taken, []);
      respond(rival);
      assert.deepEqual(taken, [INSTANCE]);
    });

    it('stays calm when its own words come back, also old ones', () => {
      settle();
      responder.update(recordsOf('408'));
      respond(TXT);
      respond(PTR, SRV, TXT, A);
      assert.ok(responder.announced);
    });

    it('puts right who says that its records are about to end', () => {
      settle();
      respond({ ...PTR, ttl: 0 });
      const [answer] = within(500);
      assert.deepEqual(answer?.message.answers, [PTR]);
    });
  });

  describe('news and goodbye', () => {
    it('announces what changed, twice, without probing', () => {
      settle();
      responder.update(recordsOf('408'));
      const news = within(10_000);
      assert.deepEqual(
        news.map(({ delay, message: m }) => [delay, m.kind, types(m)]),
        [
          [0, 'response', 'TXT'],
          [1000, 'response', 'TXT'],
        ],
      );
    });

    it('says nothing where nothing changed, and still gives the answer it owed', () => {
      settle();
      ask([q(SERVICE, 'PTR')]);
      responder.update(recordsOf());
      const answers = within(5000);
      assert.deepEqual(
        answers.map(({ message: m }) => types(m)),
        ['PTR'],
      );
    });

    it('announces a whole set when one of it changed, and says goodbye to a set that ended', () => {
      settle();
      responder.update(recordsOf('407', identity.host, ['10.77.0.1', '10.77.0.2']));
      assert.equal(types(within(0)[0]!.message), 'A A');
      within(5000);
      responder.update(recordsOf('407', identity.host, []));
      const [bye] = within(0);
      assert.deepEqual(
        bye?.message.answers.map(({ type, ttl }) => [type, ttl]),
        [
          ['A', 0],
          ['A', 0],
        ],
      );
    });

    it('does not announce more than once a second however often it changes', () => {
      settle();
      for (let i = 0; i < 50; i++) {
        responder.update(recordsOf(`${500 + i}`));
        clock.advance(40);
      }
      clock.advance(10_000);
      const times = sent.map(({ at }) => at);
      assert.ok(times.every((at, i) => i === 0 || at - times[i - 1]! >= 1000));
      const [last] = sent.at(-1)!.message.answers;
      assert.equal(recordKey(last!), recordKey(recordsOf('549')[2]!));
    });

    it('says goodbye once, to everything but the service type, and is silent', () => {
      settle();
      responder.stop();
      const [bye, ...more] = within(0);
      assert.deepEqual(more, []);
      assert.deepEqual(
        bye?.message.answers,
        [PTR, SRV, TXT, A].map(record => ({ ...record, ttl: 0 })),
      );
      ask([q(SERVICE, 'PTR')]);
      assert.deepEqual(within(60_000), []);
      assert.equal(clock.pending, 0);
    });

    it('says no goodbye for names that never were its own', () => {
      responder.start(recordsOf());
      clock.advance(300);
      sent.length = 0;
      responder.stop();
      assert.deepEqual(within(60_000), []);
    });

    it('says goodbye to the old name, and not to the host, when it takes a new one', () => {
      settle();
      const renamed = buildRecords({ ...identity, instance: 'Ana (2)' }, announcement('Ana'), 'Ana', {
        v4: ['10.77.0.1'],
        v6: [],
      });
      responder.start(renamed);
      const [bye] = within(0);
      assert.deepEqual(
        bye?.message.answers.map(({ type, ttl }) => `${type} ${ttl}`),
        ['PTR 0', 'SRV 0', 'TXT 0'],
      );
    });
  });

  describe('answering', () => {
    it('waits 20 to 120 ms with the shared record, spread evenly, and adds what will be asked next', () => {
      settle();
      const delays: number[] = [];
      for (let i = 0; i < 200; i++) {
        ask([q(SERVICE, 'PTR')]);
        const answers = within(2000);
        assert.equal(answers.length, 1);
        assert.deepEqual(answers[0]?.message.answers, [PTR]);
        assert.deepEqual(answers[0]?.message.additionals, [SRV, TXT, A]);
        delays.push(answers[0]!.delay);
      }
      assert.ok(Math.min(...delays) >= 20 && Math.max(...delays) <= 120);
      for (const quarter of [0, 1, 2, 3]) {
        const inside = delays.filter(ms => Math.floor((ms - 20) / 25) === quarter).length;
        assert.ok(inside > 20, `${inside} of 200 in quarter ${quarter}`);
      }
    });

    it('answers at once where nobody else can', () => {
      settle();
      for (const [question, expected] of [
        [q(INSTANCE, 'SRV'), 'SRV'],
        [q(INSTANCE.toUpperCase(), 'TXT'), 'TXT'],
        [q(HOST, 'A'), 'A'],
        [q(INSTANCE, 'ANY'), 'SRV TXT'],
      ] as const) {
        ask([question]);
        const answers = within(0);
        assert.deepEqual(
          answers.map(({ message: m }) => types(m)),
          [expected],
        );
        clock.advance(2000);
      }
    });

    it('does not answer what is not its own', () => {
      settle();
      ask([q('_http._tcp.local', 'PTR'), q(`Ben.${SERVICE}`, 'SRV'), q('other.local', 'A'), q(SERVICE, 'TXT')]);
      assert.deepEqual(within(5000), []);
    });

    it('says at once what does not exist under its own names, and which types do', () => {
      settle();
      for (const [question, types, ttl] of [
        [q(HOST, 'AAAA'), ['A'], HOST_TTL],
        [q(HOST, 'TXT'), ['A'], HOST_TTL],
        [q(INSTANCE.toUpperCase(), 'OTHER'), ['TXT', 'SRV'], OTHER_TTL],
        [q(INSTANCE, 'NSEC'), ['TXT', 'SRV'], OTHER_TTL],
      ] as const) {
        ask([question]);
        const [answer, ...more] = within(0);
        assert.deepEqual(more, []);
        assert.equal(answer?.to, undefined);
        const name = foldCase(question.name) === foldCase(INSTANCE) ? INSTANCE : HOST;
        assert.deepEqual(answer?.message.answers, [{ name, type: 'NSEC', ttl, flush: true, data: types }]);
        clock.advance(2000);
      }
    });

    it('adds to an address that there is none of the other kind, and only where there is none', () => {
      settle();
      ask([q(HOST, 'A')]);
      assert.deepEqual(
        within(0)[0]?.message.additionals.map(({ type }) => type),
        ['NSEC'],
      );
      const both = buildRecords(identity, announcement('Ana'), 'Ana', { v4: ['10.77.0.1'], v6: ['fe80::1'] });
      responder.update(both);
      within(60_000);
      ask([q(HOST, 'A')]);
      assert.deepEqual(
        within(0)[0]?.message.additionals.map(({ type }) => type),
        ['AAAA'],
      );
    });

    it('does not deny anything to a legacy asker, who would not understand', () => {
      settle();
      ask([q(HOST, 'AAAA')], { id: 7 }, { address: '10.77.0.20', port: 4242 });
      assert.deepEqual(within(3000), []);
    });

    it('gathers answers to several askers into one packet', () => {
      settle();
      ask([q(SERVICE, 'PTR')]);
      clock.advance(5);
      ask([q(SERVICE_TYPES, 'PTR')]);
      const answers = within(5000);
      assert.equal(answers.length, 1);
      assert.deepEqual(
        answers[0]?.message.answers.map(({ data }) => data),
        [INSTANCE, SERVICE],
      );
    });

    it('keeps quiet about what the asker knows with half its life left', () => {
      settle();
      for (const [share, answered] of [
        [1, false],
        [0.5, false],
        [0.49, true],
        [0.1, true],
      ] as const) {
        ask([q(SERVICE, 'PTR')], { answers: [{ ...PTR, ttl: Math.floor(OTHER_TTL * share) }] });
        assert.equal(within(3000).length > 0, answered, `${share}`);
      }
    });

    it('waits for the known answers that follow a truncated query', () => {
      settle();
      ask([q(SERVICE, 'PTR')], { truncated: true });
      clock.advance(100);
      ask([], { answers: [PTR] });
      assert.deepEqual(within(3000), []);
      ask([q(SERVICE, 'PTR')], { truncated: true });
      clock.advance(100);
      ask([], { answers: [PTR] }, { ...PEER, address: '10.77.0.10' });
      const [answer] = within(3000);
      assert.ok(answer!.delay >= 300 && answer!.delay <= 400, `${answer?.delay}`);
    });

    it('waits on while the known answers that follow say that more follow', () => {
      settle();
      ask([q(SERVICE, 'PTR')], { truncated: true });
      for (let i = 0; i < 5; i++) {
        clock.advance(390);
        ask([], { truncated: true });
      }
      clock.advance(390);
      assert.deepEqual(sent, []);
      ask([], { answers: [PTR] });
      assert.deepEqual(within(3000), []);
    });

    it('multicasts a record at most once a second, in defence four times', () => {
      settle();
      for (let i = 0; i < 10; i++) {
        ask([q(INSTANCE, 'SRV')]);
        clock.advance(60);
      }
      assert.equal(sent.length, 1);
      clock.advance(1000);
      sent.length = 0;
      for (let i = 0; i < 10; i++) {
        ask([q(INSTANCE, 'ANY')], { authorities: recordsOf('1', 'rival').slice(1, 2) });
        clock.advance(100);
      }
      assert.equal(sent.length, 4);
    });

    it('leaves the answer that all have to the first who gives it', () => {
      settle();
      ask([q(SERVICE_TYPES, 'PTR')]);
      respond({ name: SERVICE_TYPES, type: 'PTR', ttl: OTHER_TTL, flush: false, data: SERVICE });
      assert.deepEqual(within(3000), []);
    });

    it('answers a legacy query to its port, with its id and question, short-lived and without flush bits', () => {
      settle();
      const legacy = { address: '10.77.0.20', port: 4242 };
      ask([q(SERVICE, 'PTR')], { id: 99 }, legacy);
      const [answer, ...more] = within(3000);
      assert.deepEqual(more, []);
      assert.deepEqual(answer?.to, legacy);
      assert.equal(answer?.message.id, 99);
      assert.deepEqual(answer?.message.questions, [q(SERVICE, 'PTR')]);
      const all = [...(answer?.message.answers ?? []), ...(answer?.message.additionals ?? [])];
      assert.equal(all.length, 4);
      assert.ok(all.every(({ ttl, flush }) => ttl <= 10 && !flush));
    });

    it('answers by unicast who wants it so, but by multicast what nobody has heard for long', () => {
      settle();
      ask([q(INSTANCE, 'TXT', true)]);
      assert.deepEqual(within(3000)[0]?.to, PEER);
      clock.advance((OTHER_TTL / 4) * 1000);
      ask([q(INSTANCE, 'TXT', true)]);
      assert.equal(within(3000)[0]?.to, undefined);
    });

    it('is silent while its names are not its own', () => {
      responder.start(recordsOf());
      clock.advance(300);
      sent.length = 0;
      ask([q(INSTANCE, 'SRV'), q(SERVICE, 'PTR')]);
      assert.ok(within(400).every(({ message: m }) => m.kind === 'query'));
    });
  });
});
