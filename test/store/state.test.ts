/** Opening, owning, choosing and removing. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { activated, NO_STATE, type State, used, wentBack } from '../../src/store/state';
import { type HeldImage, Store } from '../../src/store/store';
import { StoreView } from '../../src/store/view';
import { fetchInto, folder, openStore, rsyncDifferences, run, TIME, TreeBuilder } from './support';

async function threeImages(t: TestContext): Promise<{ store: Store; images: HeldImage[]; dir: string }> {
  const dir = folder(t);
  const store = await openStore(t, join(dir, 'store'));
  const images = [];
  for (const version of ['1', '2', '10']) {
    const tree = new TreeBuilder(join(dir, version))
      .file('version', version)
      .file('same', 'same')
      .file('lib/x', version);
    images.push((await store.publish(tree.dir, { name: 'x', version, time: TIME })).image);
  }
  return { store, images, dir };
}

test('a store has one owner at a time, and none when that is gone, however it went', async t => {
  const dir = join(folder(t), 'store');
  const store = await openStore(t, dir);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
  await assert.rejects(Store.open(dir), { code: 'busy' });
  assert.deepEqual((await StoreView.open(dir)).images(), []);
  await store.close();
  await store.close();
  await assert.rejects(store.use('a'.repeat(40)), { code: 'service' });

  // The same by another process, which is then killed.
  const owner = spawn(process.execPath, [join(__dirname, 'store.tool.js'), 'own', dir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise(resolve => owner.stdout.once('data', resolve));
  await assert.rejects(Store.open(dir), { code: 'busy' });
  owner.kill('SIGKILL');
  await new Promise(resolve => owner.once('close', resolve));
  await (await Store.open(dir)).close();
});

test('who only looks sees what is held', async t => {
  const { store, images } = await threeImages(t);
  await store.use(images[1]!.commit);
  const reader = await StoreView.open(store.dir);
  assert.deepEqual(reader.images(), store.images());
  assert.deepEqual(reader.state, store.state);
  assert.deepEqual((await reader.verify(images[0]!.commit)).problems, []);
  await assert.rejects(StoreView.open(join(store.dir, 'no')), { code: 'not-found' });
});

test('images are found by version, by name and version, and by the digits of the commit', async t => {
  const { store, images } = await threeImages(t);
  const [one, two, ten] = images as [HeldImage, HeldImage, HeldImage];
  assert.deepEqual(
    store.images().map(image => image.version),
    ['10', '2', '1'],
  );
  assert.equal(store.resolve('2').commit, two.commit);
  assert.equal(store.resolve('x/10').commit, ten.commit);
  assert.equal(store.resolve(one.commit).commit, one.commit);
  assert.equal(store.resolve(one.commit.slice(0, 7)).commit, one.commit);
  for (const unknown of ['3', 'y/1', one.commit.slice(0, 6), 'f'.repeat(40), '', 'x/', '../x']) {
    assert.throws(() => store.resolve(unknown), { code: 'not-found' }, unknown);
  }
  assert.equal(store.image('f'.repeat(40)), null);
});

test('use, stage, activate and go back; symlinks and HEAD follow; all of it is there after a restart', async t => {
  const { store, images } = await threeImages(t);
  const [one, two] = images as [HeldImage, HeldImage];
  const versions = (of: Store) => Object.values(of.state).map(image => image?.version ?? null);
  await assert.rejects(store.activate(), { code: 'no-image' });
  await assert.rejects(store.goBack(), { code: 'no-image' });
  await assert.rejects(store.use('f'.repeat(40)), { code: 'not-found' });
  await assert.rejects(store.setStaged('f'.repeat(40)), { code: 'not-found' });
  await store.use(one.commit);
  await store.setStaged(two.commit);
  assert.deepEqual(versions(store), ['1', null, '2']);
  await store.activate();
  assert.deepEqual(versions(store), ['2', '1', null]);

  const link = (name: string) => readlinkSync(join(store.dir, name));
  assert.equal(link('current'), `images/2-${two.commit.slice(0, 7)}`);
  assert.equal(readFileSync(join(store.dir, 'current/version'), 'utf8'), '2');
  assert.equal(existsSync(join(store.dir, 'staged')), false);
  assert.equal(run('git', ['--git-dir', join(store.dir, 'git'), 'rev-parse', 'HEAD']), `${two.commit}\n`);

  await store.goBack();
  assert.deepEqual(versions(store), ['1', '2', null]);
  await store.close();
  for (const name of ['current', 'previous']) rmSync(join(store.dir, name));
  rmSync(join(store.dir, 'git/refs/heads/current'));
  const again = await openStore(t, store.dir);
  assert.deepEqual(versions(again), ['1', '2', null]);
  assert.equal(link('current'), `images/1-${one.commit.slice(0, 7)}`);
  assert.equal(run('git', ['--git-dir', join(store.dir, 'git'), 'rev-parse', 'HEAD']), `${one.commit}\n`);
});

test('the state never names one image twice, whatever is done in which order', () => {
  const commit = fc.constantFrom('a'.repeat(40), 'b'.repeat(40), 'c'.repeat(40));
  const step = fc.oneof(
    commit.map(oid => (state: State) => used(state, oid)),
    commit.map(oid => (state: State) => ({ ...state, staged: oid === state.current ? null : oid })),
    fc.constant((state: State) => (state.staged === null ? state : activated(state))),
    fc.constant((state: State) => (state.previous === null ? state : wentBack(state))),
  );
  fc.assert(
    fc.property(fc.array(step), steps => {
      let state = NO_STATE;
      for (const next of steps) {
        const before = state;
        state = next(state);
        if (before.current !== null) assert.notEqual(state.current, null);
        if (state.current !== null) assert.notEqual(state.current, state.previous);
        if (state.current !== null) assert.notEqual(state.current, state.staged);
      }
    }),
  );
});

test('a state that cannot be read is told, and one that names a lost image is healed', async t => {
  const { store, images } = await threeImages(t);
  await store.use(images[0]!.commit);
  await store.setStaged(images[1]!.commit);
  await store.close();
  const file = join(store.dir, 'state.json');
  const good = readFileSync(file, 'utf8');
  for (const bad of ['', '{"current":', '[]]', '{"current":"x"}', 'null', '{"staged":7}']) {
    writeFileSync(file, bad);
    await assert.rejects(Store.open(store.dir), { code: 'damaged' }, bad);
  }
  writeFileSync(file, good);
  rmSync(images[1]!.dir, { recursive: true });
  const healed = await openStore(t, store.dir);
  assert.equal(healed.state.current?.version, '1');
  assert.equal(healed.state.staged, null);
  assert.deepEqual(
    healed.refs().map(({ ref }) => ref),
    ['refs/tags/x/10', 'refs/tags/x/1'],
  );
});

test('removing an image takes what only it needed, and leaves the others whole', async t => {
  const { store, images, dir } = await threeImages(t);
  const [one, two, ten] = images as [HeldImage, HeldImage, HeldImage];
  await store.use(one.commit);
  await store.setStaged(two.commit);
  for (const image of [one, two]) await assert.rejects(store.remove(image.commit), { code: 'busy' });
  await store.activate();
  await assert.rejects(store.remove(one.commit), { code: 'busy' });
  await assert.rejects(store.remove('f'.repeat(40)), { code: 'not-found' });

  const names = async (image: HeldImage) => new Map((await store.readTree(image.root)).map(e => [e.name, e.oid]));
  const gone = (await names(ten)).get('version') ?? '';
  const kept = (await names(ten)).get('same') ?? '';
  await store.remove(ten.commit);
  assert.equal(await store.hasBlob(gone), false);
  assert.equal(await store.hasBlob(kept), true);
  assert.equal(existsSync(ten.dir), false);
  assert.equal(await store.readObject(ten.root), null);
  assert.deepEqual(
    store.images().map(image => image.version),
    ['2', '1'],
  );
  for (const image of [one, two]) assert.deepEqual((await store.verify(image.commit)).problems, []);
  assert.deepEqual(readdirSync(join(store.dir, 'partial')), []);
  const { status } = spawnSync('git', ['--git-dir', join(store.dir, 'git'), 'rev-parse', '-q', '--verify', 'x/10']);
  assert.notEqual(status, 0);

  // And it can come back.
  const again = await store.publish(join(dir, '10'), { name: 'x', version: '10', time: TIME });
  assert.equal(again.image.commit, ten.commit);
  assert.deepEqual(rsyncDifferences(join(dir, '10'), again.image.dir), []);
});

test('removing an image spares what an unfinished download has fetched', async t => {
  const { store, images, dir } = await threeImages(t);
  const [one, two] = images as [HeldImage, HeldImage];
  const to = await openStore(t, join(dir, 'to'));
  await to.stage(one.commit, await fetchInto(store, to, one.commit));
  const quarantine = await fetchInto(store, to, two.commit);
  await to.remove(one.commit);
  await to.checkImage(two.commit, quarantine);
  assert.equal((await to.stage(two.commit, quarantine)).commit, two.commit);
  assert.deepEqual((await to.verify(two.commit)).problems, []);
});

test('leftovers are cleaned when a store is opened', async t => {
  const { store, images } = await threeImages(t);
  await store.close();
  const before = run('find', [store.dir, '-type', 'f']).split('\n').sort();
  for (const name of ['stage-1234', 'publish-3/ab', 'blob-17'])
    mkdirSync(join(store.dir, 'partial', name), { recursive: true });
  mkdirSync(join(store.dir, 'blobs/aa'), { recursive: true });
  writeFileSync(join(store.dir, 'blobs/aa', 'b'.repeat(38)), 'left by the crashed publish');
  writeFileSync(join(store.dir, 'partial/file-3'), 'x');
  const again = await openStore(t, store.dir);
  assert.equal(again.images().length, images.length);
  await again.close();
  assert.deepEqual(run('find', [store.dir, '-type', 'f']).split('\n').sort(), before);
});

test('what no crash leaves is not removed, but makes room for the image that belongs there', async t => {
  const { store, images, dir } = await threeImages(t);
  const [one] = images as [HeldImage];
  await store.close();
  run('git', ['--git-dir', join(store.dir, 'git'), 'tag', '-d', 'x/1']);
  writeFileSync(join(one.dir, 'mine'), 'a note of somebody');
  const again = await openStore(t, store.dir);
  assert.equal(again.image(one.commit), null);
  assert.equal(readFileSync(join(one.dir, 'mine'), 'utf8'), 'a note of somebody');
  const { image } = await again.publish(join(dir, '1'), { name: 'x', version: '1', time: TIME });
  assert.deepEqual(image, one);
  assert.deepEqual((await again.verify(image.commit)).problems, []);
});

test('a folder with other things in it is not made a store', async t => {
  const dir = folder(t);
  writeFileSync(join(dir, 'diary'), 'dear');
  chmodSync(dir, 0o755);
  await assert.rejects(Store.open(dir), { code: 'usage' });
  assert.equal(statSync(dir).mode & 0o777, 0o755);
  assert.deepEqual(readdirSync(dir), ['diary']);
});

test('there is free space, in bytes', async t => {
  const store = await openStore(t, join(folder(t), 'store'));
  const free = Number(run('stat', ['-f', '-c', '%a', store.dir])) * Number(run('stat', ['-f', '-c', '%S', store.dir]));
  const told = await store.diskFree();
  assert.ok(told > free / 2 && told < free * 2, `${told} against ${free}`);
});
