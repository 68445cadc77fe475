/**
 * A laptop of ours answers a script of packets, section by section as Apple's Bonjour Conformance Test goes through RFC
 * 6762; and what a stranger's program, tshark, thinks of our packets.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AUTHORITATIVE_ANSWER, type SrvAnswer, TRUNCATED_RESPONSE } from 'dns-packet';
import type { Announcer } from './announcer';
import { Capture } from './capture';
import type { Lan } from './namespaces';
import { isProbe, isResponse, type Prober, records, types } from './prober';
import { ana, announcement, announces, META, PAUSE, pair, q, quiet, response, SERVICE, srv } from './script';

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
    // The news and the goodbye; what follows soon upon other news goes with it.
    const onIpv6 = await capture.read(`mdns && ipv6 && ${ours}`);
    assert.ok(onIpv6.length >= 3, `${onIpv6.length} packets on IPv6`);
    // tshark does know the one that was spoilt on purpose.
    assert.equal((await capture.read('_ws.malformed')).length, 1);
    assert.deepEqual(await capture.read(`${ours} && (_ws.malformed || _ws.expert.severity == "Error")`), []);
  });
});
