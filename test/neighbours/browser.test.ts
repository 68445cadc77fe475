/** When the browser asks, and what it makes of what it hears (RFC 6762 §5.2, §6, §7.1). */
import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { MAX_NEIGHBOURS } from '../../src/neighbours/browser';
import { message, type ResourceRecord } from '../../src/neighbours/dns';
import { MAX_FROM_ONE } from '../../src/neighbours/origins';
import { SERVICE } from '../../src/neighbours/records';
import { asked, Browsing, type Four, key, PEER, recordsOf } from './browsing';
import { announcement } from './simulation';

describe('the browser', () => {
  let b: Browsing;

  beforeEach(() => {
    b = new Browsing();
  });

  it('is silent until it is watched, and again afterwards', () => {
    b.respond(...recordsOf('Ana', 1));
    assert.deepEqual(b.within(100_000), []);
    b.browser.watch();
    assert.ok(b.within(10_000).length > 0);
    b.browser.unwatch();
    assert.deepEqual(b.within(3_600_000 * 2), []);
    assert.equal(b.clock.pending, 0);
  });

  it('asks after 20 to 120 ms, after one more second, and then ever more rarely', () => {
    b.browser.watch();
    const times = b.within(24 * 3_600_000).map(({ delay, message: m }) => {
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
        assert.equal(b.browser.sighting(key('Ana')), null, `after ${i} of ${records.length}`);
        b.respond(record);
      }
      const { image, version, commit, nick, colors } = announcement('Ana');
      assert.deepEqual(b.browser.sighting(key('Ana')), {
        instance: 'Ana',
        host: 'xo-00000001.local',
        claims: { image, version, commit, nick, colors },
        port: 20707,
        addresses: ['10.77.0.1'],
        heard: b.clock.now(),
      });
      assert.deepEqual(b.browser.keys(), [key('Ana')]);
      assert.ok(b.changes.includes(key('Ana')));
    });

    it('counts in whatever order one message holds it, and from the additional section', () => {
      const [pointer, ...rest] = recordsOf('Ana', 1);
      b.hear(message('response', { answers: [pointer!], additionals: rest.toReversed() }));
      assert.equal(b.browser.sighting(key('Ana'))?.claims.version, '407');
    });

    it('changes and ends', () => {
      b.respond(...recordsOf('Ana', 1));
      b.clock.advance(5000);
      b.changes.length = 0;
      b.respond(recordsOf('Ana', 1, '408')[2]!);
      assert.equal(b.browser.sighting(key('Ana'))?.claims.version, '408');
      assert.deepEqual(b.changes, [key('Ana')]);
      b.changes.length = 0;
      b.respond(...recordsOf('Ana', 1, '408').map(record => ({ ...record, ttl: 0 })));
      b.clock.advance(1500);
      assert.equal(b.browser.sighting(key('Ana')), null);
      assert.deepEqual(b.browser.keys(), []);
      assert.ok(b.changes.includes(key('Ana')));
      b.clock.advance(10_000);
      assert.equal(b.clock.pending, 0);
    });

    it('is ignored when it comes from another port, or is no instance of ours', () => {
      b.hear(message('response', { answers: recordsOf('Ana', 1) }), { ...PEER, port: 4711 });
      const pointer = recordsOf('Ana', 1)[0]!;
      for (const data of ['xo-1.local', SERVICE, 'Ana._http._tcp.local', `${'x'.repeat(9)}.local`]) {
        b.respond({ ...pointer, data } as ResourceRecord);
      }
      b.respond({ ...pointer, name: '_http._tcp.local' });
      assert.deepEqual(b.browser.keys(), []);
    });

    it('is no sighting with a port, a TXT or an address that makes no sense', () => {
      const [pointer, service, text, address] = recordsOf('Ana', 1) as Four;
      const nonsense: ResourceRecord[][] = [
        [pointer, { ...service, data: { ...service.data, port: 0 } }, text, address],
        [pointer, service, { ...text, data: [Buffer.from('version=1')] }, address],
        [pointer, service, text, { ...address, data: '192.0.2.1' }],
      ];
      for (const records of nonsense) {
        b.respond(...records);
        assert.equal(b.browser.sighting(key('Ana')), null);
        b.respond(...records.map(record => ({ ...record, ttl: 0 })));
        b.clock.advance(3000);
      }
      b.respond(pointer, service, text, address);
      assert.ok(b.browser.sighting(key('Ana')));
    });

    it('is kept only if it leads to a neighbour', () => {
      const [pointer, ...rest] = recordsOf('Ana', 1);
      b.respond(...rest);
      b.respond(pointer!);
      assert.equal(b.browser.sighting(key('Ana')), null);
    });
  });

  describe('what it lacks', () => {
    it('it asks for soon, in one packet, and again after growing pauses', () => {
      b.browser.watch();
      b.within(50_000);
      b.respond(recordsOf('Ana', 1)[0]!);
      const times = b
        .within(20_000)
        .filter(({ message: m }) => asked(m)[0] !== `PTR ${SERVICE}`)
        .map(({ message: m, delay }) => {
          assert.deepEqual(asked(m), [`SRV Ana.${SERVICE}`, `TXT Ana.${SERVICE}`]);
          return delay;
        });
      assert.ok(times[0]! >= 20 && times[0]! <= 120, `${times[0]}`);
      assert.ok(times.length >= 4 && times.length <= 5, `${times.length} questions`);
    });

    it('it does not ask for any more once it came', () => {
      b.browser.watch();
      b.within(50_000);
      const records = recordsOf('Ana', 1);
      b.respond(records[0]!);
      b.respond(...records.slice(1, 3));
      const [question] = b.within(1000);
      assert.deepEqual(asked(question!.message), ['A xo-00000001.local', 'AAAA xo-00000001.local']);
      b.respond(records[3]!);
      assert.deepEqual(b.within(10_000), []);
    });

    it('it asks for as soon as it is watched', () => {
      b.respond(recordsOf('Ana', 1)[0]!);
      b.browser.watch();
      const questions = b.within(200).flatMap(({ message: m }) => asked(m));
      assert.deepEqual(questions.sort(), [`PTR ${SERVICE}`, `SRV Ana.${SERVICE}`, `TXT Ana.${SERVICE}`]);
    });
  });

  describe('known answers', () => {
    const known = (ms = 200) => b.within(ms).flatMap(({ message: m }) => m.answers.map(({ data, ttl }) => [data, ttl]));

    it('name who is complete, with the time that is left, and ourselves', () => {
      b.own = recordsOf('Me', 7)[0]!;
      b.respond(...recordsOf('Ana', 1), recordsOf('Ben', 2)[0]!);
      b.clock.advance(100_000);
      b.browser.watch();
      assert.deepEqual(known(), [
        [`Ana.${SERVICE}`, 4400],
        [`Me.${SERVICE}`, 4500],
      ]);
    });

    it('leave out who has less than half of his life before him', () => {
      const lasting = recordsOf('Ana', 1).map(record => ({ ...record, ttl: 4500 }));
      b.respond(...lasting);
      b.clock.advance(2_260_000);
      b.browser.watch();
      assert.deepEqual(known(), []);
    });

    it('go on in further packets where one is too small', () => {
      for (let i = 0; i < 300; i++) {
        const answers = recordsOf(`Laptop number ${i}`, i);
        b.hear(message('response', { answers }), { ...PEER, address: `10.77.0.${i % 250}` });
      }
      b.browser.watch();
      const packets = b.within(200).filter(({ message: m }) => m.answers.length > 0);
      assert.ok(packets.length >= 5 && packets.length <= 12, `${packets.length} packets`);
      for (const [i, { message: m }] of packets.entries()) {
        assert.equal(m.truncated, i < packets.length - 1);
        assert.equal(m.questions.length, i === 0 ? 1 : 0);
      }
      assert.equal(packets.flatMap(({ message: m }) => m.answers).length, 300);
    });
  });

  describe('in a flood of names', () => {
    it('takes in a hundred from one address, until they are gone, and honest ones besides', () => {
      for (let i = 0; i < 10_000; i++) b.respond(recordsOf(`Fake ${i}`, i)[0]!);
      assert.equal(b.browser.keys().length, MAX_FROM_ONE);
      for (let i = 0; i < 30; i++) {
        const answers = recordsOf(`Honest ${i}`, i);
        b.hear(message('response', { answers }), { ...PEER, address: `10.77.1.${i}` });
        assert.ok(b.browser.sighting(key(`Honest ${i}`)));
      }
      for (let i = 0; i < 10_000; i++) b.respond({ ...recordsOf(`Fake ${i}`, i)[0]!, ttl: 0 });
      b.within(5000);
      assert.equal(b.browser.keys().length, 30);
      for (let i = 0; i < 200; i++) b.respond(recordsOf(`New ${i}`, i)[0]!);
      assert.equal(b.browser.keys().length, 30 + MAX_FROM_ONE);
    });

    it('takes in a thousand, and asks no more than some dozens of questions a second', () => {
      b.browser.watch();
      b.within(100_000);
      for (let i = 0; i < 5000; i++) {
        const answers = [recordsOf(`Fake ${i}`, i)[0]!];
        b.hear(message('response', { answers }), { ...PEER, address: `10.77.9.${i % 50}` });
      }
      assert.equal(b.browser.keys().length, MAX_NEIGHBOURS);
      const perSecond = new Map<number, number>();
      for (const { delay, message: m } of b.within(30_000)) {
        const second = Math.floor(delay / 1000);
        perSecond.set(second, (perSecond.get(second) ?? 0) + m.questions.length);
      }
      assert.ok(Math.max(...perSecond.values()) <= 130, `${Math.max(...perSecond.values())}`);
    });
  });
});
