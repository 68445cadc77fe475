import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { EMPTY_TREE } from '../../src/core/object';
import { compareImages, compareVersions, isImageName, type Ordered, relation } from '../../src/core/versions';
import { GitRepository } from './git';

const repository = new GitRepository();
after(() => repository.remove());

/** From few parts, so that equal and nearly equal versions are common. */
const part = fc.oneof(
  fc.constantFrom(
    '0',
    '1',
    '2',
    '10',
    '010',
    '00',
    'a',
    'b',
    'B',
    'rc',
    '18446744073709551616',
    '18446744073709551617',
  ),
  fc.nat().map(String),
);
const version = fc
  .array(fc.tuple(fc.constantFrom('.', '-', '_', '+', ''), part), { minLength: 1, maxLength: 5 })
  .map(parts =>
    parts
      .flat()
      .join('')
      .slice(0, 63)
      .replace(/^[^0-9A-Za-z]/, ''),
  );
const ordered: fc.Arbitrary<Ordered> = fc.record({
  name: fc.constantFrom('olpc-xo', 'other'),
  version,
  releaseTime: fc.nat({ max: 2 }),
  commit: fc.constantFrom('0', '1', 'f').map(digit => digit.repeat(40)),
});

function isPreorder<T>(compare: (a: T, b: T) => number, value: fc.Arbitrary<T>): void {
  fc.assert(
    fc.property(value, value, value, (a, b, c) => {
      assert.equal(compare(a, a), 0);
      assert.equal(Math.sign(compare(a, b)) + Math.sign(compare(b, a)), 0);
      if (compare(a, b) <= 0 && compare(b, c) <= 0) assert.ok(compare(a, c) <= 0);
      // What is equal cannot be told apart by a third.
      if (compare(a, b) === 0) assert.equal(Math.sign(compare(a, c)), Math.sign(compare(b, c)));
    }),
    { numRuns: 5000 },
  );
}

test('the order of versions has no contradictions, whatever the strings', () => {
  isPreorder(compareVersions, version);
  isPreorder(compareVersions, fc.string({ maxLength: 8 }));
});

test('the order of images is total: only one and the same commit of one version compares equal', () => {
  isPreorder(compareImages, ordered);
  fc.assert(
    fc.property(ordered, ordered, (a, b) => {
      if (compareImages(a, b) === 0) assert.ok(a.commit === b.commit && a.releaseTime === b.releaseTime);
    }),
  );
});

test('rules, one by one', () => {
  const rising: string[][] = [
    ['8', '9', '10', '407', '1000'],
    ['13.2.9', '13.2.10', '13.10', '14'],
    ['1', '1.0', '1.0.0', '1.0.1'],
    ['1', '1a', '1b', '1.1'],
    ['1.0', '1.0-rc', '1.0-rc1', '1.0-rc2', '1.0-rc10', '1.0-1'],
    ['B', 'Z', 'a', 'aa', 'b', '0'],
    ['9007199254740992', '9007199254740993', '90071992547409930000000000000000000000'],
    ['1', '1+git', '1+1'],
  ];
  for (const list of rising) {
    for (const [i, older] of list.entries()) {
      for (const newer of list.slice(i + 1)) {
        assert.ok(compareVersions(older, newer) < 0, `${older} < ${newer}`);
        assert.ok(compareVersions(newer, older) > 0, `${newer} > ${older}`);
      }
    }
  }
});

test('leading zeros and the kind of separator do not count; then release time and commit decide', () => {
  for (const [a, b] of [
    ['1.0', '1-00'],
    ['007', '7'],
    ['1a2', '1.a.2'],
    ['', '+'],
  ] as const) {
    assert.equal(compareVersions(a, b), 0, `${a} = ${b}`);
  }
  const image: Ordered = { name: 'x', version: '1.0', releaseTime: 5, commit: '1'.repeat(40) };
  assert.ok(compareImages({ ...image, version: '1.1', releaseTime: 4 }, image) > 0);
  assert.ok(compareImages({ ...image, version: '1-00', releaseTime: 6 }, image) > 0);
  assert.ok(compareImages({ ...image, version: '1-00', commit: 'f'.repeat(40) }, image) > 0);
});

test('numbers of any length order as numbers', () => {
  const number = fc.bigInt({ min: 0n, max: 10n ** 40n });
  fc.assert(
    fc.property(number, number, (a, b) => {
      assert.equal(Math.sign(compareVersions(`v${a}`, `v${b}`)), a < b ? -1 : a > b ? 1 : 0);
    }),
  );
});

test('a name is what the rule says and git takes as part of a tag', () => {
  for (const good of ['olpc-xo', '407', '13.2.10', 'A', '1.0+git_2-x', 'a.locked', 'x'.repeat(63)]) {
    assert.ok(isImageName(good), good);
  }
  const bad = ['', '.', '..', '-1', '.1', '1.', '1..2', 'a.lock', 'a/b', 'a b', 'é', 'a\n', '1~2', '@', 'x'.repeat(64)];
  for (const name of bad) assert.ok(!isImageName(name), name);

  const candidate = fc.array(fc.constantFrom('.', '..', '-', '+', '_', 'a', '7', '.lock', '~', '@{', '/', ' '), {
    maxLength: 4,
  });
  fc.assert(
    fc.property(candidate, parts => {
      const name = parts.join('');
      if (isImageName(name)) repository.git(['check-ref-format', `refs/tags/${name}/${name}`]);
    }),
    { numRuns: 200 },
  );
});

test('what a neighbour has, seen from here', () => {
  const mine = { name: 'olpc-xo', version: '407', commit: EMPTY_TREE };
  const theirs = { ...mine, commit: 'f'.repeat(40) };
  assert.equal(relation(null, theirs), 'newer');
  assert.equal(relation(mine, mine), 'same');
  assert.equal(relation(mine, { ...theirs, version: '408' }), 'newer');
  assert.equal(relation(mine, { ...theirs, version: '406' }), 'older');
  assert.equal(relation(mine, theirs), 'different');
  assert.equal(relation(mine, { ...theirs, version: '0407' }), 'different');
  assert.equal(relation(mine, { ...theirs, name: 'debian', version: '408' }), 'other');
});
