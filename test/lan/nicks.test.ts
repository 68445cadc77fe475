/** Nicks of sixty bytes in any script, on the wire: as avahi-browse and tshark see them, in every state of the one announcing. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempFolder } from '../support/temp';
import { Announcer } from './announcer';
import { Avahi, nameIn } from './avahi';
import { Capture } from './capture';
import { Lan } from './namespaces';
import { COMMIT } from './script';

const SERVICE = '_xo-image._tcp';
/** Ethernet, IPv6, UDP. */
const HEADERS = 14 + 40 + 8;

/** As many whole characters as 60 bytes hold. */
function sixtyBytes(text: string): string {
  let nick = '';
  for (const char of text.repeat(60)) {
    if (Buffer.byteLength(nick + char) > 60) break;
    nick += char;
  }
  return nick;
}

const NICKS = ['ÑañÁéÑüß', 'ⵜⴰⵎⴰⵣⵉⵖⵜ', 'ياسمين', 'आराध्या', 'ភាសាខ្មែរ', '漢字仮名', '한국어', '🐘🦜', '१.२\\३'].map(
  sixtyBytes,
);

test('nicks of sixty bytes in any script fit, and avahi-browse follows them through all states', {
  timeout: 240_000,
}, async t => {
  const lan = await Lan.create(3);
  t.after(() => lan.close());
  const avahi = await Avahi.start(lan, 1, 'teacher');
  t.after(() => avahi.close());
  const capture = await Capture.start(lan, join(tempFolder(t), 'wire.pcapng'));
  const laptop = new Announcer(lan.run.bind(lan, 0));
  const say = (nick: string, version = '407') =>
    laptop.announce({
      image: 'olpc-xo',
      version,
      commit: COMMIT,
      port: 20707,
      nick,
      colors: ['#FF2B34', '#008009'],
    });
  /** Until avahi-browse shows exactly these instances, with that version. */
  const shows = async (names: readonly string[], version = '407') => {
    let seen: string[] = [];
    for (let tries = 0; tries < 25; tries++) {
      const lines = (await avahi.browse(SERVICE)).filter(([, , family]) => family === 'IPv4');
      const so = lines.every(line => line[9]?.includes(`"version=${version}"`));
      seen = lines.map(line => nameIn(line[3]!)).sort();
      if (so && seen.join('\n') === [...names].sort().join('\n')) return;
    }
    throw new Error(`avahi-browse never shows ${names.join(', ')}, but ${seen.join(', ')}`);
  };
  for (const nick of NICKS) {
    assert.ok(Buffer.byteLength(nick) > 55);
    say(nick);
    await shows([nick]);
  }
  const [nick] = NICKS as [string];
  // News, a second bearer of the name, who is cut to make room for the number, a pulled cable, and the end.
  say(nick);
  await shows([nick]);
  say(nick, '408');
  await shows([nick], '408');
  const other = new Announcer(lan.run.bind(lan, 2));
  other.announce({ image: 'olpc-xo', version: '408', commit: COMMIT, port: 20708, nick });
  // Sixty bytes and four are more than a label holds.
  const numbered = `${Buffer.byteLength(nick) > 59 ? nick.slice(0, -1) : nick} (2)`;
  await shows([nick, numbered], '408');
  assert.equal(await other.close(), 0);
  await shows([nick], '408');
  lan.link(0, 'down');
  lan.link(0, 'up');
  await shows([nick], '408');
  assert.equal(await laptop.close(), 0);
  await shows([]);

  await capture.end();
  const ours = `eth.src == ${await capture.macOf(lan.laptops[0]!.address)}`;
  const responses = await capture.read(`mdns && dns.flags.response == 1 && ${ours}`);
  assert.ok(responses.length >= 4 * NICKS.length, `${responses.length}`);
  const longest = Math.max(...responses.map(line => Number(line.split('\t')[1]))) - HEADERS;
  assert.ok(longest > 300 && longest < 400, `${longest}`);
  assert.deepEqual(await capture.read(`${ours} && (_ws.malformed || _ws.expert.severity == "Error")`), []);
});
