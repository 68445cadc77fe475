import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import {
  BlobHasher,
  EMPTY_BLOB,
  EMPTY_TREE,
  isOid,
  looseObject,
  objectOid,
  parseLooseObject,
} from '../../src/core/object';
import { withCode } from './assert-error';
import { GitRepository } from './git';

const repository = new GitRepository();
after(() => repository.remove());

const content = fc.uint8Array({ maxLength: 5000 }).map(bytes => Buffer.from(bytes));

test('names are those of git hash-object, also in one pass with SHA-256, however the content is cut', () => {
  fc.assert(
    fc.property(content, fc.array(fc.nat({ max: 5000 }), { maxLength: 5 }), (data, cuts) => {
      const oid = repository.git(['hash-object', '--stdin'], { input: data }).toString().trim();
      assert.equal(objectOid('blob', data), oid);
      const hasher = new BlobHasher(data.length);
      const ends = [...cuts.filter(cut => cut < data.length).sort((a, b) => a - b), data.length];
      let from = 0;
      for (const end of ends) {
        hasher.update(data.subarray(from, end));
        from = end;
      }
      assert.deepEqual(hasher.digest(), { oid, sha256: createHash('sha256').update(data).digest('hex') });
    }),
    { numRuns: 40 },
  );
});

test('the empty file and the empty folder have the names everybody knows', () => {
  assert.equal(objectOid('blob', Buffer.alloc(0)), EMPTY_BLOB);
  assert.equal(objectOid('tree', Buffer.alloc(0)), EMPTY_TREE);
});

test('a hasher refuses more or fewer bytes than announced', () => {
  const hasher = new BlobHasher(3);
  hasher.update(Buffer.from('ab'));
  assert.throws(() => hasher.update(Buffer.from('cd')), withCode('bad-data', /More than the 3 bytes/));
  const short = new BlobHasher(3);
  short.update(Buffer.from('ab'));
  assert.throws(() => short.digest(), withCode('bad-data', /Only 2 of the 3 bytes/));
});

test('40 lower-case hex digits are an oid, and nothing else', () => {
  assert.ok(isOid(EMPTY_BLOB));
  for (const wrong of ['', EMPTY_BLOB.slice(1), `${EMPTY_BLOB}0`, EMPTY_BLOB.toUpperCase(), `${EMPTY_BLOB}\n`]) {
    assert.ok(!isOid(wrong), wrong);
  }
});

test('git reads the loose objects we write, and we those that git writes', () => {
  fc.assert(
    fc.property(content, data => {
      const ours = repository.write('blob', data);
      assert.deepEqual(repository.read(ours, 'blob'), data);
      const theirs = repository.git(['hash-object', '-w', '--stdin'], { input: Buffer.concat([data, data, data]) });
      const oid = theirs.toString().trim();
      const file = readFileSync(join(repository.dir, 'objects', oid.slice(0, 2), oid.slice(2)));
      assert.deepEqual(parseLooseObject(file), { type: 'blob', data: Buffer.concat([data, data, data]) });
    }),
    { numRuns: 30 },
  );
});

test('every way to spoil a loose object is refused', () => {
  const good = looseObject('blob', Buffer.from('hello'));
  assert.deepEqual(parseLooseObject(good), { type: 'blob', data: Buffer.from('hello') });
  const spoilt: [why: RegExp, data: Buffer][] = [
    [/after its end/, Buffer.concat([good, Buffer.from('x')])],
    [/cannot be unpacked/, good.subarray(0, -3)],
    [/cannot be unpacked/, Buffer.from('hello')],
    [/cannot be unpacked/, Buffer.alloc(0)],
    [/5 bytes and claims 6/, deflateSync('blob 6\0hello')],
    [/5 bytes and claims 4/, deflateSync('blob 4\0hello')],
    [/no proper header/, deflateSync('blob 05\0hello')],
    [/no proper header/, deflateSync('blob +5\0hello')],
    [/no proper header/, deflateSync('tag 5\0hello')],
    [/no proper header/, deflateSync('blob 5 hello')],
    [/no proper header/, deflateSync('')],
    [/no proper header/, deflateSync(`blob ${' '.repeat(40)}5\0hello`)],
  ];
  for (const [why, data] of spoilt) assert.throws(() => parseLooseObject(data), withCode('bad-data', why));
});

test('inflating is bounded, whatever a small file would become', () => {
  const bomb = looseObject('blob', Buffer.alloc(10_000_000));
  assert.ok(bomb.length < 100_000);
  assert.throws(() => parseLooseObject(bomb, 1_000_000), withCode('bad-data', /too long/));
  assert.throws(() => parseLooseObject(looseObject('blob', Buffer.alloc(1001)), 1000), withCode('bad-data', /longer/));
  assert.equal(parseLooseObject(looseObject('blob', Buffer.alloc(1000)), 1000).data.length, 1000);
});
