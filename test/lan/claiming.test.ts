/**
 * A laptop of ours claims its names before a script of packets, as sections 8 and 9 of RFC 6762 and Apple's Bonjour
 * Conformance Test go through it; and keeps a name whatever comes.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AUTHORITATIVE_ANSWER, encode, type SrvAnswer } from 'dns-packet';
import { seeded } from '../neighbours/simulation';
import { type Heard, isProbe, records, types } from './prober';
import { ana, announcement, announces, PAUSE, pair, probesFor, q, response, SERVICE, srv } from './script';

/** Claims a name while a rival does whose host's name begins so; returns the number of probes that it took. */
async function meetRival(target: string): Promise<number> {
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
    assert.ok(!prober.heard.some(probesFor(`Ana (2).${SERVICE}`)));
    return prober.heard.filter(isProbe).length;
  } finally {
    await lan.close();
  }
}

/** Answers for a name that a laptop claims; returns whether it took another then. */
async function answerFor(): Promise<boolean> {
  const { lan, prober, laptop } = await pair();
  try {
    laptop.announce(announcement('Ana'));
    await prober.until(probesFor(ana));
    await prober.send(response(srv(ana, 'other.local')));
    const second = announces(`Ana (2).${SERVICE}`);
    const first = await prober.until(heard => announces(ana)(heard) || second(heard));
    return second(first);
  } finally {
    await lan.close();
  }
}

describe('claiming a name', { concurrency: true, timeout: 120_000 }, () => {
  it('is three probes and two announcements, as RFC 6762 §8.1 and §8.3 want them, and then silence', async () => {
    const { lan, prober, laptop } = await pair();
    try {
      laptop.announce(announcement('Ana'));
      const announced = prober.heard.indexOf(await prober.until(announces(ana)));
      await prober.until(announces(ana), announced + 1);
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
    assert.equal(await meetRival('!'), 3);
    // Where this machine is so busy that the greater one comes too late, it comes again.
    let probes = 3;
    for (let tries = 0; probes === 3 && tries < 5; tries++) probes = await meetRival('~~~');
    assert.notEqual(probes, 3);
  });

  it('gives the name up to who answers for it (§8.1)', async () => {
    // Where this machine is so busy that the answer comes after the claim, it is given again.
    let gaveUp = false;
    for (let tries = 0; !gaveUp && tries < 5; tries++) gaveUp = await answerFor();
    assert.ok(gaveUp);
  });

  it('is done again when the name is disputed: kept if nobody defends it, else given up (§9)', async () => {
    const { lan, prober, laptop } = await pair();
    try {
      laptop.announce(announcement('Ana'));
      // Both announcements are over, however late they come.
      const announced = async (from: number) => {
        const first = prober.heard.indexOf(await prober.until(announces(ana), from));
        await prober.until(announces(ana), first + 1);
      };
      await announced(0);
      await sleep(PAUSE);
      let from = prober.heard.length;
      await prober.send(response(srv(ana, 'other.local')));
      await announced(from);
      assert.equal(prober.heard.slice(from).filter(probesFor(ana)).length, 3);
      await sleep(PAUSE);
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
