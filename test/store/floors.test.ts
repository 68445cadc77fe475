import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { PassItOnError } from '../../src/core/errors';
import { compareVersions } from '../../src/core/versions';
import { withCode } from '../core/assert-error';
import { folder, openStore, TIME, TreeBuilder } from './support';

test('the minimum of a name only goes up, whatever is said and in whatever order, and survives a restart', async t => {
  const dir = folder(t);
  const version = fc.constantFrom('1', '2', '2.0', '2.0-rc1', '10', '9', 'a', '1.2.3');
  const said = fc.array(fc.tuple(fc.constantFrom('olpc-xo', 'debian', 'constructor'), version), { maxLength: 12 });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(said, async list => {
      const at = join(dir, `store-${run++}`);
      const store = await openStore(t, at);
      // All at once: they wait for each other.
      await Promise.all(list.map(([name, minimum]) => store.raiseMinimum(name, minimum)));
      await store.close();
      const again = await openStore(t, at);
      for (const name of ['olpc-xo', 'debian', 'constructor']) {
        const mine = list.filter(([other]) => other === name).map(([, minimum]) => minimum);
        const kept = again.minimumVersion(name);
        assert.equal(kept === null, mine.length === 0);
        if (kept === null) continue;
        assert.ok(mine.some(minimum => minimum === kept));
        for (const minimum of mine) assert.ok(compareVersions(kept, minimum) >= 0, `${kept} < ${minimum}`);
      }
      await again.close();
    }),
    { numRuns: 20 },
  );
});

test('it outlives the images, and is nobody else’s business', async t => {
  const dir = folder(t);
  const store = await openStore(t, join(dir, 'store'));
  const tree = new TreeBuilder(join(dir, 'tree')).file('a', 'a');
  const { image } = await store.publish(tree.dir, { name: 'one', version: '3', time: TIME, minimumVersion: '2' });
  // Publishing by itself decides nothing: whether it is trusted is judged elsewhere.
  assert.equal(store.minimumVersion('one'), null);
  await store.raiseMinimum('one', '2');
  await store.remove(image.commit);
  assert.deepEqual(store.images(), []);
  assert.equal(store.minimumVersion('one'), '2');
  const file = join(dir, 'store', 'floors.json');
  assert.equal(readFileSync(file, 'utf8'), '{\n  "one": "2"\n}\n');
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('a note that cannot be read is damage, and removing it helps', async t => {
  const dir = join(folder(t), 'store');
  await (await openStore(t, dir)).close();
  const file = join(dir, 'floors.json');
  for (const text of ['', '{', '[]x', '"1"x', '{"a/b":"1"}', '{"a":1}', '{"a":"../b"}', 'null']) {
    writeFileSync(file, text);
    await assert.rejects(openStore(t, dir), withCode('damaged', /too old cannot be read/), text);
  }
  rmSync(file);
  const store = await openStore(t, dir);
  assert.equal(store.minimumVersion('a'), null);
  assert.equal(existsSync(file), false);
});

test('a signature is made of the commit’s own bytes, and one that is none leaves nothing behind', async t => {
  const dir = folder(t);
  const store = await openStore(t, join(dir, 'store'));
  const tree = new TreeBuilder(join(dir, 'tree')).file('a', 'a');
  const facts = { name: 'one', version: '1', time: TIME };
  const unsigned = await store.publish(tree.dir, facts);
  let given: Buffer | null = null;
  const sign = async (commit: Buffer) => {
    given = commit;
    return '-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n';
  };
  const signed = await store.publish(tree.dir, { ...facts, sign });
  assert.deepEqual(given, store.commitData(unsigned.image.commit));
  assert.match(store.commitData(signed.image.commit)!.toString(), /\ngpgsig -----BEGIN SSH SIGNATURE-----\n AAAA\n /);
  const before = store.images().length;
  const failing = {
    ...facts,
    version: '2',
    sign: () => Promise.reject(new PassItOnError('cannot-sign', 'No.', 'Try again.')),
  };
  await assert.rejects(store.publish(tree.dir, failing), withCode('cannot-sign', /No/));
  await assert.rejects(
    store.publish(tree.dir, { ...facts, version: '2', sign: async () => 'x\0' }),
    withCode('bad-data'),
  );
  assert.equal(store.images().length, before);
});
