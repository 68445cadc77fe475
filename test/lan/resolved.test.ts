/** Port 5353 shared with the resolver of systemd, which many laptops run: each hears all, and neither is in the other's way. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Announcement } from '../../src/neighbours/neighbours';
import { tempFolder } from '../support/temp';
import { Announcer } from './announcer';
import { Capture } from './capture';
import { Lan } from './namespaces';
import { Resolved } from './resolved';
import { COMMIT } from './script';

const announcement = (nick: string, version = '407', port = 20707): Announcement => ({
  image: 'olpc-xo',
  version,
  commit: COMMIT,
  port,
  nick,
});

test('beside systemd-resolved a laptop is heard, hears others, and is resolved by name', {
  timeout: 180_000,
}, async t => {
  const lan = await Lan.create(2);
  t.after(() => lan.close());
  const resolved = await Resolved.start(lan, 0);
  t.after(() => resolved.close());
  const capture = await Capture.start(lan, join(tempFolder(t), 'wire.pcapng'));
  const beside = new Announcer(lan.run.bind(lan, 0), 'eth0');
  const apart = new Announcer(lan.run.bind(lan, 1));
  for (const [laptop, nick, port] of [
    [beside, 'Ana', 20707],
    [apart, 'Ben', 20708],
  ] as const) {
    laptop.command('watch');
    laptop.announce(announcement(nick, '407', port));
  }
  const ben = await beside.until('added', ({ id }) => id === 'Ben');
  const ana = await apart.until('added', ({ id }) => id === 'Ana');
  assert.equal(ana.addresses[0]?.host, lan.laptops[0]!.address);

  /** What resolvectl says once it knows it. A query right after an announcement may go unanswered. */
  const answer = async (...words: string[]): Promise<string> => {
    for (let tries = 0; ; tries++) {
      try {
        return await resolved.ctl('--cache=no', ...words);
      } catch (cause) {
        if (tries === 20) throw cause;
        await sleep(1000);
      }
    }
  };
  // One on the other laptop, and the one with which it shares the port.
  assert.match(await answer('service', 'Ben', '_xo-image._tcp', 'local'), /:20708[\s\S]*version=407/);
  const { host } = ben;
  assert.match(await answer('-4', 'query', `${host}.local`), /10\.77\.0\.2/);

  // Multicast reaches both: news and goodbyes of others are still heard beside it.
  apart.announce(announcement('Ben', '408', 20708));
  await beside.until('changed', ({ id, version }) => id === 'Ben' && version === '408');
  assert.equal(await apart.close(), 0);
  await beside.until('removed', ({ id }) => id === 'Ben');
  assert.equal(await beside.close(), 0);

  await capture.end();
  // The resolver did send its questions from there.
  const { address } = lan.laptops[0]!;
  const questions = await capture.read(`ip.src == ${address} && udp.srcport == 5353 && dns.qry.type == 33`);
  assert.ok(questions.length > 0);
  assert.deepEqual(await capture.read('_ws.malformed'), []);
});
