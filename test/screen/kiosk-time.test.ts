/** The minute after which a kiosk begins anew, by a clock that runs as fast as the test can read it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Controller } from '../../src/screen/controller';
import { type Clock, Kiosk } from '../../src/screen/kiosk';
import type { MethodName, ServiceClient } from '../../src/service/contract';
import { base, status } from './states';

const BEGIN = 'Here laptops upgrade each other.';
const YOURS = 'Your turn! Tap a laptop.';

/** Every pause is over at once, and has lasted as long as it was meant to. */
class FastClock implements Clock {
  time = 0;

  now(): number {
    return this.time;
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    await turn();
    signal?.throwIfAborted();
    this.time += milliseconds;
  }
}

/** The service of a laptop near which nobody is: what a tour needs to begin. */
function lonely(): ServiceClient {
  const answers: Partial<Record<MethodName, unknown>> = { watchNeighbours: [], collectGarbage: { bytesFreed: 0 } };
  return {
    call: async (method: MethodName) => (answers[method] ?? status()) as never,
    on: () => {},
    off: () => {},
    onClose: () => {},
    close: () => {},
  };
}

/**
 * A kiosk that is touched when its own caption first invites, and again at these times after that (ms).
 * @returns what it said, and when after the first touch, until it has begun anew
 */
async function visited(again: readonly number[]): Promise<{ at: number; caption: string }[]> {
  const clock = new FastClock();
  const said: { at: number; caption: string }[] = [];
  const left = [...again];
  let first: number | null = null;
  const controller = new Controller(async () => lonely(), base().profile);
  const kiosk = new Kiosk(
    {
      controller,
      pace: 1,
      home: null,
      toured: () => {},
      show: caption => {
        if (first === null) {
          if (!caption.startsWith('This laptop has version')) return;
          first = clock.time;
          kiosk.touch();
          return;
        }
        if (said.at(-1)?.caption === BEGIN) return;
        said.push({ at: clock.time - first, caption });
        if (caption === BEGIN) return kiosk.close();
        if (left[0] !== undefined && clock.time - first >= left[0]) {
          left.shift();
          kiosk.touch();
        }
      },
    },
    clock,
  );
  controller.start();
  await kiosk.run();
  controller.close();
  return said;
}

test('a visitor has a minute after the last touch, and is told before it is over', async () => {
  const said = await visited([]);
  const last = said.at(-1);
  assert.deepEqual([last?.caption, last?.at], [BEGIN, 60_000]);
  for (const { at, caption } of said.slice(0, -1)) {
    const seconds = 60 - at / 1000;
    const ending = seconds === 1 ? 'Starting over in 1 second.' : `Starting over in ${seconds} seconds.`;
    assert.equal(caption, at <= 50_000 ? YOURS : ending, `after ${at} ms`);
  }
});

test('each touch gives another minute, also in the last ten seconds', async () => {
  const touches = [59_000, 110_000, 165_000];
  const said = await visited(touches);
  assert.deepEqual(said.at(-1), { at: 165_000 + 60_000, caption: BEGIN });
  assert.equal(said.filter(({ caption }) => caption === BEGIN).length, 1);
  for (const touch of touches) assert.equal(said.find(({ at }) => at > touch)?.caption, YOURS);
});
