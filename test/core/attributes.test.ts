import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Attributes,
  type AttributesMap,
  encodeAttributes,
  fullAttributes,
  MAX_ATTRIBUTES_BYTES,
  parseAttributes,
} from '../../src/core/attributes';
import { PassItOnError } from '../../src/core/errors';
import { MAX_PATHS, MODE } from '../../src/core/tree';
import { attributesMap } from './arbitrary-attributes';
import { withCode } from './assert-error';

test('the bytes of an attributes blob, exactly', () => {
  const map: AttributesMap = new Map<string, Attributes>([
    ['var/mail', { gid: 8, mode: 0o2775 }],
    ['', { mode: 0o700 }],
    ['dev/null', { type: 'char', device: { major: 1, minor: 3 }, mode: 0o666 }],
    ['dev/sda', { type: 'block', device: { major: 8, minor: 0 }, mode: 0o660, gid: 6 }],
    ['run/initctl', { type: 'fifo', mode: 0 }],
    ['usr/bin/perl5.36.0', { hardlink: 77 }],
    ['usr/bin/perl', { hardlink: 77 }],
    [
      'usr/bin/ping',
      { xattrs: { 'security.capability': Buffer.from([1, 0, 0, 2, 0, 32]), 'user.a=b c': Buffer.alloc(0) } },
    ],
    ['usr/bin/sudo', { mode: 0o4755 }],
    ['home/a b\\*[é]\n#=!', { uid: 1000, gid: 4294967294, time: 1180000000 }],
    ['old', { time: -5 }],
  ]);
  const text = `#mtree
. mode=0700
./dev/null type=char mode=0666 device=linux,1,3
./dev/sda type=block mode=0660 gid=6 device=linux,8,0
./home/a\\040b\\134\\052\\133\\351\\135\\012\\043\\075\\041 uid=1000 gid=4294967294 time=1180000000.0
./old time=-5.0
./run/initctl type=fifo mode=0
./usr/bin/perl hardlink=1
./usr/bin/perl5.36.0 hardlink=1
./usr/bin/ping xattr.security.capability=AQAAAgAg xattr.user.a\\075b\\040c=
./usr/bin/sudo mode=04755
./var/mail mode=02775 gid=8
`;
  assert.equal(encodeAttributes(map).toString('latin1'), text);
  const parsed = parseAttributes(Buffer.from(text, 'latin1'));
  const expected = new Map(map);
  for (const path of ['usr/bin/perl', 'usr/bin/perl5.36.0']) expected.set(path, { hardlink: 1 });
  assert.deepEqual(parsed, expected);
  assert.equal(encodeAttributes(new Map()).toString(), '#mtree\n');
  assert.ok(readFileSync('docs/formats.md', 'utf8').includes(text));
});

/** What a map means, however it is written down: no defaults, groups as sets of paths. */
function meaning(map: AttributesMap): unknown {
  const groups = new Map<number, string[]>();
  for (const [at, { hardlink }] of map) {
    if (hardlink !== undefined) groups.set(hardlink, [...(groups.get(hardlink) ?? []), at].sort());
  }
  const facts: [string, unknown][] = [];
  for (const [at, { hardlink, mode, type, ...rest }] of map) {
    const group = hardlink === undefined ? [] : groups.get(hardlink)!;
    const full = fullAttributes({ mode: MODE.file }, rest);
    const links = group.length > 1 ? group : [];
    const xattrs = Object.entries(full.xattrs ?? {}).sort();
    const all = { ...full, mode, type, links, xattrs };
    const says = rest.uid || rest.gid || full.time !== 1 || mode !== undefined || type || links.length || xattrs.length;
    if (says) facts.push([at, all]);
  }
  return facts.sort(([a], [b]) => (a < b ? -1 : 1));
}

test('whatever attributes, they come back with the same meaning, and have one spelling', () => {
  fc.assert(
    fc.property(attributesMap, map => {
      const text = encodeAttributes(map);
      const parsed = parseAttributes(text);
      assert.deepEqual(meaning(parsed), meaning(map));
      assert.deepEqual(encodeAttributes(parsed), text);
      const renumbered = [...map].reverse().map(([at, a]) => {
        return [at, a.hardlink === undefined ? a : { ...a, hardlink: 1000 - a.hardlink }] as const;
      });
      assert.deepEqual(encodeAttributes(new Map(renumbered)), text);
    }),
    { numRuns: 500 },
  );
});

test('the text is printable ASCII in lines, without anything that mtree takes for a pattern or a comment', () => {
  fc.assert(
    fc.property(attributesMap, map => {
      const [first, ...lines] = encodeAttributes(map).toString('latin1').split('\n');
      assert.equal(first, '#mtree');
      assert.equal(lines.pop(), '');
      for (const line of lines) assert.match(line, /^\.[!-~]*( [!-~]+)+$/);
      for (const line of lines) assert.doesNotMatch(line, /[*?[\]#!]/);
    }),
  );
});

test('parseAttributes refuses with bad-data or gives what encodes to the same bytes, whatever it is fed', () => {
  const words = ['uid=5', 'gid=5', 'gid=5', 'uid=0', 'mode=0755', 'mode=755', 'time=5.0', 'time=1.0', 'type=fifo'];
  const more = ['type=char device=linux,1,3', 'hardlink=1', 'xattr.user.a=QQ==', 'xattr.user.b=QR==', 'gid=01', '#'];
  const line = fc.tuple(
    fc.constantFrom('.', './a', './a', './a/b', './b', './b', 'a', './\\141', './\\040'),
    fc.array(fc.constantFrom(...words, ...more), { minLength: 1, maxLength: 3 }),
  );
  const almost = fc
    .array(
      line.map(([at, list]) => `${at} ${list.join(' ')}\n`),
      { maxLength: 3 },
    )
    .map(lines => Buffer.from(`#mtree\n${lines.join('')}`));
  const damaged = fc.tuple(attributesMap, fc.nat(), fc.nat({ max: 255 })).map(([map, at, value]) => {
    const data = encodeAttributes(map);
    data[at % data.length] = value;
    return data;
  });
  const met = { accepted: 0, refused: 0 };
  fc.assert(
    fc.property(fc.oneof(almost, damaged), data => {
      let map: AttributesMap;
      try {
        map = parseAttributes(data);
      } catch (error) {
        assert.ok(error instanceof PassItOnError && error.code === 'bad-data', String(error));
        met.refused++;
        return;
      }
      met.accepted++;
      assert.deepEqual(encodeAttributes(map), data);
    }),
    { numRuns: 3000 },
  );
  assert.ok(met.accepted > 50 && met.refused > 50, JSON.stringify(met));
});

test('each way to write something else is refused, with the line', () => {
  const refused: [why: RegExp, lines: string][] = [
    [/Line 2.*keyword "colour=red"/, './a colour=red\n'],
    [/Line 2.*keyword "uid"/, './a uid\n'],
    [/Line 2.*keyword "type=dir"/, './a type=dir\n'],
    [/Line 3.*twice/, './a uid=1\n./a uid=1\n'],
    [/Line 3.*out of order/, './b uid=1\n./a uid=1\n'],
    [/Line 3.*out of order/, './a uid=1\n. uid=1\n'],
    [/Line 2.*one form/, './a uid=1 mode=0700\n'],
    [/Line 2.*one form/, './a uid=1 uid=1\n'],
    [/Line 2.*keyword ""/, './a  uid=1\n'],
    [/Line 2.*keyword ""/, './a uid=1 \n'],
    [/Line 2/, './a uid=1\r\n'],
    [/Line 2.*one form/, './a uid=01\n'],
    [/Line 2.*one form/, './a uid=0\n'],
    [/Line 2.*one form/, './a time=1.0\n'],
    [/Line 2.*one form/, './a time=5\n'],
    [/Line 2.*time/, './a time=5.5\n'],
    [/Line 2.*one form/, './a mode=755\n'],
    [/Line 2.*one form/, './a mode=0758\n'],
    [/Line 2.*mode/, './a mode=010000\n'],
    [/Line 2.*uid/, './a uid=4294967295\n'],
    [/Line 2.*uid/, './a uid=-1\n'],
    [/Line 2.*gid/, './a gid=x\n'],
    [/Line 2.*time/, './a time=17179869184.0\n'],
    [/Line 2.*hardlink/, './a hardlink=0\n'],
    [/group 2/, './a hardlink=2\n./b hardlink=2\n'],
    [/group 1/, './a hardlink=1\n'],
    [/Line 2.*device/, './a type=char\n'],
    [/Line 2.*device/, './a type=fifo device=linux,1,3\n'],
    [/Line 2.*device/, './a device=linux,1,3\n'],
    [/Line 2.*device/, './a type=char device=native,1,3\n'],
    [/Line 2.*major/, './a type=char device=linux,4096,0\n'],
    [/Line 2.*minor/, './a type=char device=linux,1,1048576\n'],
    [/Line 2.*xattr name/, './a xattr.nonsense=QQ==\n'],
    [/Line 2.*xattr name/, `./a xattr.user.${'n'.repeat(251)}=QQ==\n`],
    [/Line 2.*xattr of 65538/, `./a xattr.user.a=${Buffer.alloc(65538).toString('base64')}\n`],
    [/Line 2.*one form/, './a xattr.user.a=QQ\n'],
    [/Line 2.*one form/, './a xattr.user.a=QR==\n'],
    [/Line 2.*one form/, './a xattr.user.b=QQ== xattr.user.a=QQ==\n'],
    [/Line 2.*one form/, './a xattr.__proto__=QQ==\n'],
    [/Line 2.*form allowed is no line/, './a\n'],
    [/Line 2.*form allowed is no line/, '\n'],
    [/Line 2.*one form/, '# uid=5\n'],
    [/Line 2.*one form/, 'a uid=1\n'],
    [/Line 2.*one form/, './\\141 uid=1\n'],
    [/Line 2.*one form/, './a\\777 uid=1\n'],
    [/Line 2.*one form/, './a* uid=1\n'],
    [/Line 2.*NUL/, './a\\000 uid=1\n'],
    [/Line 2.*one form/, './ uid=1\n'],
    [/Line 2.*empty/, './a//b uid=1\n'],
    [/Line 2.*empty/, './/a uid=1\n'],
    [/Line 2.*empty/, './a/ uid=1\n'],
    [/Line 2.*"\.\."/, './a/../b uid=1\n'],
    [/Line 2.*longer than 1048576/, `./${'a/'.repeat(600_000)}a uid=1\n`],
    [/last line/, './a uid=1'],
  ];
  for (const [why, lines] of refused) {
    assert.throws(
      () => parseAttributes(Buffer.from(`#mtree\n${lines}`)),
      withCode('bad-data', why),
      lines.slice(0, 80),
    );
  }
  for (const start of ['', '\n', '#mtree', './a uid=1\n', '#mtree v2\n', '\ufeff#mtree\n']) {
    assert.throws(() => parseAttributes(Buffer.from(start)), withCode('bad-data', /#mtree/), start);
  }
});

test('the encoder refuses what has no meaning', () => {
  const refused: [why: RegExp, path: string, attributes: Attributes][] = [
    [/"a" have mode 4096/, 'a', { mode: 0o10000 }],
    [/"a" have uid 0.5/, 'a', { uid: 0.5 }],
    [/gid NaN/, 'a', { gid: Number.NaN }],
    [/device/, 'a', { type: 'block' }],
    [/xattr name/, 'a', { xattrs: { a: Buffer.alloc(0) } }],
    [/"\.\."/, 'a/../b', { uid: 1 }],
    [/empty/, '/a', { uid: 1 }],
    [/too long/, `${'a/'.repeat(600_000)}a`, { uid: 1 }],
  ];
  for (const [why, at, a] of refused) {
    assert.throws(() => encodeAttributes(new Map([[at, a]])), withCode('bad-data', why), at);
  }
});

test('size and number of paths are bounded before anything is built from them', () => {
  const long = Buffer.alloc(MAX_ATTRIBUTES_BYTES + 1);
  assert.throws(() => parseAttributes(long), withCode('bad-data', /longer than 67108864/));
  const many = Buffer.from(`#mtree\n${'./a uid=1\n'.repeat(MAX_PATHS + 1)}`);
  assert.throws(() => parseAttributes(many), withCode('bad-data', /more than 1000000 paths/));
});
