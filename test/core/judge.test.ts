/** Our verdicts beside those of `git verify-commit`: both must say the same of every commit. */
import assert from 'node:assert/strict';
import { createHash, createPrivateKey, sign as edSign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { NOBODY, parseAllowedSigners } from '../../src/core/allowed-signers';
import { commitPayload, encodeCommit, encodeSignedCommit, type ImageCommit, parseCommit } from '../../src/core/commit';
import { PassItOnError } from '../../src/core/errors';
import { encodeImageTree } from '../../src/core/image-tree';
import { judgeCommit, type Refusal, refusalError, type Verdict } from '../../src/core/judge';
import { EMPTY_TREE, objectOid } from '../../src/core/object';
import { fingerprint } from '../../src/core/ssh-key';
import { withCode } from './assert-error';
import { GitRepository } from './git';
import { gitVerdict, type Key, KeyRing, sign } from './ssh';

const ring = new KeyRing();
const repository = new GitRepository();
after(() => {
  ring.remove();
  repository.remove();
});
const ana = ring.make('ana');
const ben = ring.make('ben');
const rsa = ring.make('rsa', 'rsa');
repository.write('tree', Buffer.alloc(0));
const attributes = repository.write('blob', Buffer.from('#mtree\n'));
const tree = repository.write('tree', encodeImageTree({ attributes, root: EMPTY_TREE }));

/** 2025-06-15 12:00 UTC: summer, so that zones with and without daylight saving differ. */
const RELEASED = Date.UTC(2025, 5, 15, 12) / 1000;
const FACTS: Omit<ImageCommit, 'signature'> = {
  tree,
  name: 'olpc-xo',
  version: '407',
  releaseTime: RELEASED,
  manifestSha256: 'a'.repeat(64),
  attributesSha256: 'b'.repeat(64),
  minimumVersion: '400',
  releaseNotes: 'Größer.\n\nSchneller.',
};
const PAYLOAD = encodeCommit(FACTS);
const SIGNED = encodeSignedCommit(PAYLOAD, sign(ana, PAYLOAD));

/** What we say of a commit and what git says; a failure unless they agree. */
function bothSay(data: Buffer, allowedSigners: string): Verdict {
  const ours = judgeCommit(data, parseAllowedSigners(Buffer.from(allowedSigners)));
  const file = ring.write('allowed_signers', allowedSigners);
  const git = gitVerdict(repository, repository.write('commit', data), file);
  const said = `we: ${JSON.stringify(ours)}\ngit: ${git.said}\n${allowedSigners}`;
  assert.equal(ours.trusted, git.good, said);
  if (ours.trusted) assert.deepEqual([ours.signedBy, ours.fingerprint], [git.signedBy, git.fingerprint], said);
  return ours;
}

function refusal(verdict: Verdict): Refusal | null {
  return verdict.trusted ? null : verdict.refusal;
}

test('what git signs is what we sign, byte for byte, and each judges it good', () => {
  const message = ring.write('message', PAYLOAD.subarray(PAYLOAD.indexOf('\n\n') + 2));
  const config = ['-c', 'gpg.format=ssh', '-c', `user.signingKey=${ana.file}`];
  const oid = repository.git([...config, 'commit-tree', '-S', '-F', message, tree], {
    env: {
      GIT_AUTHOR_NAME: 'Pass It On',
      GIT_AUTHOR_EMAIL: 'pass-it-on@localhost',
      GIT_AUTHOR_DATE: `@${RELEASED} +0000`,
      GIT_COMMITTER_NAME: 'Pass It On',
      GIT_COMMITTER_EMAIL: 'pass-it-on@localhost',
      GIT_COMMITTER_DATE: `@${RELEASED} +0000`,
    },
  });
  const theirs = repository.read(oid.toString().trim(), 'commit');
  assert.equal(SIGNED.toString(), theirs.toString());
  assert.deepEqual(commitPayload(SIGNED), PAYLOAD);
  const { signature, ...facts } = parseCommit(SIGNED);
  assert.deepEqual(facts, FACTS);
  assert.equal(signature, sign(ana, PAYLOAD));
  const verdict = bothSay(theirs, `"Colegio Roble" ${ana.text}\n`);
  assert.deepEqual(verdict, { trusted: true, signedBy: 'Colegio Roble', fingerprint: fingerprint(ana.blob) });
});

test('the example in the documentation, made here after its own words', () => {
  // RFC 8032 §7.1, TEST 1.
  const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
  const point = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex');
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const string = (data: string | Buffer) => {
    const bytes = Buffer.from(data);
    return Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  };
  const { minimumVersion: _, releaseNotes: __, ...facts } = FACTS;
  const payload = encodeCommit({ ...facts, tree: EMPTY_TREE, version: '408', releaseTime: 1180000000 });
  const about = Buffer.concat(['git', '', 'sha512'].map(string));
  const digest = createHash('sha512').update(payload).digest();
  const bytes = edSign(null, Buffer.concat([Buffer.from('SSHSIG'), about, string(digest)]), privateKey);
  const key = Buffer.concat([string('ssh-ed25519'), string(point)]);
  const signature = Buffer.concat([string('ssh-ed25519'), string(bytes)]);
  const blob = Buffer.concat([Buffer.from('SSHSIG\0\0\0\x01'), string(key), about, string(signature)]);
  const lines = blob.toString('base64').match(/.{1,70}/g) ?? [];
  const armoured = ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----', ''].join('\n');
  const commit = encodeSignedCommit(payload, armoured);
  const trusted = `"Colegio Roble" namespaces="git",valid-after="20240101Z",valid-before="20300101Z" ssh-ed25519 ${key.toString('base64')}`;

  const documented = readFileSync('docs/formats.md', 'utf8');
  for (const text of [commit.toString(), trusted, objectOid('commit', commit), fingerprint(key)]) {
    assert.ok(documented.includes(text), text);
  }
  // Released long before the key was valid, as that line has it.
  assert.equal(refusal(bothSay(commit, `${trusted}\n`)), 'not-yet');
  const verdict = bothSay(commit, `${trusted.replace('valid-after="20240101Z",', '')}\n`);
  assert.deepEqual(verdict, { trusted: true, signedBy: 'Colegio Roble', fingerprint: fingerprint(key) });
});

test('good, unsigned, wrong key, tampered, other purpose: the same verdict', () => {
  const trustAna = `ana ${ana.text}\n`;
  assert.equal(refusal(bothSay(SIGNED, trustAna)), null);
  assert.equal(refusal(bothSay(PAYLOAD, trustAna)), 'unsigned');
  assert.equal(refusal(bothSay(SIGNED, '')), 'unknown-key');
  assert.equal(refusal(bothSay(SIGNED, `ben ${ben.text}\n`)), 'unknown-key');
  assert.equal(refusal(bothSay(SIGNED, `ana ${ana.text.slice(0, -1)}\n`)), 'unknown-key');
  const other = encodeCommit({ ...FACTS, version: '408' });
  assert.equal(refusal(bothSay(encodeSignedCommit(other, sign(ana, PAYLOAD)), trustAna)), 'changed');
  const notes = Buffer.from(SIGNED.toString().replace('Schneller', 'Schnella'));
  assert.equal(refusal(bothSay(notes, trustAna)), 'changed');
  const file = encodeSignedCommit(PAYLOAD, sign(ana, PAYLOAD, 'file'));
  assert.equal(refusal(bothSay(file, trustAna)), 'other-purpose');
  assert.equal(refusal(bothSay(encodeSignedCommit(PAYLOAD, sign(ana, PAYLOAD, 'git', 'sha256')), trustAna)), null);
  const garbled = sign(ana, PAYLOAD).replace('AAAA', 'BBBB');
  assert.equal(refusal(bothSay(encodeSignedCommit(PAYLOAD, garbled), trustAna)), 'malformed');
});

test('keys other than Ed25519 and signatures other than SSH are refused, whoever trusts them', () => {
  const signed = encodeSignedCommit(PAYLOAD, sign(rsa, PAYLOAD));
  const verdict = judgeCommit(signed, parseAllowedSigners(Buffer.from(`rsa ${rsa.text}\n`)));
  assert.equal(refusal(verdict), 'key-type');
  assert.match(refusalError(verdict as Verdict & { trusted: false }).message, /ssh-rsa/);
  const pgp = '-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n';
  assert.equal(refusal(judgeCommit(encodeSignedCommit(PAYLOAD, pgp), NOBODY)), 'malformed');
});

test('a key is judged at the date of the commit, not today', () => {
  const lines: [string, Refusal | null][] = [
    ['valid-after="20250615Z"', null],
    ['valid-after="20250616Z"', 'not-yet'],
    ['valid-before="20250616Z"', null],
    ['valid-before="20250615Z"', 'expired'],
    ['valid-after="202506151200Z",valid-before="20250615120001Z"', null],
    ['valid-before="20250615115959Z"', 'expired'],
    ['valid-after="20250615120001Z"', 'not-yet'],
    ['namespaces="git"', null],
    ['namespaces="file"', 'not-for-images'],
    ['namespaces="file",valid-before="20250615Z"', 'expired'],
    ['cert-authority', 'unknown-key'],
  ];
  for (const [options, expected] of lines) {
    assert.equal(refusal(bothSay(SIGNED, `ana ${options} ${ana.text}\n`)), expected, options);
  }
});

test('each refusal is an error with a sentence, and says whose key it was', () => {
  const errorFor = (allowed: string, data = SIGNED) => {
    const verdict = judgeCommit(data, parseAllowedSigners(Buffer.from(allowed)));
    assert.equal(verdict.trusted, false);
    return refusalError(verdict as Verdict & { trusted: false });
  };
  withCode('unsigned', /^Nobody has signed/)(errorFor('', PAYLOAD));
  withCode('untrusted', /does not know.*SHA256:/)(errorFor(''));
  withCode('untrusted', /key of Colegio Roble/)(errorFor(`"Colegio Roble" valid-before="20200101" ${ana.text}`));
  withCode('untrusted', /key of Colegio Roble/)(errorFor(`"Colegio Roble" valid-after="20300101" ${ana.text}`));
  withCode('untrusted', /key of Colegio Roble/)(errorFor(`"Colegio Roble" namespaces="file" ${ana.text}`));
  // Names come from a file of this laptop, but may hold anything.
  const odd = judgeCommit(SIGNED, parseAllowedSigners(Buffer.from(`"Jos\xc3\xa9\x1b[2J" ${ana.text}`, 'latin1')));
  assert.equal(odd.trusted && odd.signedBy, 'José\\x1b[2J');
});

/** Lines that an administrator might write, and some that nobody should. */
function anyLine(key: Key): fc.Arbitrary<string> {
  const principals = fc.constantFrom('ana', 'ana,ben', '*', 'a*,!ben', '!ana,*', '!?,*', '"Ana B"', ',ana', 'b?n,ana');
  const date = fc.constantFrom('2024', '20250615', '202506151200', '20250615120000', '20250615120001', '20260101');
  const zulu = fc.constantFrom('', 'Z', 'z', 'UTC', 'X');
  const time = fc.tuple(date, zulu).map(([day, zone]) => day + zone);
  const option = fc.oneof(
    fc.constantFrom('namespaces="git"', 'namespaces="file"', 'NAMESPACES="*,!git"', 'namespaces="g\\"t"'),
    time.map(at => `valid-after="${at}"`),
    time.map(at => `valid-before="${at}"`),
    fc.constantFrom('cert-authority', 'unheard-of', 'namespaces=git', ''),
  );
  const options = fc.array(option, { maxLength: 2 }).map(list => list.join(','));
  const trusted = fc.constantFrom(
    key.text,
    key.text,
    key.text,
    ben.text,
    rsa.text,
    key.text.slice(0, -2),
    'ssh-ed25519',
  );
  const blank = fc.constantFrom(' ', '\t', '  ');
  return fc.oneof(
    { weight: 9, arbitrary: fc.tuple(principals, blank, options, blank, trusted).map(words => words.join('')) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('', '# a comment', 'nonsense', '"open', 'ana "', `  ana ${key.text} # end`),
    },
  );
}

for (const zone of ['UTC', 'America/Lima', 'Asia/Kathmandu']) {
  test(`random lists of signers in the time zone ${zone}: git and we agree`, t => {
    const before = process.env.TZ;
    t.after(() => {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    });
    process.env.TZ = zone;
    const verdicts = new Set<Refusal | null>();
    const file = fc.array(anyLine(ana), { minLength: 1, maxLength: 4 }).map(lines => `${lines.join('\n')}\n`);
    fc.assert(
      fc.property(file, text => {
        verdicts.add(refusal(bothSay(SIGNED, text)));
      }),
      { numRuns: 60 },
    );
    // Or agreeing would be too easy.
    assert.ok(verdicts.has(null) && verdicts.has('unknown-key'), [...verdicts].join());
  });
}

test('in summer time, dates without a Z are the laptop’s wall clock, as for git', t => {
  const before = process.env.TZ;
  t.after(() => {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  });
  process.env.TZ = 'Europe/Berlin';
  // 12:00 UTC is 14:00 there.
  const lines: [string, Refusal | null][] = [
    ['valid-after="20250615140000"', null],
    ['valid-after="20250615140001"', 'not-yet'],
    ['valid-before="20250615140000"', null],
    ['valid-before="20250615135959"', 'expired'],
    ['valid-after="20250115"', null],
    ['valid-before="20251215"', null],
  ];
  for (const [options, expected] of lines) {
    assert.equal(refusal(bothSay(SIGNED, `ana ${options} ${ana.text}\n`)), expected, options);
  }
});

test('no flipped bit of a signed commit is trusted', () => {
  const signers = parseAllowedSigners(Buffer.from(`* ${ana.text}\n`));
  const refusals = new Map<string, number>();
  for (let bit = 0; bit < SIGNED.length * 8; bit++) {
    const flipped = Buffer.from(SIGNED);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    const why = whyRefused(flipped, signers);
    refusals.set(why, (refusals.get(why) ?? 0) + 1);
  }
  for (const why of ['bad-data', 'changed', 'malformed', 'other-purpose', 'key-type']) {
    assert.ok(refusals.has(why), `none was ${why}`);
  }
  assert.equal(judgeCommit(SIGNED, signers).trusted, true);
});

test('no flipped bit of a trusted key trusts another one', () => {
  for (let bit = 0; bit < ana.blob.length * 8; bit++) {
    const flipped = Buffer.from(ana.blob);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    const signers = parseAllowedSigners(Buffer.from(`* ssh-ed25519 ${flipped.toString('base64')}\n`));
    assert.equal(refusal(judgeCommit(SIGNED, signers)), 'unknown-key', `bit ${bit}`);
  }
});

test('random signatures are refused, never with another error than ours', () => {
  const signers = parseAllowedSigners(Buffer.from(`* ${ana.text}\n`));
  const armour = (body: string) => `-----BEGIN SSH SIGNATURE-----\n${body}\n-----END SSH SIGNATURE-----\n`;
  const text = fc.oneof(
    fc.base64String({ maxLength: 400 }).map(armour),
    fc.string({ unit: 'grapheme', maxLength: 100 }).map(armour),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 100 }),
  );
  fc.assert(
    fc.property(text, armoured => {
      let data: Buffer;
      try {
        data = encodeSignedCommit(PAYLOAD, armoured);
      } catch (thrown) {
        withCode('bad-data')(thrown);
        return;
      }
      assert.notEqual(whyRefused(data, signers), 'trusted');
    }),
    { numRuns: 500 },
  );
  assert.throws(() => encodeSignedCommit(SIGNED, sign(ana, SIGNED)), withCode('bad-data', /signed already/));
});

/** 'bad-data' where it is no commit of an image at all. */
function whyRefused(data: Buffer, signers: ReturnType<typeof parseAllowedSigners>): string {
  try {
    return refusal(judgeCommit(data, signers)) ?? assert.fail(`trusted: ${data}`);
  } catch (thrown) {
    if (thrown instanceof PassItOnError && thrown.code === 'bad-data') return 'bad-data';
    throw thrown;
  }
}
