import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { Browser, MAX_NEIGHBOURS } from '../../src/neighbours/browser';
import {
  encode,
  MAX_PACKET,
  type Message,
  message,
  type RecordOf,
  type ResourceRecord,
} from '../../src/neighbours/dns';
import { MAX_FROM_ONE } from '../../src/neighbours/origins';
import { buildRecords, SERVICE } from '../../src/neighbours/records';
import { announcement, overTheWire, SimClock, seeded } from './simulation';

const PEER = { address: '10.77.0.9', port: 5353 };

function recordsOf(nick: string, number: number, version = '407'): ResourceRecord[] {
  const host = `xo-${number.toString(16).padStart(8, '0')}`;
  const addresses = { v4: [`10.77.${number >> 8}.${number & 255}`], v6: [] };
  return buildRecords({ instance: nick, host }, announcement(nick, version), nick, addresses);
}

type Four = [RecordOf<'PTR'>, RecordOf<'SRV'>, RecordOf<'TXT'>, RecordOf<'A'>];

const key = (nick: string) => `${nick.toLowerCase()}.${SERVICE}`;

describe('the browser', () => {
  let clock: SimClock;
  let browser: Browser;
  let sent: { at: number; message: Message }[];
  let changes: string[];
  let own: ResourceRecord | null;
  let seed = 100;

  beforeEach(() => {
    clock = new SimClock();
    sent = [];
    changes = [];
    own = null;
    browser = new Browser({
      clock,
      random: seeded(++seed),
      send: m => {
        assert.ok(encode(m).length <= MAX_PACKET);
        sent.push({ at: clock.now(), message: overTheWire(m) });
      },
      ownAnswer: () => own,
      reachable: address => (address.startsWith('10.77.') ? address : null),
      onChange: key => changes.push(key),
    });
  });

  const hear = (m: Message, from = PEER) => browser.receive(overTheWire(m), from);
  const respond = (...answers: ResourceRecord[]) => hear(message('response', { answers }));
  const within = (ms: number) => {
    const start = clock.now();
    clock.advance(ms);
    return sent.splice(0).map(({ at, message: m }) => ({ message: m, delay: at - start }));
  };
  const asked = (m: Message) => m.questions.map(({ name, type }) => `${type} ${name}`);
  /** Plays everybody near: answers direct questions about these. */
  const alive = (laptops: ResourceRecord[][], ms: number) => {
    for (let passed = 0; passed < ms; passed += 100) {
      for (const { message: m } of within(100)) {
        const answers = laptops.flat().filter(({ name, type }) => asked(m).includes(`${type} ${name}`));
        const known = new Set(m.answers.map(({ data }) => data));
        const fresh = answers.filter(({ data }) => !known.has(data));
        if (fresh.length > 0) respond(...fresh);
      }
    }
  };

  it('is silent until it is watched, and again afterwards', () => {
    respond(...recordsOf('Ana', 1));
    assert.deepEqual(within(100_000), []);
    browser.watch();
    assert.ok(within(10_000).length > 0);
    browser.unwatch();
    assert.deepEqual(within(3_600_000 * 2), []);
    assert.equal(clock.pending, 0);
  });

  it('asks after 20 to 120 ms, after one more second, and then ever more rarely', () => {
    browser.watch();
    const times = within(24 * 3_600_000).map(({ delay, message: m }) => {
      assert.deepEqual(asked(m), [`PTR ${SERVICE}`]);
      return delay;
    });
    assert.ok(times[0]! >= 20 && times[0]! <= 120, `${times[0]}`);
    let pause = 1000;
    for (const [i, at] of times.entries()) {
      if (i === 0) continue;
      const gap = at - times[i - 1]!;
      assert.ok(gap >= pause - 1 && gap <= pause * 1.1 + 1, `pause ${i}: ${gap}`);
      pause = Math.min(pause * 2, 3_600_000);
    }
    assert.ok(times.length < 40);
  });

  describe('what it hears', () => {
    it('becomes a sighting when it is complete', () => {
      const records = recordsOf('Ana', 1);
      for (const [i, record] of records.entries()) {
        assert.equal(browser.sighting(key('Ana')), null, `after ${i} of ${records.length}`);
        respond(record);
      }
      const { image, version, commit, nick, colors } = announcement('Ana');
      assert.deepEqual(browser.sighting(key('Ana')), {
        instance: 'Ana',
        host: 'xo-00000001.local',
        claims: { image, version, commit, nick, colors },
        port: 20707,
        addresses: ['10.77.0.1'],
        heard: clock.now(),
      });
      assert.deepEqual(browser.keys(), [key('Ana')]);
      assert.ok(changes.includes(key('Ana')));
    });

    it('counts in whatever order one message holds it, and from the additional section', () => {
      const [pointer, ...rest] = recordsOf('Ana', 1);
      hear(message('response', { answers: [pointer!], additionals: rest.toReversed() }));
      assert.equal(browser.sighting(key('Ana'))?.claims.version, '407');
    });

    it('changes and ends', () => {
      respond(...recordsOf('Ana', 1));
      clock.advance(5000);
      changes.length = 0;
      respond(recordsOf('Ana', 1, '408')[2]!);
      assert.equal(browser.sighting(key('Ana'))?.claims.version, '408');
      assert.deepEqual(changes, [key('Ana')]);
      changes.length = 0;
      respond(...recordsOf('Ana', 1, '408').map(record => ({ ...record, ttl: 0 })));
      clock.advance(1500);
      assert.equal(browser.sighting(key('Ana')), null);
      assert.deepEqual(browser.keys(), []);
      assert.ok(changes.includes(key('Ana')));
      clock.advance(10_000);
      assert.equal(clock.pending, 0);
    });

    it('is ignored when it comes from another port, or is no instance of ours', () => {
      hear(message('response', { answers: recordsOf('Ana', 1) }), { ...PEER, port: 4711 });
      const pointer = recordsOf('Ana', 1)[0]!;
      for (const data of ['xo-1.local', SERVICE, 'Ana._http._tcp.local', `${'x'.repeat(9)}.local`]) {
        respond({ ...pointer, data } as ResourceRecord);
      }
      respond({ ...pointer, name: '_http._tcp.local' });
      assert.deepEqual(browser.keys(), []);
    });

    it('is no sighting with a port, a TXT or an address that makes no sense', () => {
      const [pointer, service, text, address] = recordsOf('Ana', 1) as Four;
      const nonsense: ResourceRecord[][] = [
        [pointer, { ...service, data: { ...service.data, port: 0 } }, text, address],
        [pointer, service, { ...text, data: [Buffer.from('version=1')] }, address],
        [pointer, service, text, { ...address, data: '192.0.2.1' }],
      ];
      for (const records of nonsense) {
        respond(...records);
        assert.equal(browser.sighting(key('Ana')), null);
        respond(...records.map(record => ({ ...record, ttl: 0 })));
        clock.advance(3000);
      }
      respond(pointer, service, text, address);
      assert.ok(browser.sighting(key('Ana')));
    });

    it('is kept only if it leads to a neighbour', () => {
      const [pointer, ...rest] = recordsOf('Ana', 1);
      respond(...rest);
      respond(pointer!);
      assert.equal(browser.sighting(key('Ana')), null);
    });
  });

  describe('what it lacks', () => {
    it('it asks for soon, in one packet, and again after growing pauses', () => {
      browser.watch();
      within(50_000);
      respond(recordsOf('Ana', 1)[0]!);
      const times = within(20_000)
        .filter(({ message: m }) => asked(m)[0] !== `PTR ${SERVICE}`)
        .map(({ message: m, delay }) => {
          assert.deepEqual(asked(m), [`SRV Ana.${SERVICE}`, `TXT Ana.${SERVICE}`]);
          return delay;
        });
      assert.ok(times[0]! >= 20 && times[0]! <= 120, `${times[0]}`);
      assert.ok(times.length >= 4 && times.length <= 5, `${times.length} questions`);
    });

    it('it does not ask for any more once it came', () => {
      browser.watch();
      within(50_000);
      const records = recordsOf('Ana', 1);
      respond(records[0]!);
      respond(...records.slice(1, 3));
      const [question] = within(1000);
      assert.deepEqual(asked(question!.message), ['A xo-00000001.local', 'AAAA xo-00000001.local']);
      respond(records[3]!);
      assert.deepEqual(within(10_000), []);
    });

    it('it asks for as soon as it is watched', () => {
      respond(recordsOf('Ana', 1)[0]!);
      browser.watch();
      const questions = within(200).flatMap(({ message: m }) => asked(m));
      assert.deepEqual(questions.sort(), [`PTR ${SERVICE}`, `SRV Ana.${SERVICE}`, `TXT Ana.${SERVICE}`]);
    });
  });

  describe('known answers', () => {
    const known = (ms = 200) => within(ms).flatMap(({ message: m }) => m.answers.map(({ data, ttl }) => [data, ttl]));

    it('name who is complete, with the time that is left, and ourselves', () => {
      own = recordsOf('Me', 7)[0]!;
      respond(...recordsOf('Ana', 1), recordsOf('Ben', 2)[0]!);
      clock.advance(100_000);
      browser.watch();
      assert.deepEqual(known(), [
        [`Ana.${SERVICE}`, 4400],
        [`Me.${SERVICE}`, 4500],
      ]);
    });

    it('leave out who has less than half of his life before him', () => {
      const lasting = recordsOf('Ana', 1).map(record => ({ ...record, ttl: 4500 }));
      respond(...lasting);
      clock.advance(2_260_000);
      browser.watch();
      assert.deepEqual(known(), []);
    });

    it('go on in further packets where one is too small', () => {
      for (let i = 0; i < 300; i++) {
        const answers = recordsOf(`Laptop number ${i}`, i);
        hear(message('response', { answers }), { ...PEER, address: `10.77.0.${i % 250}` });
      }
      browser.watch();
      const packets = within(200).filter(({ message: m }) => m.answers.length > 0);
      assert.ok(packets.length >= 5 && packets.length <= 12, `${packets.length} packets`);
      for (const [i, { message: m }] of packets.entries()) {
        assert.equal(m.truncated, i < packets.length - 1);
        assert.equal(m.questions.length, i === 0 ? 1 : 0);
      }
      assert.equal(packets.flatMap(({ message: m }) => m.answers).length, 300);
    });
  });

  describe('over time', () => {
    it('keeps who answers, for hours, and asks each only when a record is about to end', () => {
      const laptops = ['Ana', 'Ben', 'Cam'].map((nick, i) => recordsOf(nick, i + 1));
      for (const records of laptops) respond(...records);
      browser.watch();
      alive(laptops, 3 * 3_600_000);
      assert.equal(browser.keys().filter(one => browser.sighting(one)).length, 3);
    });

    it('asks a silent one at 80, 85, 90 and 95 % of two minutes, then lets it go', () => {
      browser.watch();
      within(60_000);
      respond(...recordsOf('Ana', 1));
      const times = within(119_990)
        .filter(({ message: m }) => asked(m).includes(`SRV Ana.${SERVICE}`))
        .map(({ delay }) => delay / 1200);
      assert.deepEqual(
        times.map(share => Math.floor(share / 5) * 5),
        [80, 85, 90, 95],
      );
      assert.ok(browser.sighting(key('Ana')));
      clock.advance(300);
      assert.equal(browser.sighting(key('Ana')), null);
      assert.deepEqual(browser.keys(), [key('Ana')]);
      clock.advance(12_000);
      assert.deepEqual(browser.keys(), []);
    });

    it('lets a doubted one go after ten seconds, unless it answers', () => {
      const [ana, ben] = [recordsOf('Ana', 1), recordsOf('Ben', 2)];
      respond(...ana, ...ben);
      browser.watch();
      within(5000);
      browser.doubt(key('Ana'));
      browser.doubt(key('Ben'));
      alive([ben], 9900);
      assert.ok(browser.sighting(key('Ana')));
      alive([ben], 400);
      assert.equal(browser.sighting(key('Ana')), null);
      alive([ben], 60_000);
      assert.ok(browser.sighting(key('Ben')));
    });

    it('leaves a question to somebody else who just asked it knowing no more', () => {
      browser.watch();
      within(20_000);
      const question = message('query', { questions: [{ name: SERVICE, type: 'PTR', unicast: false }] });
      const next = () => within(70_000)[0]!.delay;
      // Pauses so far were 1, 2, 4, 8 s: the next question would come about 31 s after the start.
      clock.advance(5000);
      hear(question);
      const waited = next();
      assert.ok(waited >= 32_000, `${waited}`);
    });

    it('leaves it also to one whose known answers fill several packets, but not if he knows somebody it does not', () => {
      const question = { questions: [{ name: SERVICE, type: 'PTR' as const, unicast: false }] };
      for (const [last, left] of [
        ['Ana', true],
        ['Stranger', false],
      ] as const) {
        for (const nick of ['Ana', 'Ben', 'Cam']) respond(...recordsOf(nick, 1));
        browser.watch();
        within(20_000);
        // Pauses so far were 1, 2, 4, 8 s: the next question would come about 31 s after the start.
        clock.advance(5000);
        hear(message('query', { ...question, truncated: true, answers: [recordsOf('Ben', 1)[0]!] }));
        hear(message('query', { truncated: true, answers: [recordsOf('Cam', 1)[0]!] }));
        hear(message('query', { answers: [recordsOf(last, 1)[0]!] }));
        const [next] = within(70_000).filter(({ message: m }) => m.questions.some(({ type }) => type === 'PTR'));
        assert.equal(next!.delay >= 32_000, left, `${last}: ${next?.delay}`);
        browser.unwatch();
        within(100_000);
      }
    });

    it('leaves a record to another who just asked for it, but asks itself before it ends', () => {
      respond(...recordsOf('Ana', 1));
      browser.watch();
      const asks = (ms: number) =>
        within(ms).filter(({ message: m }) => m.questions.some(({ type }) => type === 'SRV')).length;
      assert.equal(asks(95_900), 0);
      // Just before this laptop would at 80 %, and again until it would have.
      for (let ms = 0; ms < 3000; ms += 300) {
        const question = { name: `Ana.${SERVICE}`, type: 'SRV' as const, unicast: false };
        const host = { name: recordsOf('Ana', 1)[3]!.name, type: 'A' as const, unicast: false };
        hear(message('query', { questions: [question, host] }));
        assert.equal(asks(300), 0, `${ms} ms`);
      }
      // Nobody answered him: at 85 % it asks for itself.
      assert.equal(asks(2900), 0);
      assert.ok(asks(3000) >= 1);
    });

    it('asks again, but ever more rarely, where another knows somebody of whom it never heard', () => {
      browser.watch();
      within(1000_000);
      const hint = (nick: string) => hear(message('query', { answers: [recordsOf(nick, 1)[0]!] }));
      hint('Ana');
      const delays = within(2000).map(({ delay }) => delay);
      assert.equal(delays.length, 1);
      assert.ok(delays[0]! >= 520 && delays[0]! <= 1120, `${delays}`);
      // Whoever invents names, every second for an hour, gets no more than a few questions out of it.
      let asked = 0;
      for (let i = 0; i < 3600; i++) {
        hint(`Fake ${i}`);
        asked += within(1000).length;
      }
      assert.ok(asked >= 8 && asked <= 16, `${asked}`);
      // It was no more than a hint: nobody is taken in on hearsay, and who is known is no news.
      assert.deepEqual(browser.keys(), []);
      respond(...recordsOf('Ana', 1));
      within(20_000);
      hint('Ana');
      own = recordsOf('Me', 7)[0]!;
      hint('Me');
      assert.deepEqual(within(1000), []);
    });

    it('asks nobody where the one it missed was heard right after the hint', () => {
      browser.watch();
      within(1000_000);
      hear(message('query', { answers: [recordsOf('Ana', 1)[0]!] }));
      respond(...recordsOf('Ana', 1));
      assert.deepEqual(within(10_000), []);
    });

    it('does not take itself for a neighbour, nor ask for itself', () => {
      own = recordsOf('Me', 7)[0]!;
      respond(...recordsOf('Me', 7));
      browser.watch();
      const questions = within(119_000).flatMap(({ message: m }) => asked(m));
      assert.deepEqual([...new Set(questions)], [`PTR ${SERVICE}`]);
      assert.deepEqual(browser.keys(), []);
    });
  });

  describe('what others ask for in vain', () => {
    const question = (nick: string, type: 'SRV' | 'A' = 'SRV') =>
      message('query', {
        questions: [
          { name: type === 'SRV' ? `${nick}.${SERVICE}` : recordsOf(nick, 1)[3]!.name, type, unicast: false },
        ],
      });

    it('ends ten seconds after the third time, without a question of our own', () => {
      respond(...recordsOf('Ana', 1));
      clock.advance(5000);
      for (let i = 0; i < 3; i++) {
        hear(question('Ana'));
        clock.advance(2000);
      }
      assert.ok(browser.sighting(key('Ana')));
      clock.advance(8500);
      assert.equal(browser.sighting(key('Ana')), null);
      assert.deepEqual(sent, []);
    });

    it('stays where it is answered, asked for too soon after the answer, or known to the asker', () => {
      const [pointer] = recordsOf('Ana', 1);
      respond(...recordsOf('Ana', 1));
      for (let i = 0; i < 6; i++) {
        clock.advance(2000);
        hear(question('Ana'));
        respond(recordsOf('Ana', 1)[1]!);
        // Its owner must not answer these.
        for (let again = 0; again < 5; again++) {
          clock.advance(100);
          hear(question('Ana'));
        }
        const ask = { questions: [{ name: SERVICE, type: 'PTR' as const, unicast: false }] };
        hear(message('query', { ...ask, answers: [pointer!] }));
        hear(message('query', { ...ask, truncated: true }));
      }
      clock.advance(12_000);
      assert.ok(browser.sighting(key('Ana')));
    });
  });

  describe('in a flood of names', () => {
    it('takes in a hundred from one address, until they are gone, and honest ones besides', () => {
      for (let i = 0; i < 10_000; i++) respond(recordsOf(`Fake ${i}`, i)[0]!);
      assert.equal(browser.keys().length, MAX_FROM_ONE);
      for (let i = 0; i < 30; i++) {
        const answers = recordsOf(`Honest ${i}`, i);
        hear(message('response', { answers }), { ...PEER, address: `10.77.1.${i}` });
        assert.ok(browser.sighting(key(`Honest ${i}`)));
      }
      for (let i = 0; i < 10_000; i++) respond({ ...recordsOf(`Fake ${i}`, i)[0]!, ttl: 0 });
      within(5000);
      assert.equal(browser.keys().length, 30);
      for (let i = 0; i < 200; i++) respond(recordsOf(`New ${i}`, i)[0]!);
      assert.equal(browser.keys().length, 30 + MAX_FROM_ONE);
    });

    it('takes in a thousand, and asks no more than some dozens of questions a second', () => {
      browser.watch();
      within(100_000);
      for (let i = 0; i < 5000; i++) {
        const answers = [recordsOf(`Fake ${i}`, i)[0]!];
        hear(message('response', { answers }), { ...PEER, address: `10.77.9.${i % 50}` });
      }
      assert.equal(browser.keys().length, MAX_NEIGHBOURS);
      const perSecond = new Map<number, number>();
      for (const { delay, message: m } of within(30_000)) {
        const second = Math.floor(delay / 1000);
        perSecond.set(second, (perSecond.get(second) ?? 0) + m.questions.length);
      }
      assert.ok(Math.max(...perSecond.values()) <= 130, `${Math.max(...perSecond.values())}`);
    });
  });
});
