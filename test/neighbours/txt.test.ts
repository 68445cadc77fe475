import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encode, message } from '../../src/neighbours/dns';
import { ANNOUNCEMENT_BYTES, buildRecords, fittingNick, numbered } from '../../src/neighbours/records';
import { type Claims, cleanText, encodeTxt, nickToSend, parseTxt } from '../../src/neighbours/txt';
import { announcement, COMMIT } from './simulation';

const claims: Claims = {
  image: 'olpc-xo',
  version: '13.2.10',
  commit: COMMIT,
  nick: 'Ana',
  colors: ['#FF2B34', '#008009'],
};
const strings = (...pairs: string[]) => pairs.map(pair => Buffer.from(pair));
const needed = ['image=olpc-xo', 'version=1', `commit=${COMMIT}`];

describe('TXT', () => {
  it('comes back as it was', () => {
    assert.deepEqual(parseTxt(encodeTxt(claims)), claims);
    assert.deepEqual(parseTxt(encodeTxt({ ...claims, nick: '', colors: null })), { ...claims, nick: '', colors: null });
  });

  it('begins with txtvers and says no more than it must', () => {
    const text = encodeTxt({ ...claims, nick: '', colors: null }).map(String);
    assert.deepEqual(text, ['txtvers=1', 'image=olpc-xo', 'version=13.2.10', `commit=${COMMIT}`]);
    assert.deepEqual(encodeTxt(claims).map(String).slice(4), ['nick=Ana', 'colors=#FF2B34,#008009']);
  });

  it('takes the first of a key, folds keys, passes over what it does not know', () => {
    const parsed = parseTxt(strings('Image=a', 'image=b', 'VERSION=1', `commit=${COMMIT}`, 'new', '=x', 'nick=A=B'));
    assert.deepEqual([parsed?.image, parsed?.nick], ['a', 'A=B']);
  });

  it('refuses what is no image, version or commit', () => {
    assert.ok(parseTxt(strings(...needed)));
    for (const i of needed.keys()) assert.equal(parseTxt(strings(...needed.toSpliced(i, 1))), null);
    for (const bad of ['image=../etc', 'image=', 'version=a b', `commit=${COMMIT}0`, 'commit=HEAD']) {
      assert.equal(parseTxt(strings(bad, ...needed)), null, bad);
    }
  });

  it('passes over colours that are none', () => {
    for (const bad of ['red,blue', '#FF2B34', '#FF2B34,#008009,#000000', '#FF2B34,#00800', '"><,#008009', '']) {
      assert.equal(parseTxt(strings(...needed, `colors=${bad}`))?.colors, null, bad);
    }
    assert.deepEqual(parseTxt(strings(...needed, 'colors=#ff2b34,#008009'))?.colors, ['#FF2B34', '#008009']);
  });

  it('never throws, and lets nothing through that is not fit to be shown', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }).map(Buffer.from)), extra => {
        const parsed = parseTxt([...extra, ...strings(...needed, 'nick=x')]);
        if (parsed) assert.equal(cleanText(parsed.nick), parsed.nick);
      }),
    );
  });
});

describe('a nick', () => {
  it('stays as it is in every script', () => {
    for (const nick of [
      'Ana',
      'María José',
      'नेहा',
      'สมชาย',
      'مریم',
      'می‌خواهم',
      'Nguyễn',
      '李雷',
      'שָׁלוֹם',
      '👩‍👩‍👧',
      '🇵🇪',
      'Ana (2)',
    ]) {
      assert.equal(cleanText(nick), nick.normalize('NFC'), nick);
    }
  });

  it('loses what steers a terminal or a line', () => {
    assert.equal(cleanText('a\u001b[31mb'), 'a[31mb');
    assert.equal(cleanText('a\u202Eevil\u202C\u2066\u200F'), 'aevil');
    assert.equal(cleanText('a\nb\tc\u2028d\u00A0 e'), 'a b c d e');
    assert.equal(cleanText('\u200Ba\uFEFF\u0000b\uE000'), 'ab');
  });

  it('is nothing where nothing would be seen', () => {
    for (const nothing of ['', '   ', '\u200D\u200C', '\u3164', '\u2800', '\u0301', '\u202E\u202C']) {
      assert.equal(cleanText(nothing), '', JSON.stringify(nothing));
    }
  });

  it('stacks no tower of marks and is no novel', () => {
    assert.equal(cleanText(`a${'\u0317'.repeat(50)}`), `a${'\u0317'.repeat(4)}`);
    assert.equal(cleanText('x'.repeat(5000)), 'x'.repeat(40));
    assert.equal([...cleanText('👩‍👩‍👧'.repeat(60))].length, 5 * 40);
  });

  it('is clean for good', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), text => {
        const clean = cleanText(text);
        assert.equal(cleanText(clean), clean);
        assert.doesNotMatch(clean, /[\p{Cc}\p{Cs}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u);
      }),
      { numRuns: 1000 },
    );
  });

  it('is sent in at most 60 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), text => {
        const nick = nickToSend(text);
        assert.ok(Buffer.byteLength(nick) <= 60 && nick === nick.trim());
      }),
    );
  });
});

describe('an announcement', () => {
  const identity = (nick: string) => ({ instance: numbered(nick, 12), host: 'xo-01234567' });
  const size = (image: string, version: string, nick: string) => {
    const mine = { ...announcement(nick, version), image };
    const sent = fittingNick(mine);
    const addresses = { v4: ['10.77.0.1', '10.77.0.2', '10.77.0.3'], v6: ['fe80::1', 'fe80::2'] };
    const answers = buildRecords(identity(sent || 'XO 123456'), mine, sent, addresses);
    return { sent, bytes: encode(message('response', { answers })).length };
  };

  it('stays below 400 bytes with a nick of 60 bytes, whole', () => {
    const nick = 'Ña'.repeat(20);
    assert.equal(Buffer.byteLength(nick), 60);
    const { sent, bytes } = size('olpc-xo', '13.2.10', nick);
    assert.equal(sent, nick);
    assert.ok(bytes < ANNOUNCEMENT_BYTES, `${bytes} bytes`);
  });

  it('cuts the nick where the longest names leave no room for it', () => {
    const { sent, bytes } = size('i'.repeat(63), 'v'.repeat(63), 'N'.repeat(40));
    assert.ok(sent.length > 0 && sent.length < 40, sent);
    assert.ok(bytes < ANNOUNCEMENT_BYTES, `${bytes} bytes`);
  });
});
