/** Several images that go by one version, honestly or not, between real services on the loopback interface. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import type { Plan } from '../../src/service/contract';
import { failure, flash, publish, SCHOOL, school, serve } from './school';

test('one version with two contents is neither newer nor older but different, and that is said', async t => {
  const { key, laptop, tree, trustFile } = school(t);
  const [ana, ben] = [laptop('ana'), laptop('ben')];
  const theirs = await flash(ana, tree('1'), '2', key);
  const mine = await flash(ben, tree('2'), '2', key);
  const address = await serve(ana);
  const plan = await ben.compare(address);
  assert.deepEqual([plan.from?.commit, plan.to.commit, plan.relation], [mine, theirs, 'different']);
  const env = { ...process.env, PASS_IT_ON_ALLOWED_SIGNERS: trustFile };
  const compare = ['compare', address, '--store', ben.store];
  const { stdout } = spawnSync('dist/pass-it-on', compare, { env, encoding: 'utf8' });
  assert.match(stdout, /^From trust-os 2 to trust-os 2 \(the same version, but not the same inside\):$/m);
  await ben.upgrade(theirs, '--from', address);
  await ben.activate();
  // Now both are here, and the bare version names neither.
  assert.equal((await failure(ben.run('use', '2'))).code, 'ambiguous');
});

test('a neighbour that announces one version and gives another is refused', async t => {
  const { key, laptop, tree } = school(t);
  const [ana, ben] = [laptop('ana'), laptop('ben')];
  const commit = await flash(ana, tree('1'), '1', key);
  await flash(ben, tree('2'), '2', key);
  const real = await serve(ana);
  // Between the two stands a liar who changes what GET /images says, and nothing else.
  const liar = await lyingProxy(t, real, text => text.replaceAll('"version":"1"', '"version":"9"'));
  const [plan] = await ben.run<Plan>('compare', liar);
  assert.deepEqual([plan?.to.version, plan?.relation, plan?.trustProblem?.code], ['1', 'older', 'source-lied']);
  const refused = await failure(ben.upgrade('9', '--from', liar));
  assert.equal(refused.code, 'source-lied');
  assert.match(refused.message, /announced as trust-os 9 is trust-os 1/);
  assert.equal((await ben.upgrade(commit, '--from', real)).version, '1');
});

test('who claims a version for another commit does not stand in the way of the trusted one', async t => {
  const { ring, key, laptop, tree } = school(t);
  const [ana, ben, eve] = [laptop('ana'), laptop('ben'), laptop('eve')];
  const good = await flash(ana, tree('2'), '2', key);
  await flash(ben, tree('1'), '1', key);
  // One gives an image of her own that goes by the same name and version; another names a commit that nobody has.
  const forged = tree('forged');
  const strange = await publish(eve, forged, '2', '--sign-with', ring.make('stranger').file);
  await eve.run('use', strange.image.commit);
  const honest = await serve(ana);
  const bogus = await lyingProxy(t, honest, text => text.replaceAll(good, 'f'.repeat(40)));
  const everybody = [await serve(eve), bogus, honest].flatMap(address => ['--from', address]);
  const plan = (await ben.run<Plan>('compare', '2', ...everybody))[0]!;
  assert.deepEqual([plan.to.commit, plan.signedBy, plan.trustProblem], [good, SCHOOL, null]);
  assert.equal((await ben.upgrade('2', ...everybody)).commit, good);

  // Of two that are both trusted a person must choose, by their commits.
  const cleo = laptop('cleo');
  const other = await publish(cleo, forged, '2', '--sign-with', key.file);
  const two = ['--from', honest, '--from', await serve(cleo)];
  const dan = laptop('dan');
  const ambiguous = await failure(dan.upgrade('2', ...two));
  assert.equal(ambiguous.code, 'ambiguous');
  for (const commit of [good, other.image.commit]) assert.match(ambiguous.message, new RegExp(commit.slice(0, 7)));
  assert.match(ambiguous.remedy, /by its commit/);
  assert.equal((await dan.upgrade(other.image.commit, ...two)).commit, other.image.commit);
});

async function lyingProxy(t: TestContext, target: string, lie: (text: string) => string): Promise<string> {
  const { createServer } = await import('node:http');
  const server = createServer(async (request, response) => {
    const answer = await fetch(`http://${target}${request.url}`);
    const body = Buffer.from(await answer.arrayBuffer());
    const images = request.url === '/images';
    // fetch has taken the compression away.
    response.writeHead(answer.status, { 'Content-Type': answer.headers.get('content-type') ?? '' });
    response.end(images ? lie(body.toString()) : body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}
