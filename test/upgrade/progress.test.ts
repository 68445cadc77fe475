import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProgressMeter, partDone } from '../../src/upgrade/progress';

test('the bar never runs back, whatever is reported', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000)), reports => {
      let now = 0;
      const meter = new ProgressMeter(() => now);
      meter.begin('fetch', 1000, 1000);
      let last = 0;
      for (const bytes of reports) {
        now += 0.3;
        meter.update(0, bytes);
        const { bytesDone } = meter.read();
        assert.ok(bytesDone >= last);
        last = bytesDone;
      }
    }),
  );
});

test('the time left falls steadily while the rate only trembles', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 85, max: 115 }), { minLength: 40, maxLength: 80 }), steps => {
      let now = 0;
      const meter = new ProgressMeter(() => now);
      meter.begin('fetch', 1, 100_000);
      let done = 0;
      let last = Number.POSITIVE_INFINITY;
      for (const bytes of steps) {
        now += 0.5;
        done += bytes;
        meter.update(0, done);
        const { secondsLeft } = meter.read();
        if (secondsLeft === null) continue;
        assert.ok(secondsLeft <= last, `${secondsLeft} after ${last}`);
        last = secondsLeft;
      }
      assert.notEqual(last, Number.POSITIVE_INFINITY);
    }),
  );
});

test('a link that has really become slower is admitted after some seconds', () => {
  let now = 0;
  const meter = new ProgressMeter(() => now);
  meter.begin('fetch', 1, 1_000_000);
  let done = 0;
  const go = (seconds: number, rate: number) => {
    for (let i = 0; i < seconds * 2; i++) {
      now += 0.5;
      done += rate / 2;
      meter.update(0, done);
      meter.read();
    }
    return meter.read().secondsLeft!;
  };
  const before = go(10, 10_000);
  const after = go(15, 1_000);
  assert.ok(before < 100);
  assert.ok(after > 300, `${after} s for 885 kB at about 1 kB/s`);
});

test('nothing is said about the time before anything is known', () => {
  const meter = new ProgressMeter(() => 0);
  meter.begin('fetch', 10, 10);
  assert.equal(meter.read().secondsLeft, null);
  assert.equal(meter.read().rate, 0);
});

test('what is here already counts as done, and not for the rate', () => {
  let now = 0;
  const meter = new ProgressMeter(() => now);
  meter.begin('fetch', 10, 100_000, { files: 6, bytes: 60_000 });
  const { filesDone, bytesDone, rate } = meter.read();
  assert.deepEqual([filesDone, bytesDone, rate], [6, 60_000, 0]);
  for (let done = 61_000; done <= 70_000; done += 1_000) {
    now += 1;
    meter.update(6, done);
  }
  assert.equal(meter.read().rate, 1_000);
  now += 1;
  meter.update(7, 71_000);
  assert.equal(Math.round(meter.read().secondsLeft ?? 0), 29);
});

test('the whole grows from step to step and within each, from nothing to all', () => {
  let last = -1;
  for (const step of ['compare', 'fetch', 'check', 'stage', 'ready'] as const) {
    for (const done of [0, 500, 1000]) {
      const part = partDone({ step, filesDone: 0, filesTotal: 0, bytesDone: done, bytesTotal: 1000 });
      assert.ok(part >= last && part <= 1, `${step} ${done}: ${part}`);
      last = part;
    }
  }
  assert.equal(last, 1);
  assert.equal(partDone({ step: 'fetch', filesDone: 0, filesTotal: 0, bytesDone: 0, bytesTotal: 0 }), 0.02);
});
