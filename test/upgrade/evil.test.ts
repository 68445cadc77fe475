/** Bad images from the network: each is refused by name and place, and nothing but `partial/` has changed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { EMPTY_BLOB, EMPTY_TREE, objectOid } from '../../src/core/object';
import type { Store } from '../../src/store/store';
import { ANSWER, encodeAnswer } from '../../src/transfer/answers';
import { encodeFrame, encodeHeader, KIND } from '../../src/transfer/frames';
import { HttpSource } from '../../src/transfer/source';
import { Pipeline } from '../../src/upgrade/pipeline';
import { withCode } from '../core/assert-error';
import { Laptop } from '../lan/laptop';
import { folder, openStore } from '../store/support';
import { EvilImage, FILE, HELLO, HELLO_OID, rawTree, serveEvil, sha256 } from './evil-source';

interface Case {
  name: string;
  make(image: EvilImage): void;
  code: 'bad-data' | 'source-lied';
  /** What the sentence must name. */
  says: RegExp;
  /** Contents that are what they should be may come before what is wrong is found. */
  blobsMayCome?: true;
}

/** A tree of its own below the name `sub`. */
function below(image: EvilImage, tree: Buffer): void {
  image.trees.push(tree);
  image.root = rawTree(FILE, { mode: '40000', name: 'sub', oid: objectOid('tree', tree) });
}

function attributes(image: EvilImage, lines: string): void {
  image.attributes = Buffer.from(`#mtree\n${lines}`, 'latin1');
}

function file(name: string, mode = '100644') {
  return { mode, name, oid: HELLO_OID };
}

const cases: Case[] = [
  { name: 'a path out of the image', make: i => below(i, rawTree(file('..'))), code: 'bad-data', says: /"\."|"\.\."/ },
  { name: 'a path that is the folder itself', make: i => below(i, rawTree(file('.'))), code: 'bad-data', says: /"\."/ },
  { name: 'an absolute path', make: i => below(i, rawTree(file('/etc/passwd'))), code: 'bad-data', says: /"\/"/ },
  { name: 'a path through another folder', make: i => below(i, rawTree(file('a/b'))), code: 'bad-data', says: /"\/"/ },
  { name: 'a file without a name', make: i => below(i, rawTree(file(''))), code: 'bad-data', says: /empty/ },
  {
    name: 'a name longer than any disk holds',
    make: i => below(i, rawTree(file('n'.repeat(256)))),
    code: 'bad-data',
    says: /longer than 255/,
  },
  {
    name: 'a symlink, and a file under it',
    make: i =>
      below(i, rawTree(file('link', '120000'), { mode: '40000', name: 'link', oid: objectOid('tree', i.root) })),
    code: 'bad-data',
    says: /"link".*twice|twice.*"link"/,
  },
  {
    name: 'a file and a folder of one name',
    make: i => below(i, rawTree(file('both'), file('both.x'), { mode: '40000', name: 'both', oid: EMPTY_TREE })),
    code: 'bad-data',
    says: /"both".*twice|twice.*"both"/,
  },
  { name: 'one name twice', make: i => below(i, rawTree(file('x'), file('x'))), code: 'bad-data', says: /"x"/ },
  { name: 'names out of order', make: i => below(i, rawTree(file('b'), file('a'))), code: 'bad-data', says: /"a"/ },
  {
    name: 'a mode that no image has',
    make: i => below(i, rawTree(file('x', '160000'))),
    code: 'bad-data',
    says: /mode/,
  },
  {
    name: 'a mode written otherwise',
    make: i => below(i, rawTree(file('x', '0100644'))),
    code: 'bad-data',
    says: /mode/,
  },
  {
    name: 'a tree that is cut off',
    make: i => below(i, rawTree(file('x')).subarray(0, -3)),
    code: 'bad-data',
    says: /cut|short|end/i,
  },
  {
    name: 'a tree that never comes',
    make: i => {
      i.root = rawTree({ mode: '40000', name: 'sub', oid: 'ab'.repeat(20) });
    },
    code: 'source-lied',
    says: /abababab/,
  },
  {
    name: '10,000 levels of folders',
    make(image) {
      let tree = rawTree(FILE);
      for (let level = 0; level < 10_000; level++) {
        image.trees.push(tree);
        tree = rawTree({ mode: '40000', name: 'd', oid: objectOid('tree', tree) });
      }
      image.root = tree;
    },
    code: 'bad-data',
    says: /4096 levels/,
  },
  {
    name: 'a few folders that name each other until no disk could hold them',
    make(image) {
      let tree = rawTree(FILE);
      for (let level = 0; level < 30; level++) {
        image.trees.push(tree);
        const oid = objectOid('tree', tree);
        tree = rawTree({ mode: '40000', name: 'a', oid }, { mode: '40000', name: 'b', oid });
      }
      image.root = tree;
    },
    code: 'bad-data',
    says: /1000000 paths/,
  },
  {
    name: 'a device where there is no such path',
    make: i => attributes(i, './dev/sda type=block device=linux,8,0\n'),
    code: 'bad-data',
    says: /"dev\/sda".*does not have/,
  },
  {
    name: 'a setuid file where there is no such path',
    make: i => attributes(i, './usr/bin/su mode=04755\n'),
    code: 'bad-data',
    says: /"usr\/bin\/su".*does not have/,
  },
  {
    name: 'a device in place of a file with content',
    make: i => attributes(i, './file type=char device=linux,1,1\n'),
    code: 'bad-data',
    says: /"file".*not an empty file/,
  },
  {
    name: 'attributes of ..',
    make: i => attributes(i, './../x mode=04755\n'),
    code: 'bad-data',
    says: /Line 2.*"\.\."/,
  },
  {
    name: 'attributes out of order',
    make: i => attributes(i, './file uid=1\n. uid=1\n'),
    code: 'bad-data',
    says: /Line 3/,
  },
  {
    name: 'attributes with an unknown word',
    make: i => attributes(i, './file flags=uchg\n'),
    code: 'bad-data',
    says: /Line 2.*flags/,
  },
  { name: 'attributes that are cut off', make: i => attributes(i, './file uid=1'), code: 'bad-data', says: /line/ },
  {
    name: 'other attributes than the commit says',
    make(image) {
      const honest = image.attributes;
      image.commitText = text => text.replace(sha256(image.attributes), sha256(Buffer.concat([honest, honest])));
    },
    code: 'bad-data',
    says: /Attributes-SHA256|attributes are not those/i,
  },
  {
    name: 'attributes of 1 GB',
    make(image) {
      image.attributesFrame = encodeHeader(KIND.attributes, objectOid('blob', image.attributes), 1 << 30);
    },
    code: 'source-lied',
    says: /1073741824/,
  },
  {
    name: 'attributes under a wrong name',
    make(image) {
      image.attributesFrame = encodeFrame(KIND.attributes, 'cd'.repeat(20), image.attributes);
    },
    code: 'source-lied',
    says: /something else/,
  },
  {
    name: 'a manifest that is not that of the contents',
    make(image) {
      image.manifest += './more type=file mode=0644 uid=0 gid=0 size=0 sha256digest=00\n';
    },
    code: 'bad-data',
    says: /evil 2.*Manifest-SHA256/,
    blobsMayCome: true,
  },
  {
    name: 'a commit of something else',
    make(image) {
      image.topTree = () => rawTree(FILE);
    },
    code: 'bad-data',
    says: /attributes.*root/,
  },
  {
    name: 'a commit with a parent',
    make(image) {
      image.commitText = text => text.replace('author', `parent ${'0'.repeat(40)}\nauthor`);
    },
    code: 'bad-data',
    says: /parent|header|line/i,
  },
  {
    name: 'a commit without a hash of the manifest',
    make(image) {
      image.commitText = text => text.replace(/Manifest-SHA256: .*\n/, '');
    },
    code: 'bad-data',
    says: /Manifest-SHA256/,
  },
  {
    name: 'a version that would be a path',
    make(image) {
      image.commitText = text => text.replaceAll('2\n', '../../x\n');
    },
    code: 'bad-data',
    says: /Image-Version/,
  },
  {
    name: 'a right blob with a size that is too small',
    make: i => void i.sizes.set(HELLO_OID, 5),
    code: 'source-lied',
    says: /something else|size/,
  },
  {
    name: 'a right blob with a size that is too large',
    make: i => void i.sizes.set(HELLO_OID, 6_000_000),
    code: 'source-lied',
    says: /something else|size/,
  },
  {
    name: 'a right blob in a frame of a wrong size',
    make(image) {
      image.sizes.set(HELLO_OID, 7);
      image.blobAnswer = encodeAnswer(ANSWER.whole, Buffer.concat([HELLO, HELLO]).subarray(0, 7));
    },
    code: 'source-lied',
    says: /not the content/,
  },
  {
    name: 'another content under the name of a blob',
    make(image) {
      image.blobAnswer = encodeAnswer(ANSWER.whole, Buffer.from('HELLO\n'));
    },
    code: 'source-lied',
    says: /not the content/,
  },
  {
    name: 'a symlink to nothing',
    make(image) {
      image.root = rawTree(FILE, { mode: '120000', name: 'link', oid: EMPTY_BLOB });
    },
    code: 'bad-data',
    says: /"link".*empty/,
    blobsMayCome: true,
  },
];

/** Every path of a store but `partial/`, with what tells a change. */
function snapshot(dir: string, without: RegExp): string[] {
  const words = [dir, '-name', 'partial', '-prune', '-o', '-printf', '%P|%y|%i|%s|%T@|%m|%l\\n'];
  const listed = execFileSync('find', words, { encoding: 'latin1' });
  // What the process notes for itself: hashes known, who is asked, what is wanted.
  const notes = /^(cache|service\.sock|upgrade\.json)?(\/|\|)/;
  return listed
    .split('\n')
    .filter(line => !notes.test(line) && !without.test(line))
    .sort();
}

async function victim(t: TestContext) {
  const dir = folder(t);
  mkdirSync(join(dir, 'tree/etc'), { recursive: true });
  writeFileSync(join(dir, 'tree/etc/version'), '1');
  const store = await openStore(t, join(dir, 'store'));
  const { image } = await store.publish(join(dir, 'tree'), { name: 'evil', version: '1', time: 1, ownerRoot: true });
  await store.use(image.commit);
  return { store, dir };
}

test('the image that all others are made of is a good one', async t => {
  const { store } = await victim(t);
  const image = new EvilImage();
  await bring(t, store, image);
  assert.deepEqual((await store.verify(store.resolve('2').commit)).problems, []);
});

async function bring(t: TestContext, store: Store, image: EvilImage): Promise<void> {
  const source = new HttpSource({ host: '127.0.0.1', port: await serveEvil(t, image) });
  t.after(() => source.close());
  const find = async () => [{ source, nick: 'Eve', holds: 'all' as const }];
  const finder = { find, begin: find, meet: () => {} };
  const pipeline = new Pipeline(store, finder, { patience: 0, onProgress: () => {}, admit: async () => {} });
  await pipeline.run(objectOid('commit', image.commit), AbortSignal.timeout(60_000));
}

test('bad images are refused by name and place, before anything outside partial/ is touched', async t => {
  const { store, dir } = await victim(t);
  for (const { name, make, code, says, blobsMayCome } of cases) {
    await t.test(name, async t => {
      const image = new EvilImage();
      make(image);
      const without = blobsMayCome ? /^blobs/ : /^$/;
      const before = snapshot(store.dir, without);
      await assert.rejects(bring(t, store, image), withCode(code, says));
      assert.deepEqual(snapshot(store.dir, without), before);
      assert.equal(existsSync(join(dir, 'x')), false);
      assert.deepEqual([store.images().length, store.state.staged], [1, null]);
      await (await store.quarantine(objectOid('commit', image.commit))).discard();
    });
  }
});

test('the command says what was wrong, and ends with 1', async t => {
  const dir = folder(t);
  mkdirSync(join(dir, 'tree'));
  mkdirSync(join(dir, 'ben'));
  const laptop = new Laptop('ben', [], join(dir, 'ben'));
  await laptop.flash(join(dir, 'tree'), 'evil', '1');
  await laptop.serve('--interface', 'lo', '--port', '0');
  t.after(() => laptop.stop());
  const image = new EvilImage();
  below(image, rawTree(file('..')));
  const address = `127.0.0.1:${await serveEvil(t, image)}`;
  const before = snapshot(laptop.store, /^$/);
  await assert.rejects(laptop.upgrade('2', '--from', address, '--wait', '0'), (error: Error) => {
    assert.match(String((error as { stderr?: string }).stderr), /"code":"bad-data".*\.\./);
    return true;
  });
  assert.deepEqual(snapshot(laptop.store, /^$/), before);
});
