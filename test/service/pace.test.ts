import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Pace, Stopwatch } from '../../src/service/pace';

const AHEAD = { bytesRaw: 20e6, imageBytes: 100e6, rates: [null, null], probe: null };

describe('how long it will take', () => {
  it('is not known before anything was measured', () => {
    assert.equal(new Pace().estimate(AHEAD), null);
    assert.equal(new Pace().estimate({ ...AHEAD, probe: { bytes: 100e3, seconds: 1 } }), null);
    assert.equal(new Pace().estimate({ ...AHEAD, probe: { bytes: 1e6, seconds: 0 } }), null);
  });

  it('goes by what the sources gave together, else by what came while comparing', () => {
    const pace = new Pace();
    assert.equal(pace.estimate({ ...AHEAD, rates: [500e3, null, 500e3] }), 7 + 1);
    assert.equal(pace.estimate({ ...AHEAD, probe: { bytes: 500e3, seconds: 0.5 } }), 7 + 1);
    const both = { ...AHEAD, rates: [700e3], probe: { bytes: 1e6, seconds: 0.001 } };
    assert.equal(pace.estimate(both), 10 + 1);
  });

  it('learns how small things travel here, and how fast they are checked', () => {
    const pace = new Pace();
    pace.note({ bytesRaw: 20e6, bytesReceived: 2e6, fetchSeconds: 4, imageBytes: 100e6, checkSeconds: 5 });
    assert.equal(pace.estimate({ ...AHEAD, rates: [500e3] }), 4 + 5);
    assert.equal(pace.estimate({ ...AHEAD, bytesRaw: 0 }), 5);
  });

  it('is a time, whatever was measured', () => {
    const amount = fc.double({ min: 0, max: 1e13, noNaN: true });
    const rate = fc.option(amount, { nil: null });
    fc.assert(
      fc.property(amount, amount, fc.array(rate), amount, amount, (bytesRaw, imageBytes, rates, bytes, seconds) => {
        const pace = new Pace();
        pace.note({ bytesRaw, bytesReceived: bytes, fetchSeconds: seconds, imageBytes, checkSeconds: seconds });
        const answer = pace.estimate({ bytesRaw, imageBytes, rates, probe: { bytes, seconds } });
        assert.ok(answer === null || answer >= 0);
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
