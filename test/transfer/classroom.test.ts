/** Eight laptops that fetch one image at once from one donor: the scheduler on simulated links, and the log of what came. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { objectOid } from '../../src/core/object';
import { ANSWER, type Answer, answerStream, encodeAnswer, readAnswers } from '../../src/transfer/answers';
import { Arrivals, Heard, type Known } from '../../src/transfer/arrivals';
import { BlobFetch, type Receiver } from '../../src/transfer/fetch';
import type { Frame } from '../../src/transfer/frames';
import { whileQuiet } from '../../src/transfer/hearing';
import type { AskedBlob, Source } from '../../src/transfer/source';

const oid = fc.stringMatching(/^[0-9a-f]{40}$/);

test('who asks again and again knows all that came, and is sent each thing once', () => {
  fc.assert(
    fc.property(fc.array(fc.array(oid, { maxLength: 20 }), { maxLength: 20 }), rounds => {
      const arrivals = new Arrivals('a'.repeat(40));
      const heard = new Heard();
      let sent = 0;
      for (const round of rounds) {
        for (const one of round) arrivals.add(one);
        const answer = arrivals.since(heard);
        sent += answer.length - 16;
        assert.equal(heard.learn(answer), round.length > 0);
      }
      for (const one of rounds.flat()) assert.ok(heard.has(one));
      assert.equal(sent, 4 * rounds.flat().length);
    }),
  );
});

test('a classmate that starts again is believed anew', () => {
  const [before, after] = [new Arrivals('a'.repeat(40)), new Arrivals('a'.repeat(40))];
  const heard = new Heard();
  before.add('1'.repeat(40));
  before.add('2'.repeat(40));
  heard.learn(before.since(heard));
  after.add('3'.repeat(40));
  assert.ok(heard.learn(after.since(heard)));
  assert.deepEqual(
    ['1', '2', '3'].map(digit => heard.has(digit.repeat(40))),
    [false, false, true],
  );
});

test('what is coming is said as long as it is coming', () => {
  const arrivals = new Arrivals('a'.repeat(40));
  const [heard, oid] = [new Heard(), '1'.repeat(40)];
  const come = arrivals.expect([oid]);
  assert.equal(heard.learn(arrivals.since(heard)), false);
  assert.deepEqual([heard.expects(oid), heard.has(oid)], [true, false]);
  come();
  heard.learn(arrivals.since(heard));
  assert.deepEqual([heard.expects(oid), heard.has(oid)], [false, false]);
  arrivals.add(oid);
  heard.learn(arrivals.since(heard));
  assert.deepEqual([heard.expects(oid), heard.has(oid)], [true, true]);
});

test('who knows all waits for news, and is not told again what is coming', async () => {
  const arrivals = new Arrivals('a'.repeat(40));
  const heard = new Heard();
  const gone = new AbortController();
  const hour = 3_600_000;
  const learn = () => heard.learn(arrivals.since(heard));
  await arrivals.news(heard, hour, gone.signal);
  learn();
  for (const happens of [
    () => void arrivals.expect(['1'.repeat(40)]),
    () => arrivals.add('1'.repeat(40)),
    () => gone.abort(),
  ]) {
    let isTold = false;
    const news = arrivals.news(heard, hour, gone.signal).then(() => {
      isTold = true;
    });
    await sleep(1);
    assert.equal(isTold, false);
    happens();
    await news;
    learn();
    assert.equal(arrivals.since(heard).length, 16);
    assert.ok(heard.expects('1'.repeat(40)));
  }
  await arrivals.news(heard, 1, new AbortController().signal);
});

test('who has all that he asked for has no news until something is wanted, but is asked now and then', async () => {
  const arrivals = new Arrivals('a'.repeat(40));
  const heard = new Heard();
  const learn = () => heard.learn(arrivals.since(heard));
  const never = new AbortController().signal;
  const fail = () => assert.fail('not asked');
  learn();
  // He has only begun.
  await whileQuiet(heard, fail, never);
  const come = arrivals.expect(['1'.repeat(40), '2'.repeat(40)]);
  arrivals.add('1'.repeat(40));
  learn();
  await whileQuiet(heard, fail, never);
  arrivals.add('2'.repeat(40));
  come();
  learn();
  await whileQuiet(heard, () => true, never);
  let looks = 0;
  await whileQuiet(heard, () => ++looks === 3, never);
  assert.equal(looks, 3);
  const stop = new AbortController();
  const quiet = whileQuiet(heard, () => false, stop.signal);
  stop.abort();
  await quiet;
  await whileQuiet(heard, () => false, never);
});

test('what classmates gave is no news by itself, and is told with other news', async () => {
  const arrivals = new Arrivals('a'.repeat(40));
  const heard = new Heard();
  const gone = new AbortController();
  heard.learn(arrivals.since(heard));
  let isTold = false;
  arrivals.add('1'.repeat(40), false);
  const news = arrivals.news(heard, 3_600_000, gone.signal).then(() => {
    isTold = true;
  });
  arrivals.add('2'.repeat(40), false);
  await sleep(100);
  assert.equal(isTold, false);
  arrivals.add('3'.repeat(40));
  await news;
  heard.learn(arrivals.since(heard));
  assert.ok(['1', '2', '3'].every(digit => heard.has(digit.repeat(40))));
});

test('who does not answer any more is not believed', () => {
  const arrivals = new Arrivals('a'.repeat(40));
  arrivals.add('1'.repeat(40));
  arrivals.expect(['2'.repeat(40)]);
  const heard = new Heard();
  heard.learn(arrivals.since(heard));
  heard.forget();
  assert.deepEqual(
    [heard.isTelling, heard.expects('1'.repeat(40)), heard.expects('2'.repeat(40))],
    [false, false, false],
  );
  heard.learn(arrivals.since(heard));
  assert.deepEqual([heard.has('1'.repeat(40)), heard.expects('2'.repeat(40))], [true, true]);
});

test('what is no such list is a lie', () => {
  const arrivals = new Arrivals('a'.repeat(40));
  arrivals.add('1'.repeat(40));
  const good = arrivals.since({ log: 0, count: 0, list: 0 });
  const gap = Buffer.from(good);
  gap.writeUInt32BE(5, 4);
  for (const wrong of [Buffer.alloc(0), good.subarray(0, 15), good.subarray(0, 18), good.subarray(0, 16), gap]) {
    assert.throws(() => new Heard().learn(wrong), { code: 'source-lied' });
  }
  // The end of an answer that was asked for from elsewhere.
  const heard = new Heard();
  heard.learn(good);
  assert.throws(() => heard.learn(good), { code: 'source-lied' });
});

/** A port in one direction: bytes go through no faster than so many a second. */
class Port {
  bytes = 0;
  private free = 0;

  constructor(private readonly rate: number) {}

  async carry(bytes: number): Promise<void> {
    const now = performance.now();
    this.bytes += bytes;
    this.free = Math.max(this.free, now) + (bytes / this.rate) * 1000;
    // Short sleeps take longer than they should.
    if (this.free > now + 5) await sleep(this.free - now);
  }
}

const COMMIT = 'c'.repeat(40);
const RATE = 5e6;
const CONTENTS = Array.from({ length: 150 }, () => randomBytes(60_000));
const WANTED = CONTENTS.map(content => ({ oid: objectOid('blob', content), size: content.length, bases: [] }));
const BY_OID = new Map(CONTENTS.map((content, i) => [WANTED[i]!.oid, content]));

class Classmate {
  readonly up = new Port(RATE);
  readonly down = new Port(RATE);
  readonly held = new Map<string, Buffer>();
  readonly arrivals = new Arrivals(COMMIT);

  constructor(readonly name: string) {}

  readonly receiver: Receiver = {
    keptBytes: () => 0,
    openBlob: async () => null,
    readSmallBlob: () => null,
    resumeBlob: () => Promise.reject(new Error('nothing is kept here')),
    receiveWhole: (oid, data) => {
      assert.equal(objectOid('blob', data), oid);
      this.held.set(oid, Buffer.from(data));
    },
    receiveBlob: oid => {
      const parts: Buffer[] = [];
      const commit = () => {
        const content = Buffer.concat(parts);
        assert.equal(objectOid('blob', content), oid);
        this.held.set(oid, content);
      };
      const write = (chunk: Buffer) => void parts.push(Buffer.from(chunk));
      return { write, commit, abort: () => {}, suspend: () => {} };
    },
  };
}

/** One laptop as another one's source. */
class Link implements Source {
  readonly address: string;
  bytesReceived = 0;

  constructor(
    private readonly from: Classmate,
    private readonly to: Classmate,
  ) {
    this.address = from.name;
  }

  images(): Promise<never> {
    return Promise.reject(new Error('not asked here'));
  }

  trees(): AsyncGenerator<Frame> {
    throw new Error('not asked here');
  }

  objects(asked: readonly AskedBlob[]): AsyncGenerator<Answer> {
    return readAnswers(answerStream(this.answers(asked)));
  }

  async have(_commit: string, known: Known, signal?: AbortSignal): Promise<Buffer> {
    await this.from.arrivals.news(known, 1000, signal ?? new AbortController().signal);
    return this.from.arrivals.since(known);
  }

  close(): void {}

  private async *answers(asked: readonly AskedBlob[]): AsyncGenerator<Buffer> {
    for (const { oid } of asked) {
      const content = this.from.held.get(oid);
      if (content) await Promise.all([this.from.up.carry(content.length), this.to.down.carry(content.length)]);
      this.bytesReceived += content?.length ?? 0;
      yield content ? encodeAnswer(ANSWER.whole, content) : encodeAnswer(ANSWER.missing, Buffer.alloc(0));
    }
  }
}

test('of eight that fetch at once most comes from each other: the donor sends less than twice one upgrade', async () => {
  const donor = new Classmate('donor');
  for (const [oid, content] of BY_OID) donor.held.set(oid, content);
  const laptops = Array.from({ length: 8 }, (_, i) => new Classmate(`classmate ${i}`));
  await Promise.all(
    laptops.map(async me => {
      const options = { commit: COMMIT, arrivals: me.arrivals };
      const fetch = new BlobFetch(WANTED, me.receiver, new AbortController().signal, () => {}, options);
      fetch.addSource(new Link(donor, me), '');
      for (const other of laptops) if (other !== me) fetch.addSource(new Link(other, me), '', 'some');
      await fetch.run();
    }),
  );
  for (const { held } of laptops) assert.deepEqual(held, BY_OID);
  const one = CONTENTS.reduce((sum, { length }) => sum + length, 0);
  assert.ok(donor.up.bytes < 2 * one, `${donor.up.bytes / one} upgrades`);
  for (const { down } of laptops) assert.ok(down.bytes < 1.2 * one, `${down.bytes / one} upgrades came to one`);
});

test('who has another image of that name gives what both share', async () => {
  const [donor, cousin, me] = ['donor', 'cousin', 'me'].map(name => new Classmate(name)) as Classmate[];
  for (const [i, [oid, content]] of [...BY_OID].entries()) (i % 5 === 0 ? donor : cousin)!.held.set(oid, content);
  const fetch = new BlobFetch(WANTED, me!.receiver, new AbortController().signal, () => {}, { commit: COMMIT });
  fetch.addSource(new Link(donor!, me!), '');
  fetch.addSource(new Link(cousin!, me!), '', 'other');
  await fetch.run();
  assert.deepEqual(me!.held, BY_OID);
});
