import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { keepPace, Pace, recallPace, Stopwatch } from '../../src/service/pace';
import { tempFolder } from '../support/temp';

const AHEAD = { bytesRaw: 20e6, imageBytes: 100e6, rates: [null, null], probe: null };

describe('how long it will take', () => {
  it('is a rough guess before anything was measured, by no less than what little came', () => {
    const usual = { seconds: 3.5 + 1, rough: true };
    assert.deepEqual(new Pace().estimate(AHEAD), usual);
    assert.deepEqual(new Pace().estimate({ ...AHEAD, probe: { bytes: 100e3, seconds: 1 } }), usual);
    assert.deepEqual(new Pace().estimate({ ...AHEAD, probe: { bytes: 1e6, seconds: 0 } }), usual);
    const fast = { bytes: 200e3, seconds: 0.05 };
    assert.deepEqual(new Pace().estimate({ ...AHEAD, probe: fast }), { seconds: 1.75 + 1, rough: true });
  });

  it('goes by what the sources gave together, else by what came while comparing', () => {
    const pace = new Pace();
    const measured = (seconds: number) => ({ seconds, rough: false });
    assert.deepEqual(pace.estimate({ ...AHEAD, rates: [500e3, null, 500e3] }), measured(7 + 1));
    assert.deepEqual(pace.estimate({ ...AHEAD, probe: { bytes: 500e3, seconds: 0.5 } }), measured(7 + 1));
    const both = { ...AHEAD, rates: [700e3], probe: { bytes: 1e6, seconds: 0.001 } };
    assert.deepEqual(pace.estimate(both), measured(10 + 1));
  });

  it('learns how small things travel here, and how fast they are checked', () => {
    const pace = new Pace();
    pace.note({ bytesRaw: 20e6, bytesReceived: 2e6, fetchSeconds: 4, imageBytes: 100e6, checkSeconds: 5 });
    assert.equal(pace.estimate({ ...AHEAD, rates: [500e3] }).seconds, 4 + 5);
    assert.equal(pace.estimate({ ...AHEAD, bytesRaw: 0 }).seconds, 5);
    // Those who are near now have not given before; what the last ones gave together is the best guess.
    assert.deepEqual(pace.estimate(AHEAD), { seconds: 4 + 5, rough: true });
  });

  it('is remembered over a restart, and a torn file is as good as none', async t => {
    const dir = tempFolder(t);
    const pace = await recallPace(dir);
    assert.deepEqual(pace.habits, new Pace().habits);
    pace.note({ bytesRaw: 20e6, bytesReceived: 2e6, fetchSeconds: 4, imageBytes: 100e6, checkSeconds: 5 });
    await keepPace(dir, pace);
    assert.deepEqual((await recallPace(dir)).habits, { share: 0.1, check: 20e6, rate: 500e3 });
    for (const torn of ['{"share":', '{"share":-1,"check":"fast","rate":null}']) {
      writeFileSync(join(dir, 'pace.json'), torn);
      assert.deepEqual((await recallPace(dir)).habits, new Pace().habits, torn);
    }
  });

  it('is a time, whatever was measured', () => {
    const amount = fc.double({ min: 0, max: 1e13, noNaN: true });
    const rate = fc.option(amount, { nil: null });
    fc.assert(
      fc.property(amount, amount, fc.array(rate), amount, amount, (bytesRaw, imageBytes, rates, bytes, seconds) => {
        const pace = new Pace();
        pace.note({ bytesRaw, bytesReceived: bytes, fetchSeconds: seconds, imageBytes, checkSeconds: seconds });
        const answer = pace.estimate({ bytesRaw, imageBytes, rates, probe: { bytes, seconds } });
        assert.ok(answer.seconds >= 0);
      }),
    );
  });

  it('tells fetching from checking', () => {
    let now = 10;
    const watch = new Stopwatch(() => now);
    watch.saw('compare');
    assert.equal(watch.read(), null);
    for (const [step, at] of [
      ['fetch', 12],
      ['fetch', 13],
      ['check', 20],
      ['stage', 22],
    ] as const) {
      now = at;
      watch.saw(step);
    }
    now = 25;
    assert.deepEqual(watch.read(), { fetchSeconds: 8, checkSeconds: 5 });
  });
});
