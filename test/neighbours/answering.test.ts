/** What is answered to whom, and when (RFC 6762 §5.4, §6, §7). */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { foldCase } from '../../src/neighbours/names';
import { buildRecords, HOST_TTL, OTHER_TTL, SERVICE, SERVICE_TYPES } from '../../src/neighbours/records';
import { A, HOST, INSTANCE, identity, PEER, PTR, q, Responding, recordsOf, SRV, TXT, types } from './responding';
import { announcement } from './simulation';

describe('answering', () => {
  let r: Responding;

  beforeEach(() => {
    r = new Responding();
  });

  it('waits 20 to 120 ms with the shared record, spread evenly, and adds what will be asked next', () => {
    r.settle();
    const delays: number[] = [];
    for (let i = 0; i < 200; i++) {
      r.ask([q(SERVICE, 'PTR')]);
      const answers = r.within(2000);
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
    r.settle();
    for (const [question, expected] of [
      [q(INSTANCE, 'SRV'), 'SRV'],
      [q(INSTANCE.toUpperCase(), 'TXT'), 'TXT'],
      [q(HOST, 'A'), 'A'],
      [q(INSTANCE, 'ANY'), 'SRV TXT'],
    ] as const) {
      r.ask([question]);
      const answers = r.within(0);
      assert.deepEqual(
        answers.map(({ message: m }) => types(m)),
        [expected],
      );
      r.clock.advance(2000);
    }
  });

  it('does not answer what is not its own', () => {
    r.settle();
    r.ask([q('_http._tcp.local', 'PTR'), q(`Ben.${SERVICE}`, 'SRV'), q('other.local', 'A'), q(SERVICE, 'TXT')]);
    assert.deepEqual(r.within(5000), []);
  });

  it('says at once what does not exist under its own names, and which types do', () => {
    r.settle();
    for (const [question, types, ttl] of [
      [q(HOST, 'AAAA'), ['A'], HOST_TTL],
      [q(HOST, 'TXT'), ['A'], HOST_TTL],
      [q(INSTANCE.toUpperCase(), 'OTHER'), ['TXT', 'SRV'], OTHER_TTL],
      [q(INSTANCE, 'NSEC'), ['TXT', 'SRV'], OTHER_TTL],
    ] as const) {
      r.ask([question]);
      const [answer, ...more] = r.within(0);
      assert.deepEqual(more, []);
      assert.equal(answer?.to, undefined);
      const name = foldCase(question.name) === foldCase(INSTANCE) ? INSTANCE : HOST;
      assert.deepEqual(answer?.message.answers, [{ name, type: 'NSEC', ttl, flush: true, data: types }]);
      r.clock.advance(2000);
    }
  });

  it('adds to an address that there is none of the other kind, and only where there is none', () => {
    r.settle();
    r.ask([q(HOST, 'A')]);
    assert.deepEqual(
      r.within(0)[0]?.message.additionals.map(({ type }) => type),
      ['NSEC'],
    );
    const both = buildRecords(identity, announcement('Ana'), 'Ana', { v4: ['10.77.0.1'], v6: ['fe80::1'] });
    r.responder.update(both);
    r.within(60_000);
    r.ask([q(HOST, 'A')]);
    assert.deepEqual(
      r.within(0)[0]?.message.additionals.map(({ type }) => type),
      ['AAAA'],
    );
  });

  it('does not deny anything to a legacy asker, who would not understand', () => {
    r.settle();
    r.ask([q(HOST, 'AAAA')], { id: 7 }, { address: '10.77.0.20', port: 4242 });
    assert.deepEqual(r.within(3000), []);
  });

  it('gathers answers to several askers into one packet', () => {
    r.settle();
    r.ask([q(SERVICE, 'PTR')]);
    r.clock.advance(5);
    r.ask([q(SERVICE_TYPES, 'PTR')]);
    const answers = r.within(5000);
    assert.equal(answers.length, 1);
    assert.deepEqual(
      answers[0]?.message.answers.map(({ data }) => data),
      [INSTANCE, SERVICE],
    );
  });

  it('keeps quiet about what the asker knows with half its life left', () => {
    r.settle();
    for (const [share, answered] of [
      [1, false],
      [0.5, false],
      [0.49, true],
      [0.1, true],
    ] as const) {
      r.ask([q(SERVICE, 'PTR')], { answers: [{ ...PTR, ttl: Math.floor(OTHER_TTL * share) }] });
      assert.equal(r.within(3000).length > 0, answered, `${share}`);
    }
  });

  it('waits for the known answers that follow a truncated query', () => {
    r.settle();
    r.ask([q(SERVICE, 'PTR')], { truncated: true });
    r.clock.advance(100);
    r.ask([], { answers: [PTR] });
    assert.deepEqual(r.within(3000), []);
    r.ask([q(SERVICE, 'PTR')], { truncated: true });
    r.clock.advance(100);
    r.ask([], { answers: [PTR] }, { ...PEER, address: '10.77.0.10' });
    const [answer] = r.within(3000);
    assert.ok(answer!.delay >= 300 && answer!.delay <= 400, `${answer?.delay}`);
  });

  it('waits on while the known answers that follow say that more follow', () => {
    r.settle();
    r.ask([q(SERVICE, 'PTR')], { truncated: true });
    for (let i = 0; i < 5; i++) {
      r.clock.advance(390);
      r.ask([], { truncated: true });
    }
    r.clock.advance(390);
    assert.deepEqual(r.sent, []);
    r.ask([], { answers: [PTR] });
    assert.deepEqual(r.within(3000), []);
  });

  it('multicasts a record at most once a second, in defence four times', () => {
    r.settle();
    for (let i = 0; i < 10; i++) {
      r.ask([q(INSTANCE, 'SRV')]);
      r.clock.advance(60);
    }
    assert.equal(r.sent.length, 1);
    r.clock.advance(1000);
    r.sent.length = 0;
    for (let i = 0; i < 10; i++) {
      r.ask([q(INSTANCE, 'ANY')], { authorities: recordsOf('1', 'rival').slice(1, 2) });
      r.clock.advance(100);
    }
    assert.equal(r.sent.length, 4);
  });

  it('leaves the answer that all have to the first who gives it', () => {
    r.settle();
    r.ask([q(SERVICE_TYPES, 'PTR')]);
    r.respond({ name: SERVICE_TYPES, type: 'PTR', ttl: OTHER_TTL, flush: false, data: SERVICE });
    assert.deepEqual(r.within(3000), []);
  });

  it('answers a legacy query to its port, with its id and question, short-lived and without flush bits', () => {
    r.settle();
    const legacy = { address: '10.77.0.20', port: 4242 };
    r.ask([q(SERVICE, 'PTR')], { id: 99 }, legacy);
    const [answer, ...more] = r.within(3000);
    assert.deepEqual(more, []);
    assert.deepEqual(answer?.to, legacy);
    assert.equal(answer?.message.id, 99);
    assert.deepEqual(answer?.message.questions, [q(SERVICE, 'PTR')]);
    const all = [...(answer?.message.answers ?? []), ...(answer?.message.additionals ?? [])];
    assert.equal(all.length, 4);
    assert.ok(all.every(({ ttl, flush }) => ttl <= 10 && !flush));
  });

  it('answers by unicast who wants it so, but by multicast what nobody has heard for long', () => {
    r.settle();
    r.ask([q(INSTANCE, 'TXT', true)]);
    assert.deepEqual(r.within(3000)[0]?.to, PEER);
    r.clock.advance((OTHER_TTL / 4) * 1000);
    r.ask([q(INSTANCE, 'TXT', true)]);
    assert.equal(r.within(3000)[0]?.to, undefined);
  });

  it('is silent while its names are not its own', () => {
    r.responder.start(recordsOf());
    r.clock.advance(300);
    r.sent.length = 0;
    r.ask([q(INSTANCE, 'SRV'), q(SERVICE, 'PTR')]);
    assert.ok(r.within(400).every(({ message: m }) => m.kind === 'query'));
  });
});
