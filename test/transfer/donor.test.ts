/** What giving costs whoever gives: bounded in all, fair between clients, and next to nothing for the second one. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { objectOid } from '../../src/core/object';
import { ANSWER } from '../../src/transfer/answers';
import { Clients, turnFor } from '../../src/transfer/clients';
import { encodeRequest, SHORT_NAME_BYTES } from '../../src/transfer/request';
import type { HttpSource } from '../../src/transfer/source';
import { closersOf } from '../support/closers';
import { tempFolder } from '../support/temp';
import { giving, hangingUp, storeWith } from './serving';

const OLD = randomBytes(6_000_000);
const NEW = Buffer.concat([OLD.subarray(0, 3_000_000), Buffer.from('changed'), OLD.subarray(3_000_100)]);
const [OLD_OID, NEW_OID] = [objectOid('blob', OLD), objectOid('blob', NEW)];
const ASKED = [{ oid: NEW_OID, bases: [OLD_OID] }];

async function donor(t: TestContext) {
  const closers = closersOf(t);
  const folder = tempFolder(t);
  const store = await storeWith(closers, folder, OLD, NEW);
  return { store, ...(await giving(closers, store, { onError: hangingUp })) };
}

async function kinds(source: HttpSource): Promise<string[]> {
  const all: string[] = [];
  for await (const frame of source.objects(ASKED)) all.push(frame.kind);
  return all;
}

/** CPU time of each thread of this process that has such a niceness, in clock ticks (proc(5), `stat`). */
function ticksAtNice(nice: number): number[] {
  return readdirSync('/proc/self/task').flatMap(thread => {
    // What stands behind the name, which may hold anything: field 3 is the first.
    const fields = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1').split(') ').at(-1)!.split(' ');
    return Number(fields[19 - 3]) === nice ? [Number(fields[14 - 3]) + Number(fields[15 - 3])] : [];
  });
}

test('deltas are made at low priority, and the second classmate costs no more of that', async t => {
  const { source } = await donor(t);
  assert.deepEqual(ticksAtNice(15), []);
  assert.deepEqual(await kinds(source()), [ANSWER.delta]);
  const [first, ...more] = ticksAtNice(15);
  assert.ok(first! > 0 && more.length === 0);
  for (let i = 0; i < 8; i++) assert.deepEqual(await kinds(source()), [ANSWER.delta]);
  assert.ok(ticksAtNice(15)[0]! <= first! + 2, 'it was made again');
});

test('a file that is no longer what it was is given to nobody, neither whole nor as a delta', async t => {
  const { store, source } = await donor(t);
  const file = store.blobPath(NEW_OID);
  const wrong = Buffer.from(NEW);
  wrong[5]! ^= 1;
  writeFileSync(file, wrong);
  utimesSync(file, 5, 5);
  assert.deepEqual(await kinds(source()), [ANSWER.missing]);
  for await (const frame of source().objects([{ oid: NEW_OID, bases: [] }])) assert.equal(frame.kind, ANSWER.missing);
});

test('so many at a time, and no client so much that nothing is left for others', () => {
  const clients = new Clients(5, 2);
  const enter = (name: string) => clients.enter(name);
  const [ana, more] = [enter('ana'), enter('ana')];
  assert.ok(ana && more);
  assert.equal(ana.turns, more.turns);
  assert.equal(enter('ana'), null);
  const others = ['ben', 'carla', 'dan'].map(enter);
  assert.ok(others.every(one => one !== null && one.turns !== ana.turns));
  assert.equal(enter('eve'), null);
  ana.leave();
  assert.ok(enter('eve'));
  more.leave();
  others[0]!.leave();
  assert.ok(enter('ana') && enter('ana'));
});

test('what one client has asked for is made in turns with what others ask for', async () => {
  // A few large deltas are ahead of another client's, or more small ones, which take as long together.
  for (const [size, ahead] of [
    [5 << 20, 3],
    [2_000, 24],
  ] as const) {
    const clients = new Clients(9, 9);
    const order: string[] = [];
    const work = (name: string) => async () => {
      order.push(name);
      await sleep(5);
    };
    const [ana, ben] = [clients.enter('ana')!, clients.enter('ben')!];
    const names = Array.from({ length: 2 * ahead }, (_none, at) => `a${at}`);
    const all = names.map(name => ana.turns.run(work(name), turnFor(size)));
    all.push(ben.turns.run(work('b'), turnFor(size)));
    await Promise.all(all);
    assert.equal(order.indexOf('b'), ahead, order.join());
  }
});

test('more streams than a client may have are told to come back', async t => {
  const { server } = await donor(t);
  const blob = { oid: NEW_OID, bases: [] };
  const body = encodeRequest(Array(20).fill(blob), { bases: true, nameBytes: SHORT_NAME_BYTES });
  const ask = () =>
    new Promise<{ status: number; later: string | undefined }>((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: server.port, method: 'POST', path: '/objects' }, answer => {
        resolve({ status: answer.statusCode ?? 0, later: answer.headers['retry-after'] });
        // It reads nothing: its stream stays open until the test is over.
        t.after(() => answer.destroy());
      });
      asked.on('error', reject);
      asked.end(body);
    });
  for (let i = 0; i < 4; i++) assert.equal((await ask()).status, 200);
  assert.deepEqual(await ask(), { status: 503, later: '2' });
});
