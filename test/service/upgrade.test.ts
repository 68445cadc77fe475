/** Real services on the loopback interface, driven by the command line as a person would. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeTree } from '../../src/demo/trees';
import type { Progress, UpgradeState } from '../../src/service/contract';
import { CommandFailed, Laptop } from '../lan/laptop';
import { Lan } from '../lan/namespaces';
import { makeRootTrees } from '../lan/root-trees';
import { differences } from '../lan/same-tree';
import { tempFolder } from '../support/temp';

/** Trees 1 and 2, and a way to get laptops that are ended with the test. `large`: some megabytes change. */
async function classroom(t: TestContext, size: 'nasty' | 'large') {
  // One network of their own, with its own loopback: laptops of other tests must not be found here.
  const lan = await Lan.create(1);
  const laptops: Laptop[] = [];
  // Hooks run in this order: when the folder goes, nobody writes into it any more.
  t.after(async () => {
    await Promise.all(laptops.map(laptop => laptop.stop()));
    await lan.close();
  });
  const folder = tempFolder(t);
  const [first, second] = [join(folder, 'first'), join(folder, 'second')];
  if (size === 'nasty') makeRootTrees(first, second, lan.asRoot);
  else [first, second].forEach((tree, i) => void makeTree(tree, ['406', '407'][i]!));
  const laptop = (nick: string) => {
    const one = new Laptop(nick, lan.laptops[0]!.inside, join(folder, nick));
    laptops.push(one);
    return one;
  };
  return { first, second, laptop, folder };
}

/** As above, and Ana has version 2, Ben version 1. */
async function anaAndBen(t: TestContext, size: 'nasty' | 'large') {
  const all = await classroom(t, size);
  const [ana, ben] = [all.laptop('ana'), all.laptop('ben')];
  await ana.flash(all.second, 'test-os', '2');
  await ben.flash(all.first, 'test-os', '1');
  return { ...all, ana, ben };
}

/** Starts it where only this machine sees it; returns its address. */
async function serve(laptop: Laptop, ...more: string[]): Promise<string> {
  await laptop.serve('--interface', 'lo', '--port', '0', ...more);
  return `127.0.0.1:${(await laptop.status()).port}`;
}

async function failure(running: Promise<unknown>): Promise<{ status: unknown; code: string; remedy: string }> {
  const error = await running.then(
    () => assert.fail('it should have failed'),
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof CommandFailed, String(error));
  const lines = error.stderr.trim().split('\n');
  return { status: error.status, ...JSON.parse(lines.at(-1)!) };
}

test('a laptop goes up and down again, and every path is as it was published', async t => {
  const { first, second, ana, ben } = await anaAndBen(t, 'nasty');
  const address = await serve(ana);

  const plan = await ben.compare(address);
  assert.equal(plan.from?.version, '1');
  assert.equal(plan.to.version, '2');
  assert.ok(plan.added > 0 && plan.changed > 0 && plan.removed > 0 && plan.attributesChanged > 0);
  assert.equal(plan.sources[0]?.address, address);
  assert.ok((plan.seconds ?? 0) > 0, 'a time, also before anything was measured');

  const up = await ben.upgrade('2', '--from', address);
  assert.equal(up.result, 'staged');
  assert.equal(up.progress.at(-1)?.step, 'ready');
  const fetched = up.progress.findLast(({ step }) => step === 'fetch');
  assert.equal(fetched?.filesTotal, plan.objects);
  assert.equal(fetched?.bytesTotal, plan.bytesRaw);
  const status = await ben.activate();
  assert.deepEqual([status.current?.version, status.previous?.version, status.staged], ['2', '1', null]);
  assert.deepEqual(differences(second, ben.currentTree), []);
  assert.deepEqual((await ben.verify('2')).problems, []);

  const [back] = await ben.run<{ current: { version: string } }>('go-back');
  assert.equal(back?.current.version, '1');
  assert.deepEqual(differences(first, ben.currentTree), []);
});

test('the second upgrade to a held image fetches nothing', async t => {
  const { first, second, laptop } = await classroom(t, 'nasty');
  const ana = laptop('ana');
  await ana.flash(first, 'test-os', '1');
  await ana.run('publish', second, '--name', 'test-os', '--version', '2');
  const plan = await ana.compare('2');
  assert.equal(plan.objects, 0);
  assert.ok(plan.changed > 0);
  const { bytesReceived, version } = await ana.upgrade('2');
  assert.deepEqual([bytesReceived, version], [0, '2']);
});

test('a source that lies in one byte is dropped, and an honest one gives the rest', async t => {
  const { first, second, laptop } = await classroom(t, 'nasty');
  const [liar, honest, ben] = [laptop('liar'), laptop('honest'), laptop('ben')];
  for (const one of [liar, honest]) await one.flash(second, 'test-os', '2');
  await ben.flash(first, 'test-os', '1');
  const liarAddress = await serve(liar);
  await falsify(liar);

  const refused = await failure(ben.upgrade('2', '--from', liarAddress, '--wait', '1'));
  assert.equal(refused.status, 1);
  assert.equal((await ben.status()).staged, null);
  assert.equal((await ben.status()).upgrade?.state, 'failed');

  const honestAddress = await serve(honest);
  await ben.upgrade('2', '--from', liarAddress, '--from', honestAddress);
  assert.deepEqual((await ben.verify('2')).problems, []);
});

/** Changes one byte in every large blob without its store noticing: same size, time and inode. */
async function falsify(laptop: Laptop): Promise<void> {
  const blobs = join(laptop.store, 'blobs');
  let falsified = 0;
  for (const folder of readdirSync(blobs)) {
    for (const name of readdirSync(join(blobs, folder))) {
      const file = join(blobs, folder, name);
      const { size, atime, mtime } = statSync(file);
      if (size < 100_000) continue;
      const content = readFileSync(file);
      content[50_000]! ^= 1;
      writeFileSync(file, content);
      utimesSync(file, atime, mtime);
      falsified++;
    }
  }
  assert.ok(falsified > 0);
}

test('when the only source dies the download waits, then gives up, and goes on later where it was', async t => {
  const { ana, ben } = await anaAndBen(t, 'large');
  const slow = await serve(ana, '--rate', '1000000');
  await ben.serve('--interface', 'lo', '--port', '0');
  // Raw: what compresses well would all be here before she dies.
  const running = failure(ben.upgrade('2', '--from', slow, '--wait', '3', '--effort', 'speed'));
  await until(ben, state => (state?.progress.filesDone ?? 0) > 20);
  await ana.stop();
  const gone = await running;
  assert.deepEqual([gone.status, gone.code], [1, 'source-gone']);
  const failed = (await ben.status()).upgrade;
  assert.equal(failed?.state, 'failed');
  assert.ok(failed?.error?.remedy);

  const again = await ben.upgrade('2', '--from', await serve(ana));
  wentOn(failed?.progress, again.progress);
  assert.deepEqual((await ben.verify('2')).problems, []);
});

/** The bar and the ring begin where they ended, and count of the same whole. */
function wentOn(ended: Progress | undefined, again: readonly Progress[]): void {
  assert.ok(ended && ended.filesDone > 0 && ended.part > 0.02);
  const fetching = again.filter(({ step }) => step === 'fetch');
  for (const { filesTotal, bytesTotal, filesDone, bytesDone } of fetching) {
    assert.deepEqual([filesTotal, bytesTotal], [ended.filesTotal, ended.bytesTotal]);
    assert.ok(bytesDone >= ended.bytesDone, `${bytesDone} bytes after ${ended.bytesDone}`);
    assert.ok(filesDone >= ended.filesDone, `${filesDone} blobs after ${ended.filesDone}`);
  }
  assert.ok(fetching.length > 0);
  let last = ended.part;
  for (const { step, part } of again) {
    assert.ok(part >= last, `${step}: ${part} after ${last}`);
    last = part;
  }
}

test('after kill -9 of the service what has come still counts', async t => {
  const { ana, ben } = await anaAndBen(t, 'large');
  const slow = await serve(ana, '--rate', '1000000');
  await ben.serve('--interface', 'lo', '--port', '0');
  const running = ben.upgrade('2', '--from', slow, '--effort', 'speed').catch(() => {});
  await until(ben, state => (state?.progress.part ?? 0) > 0.3 && (state?.progress.filesDone ?? 0) > 20);
  await ben.kill();
  await running;
  await ben.serve('--interface', 'lo', '--port', '0');
  const { upgrade } = await ben.status();
  assert.equal(upgrade?.state, 'stopped');
  assert.ok((upgrade?.progress.part ?? 0) > 0.25, `${upgrade?.progress.part}`);
  await ana.stop();
  wentOn(upgrade?.progress, (await ben.upgrade('2', '--from', await serve(ana))).progress);
});

test('a late-comer is found and helps to finish', async t => {
  const { second, laptop, ana, ben } = await anaAndBen(t, 'large');
  const carla = laptop('carla');
  await carla.flash(second, 'test-os', '2');
  const address = await serve(ana, '--rate', '800000');
  await ben.serve('--interface', 'lo', '--port', '0');
  // Raw: what compresses well is here before she comes.
  const running = ben.upgrade('2', '--from', address, '--effort', 'speed');
  await until(ben, state => state?.progress.step === 'fetch');
  // Nobody names Carla: mDNS does.
  await serve(carla);
  const { progress } = await running;
  const helpers = progress.findLast(({ step }) => step === 'fetch')?.sources ?? [];
  assert.ok(
    helpers.some(({ nick, bytes }) => nick === 'carla' && bytes > 100_000),
    JSON.stringify(helpers),
  );
});

test('classmates who upgrade together give to each other what they have', async t => {
  const { first, laptop, ana, ben } = await anaAndBen(t, 'large');
  const carla = laptop('carla');
  await carla.flash(first, 'test-os', '1');
  const address = await serve(ana, '--rate', '400000');
  for (const one of [ben, carla]) await one.serve('--interface', 'lo', '--port', '0');
  const raw = ['--effort', 'speed'];
  const both = await Promise.all([ben, carla].map(one => one.upgrade('2', '--from', address, ...raw)));
  const fromEachOther = both
    .flatMap(({ progress }) => progress.findLast(({ step }) => step === 'fetch')?.sources ?? [])
    .filter(({ nick }) => nick !== 'ana')
    .reduce((sum, { bytes }) => sum + bytes, 0);
  assert.ok(fromEachOther > 100_000, `${fromEachOther} bytes came from the other classmate`);
  for (const one of [ben, carla]) assert.deepEqual((await one.verify('2')).problems, []);
});

test('another upgrade meanwhile is refused; asking for the same joins it', async t => {
  const { folder, ana, ben } = await anaAndBen(t, 'large');
  makeTree(join(folder, 'third'), '410');
  await ana.run('publish', join(folder, 'third'), '--name', 'test-os', '--version', '3');
  const address = await serve(ana, '--rate', '1000000');
  await ben.serve('--interface', 'lo', '--port', '0');
  const running = ben.upgrade('2', '--from', address);
  await until(ben, state => state?.progress.step === 'fetch');
  assert.equal((await failure(ben.upgrade('3', '--from', address))).code, 'busy');
  const joined = ben.upgrade('2', '--from', address);
  assert.equal((await running).commit, (await joined).commit);
});

/** Asks the service until the upgrade is so; the test's own time limit ends it otherwise. */
async function until(laptop: Laptop, so: (state: UpgradeState | null) => boolean): Promise<void> {
  while (!so((await laptop.status()).upgrade)) await new Promise(resolve => setTimeout(resolve, 50));
}
