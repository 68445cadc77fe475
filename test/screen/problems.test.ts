/** Whatever the pipeline can answer has a picture, a sentence and one button; and the buttons do what they say. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Controller } from '../../src/screen/controller';
import { view } from '../../src/screen/model';
import { PROBLEM_CODES, problem } from '../../src/screen/problems';
import { draining } from '../../src/service/battery';
import { connectService } from '../../src/service/client';
import { RpcServer } from '../../src/service/rpc-server';
import { Service } from '../../src/service/service';
import { Store } from '../../src/store/store';
import { tempFolder } from '../support/temp';
import { base, CLASS, report, upgrade } from './states';

/** As the type says them, so that a code cannot be forgotten here by being forgotten there. */
function codesOfErrors(): string[] {
  const source = readFileSync('src/core/errors.ts', 'utf8');
  const type = source.slice(source.indexOf('export type ErrorCode'), source.indexOf(';', source.indexOf('| ')));
  return [...type.matchAll(/\| '([a-z-]+)'/g)].map(([, code]) => code!);
}

describe('every error code', () => {
  it('is known to the screen', () => {
    const codes = codesOfErrors();
    assert.ok(codes.length > 20);
    assert.deepEqual([...PROBLEM_CODES].sort(), codes.sort());
  });

  it('has a sentence of its own, and says what to do', () => {
    const titles = PROBLEM_CODES.map(code => problem({ code }, 'upgrade').title);
    assert.equal(new Set(titles).size, titles.length);
    for (const code of PROBLEM_CODES) {
      for (const failed of ['compare', 'upgrade', 'room', 'other'] as const) {
        const { title, line, remedy } = problem({ code }, failed);
        assert.match(title, /^[A-Z].*\.$/);
        assert.match(line, /^[A-Z].*\.$/);
        assert.ok(remedy.label.length > 0 && remedy.label.length < 20);
        assert.doesNotMatch(`${title} ${line}`, /unknown|error|invalid|illegal|fail/i, code);
      }
    }
  });

  for (const code of PROBLEM_CODES) {
    it(`${code}: shows picture, sentence, and one button beside the one that puts it away`, () => {
      const wrong = report(code, 'What the service says.', 'What the service would do.');
      for (const state of [
        base(CLASS, { error: wrong }),
        base(CLASS, { upgrade: upgrade('failed', {}, wrong) }),
        base(CLASS, { selected: 'near:Ana', comparison: { state: 'failed', error: wrong } }),
      ]) {
        const { alert } = view(state);
        assert.equal(alert?.picture, code);
        assert.equal(alert.buttons.length, 2);
        assert.equal(alert.buttons[0]?.action, 'dismiss');
        assert.notEqual(alert.buttons[1]?.action, 'dismiss');
        assert.doesNotMatch(`${alert.title} ${alert.line}`, /What the service/);
      }
    });
  }
});

/** A store with 405 to go back to and 406 in use, its service, and a controller that talks to it. */
async function laptop(t: TestContext) {
  const ending: (() => Promise<unknown>)[] = [];
  // Before the folder goes.
  t.after(async () => {
    for (const end of ending) await end();
  });
  const folder = tempFolder(t);
  const dir = join(folder, 'store');
  const store = await Store.open(dir);
  for (const version of ['405', '406']) {
    const tree = join(folder, version);
    mkdirSync(join(tree, 'etc'), { recursive: true });
    writeFileSync(join(tree, 'etc', 'release'), `${version}\n`.repeat(1000));
    await store.publish(tree, { name: 'test-os', version, time: 1_700_000_000, ownerRoot: true });
  }
  await store.use(store.resolve('405').commit);
  await store.setStaged(store.resolve('406').commit);
  await store.activate();
  await store.close();
  const service = await Service.start({ store: dir, share: null, interface: 'lo' });
  const rpc = await RpcServer.listen(service, dir);
  const controller = new Controller(() => connectService(dir), base().profile);
  ending.push(
    async () => controller.close(),
    () => rpc.drain(),
    () => service.close(),
  );
  const until = (reached: () => boolean) =>
    new Promise<void>(resolve => {
      const check = () => {
        if (!reached()) return;
        forget();
        resolve();
      };
      const forget = controller.onChange(check);
      check();
    });
  controller.start();
  await until(() => controller.state.link === 'connected');
  const idle = () => until(() => controller.state.pending === null);
  return { controller, dir, until, idle };
}

describe('the buttons', { timeout: 60_000 }, () => {
  it('make room: asks before what one could go back to is removed, and says when nothing is left', async t => {
    const { controller, until, idle } = await laptop(t);
    controller.act('make-room');
    await until(() => controller.state.sacrificing);
    assert.match(view(controller.state).alert?.title ?? '', /405/);
    controller.act('cancel');
    assert.equal(controller.state.status?.previous?.version, '405');
    controller.act('make-room');
    await until(() => controller.state.sacrificing);
    controller.act('confirm');
    await until(() => controller.state.status?.previous === null);
    await idle();
    assert.deepEqual(
      controller.state.status?.images.map(({ version }) => version),
      ['406'],
    );
    controller.act('make-room');
    await until(() => controller.state.error !== null);
    const { alert } = view(controller.state);
    assert.equal(alert?.picture, 'no-space');
    assert.equal(alert.buttons[1]?.action, 'look-again');
  });

  it('fix it: mends this laptop’s own copy', async t => {
    const { controller, dir, idle, until } = await laptop(t);
    const image = readdirSync(join(dir, 'images')).find(name => name.startsWith('406'))!;
    const file = join(dir, 'images', image, 'etc', 'release');
    rmSync(file);
    controller.state = { ...controller.state, error: report('damaged', 'Broken.', 'Mend it.') };
    controller.act('fix');
    assert.match(view(controller.state).bar.headline, /Mending/);
    await idle();
    await until(() => controller.state.pending === null);
    assert.equal(controller.state.error, null);
    assert.match(readFileSync(file, 'utf8'), /^406\n/);
  });

  it('it is plugged in: goes on with what the battery did not allow', async t => {
    const { controller, until } = await laptop(t);
    const supplies = tempFolder(t);
    const supply = (name: string, facts: Record<string, string>) => {
      mkdirSync(join(supplies, name), { recursive: true });
      for (const [fact, value] of Object.entries(facts)) writeFileSync(join(supplies, name, fact), `${value}\n`);
    };
    supply('AC', { type: 'Mains', online: '0' });
    supply('BAT0', { type: 'Battery', status: 'Discharging', capacity: '12' });
    supply('mouse', { type: 'Battery', scope: 'Device', status: 'Discharging', capacity: '90' });
    process.env.PASS_IT_ON_POWER_SUPPLIES = supplies;
    t.after(() => {
      delete process.env.PASS_IT_ON_POWER_SUPPLIES;
    });
    assert.equal(draining(), 12);
    const commit = controller.state.status!.previous!.commit;
    const old = { ...base().neighbours.get('Fatima')!, commit, version: '405' };
    controller.state = { ...controller.state, neighbours: new Map([[old.id, old]]), selected: `near:${old.id}` };
    controller.act('confirm');
    await until(() => controller.state.error !== null);
    assert.equal(controller.state.error?.code, 'battery-low');
    assert.equal(view(controller.state).alert?.buttons[1]?.action, 'plugged-in');
    supply('AC', { online: '1' });
    assert.equal(draining(), null);
    controller.act('plugged-in');
    await until(() => controller.state.upgrade?.state === 'staged');
  });

  it('ask your teacher: shows the service’s own words, and comes back', () => {
    const wrong = report('untrusted', 'The key is not known: SHA256:abc.', 'Write it into the file.');
    const controller = new Controller(() => Promise.reject(wrong), base().profile);
    controller.state = base(CLASS, { error: wrong });
    controller.act('ask-teacher');
    const shown = view(controller.state).alert;
    assert.match(shown?.line ?? '', /SHA256:abc.*Write it.*untrusted/);
    controller.act(shown!.escape);
    assert.equal(view(controller.state).alert?.picture, 'untrusted');
  });
});
