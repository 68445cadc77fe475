import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readLaunch } from '../../src/sugar/launch';

const HOME = { XDG_DATA_HOME: '/home/maya/data' };

describe('how the screen is started', () => {
  it('as Sugar does: its ids, and the one place where an activity may write', () => {
    const args = ['-b', 'org.laptop.PassItOn', '-a', 'abc123', '-o', 'object', '-u', 'uri', '-i'];
    const env = { ...HOME, SUGAR_ACTIVITY_ROOT: '/home/maya/root', SUGAR_BUNDLE_PATH: '/bundle', SUGAR_SCALING: '100' };
    const launch = readLaunch(args, env, '/somewhere');
    assert.deepEqual(launch.sugar, {
      bundleId: 'org.laptop.PassItOn',
      activityId: 'abc123',
      objectId: 'object',
      root: '/home/maya/root',
      bundlePath: '/bundle',
    });
    assert.equal(launch.store, '/home/maya/root/data/store');
    assert.equal(launch.scaling, '100');
    assert.equal(launch.auto, false);
  });

  it('as a person does: the store of the command line', () => {
    const launch = readLaunch([], HOME, '/');
    assert.equal(launch.sugar, null);
    assert.equal(launch.store, '/home/maya/data/pass-it-on/store');
    assert.equal(launch.storeIsNamed, false);
    // A terminal inside Sugar has Sugar's environment, and is no activity of ours.
    const terminal = readLaunch([], { ...HOME, SUGAR_ACTIVITY_ROOT: '/somebody/else' }, '/');
    assert.equal(terminal.store, '/home/maya/data/pass-it-on/store');
  });

  it('the store: told by argument, else by environment', () => {
    const env = { ...HOME, PASS_IT_ON_STORE: '/srv/store', SUGAR_ACTIVITY_ROOT: '/root' };
    const { store, storeIsNamed } = readLaunch(['-a', 'abc'], env, '/');
    assert.deepEqual([store, storeIsNamed], ['/srv/store', true]);
    const told = readLaunch(['--store', '/tmp/store'], env, '/');
    assert.deepEqual([told.store, told.storeIsNamed], ['/tmp/store', true]);
  });

  it('by itself, with pictures', () => {
    const launch = readLaunch(['--auto', '--screenshots', 'pictures'], HOME, '/');
    assert.deepEqual([launch.auto, launch.screenshots], [true, 'pictures']);
    assert.deepEqual([launch.kiosk, launch.attach], [false, false]);
  });

  it('by itself for whoever comes by', () => {
    const launch = readLaunch(['--kiosk', '--attach', '--home', '406', '--pace', '0.5'], HOME, '/');
    const { kiosk, attach, home, pace } = launch;
    assert.deepEqual({ kiosk, attach, home, pace }, { kiosk: true, attach: true, home: '406', pace: 0.5 });
    assert.equal(readLaunch(['--kiosk'], HOME, '/').pace, 1);
  });
});
