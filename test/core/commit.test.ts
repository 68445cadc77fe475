import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { commitPayload, encodeCommit, type ImageCommit, MAX_COMMIT_BYTES, parseCommit } from '../../src/core/commit';
import { PassItOnError } from '../../src/core/errors';
import { encodeImageTree } from '../../src/core/image-tree';
import { EMPTY_TREE, objectOid } from '../../src/core/object';
import { isImageName } from '../../src/core/versions';
import { withCode } from './assert-error';
import { GitRepository } from './git';

type Unsigned = Omit<ImageCommit, 'signature'>;

const repository = new GitRepository();
after(() => repository.remove());
const attributes = repository.write('blob', Buffer.from('#mtree\n'));
repository.write('tree', Buffer.alloc(0));
const tree = repository.write('tree', encodeImageTree({ attributes, root: EMPTY_TREE }));

const PLAIN: Unsigned = {
  tree,
  name: 'olpc-xo',
  version: '407',
  releaseTime: 1180000000,
  manifestSha256: 'a'.repeat(64),
  attributesSha256: 'b'.repeat(64),
};
const FULL: Unsigned = {
  ...PLAIN,
  minimumVersion: '400',
  journalFormat: '7',
  releaseNotes: 'Größer, schneller.\n\n  * indented\n...\n\nDone: yes',
};

const text = (c: Unsigned): string => encodeCommit(c).toString();

test('the bytes of a commit, exactly', () => {
  const head = `tree ${tree}
author Pass It On <pass-it-on@localhost> 1180000000 +0000
committer Pass It On <pass-it-on@localhost> 1180000000 +0000

olpc-xo 407

Image-Name: olpc-xo
Image-Version: 407
Manifest-SHA256: ${'a'.repeat(64)}
Attributes-SHA256: ${'b'.repeat(64)}
`;
  assert.equal(text(PLAIN), head);
  assert.equal(
    text(FULL),
    `${head}Minimum-Version: 400
Journal-Format: 7
Release-Notes: Größer, schneller.
 .
   * indented
 ....
 .
 Done: yes
`,
  );
  assert.ok(readFileSync('docs/formats.md', 'utf8').includes(text({ ...FULL, tree: EMPTY_TREE })));
  assert.deepEqual(parseCommit(encodeCommit(PLAIN)), { ...PLAIN, signature: null });
  assert.deepEqual(parseCommit(encodeCommit(FULL)), { ...FULL, signature: null });
});

const imageName = fc
  .array(fc.constantFrom('a', 'Z', '0', '9', '.', '-', '_', '+'), { minLength: 1, maxLength: 63 })
  .map(parts => parts.join(''))
  .filter(isImageName);
const sha256 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(bytes => Buffer.from(bytes).toString('hex'));
const noteWord = fc.constantFrom(
  ' ',
  '\n',
  '\n\n',
  '.',
  '..',
  '\n.\n',
  'word',
  'Key: value',
  '\t',
  'नमस्ते',
  '🦊',
  '-----',
);
const notes = fc.array(noteWord, { maxLength: 12 }).map(words => words.join(''));
const unsigned: fc.Arbitrary<Unsigned> = fc.record(
  {
    tree: fc.constant(tree),
    name: imageName,
    version: imageName,
    releaseTime: fc.nat({ max: 253402300799 }),
    manifestSha256: sha256,
    attributesSha256: sha256,
    minimumVersion: imageName,
    journalFormat: fc.nat({ max: 999999999 }).map(String),
    releaseNotes: notes,
  },
  {
    requiredKeys: ['tree', 'name', 'version', 'releaseTime', 'manifestSha256', 'attributesSha256'],
    noNullPrototype: true,
  },
);

/** What notes come back as: blanks around them and at ends of lines do not count. */
function tidy(c: Unsigned): Unsigned {
  const { releaseNotes, ...rest } = c;
  const kept = (releaseNotes ?? '').replace(/[ \t]+$/gm, '').trim();
  return kept === '' ? rest : { ...rest, releaseNotes: kept };
}

test('whatever it says comes back', () => {
  fc.assert(
    fc.property(unsigned, c => {
      const data = encodeCommit(c);
      assert.deepEqual(parseCommit(data), { ...tidy(c), signature: null });
      assert.deepEqual(encodeCommit(tidy(c)), data);
      assert.deepEqual(commitPayload(data), data);
    }),
    { numRuns: 500 },
  );
});

test('git commit-tree makes the same bytes, git fsck --strict has nothing to say, git reads the trailers', () => {
  const identity = { NAME: 'Pass It On', EMAIL: 'pass-it-on@localhost' };
  const oids: string[] = [];
  fc.assert(
    fc.property(unsigned, c => {
      const data = encodeCommit(c);
      const oid = repository.write('commit', data);
      oids.push(oid);
      const message = data.subarray(data.indexOf('\n\n') + 2);
      const env = Object.fromEntries(
        ['AUTHOR', 'COMMITTER'].flatMap(who => [
          [`GIT_${who}_NAME`, identity.NAME],
          [`GIT_${who}_EMAIL`, identity.EMAIL],
          [`GIT_${who}_DATE`, `@${c.releaseTime} +0000`],
        ]),
      );
      const made = repository.git(['commit-tree', tree], { input: message, env }).toString().trim();
      assert.equal(made, oid);
      const trailers = repository.git(['interpret-trailers', '--parse'], { input: message }).toString();
      const keys = trailers.split('\n').flatMap(line => /^([A-Z][A-Za-z0-9-]*): /.exec(line)?.[1] ?? []);
      const expected = ['Image-Name', 'Image-Version', 'Manifest-SHA256', 'Attributes-SHA256'];
      if (c.minimumVersion !== undefined) expected.push('Minimum-Version');
      if (c.journalFormat !== undefined) expected.push('Journal-Format');
      if (tidy(c).releaseNotes !== undefined) expected.push('Release-Notes');
      assert.deepEqual(keys, expected);
    }),
    { numRuns: 30 },
  );
  assert.deepEqual(repository.complaints(['fsck', '--full', '--strict', '--no-dangling', ...oids]), {
    status: 0,
    text: '',
  });
});

test('a commit that git signed with an SSH key: signature and payload are those that ssh-keygen checks', () => {
  const key = join(repository.dir, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'release', '-f', key]);
  chmodSync(key, 0o600);
  const data = encodeCommit(FULL);
  const message = data.subarray(data.indexOf('\n\n') + 2);
  const signing = ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${key}`];
  const env = { GIT_AUTHOR_DATE: '@1180000000 +0000', GIT_COMMITTER_DATE: '@1180000000 +0000' };
  const oid = repository
    .git([...signing, 'commit-tree', '-S', tree], { input: message, env })
    .toString()
    .trim();
  const signed = repository.read(oid, 'commit');

  const { signature, ...said } = parseCommit(signed);
  assert.deepEqual(said, FULL);
  assert.match(signature!, /^-----BEGIN SSH SIGNATURE-----\n[^ ]+\n-----END SSH SIGNATURE-----\n$/s);
  const payload = commitPayload(signed);
  assert.equal(payload.includes('gpgsig'), false);

  writeFileSync(`${key}.sig`, signature!);
  writeFileSync(`${key}.allowed`, `release@example.org ${readFileSync(`${key}.pub`, 'utf8')}`);
  const verify = ['-Y', 'verify', '-f', `${key}.allowed`, '-I', 'release@example.org', '-n', 'git', '-s', `${key}.sig`];
  execFileSync('ssh-keygen', verify, { input: payload, stdio: ['pipe', 'pipe', 'pipe'] });
  const other = Buffer.from(payload.toString().replace('407', '408'));
  assert.throws(() => execFileSync('ssh-keygen', verify, { input: other, stdio: ['pipe', 'pipe', 'pipe'] }));
  repository.git([...signing, '-c', `gpg.ssh.allowedSignersFile=${key}.allowed`, 'verify-commit', oid]);
});

test('only the header is the signature: a message that speaks of one stays whole', () => {
  const folded = 'tree x\ngpgsig -----BEGIN\n line\n \n -----END\nother y\n z\n\ngpgsig in text\n line\n';
  assert.equal(commitPayload(Buffer.from(folded)).toString(), 'tree x\nother y\n z\n\ngpgsig in text\n line\n');
  for (const cut of ['', 'tree x', 'gpgsig x', '\n', '\ngpgsig x\n y']) {
    assert.equal(commitPayload(Buffer.from(cut)).toString(), cut === 'gpgsig x' ? '' : cut);
  }
});

test('a newer laptop may say more than we know', () => {
  const more = text(FULL).replace('Release-Notes', 'Image-Colour: red\n and green\nImage-Colour: blue\nRelease-Notes');
  assert.deepEqual(parseCommit(Buffer.from(more)), { ...FULL, signature: null });
});

test('each way to write another commit is refused', () => {
  const author = /author.*\n/.exec(text(FULL))![0];
  const refused: [why: RegExp, from: string | RegExp, to: string][] = [
    [/no proper tree/, `tree ${tree}`, 'tree abc'],
    [/headers/, author, `parent ${tree}\n${author}`],
    [/headers/, author, `${author}${author}`],
    [/headers/, author, ''],
    [/headers/, '\n\n', '\nencoding latin1\n\n'],
    [/headers/, '\n\n', '\ngpgsig a\ngpgsig b\n\n'],
    [/headers/, '\n\n', '\ngpgsig-sha256 a\n\n'],
    [/headers/, /^/, ' '],
    [/dates/, /committer .*/, 'committer A <a@b> 01 +0000'],
    [/dates/, /committer .*/, 'committer A <a@b> -1 +0000'],
    [/dates/, /committer .*/, 'committer A <a@b> 999999999999999 +0000'],
    [/dates/, /committer .*/, 'committer A a@b 1 +0000'],
    [/dates/, /author .*/, 'author A <a@b\n > 1 +0000'],
    [/no message/, /\n\n.*/s, '\n'],
    [/not that of an image/, /\n\n.*/s, '\n\nolpc-xo 407\n'],
    [/not that of an image/, 'olpc-xo 407\n\n', 'olpc-xo 407\nmore\n\n'],
    [/not that of an image/, /\n$/, ''],
    [/another image/, 'olpc-xo 407', 'olpc-xo 408'],
    [/no trailer/, 'Image-Name', '\nImage-Name'],
    [/no trailer/, 'Image-Name: ', 'Image-Name '],
    [/no trailer/, ' .\n', ' \n'],
    [/no trailer/, ' .\n', '\n'],
    [/no Image-Name/, /Image-Name.*\n/, ''],
    [/no Manifest-SHA256/, 'Manifest-SHA256', 'manifest-sha256'],
    [/Image-Version twice/, 'Journal-Format', 'Image-Version: 407\nJournal-Format'],
    [/impossible Image-Name/, 'Image-Name: olpc-xo', 'Image-Name: olpc/xo'],
    [/impossible Image-Name/, 'Image-Name: olpc-xo', 'Image-Name: olpc-xo '],
    [/impossible Manifest-SHA256/, 'aaaa', 'AAAA'],
    [/impossible Journal-Format/, 'Journal-Format: 7', 'Journal-Format: 07'],
    [/impossible Minimum-Version/, 'Minimum-Version: 400', 'Minimum-Version: ..'],
    [/impossible Release-Notes/, 'schneller.', 'schneller. '],
    [/impossible Release-Notes/, 'schneller.', 'schneller.\x1b[31m'],
    [/NUL/, 'schneller', 'schne\0ller'],
    [/longer than 65536/, 'schneller', 'x'.repeat(MAX_COMMIT_BYTES)],
  ];
  for (const [why, from, to] of refused) {
    const changed = text(FULL).replace(from, to);
    assert.notEqual(changed, text(FULL));
    assert.throws(() => parseCommit(Buffer.from(changed)), withCode('bad-data', why), `${from} → ${to.slice(0, 80)}`);
  }
  const notText = Buffer.concat([encodeCommit(PLAIN), Buffer.from('X-Y: \xff\n', 'latin1')]);
  assert.throws(() => parseCommit(notText), withCode('bad-data', /UTF-8/));
});

test('parseCommit refuses with bad-data or agrees with itself, whatever is damaged', () => {
  fc.assert(
    fc.property(unsigned, fc.nat(), fc.nat({ max: 255 }), (c, at, value) => {
      const data = encodeCommit(c);
      data[at % data.length] = value;
      try {
        const parsed = parseCommit(data);
        assert.deepEqual(parseCommit(encodeCommit(parsed)), parsed);
      } catch (error) {
        assert.ok(error instanceof PassItOnError && error.code === 'bad-data', String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('the encoder refuses what parseCommit would', () => {
  const refused: [change: Partial<Unsigned>, why: RegExp][] = [
    [{ tree: 'abc' }, /tree/],
    [{ releaseTime: -1 }, /-1/],
    [{ releaseTime: 1.5 }, /1\.5/],
    [{ manifestSha256: 'x' }, /Manifest-SHA256/],
    [{ attributesSha256: 'A'.repeat(64) }, /Attributes-SHA256/],
    [{ minimumVersion: '1 2' }, /Minimum-Version/],
    [{ journalFormat: 'new' }, /Journal-Format/],
    [{ releaseNotes: 'bell \x07' }, /Release-Notes/],
    [{ releaseNotes: 'half \ud83d' }, /Release-Notes/],
    [{ releaseNotes: 'x'.repeat(MAX_COMMIT_BYTES) }, /too long/],
  ];
  for (const [change, why] of refused) {
    assert.throws(() => encodeCommit({ ...PLAIN, ...change }), withCode('bad-data', why));
  }
  for (const change of [{ name: 'a b' }, { name: '' }, { version: '1..2' }, { version: '1\n' }]) {
    assert.throws(() => encodeCommit({ ...PLAIN, ...change }), withCode('bad-name'));
  }
  assert.equal(text({ ...PLAIN, releaseNotes: ' \n \n' }), text(PLAIN));
  assert.equal(text({ ...PLAIN, releaseNotes: 'one\r\ntwo\r\n' }), text({ ...PLAIN, releaseNotes: 'one\ntwo' }));
  assert.equal(objectOid('commit', encodeCommit(PLAIN)), objectOid('commit', encodeCommit({ ...PLAIN })));
});
