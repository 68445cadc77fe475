import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { beTheOnly, meetingPlace } from '../../src/screen/single';
import { tempFolder } from '../support/temp';
import { Accessibility } from './atspi';
import { Desktop } from './desktop';

const run = promisify(execFile);

// A socket's own name may have 107 bytes, unix(7); the home of a child may be longer.
for (const depth of [0, 3]) {
  it(`tells the first screen of a store when another one is started, ${depth} long folders down`, async t => {
    const folder = join(tempFolder(t), ...Array<string>(depth).fill('f'.repeat(60)));
    mkdirSync(folder, { recursive: true });
    let raised = 0;
    const told = new Promise<void>(resolve => {
      const raise = () => {
        raised += 1;
        resolve();
      };
      assert.notEqual(meetingPlace(folder, '/a'), meetingPlace(folder, '/b'));
      beTheOnly(meetingPlace(folder, '/a'), raise).then(async first => {
        assert.equal(first, true);
        assert.equal(await beTheOnly(meetingPlace(folder, '/b'), raise), true);
        assert.equal(await beTheOnly(meetingPlace(folder, '/a'), raise), false);
      });
    });
    await told;
    assert.equal(raised, 1);
  });
}

it('is the only one after the last one was killed', async t => {
  const folder = tempFolder(t);
  writeFileSync(meetingPlace(folder, '/a'), '');
  assert.equal(await beTheOnly(meetingPlace(folder, '/a'), () => {}), true);
});

it('opens one window however often it is started, and leaves nothing behind', async t => {
  const folder = tempFolder(t);
  const desktop = await Desktop.start(join(folder, 'desktop'));
  t.after(() => desktop.close());
  const args = ['dist/screen.js', '--attach', '--store', join(folder, 'store')];
  const first = spawn(process.execPath, args, { env: desktop.env, stdio: 'inherit' });
  const person = await Accessibility.connect(desktop.busAddress, 'pass-it-on', () => first.exitCode === null);
  await person.button('Stop');
  const { stdout } = await run(process.execPath, args, { env: desktop.env });
  assert.match(stdout, /is open already/);
  const ended = once(first, 'exit');
  await (await person.button('Stop')).press();
  assert.deepEqual(await ended, [0, null]);
  person.close();
});
