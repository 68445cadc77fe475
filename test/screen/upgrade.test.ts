/**
 * A child at the screen, for real: three laptops in three network namespaces with their services, the built screen
 * under Xvfb, found and pressed through AT-SPI, with a real pointer and a real keyboard.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { makeTree } from '../../src/demo/trees';
import { Laptop } from '../lan/laptop';
import { Lan } from '../lan/namespaces';
import { Accessibility } from './atspi';
import { Desktop } from './desktop';

const SCREEN = resolve('dist/screen.js');
const NAME = 'olpc-xo';

describe('the screen, from tap to Ready', () => {
  let folder: string;
  let lan: Lan;
  let desktop: Desktop;
  let me: Laptop;
  let ana: Laptop;
  let fatima: Laptop;
  let screen: ChildProcess;
  let person: Accessibility;

  /** Each step begins where the one before has ended: after a failure there is nothing to go on with. */
  let broken = false;
  function step(name: string, work: () => Promise<void>): void {
    it(name, async () => {
      assert.ok(!broken, 'an earlier step has failed');
      broken = true;
      await work().catch(async error => {
        // What a person would see, and what the service knows: for whoever looks for the reason.
        await desktop.picture('failed');
        const { upgrade } = await me.status();
        process.stderr.write(`${JSON.stringify(upgrade)}\nAna's service: ${ana.serviceLog}\n`);
        throw error;
      });
      broken = false;
    });
  }

  /** Starts the screen on my laptop; it starts the service by itself where none runs. */
  async function openScreen(): Promise<void> {
    const hook = join(folder, 'hook');
    writeFileSync(hook, `#!/bin/sh\necho "$2" >> ${folder}/restarts\n`, { mode: 0o755 });
    screen = lan.run(0, process.execPath, [SCREEN, '--store', me.store], {
      env: { ...desktop.env, PASS_IT_ON_ACTIVATION_HOOK: hook, PASS_IT_ON_ALLOW_UNSIGNED: '1' },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const alive = () => screen.exitCode === null && screen.signalCode === null;
    person = await Accessibility.connect(desktop.busAddress, 'pass-it-on', alive);
    await person.button('Stop');
  }

  async function closeScreen(): Promise<number | null> {
    const ended = once(screen, 'exit');
    await desktop.key('ctrl+q');
    const [code] = (await ended) as [number | null];
    person.close();
    return code;
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pass-it-on-screen-'));
    lan = await Lan.create(3);
    desktop = await Desktop.start(join(folder, 'desktop'));
    const laptops = ['Me', 'Ana', 'Fatima'].map(
      (nick, i) => new Laptop(nick, lan.laptops[i]!.inside, join(folder, nick)),
    );
    [me, ana, fatima] = laptops as [Laptop, Laptop, Laptop];
    for (const [laptop, version] of [
      [me, '406'],
      [ana, '407'],
      [fatima, '405'],
    ] as const) {
      const tree = join(folder, 'tree');
      makeTree(tree, version);
      await laptop.flash(tree, NAME, version);
      rmSync(tree, { recursive: true });
    }
    // Slow enough to be stopped half way, however busy this machine is; Fatima gives what her image shares with Ana's.
    await ana.serve('--colors', '#AC32FF,#FF2B34', '--rate', '100000');
    await fatima.serve('--colors', '#C97E00,#FF8F00', '--rate', '100000');
  });

  after(async () => {
    person?.close();
    await Promise.all([ana, fatima].map(laptop => laptop?.stop()));
    await lan?.close();
    await desktop?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  step('shows who is near, newer above and older below', async () => {
    await openScreen();
    const newer = await person.button('Ana has 407');
    assert.ok(getPriority(servicePid(me.store)) >= 5, 'the service, which the screen has started, gives way to it');
    const older = await person.button('Fatima has 405');
    const mine = await person.button('My laptop has 406');
    assert.match(await newer.description(), /^newer than mine/);
    assert.match(await older.description(), /^older than mine/);
    const [a, m, f] = await Promise.all([newer.extents(), mine.extents(), older.extents()]);
    assert.ok(a.y + a.height <= m.y && m.y + m.height <= f.y);
    await desktop.picture('choose-nobody-tapped');
  });

  step('says what will happen after one tap, and offers one button', async () => {
    // The keyboard begins at my laptop; Up is who has something newer.
    assert.ok(await (await person.button('My laptop has 406')).is('focused'));
    await desktop.key('Up', 'Return');
    await person.text('Ana has 407.');
    assert.ok(await (await person.button('Ana has 407')).is('focused'));
    await desktop.key('Escape');
    await person.gone('label', 'Ana has 407.');
    // A child presses twice: that is one wish.
    await desktop.click(await person.button('Ana has 407'), 2);
    await person.text('Ana has 407.');
    await person.text(/MB to fetch · .*Not signed$/);
    assert.ok(await (await person.button('Upgrade to 407')).is('sensitive'));
    await desktop.picture('choose');
  });

  step('fetches, can be stopped without a loss, and goes on', async () => {
    await desktop.click(await person.button('Upgrade to 407'), 2);
    await person.text(/^Getting 407 from (Fatima and )?Ana/);
    await person.button('Ana has 407');
    await person.text(/ of .* MB/);
    await desktop.picture('fetching');
    await desktop.click(await person.button('Stop getting 407'));
    await person.text('Getting 407 has stopped.');
    await desktop.picture('stopped');
    const { upgrade } = await me.status();
    assert.equal(upgrade?.state, 'stopped');
    // She leaves, and comes back with a better radio.
    await ana.stop();
    await person.gone('push button', 'Ana has 407');
    await ana.serve('--colors', '#AC32FF,#FF2B34', '--rate', '1500000');
    await person.button('Ana has 407');
    await desktop.click(await person.button('Continue to 407'));
    await person.text('407 is ready on your laptop!');
    await desktop.picture('ready');
    const status = await me.status();
    assert.equal(status.staged?.version, '407');
    assert.equal(status.current?.version, '406');
  });

  step('restarts into the new version and keeps the old one at hand', async () => {
    await desktop.click(await person.button('Restart to use 407'));
    await person.button('My laptop has 407');
    await person.button('406 is kept on my laptop');
    assert.equal(readFileSync(join(folder, 'restarts'), 'utf8'), '407\n');
    await desktop.picture('after');
  });

  step('goes back by keyboard alone, after one question', async () => {
    await (await person.button('406 is kept on my laptop')).grabFocus();
    await desktop.key('Return');
    await (await person.button('Go back to 406')).grabFocus();
    await desktop.key('Return');
    // The alert has the focus: Escape is no, Enter is yes.
    await person.text('Go back to 406?');
    await desktop.picture('question');
    await desktop.key('Escape');
    await person.gone('label', 'Go back to 406?');
    assert.equal((await me.status()).current?.version, '407');
    await (await person.button('Go back to 406')).press();
    await person.text('Go back to 406?');
    await desktop.key('Return');
    await person.button('My laptop has 406');
    assert.equal((await me.status()).current?.version, '406');
  });

  step('says when the service has died, and starts it again', async () => {
    process.kill(servicePid(me.store), 'SIGKILL');
    await person.text('A part of Pass It On has stopped.');
    await person.gone('label', 'A part of Pass It On has stopped.');
    await person.button('Ana has 407');
  });

  step('closes with Ctrl+Q; the service stays', async () => {
    assert.equal(await closeScreen(), 0);
    const pid = servicePid(me.store);
    await openScreen();
    await person.button('Ana has 407');
    const ended = once(screen, 'exit');
    screen.kill('SIGKILL');
    await ended;
    assert.equal(servicePid(me.store), pid);
  });

  step('upgrades by itself with --auto, and tells each step', async () => {
    const pictures = join(folder, 'pictures');
    await fatima.stop();
    const auto = lan.run(2, process.execPath, [SCREEN, '--store', fatima.store, '--auto', '--screenshots', pictures], {
      env: { ...desktop.env, PASS_IT_ON_ALLOW_UNSIGNED: '1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let told = '';
    auto.stdout?.setEncoding('utf8').on('data', text => {
      told += text;
    });
    const [code] = await once(auto, 'close');
    assert.equal(code, 0, told);
    for (const step of ['compare: ', 'fetch: ', 'ready: ']) assert.ok(told.includes(`\n${step}`), told);
    assert.match(told, /this laptop has 407 now/);
    assert.equal((await fatima.status()).current?.version, '407');
    assert.deepEqual(readdirSync(pictures).sort(), ['after.png', 'choose.png', 'fetching.png', 'ready.png']);
  });
});

/** The process that owns this store: its command line names it. */
function servicePid(store: string): number {
  const pids = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      try {
        const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return args.includes('serve') && args.includes(store);
      } catch {
        return false;
      }
    });
  assert.equal(pids.length, 1, `one service for ${store}`);
  return Number(pids[0]);
}
