/**
 * A laptop of ours against a script of packets from another one, section by section as Apple's Bonjour Conformance Test
 * goes through RFC 6762; and what a stranger's program, tshark, thinks of our packets.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AUTHORITATIVE_ANSWER,
  encode,
  type Question,
  type RecordType,
  type SrvAnswer,
  TRUNCATED_RESPONSE,
} from 'dns-packet';
import type { Announcement } from '../../src/neighbours/neighbours';
import { seeded } from '../neighbours/simulation';
import { Announcer } from './announcer';
import { Capture } from './capture';
import { Lan } from './namespaces';
import { type Heard, isProbe, isResponse, Prober, records, types } from './prober';

const SERVICE = '_xo-image._tcp.local';
const META = '_services._dns-sd._udp.local';
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
/** More than any delay of an answer, and the second in which nothing is said twice. */
const PAUSE = 1300;

const ana = `Ana.${SERVICE}`;

function announcement(nick: string, version = '407', port = 20707): Announcement {
  return { image: 'olpc-xo', version, commit: COMMIT, port, nick, colors: ['#FF2B34', '#008009'] };
}

function q(name: string, type: string): Question {
  return { name, type: type as RecordType };
}

function srv(name: string, target: string, port = 1): SrvAnswer {
  return { name, type: 'SRV', ttl: 120, flush: true, data: { port, target } };
}

function response(...answers: SrvAnswer[]) {
  return { type: 'response', flags: AUTHORITATIVE_ANSWER, answers } as const;
}

const about = (name: string) => (heard: Heard) => {
  return records(heard.packet.answers).some(record => record.name.toLowerCase() === name.toLowerCase());
};
const probesFor = (name: string) => (heard: Heard) =>
  isProbe(heard) && heard.packet.questions!.some(q => q.name === name);
const announces = (name: string) => (heard: Heard) => isResponse(heard) && about(name)(heard);
const quiet = (heard: Heard[], name: string) => heard.filter(one => isResponse(one) && about(name)(one));

/** One laptop of ours, the one that asks, and nobody else. */
async function pair(ipv6 = false): Promise<{ lan: Lan; prober: Prober; laptop: Announcer }> {
  const lan = await Lan.create(2, { ipv6 });
  const prober = new Prober(lan, 1);
  await prober.ready;
  return { lan, prober, laptop: new Announcer(lan.run.bind(lan, 0)) };
}

describe('claiming a name', { concurrency: true, timeout: 120_000 }, () => {
  it('is three probes and two announcements, as RFC 6762 §8.1 and §8.3 want them, and then silence', async () => {
    const { lan, prober, laptop } = await pair();
    try {
      laptop.announce(announcement('Ana'));
      await prober.until(announces(ana));
      await sleep(5000);
      const all = prober.heard;
      assert.deepEqual(
        all.map(one => (isProbe(one) ? 'probe' : one.packet.type)),
        ['probe', 'probe', 'probe', 'response', 'response'],
      );
      const [first, second, third, one, two] = all as [Heard, Heard, Heard, Heard, Heard];
      const host = (records(first.packet.authorities)[0] as SrvAnswer).data.target;
      for (const [i, probe] of [first, second, third].entries()) {
        assert.deepEqual(
          probe.packet.questions?.map(({ name, type }) => `${type} ${name}`),
          [`ANY ${ana}`, `ANY ${host}`],
        );
        assert.equal(types(probe, 'authorities'), 'SRV TXT A');
        assert.ok(records(probe.packet.authorities).every(({ flush }) => !flush));
        // What is on the way can only be late: so one gap may look shorter, but never two.
        const next = [second, third, one][i]!;
        assert.ok(next.at - probe.at > 150, `${next.at - probe.at} ms between probes`);
      }
      assert.ok(one.at - first.at > 650, `${one.at - first.at} ms for all`);
      assert.ok(two.at - one.at > 900, `${two.at - one.at} ms between announcements`);
      for (const news of [one, two]) {
        assert.deepEqual(
          records(news.packet.answers).map(({ name, type, ttl, flush }) => [name, type, ttl, flush]),
          [
            [SERVICE, 'PTR', 4500, false],
            [ana, 'SRV', 120, true],
            [ana, 'TXT', 4500, true],
            [host, 'A', 120, true],
          ],
        );
        assert.ok(news.bytes < 400, `${news.bytes}`);
      }
      // §18: no id, and in responses authority; §11: from port 5353.
      for (const { packet, port } of all) {
        assert.equal(packet.id, 0);
        assert.equal(packet.flags, packet.type === 'response' ? AUTHORITATIVE_ANSWER : 0);
        assert.equal(port, 5353);
      }
    } finally {
      await lan.close();
    }
  });

  it('goes on in a tie with a lesser rival, and waits for a greater one (§8.2)', async () => {
    for (const [target, wins] of [
      ['!', true],
      ['~~~', false],
    ] as const) {
      const { lan, prober, laptop } = await pair();
      try {
        laptop.announce(announcement('Ana'));
        const probe = await prober.until(isProbe);
        const sets = records(probe.packet.authorities).filter(({ name }) => name === ana);
        const { data } = sets.find(({ type }) => type === 'SRV') as SrvAnswer;
        // TXT, priority, weight and port are equal, so the hosts' names decide, byte by byte: '!' < 'xo-…' < '~~~'.
        const rival = { ...srv(ana, `${target}${data.target.slice(target.length)}`, data.port), flush: false };
        await prober.send({ type: 'query', questions: [q(ana, 'ANY')], authorities: [rival, ...sets.slice(1)] });
        await prober.until(announces(ana));
        const probes = prober.heard.filter(isProbe).length;
        assert.equal(probes === 3, wins, `${probes} probes against ${target}`);
        assert.ok(!prober.heard.some(probesFor(`Ana (2).${SERVICE}`)));
      } finally {
        await lan.close();
      }
    }
  });

  it('gives the name up to who answers for it (§8.1)', async () => {
    const { lan, prober, laptop } = await pair();
    try {
      laptop.announce(announcement('Ana'));
      await prober.until(probesFor(ana));
      await prober.send(response(srv(ana, 'other.local')));
      await prober.until(announces(`Ana (2).${SERVICE}`));
      assert.ok(!prober.heard.some(announces(ana)));
    } finally {
      await lan.close();
    }
  });

  it('is done again when the name is disputed: kept if nobody defends it, else given up (§9)', async () => {
    const { lan, prober, laptop } = await pair();
    try {
      laptop.announce(announcement('Ana'));
      await prober.until(announces(ana));
      await sleep(2 * PAUSE);
      let from = prober.heard.length;
      await prober.send(response(srv(ana, 'other.local')));
      await prober.until(announces(ana), from);
      assert.equal(prober.heard.slice(from).filter(probesFor(ana)).length, 3);
      await sleep(2 * PAUSE);
      from = prober.heard.length;
      await prober.send(response(srv(ana, 'other.local')));
      await prober.until(probesFor(ana), from);
      await prober.send(response(srv(ana, 'other.local')));
      await prober.until(announces(`Ana (2).${SERVICE}`), from);
      assert.ok(!prober.heard.slice(from).some(announces(ana)));
    } finally {
      await lan.close();
    }
  });
});

describe('thousands of packets that are not what they should be', { timeout: 120_000 }, () => {
  it('cost a laptop its name at most, which it takes again with a number', async () => {
    const { lan, prober, laptop } = await pair();
    try {
      laptop.announce(announcement('Ana'));
      await prober.until(announces(ana));
      const random = seeded(6762);
      const number = (below: number) => Math.floor(random() * below);
      const models = prober.heard.map(({ packet }) => encode(packet));
      for (let i = 0; i < 3000; i++) {
        const bytes = Buffer.from(models[number(models.length)]!);
        // Bytes are changed, often into pointers to names, and the end is cut or grows.
        for (let n = 0; n <= number(6); n++) bytes[number(bytes.length)] = random() < 0.3 ? 0xc0 : number(256);
        const tail = Buffer.alloc(number(40), number(256));
        const whole = random() < 0.2 ? bytes.subarray(0, number(bytes.length)) : Buffer.concat([bytes, tail]);
        await prober.sendBytes(whole);
      }
      // Claims among them are taken seriously: it has probed again, and again.
      for (let quiet = false; !quiet; ) quiet = !(await prober.during(6000)).some(isProbe);
      const [answer] = await prober.ask({ questions: [q(SERVICE, 'PTR')] }, PAUSE);
      const [pointer] = records(answer?.packet.answers);
      assert.match(String(pointer?.type === 'PTR' && pointer.data), /^Ana( \(\d+\))?\._xo-image\._tcp\.local$/);
      assert.ok((await laptop.list()).length <= 100);
      assert.equal(await laptop.close(), 0);
    } finally {
      await lan.close();
    }
  });
});

describe('answering', { concurrency: false, timeout: 180_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'pass-it-on-conformance-'));
  let lan: Lan;
  let prober: Prober;
  let laptop: Announcer;
  let capture: Capture;
  let host: string;

  before(async () => {
    // With IPv6, so that tshark sees it as well.
    ({ lan, prober, laptop } = await pair(true));
    capture = await Capture.start(lan, join(folder, 'wire.pcapng'));
    laptop.announce(announcement('Ana'));
    const { packet } = await prober.until(announces(ana));
    host = (records(packet.answers).find(({ type }) => type === 'SRV') as SrvAnswer).data.target;
    // IPv6 comes up later than IPv4, and is announced then.
    await laptop.sees(() => prober.heard.some(one => types(one).includes('AAAA')));
    await sleep(2 * PAUSE);
  });

  // The second in which nothing is said twice is over for the next.
  afterEach(() => sleep(600));

  after(async () => {
    await lan.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is for everybody and at once where nobody else can answer, in any spelling (§6, §16)', async () => {
    for (const [name, type, answered] of [
      [ana, 'SRV', 'SRV'],
      [ana.toUpperCase(), 'TXT', 'TXT'],
      [host, 'A', 'A'],
      [host, 'ANY', 'A AAAA'],
      [ana, 'ANY', 'SRV TXT'],
    ] as const) {
      const answers = await prober.ask({ questions: [q(name, type)] }, PAUSE);
      assert.deepEqual(
        answers.map(one => [types(one), one.socket, one.packet.questions]),
        [[answered, 5353, []]],
        `${type} ${name}`,
      );
    }
  });

  it('waits 20 to 120 ms with what others may answer too, differently each time, with all that helps (§6)', async () => {
    const delays: number[] = [];
    for (let i = 0; i < 12; i++) {
      const [answer, ...more] = await prober.ask({ questions: [q(SERVICE, 'PTR')] }, PAUSE);
      assert.deepEqual(more, []);
      assert.equal(types(answer), 'PTR');
      assert.equal(types(answer, 'additionals'), 'SRV TXT A AAAA');
      delays.push(answer!.delay);
    }
    // Nothing is ever early; a busy machine can make it late.
    assert.ok(Math.min(...delays) >= 19, `${delays}`);
    assert.ok(new Set(delays.map(ms => Math.floor(ms / 10))).size >= 4, `${delays}`);
  });

  it('leaves out what the asker knows with half its life left (§7.1)', async () => {
    for (const [share, answered] of [
      [1, false],
      [0.75, false],
      [0.51, false],
      [0.45, true],
      [0.1, true],
    ] as const) {
      const known = { name: SERVICE, type: 'PTR', ttl: Math.ceil(4500 * share), data: ana } as const;
      const answers = await prober.ask({ questions: [q(SERVICE, 'PTR')], answers: [known] }, PAUSE);
      assert.equal(answers.length, answered ? 1 : 0, `${share}`);
    }
  });

  it('waits for the known answers that follow a truncated question (§7.2)', async () => {
    for (const [ttl, answered] of [
      [4500, false],
      [1000, true],
    ] as const) {
      const begin = prober.ask({ flags: TRUNCATED_RESPONSE, questions: [q(SERVICE, 'PTR')] }, PAUSE);
      await prober.send({ type: 'query', answers: [{ name: SERVICE, type: 'PTR', ttl, data: ana }] });
      const answers = await begin;
      assert.equal(answers.length, answered ? 1 : 0, `${ttl}`);
      if (answered) assert.ok(answers[0]!.delay >= 399, `${answers[0]!.delay} ms`);
    }
  });

  it('puts answers to several questions into one packet (§6.4), and leaves a shared one to who is first (§7.4)', async () => {
    const begin = prober.ask({ questions: [q(SERVICE, 'PTR')] }, PAUSE);
    await prober.send({ type: 'query', questions: [q(META, 'PTR')] });
    assert.deepEqual(
      (await begin).map(one => types(one)),
      ['PTR PTR'],
    );
    const second = prober.ask({ questions: [q(META, 'PTR')] }, PAUSE);
    const shared = { name: META, type: 'PTR', ttl: 4500, data: SERVICE } as const;
    await prober.send({ type: 'response', flags: AUTHORITATIVE_ANSWER, answers: [shared] });
    assert.deepEqual(await second, []);
  });

  it('says nothing twice a second (§6)', async () => {
    const from = prober.heard.length;
    const begun = await prober.send({ type: 'query', questions: [q(SERVICE, 'PTR')] });
    let last = begun;
    for (let i = 0; i < 20; i++) last = await prober.send({ type: 'query', questions: [q(SERVICE, 'PTR')] });
    await sleep(PAUSE);
    const answers = quiet(prober.heard.slice(from), SERVICE);
    assert.ok(answers.length >= 1 && answers.length <= 1 + Math.ceil((last - begun) / 1000), `${answers.length}`);
  });

  it('goes to a plain resolver alone, with its id, its question, short lives and no flush bit (§6.7)', async () => {
    const [answer, ...more] = await prober.ask({ id: 4242, questions: [q(SERVICE, 'PTR')] }, PAUSE, { legacy: true });
    assert.deepEqual(more, []);
    assert.equal(answer?.socket, 0);
    assert.equal(answer?.packet.id, 4242);
    assert.deepEqual(
      answer?.packet.questions?.map(({ name, type }) => `${type} ${name}`),
      [`PTR ${SERVICE}`],
    );
    const all = [...records(answer?.packet.answers), ...records(answer?.packet.additionals)];
    assert.equal(all.length, 5);
    assert.ok(all.every(({ ttl, flush }) => (ttl ?? 99) <= 10 && !flush));
  });

  it('goes to one asker who wants it so, because all heard it lately (§5.4)', async () => {
    await prober.ask({ questions: [q(SERVICE, 'PTR')] }, PAUSE);
    const asked = await prober.ask({ questions: [q(SERVICE, 'PTR')] }, PAUSE, { unicast: true });
    assert.deepEqual(
      asked.map(one => types(one)),
      ['PTR'],
    );
    const address = lan.laptops[0]!.address;
    const multicast = await capture.read(`ip.src == ${address} && ip.dst == 224.0.0.251 && dns.flags.response == 1`);
    const unicast = await capture.read(
      `ip.src == ${address} && ip.dst == ${lan.laptops[1]!.address} && udp.port == 5353`,
    );
    assert.ok(multicast.length > 20);
    // This one, and nothing to the resolver of another port is counted here.
    assert.equal(unicast.filter(line => line.includes('5353\t5353')).length, 1);
  });

  it('says what does not exist under its own names (§6.1), and nothing about others', async () => {
    for (const [name, type, exist] of [
      [ana, 'HINFO', ['TXT', 'SRV']],
      [host, 'TXT', ['A', 'AAAA']],
    ] as const) {
      const [answer, ...more] = await prober.ask({ questions: [q(name, type)] }, PAUSE);
      assert.deepEqual(more, []);
      const [denial] = records(answer?.packet.answers);
      assert.equal(denial?.type, 'NSEC');
      assert.deepEqual(denial?.type === 'NSEC' && denial.data, { nextDomain: name, rrtypes: [...exist] });
      assert.equal(denial?.flush, true);
    }
    assert.deepEqual(await prober.ask({ questions: [q(`Ben.${SERVICE}`, 'SRV'), q('x.local', 'A')] }, PAUSE), []);
  });

  it('defends the name against a probe at once (§8.1), and puts right a goodbye that is not its own (§10.1)', async () => {
    const rival = { ...srv(ana, 'other.local'), flush: false };
    const [defence] = await prober.ask({ questions: [q(ana, 'ANY')], authorities: [rival] }, PAUSE);
    assert.equal(types(defence), 'SRV TXT');
    const from = prober.heard.length;
    const goodbye = { name: SERVICE, type: 'PTR', ttl: 0, data: ana } as const;
    await prober.send({ type: 'response', flags: AUTHORITATIVE_ANSWER, answers: [goodbye] });
    const rescue = await prober.until(announces(SERVICE), from);
    assert.equal(records(rescue.packet.answers)[0]?.ttl, 4500);
    await sleep(PAUSE);
  });

  it('believes nothing that is cut, from another port or from behind a router (§6, §11)', async () => {
    await lan.output(1, 'ip', ['address', 'add', '203.0.113.9/32', 'dev', 'eth0']);
    const from = prober.heard.length;
    await prober.send(response(srv(ana, 'other.local')), { legacy: true });
    await prober.send(response(srv(ana, 'other.local')), { source: '203.0.113.9' });
    await prober.send({ type: 'query', questions: [q(ana, 'SRV')] }, { source: '203.0.113.9' });
    await prober.send(response(srv(ana, 'other.local')), { cut: 20 });
    await sleep(PAUSE);
    assert.deepEqual(prober.heard.slice(from), []);
  });

  it('is followed by news when what it says changes, twice and without a probe (§8.4)', async () => {
    for (const [version, port, type] of [
      ['408', 20707, 'TXT'],
      ['408', 20708, 'SRV'],
    ] as const) {
      const from = prober.heard.length;
      laptop.announce(announcement('Ana', version, port));
      await prober.until(announces(ana), from);
      await sleep(2 * PAUSE);
      const news = prober.heard.slice(from);
      assert.deepEqual(
        news.map(one => [isProbe(one), types(one)]),
        [
          [false, type],
          [false, type],
        ],
      );
      assert.ok(news.every(({ packet }) => records(packet.answers).every(({ flush }) => flush)));
    }
  });

  it('ends with a goodbye to all that was said (§10.1), and every packet was well-formed to tshark', async () => {
    const from = prober.heard.length;
    assert.equal(await laptop.close(), 0);
    const goodbye = await prober.until(isResponse, from);
    assert.equal(types(goodbye), 'PTR SRV TXT A AAAA');
    assert.ok(records(goodbye.packet.answers).every(({ ttl }) => ttl === 0));
    await capture.end();
    const ours = `eth.src == ${await capture.macOf(lan.laptops[0]!.address)}`;
    const counted = await capture.read(`mdns && ${ours}`);
    assert.ok(counted.length >= 35, `${counted.length} packets`);
    assert.ok((await capture.read(`mdns && ipv6 && ${ours}`)).length >= 5);
    // tshark does know the one that was spoilt on purpose.
    assert.equal((await capture.read('_ws.malformed')).length, 1);
    assert.deepEqual(await capture.read(`${ours} && (_ws.malformed || _ws.expert.severity == "Error")`), []);
  });
});
