import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { GatheringWriter } from '../../src/transfer/gathering-writer';

/** Takes one write at a time, each when it is told to: what it took was read at that moment, as a socket does. */
class Slow extends Writable {
  readonly taken: Buffer[] = [];
  private waiting: (() => void) | null = null;

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.waiting = () => {
      this.taken.push(Buffer.from(chunk));
      done();
    };
  }

  /** False when it has nothing to take. */
  take(): boolean {
    const { waiting } = this;
    this.waiting = null;
    waiting?.();
    return waiting !== null;
  }
}

const turn = () => new Promise(resolve => setImmediate(resolve));

test('everything comes out once and in its order, whenever somebody pushes and however slowly it is taken', async () => {
  const act = fc.oneof(
    { weight: 3, arbitrary: fc.record({ write: fc.integer({ min: 0, max: 40 }) }) },
    { weight: 2, arbitrary: fc.constant('push' as const) },
    { weight: 2, arbitrary: fc.constant('take' as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 60 }), fc.boolean(), async (acts, isDouble) => {
      const output = new Slow();
      const writer = new GatheringWriter(output, 16, isDouble);
      let next = 0;
      let writing = Promise.resolve();
      for (const one of acts) {
        if (one === 'push') void writer.push();
        else if (one === 'take') output.take();
        else {
          const chunk = Buffer.from(Array.from({ length: one.write }, () => next++ % 256));
          writing = writing.then(() => writer.write(chunk));
        }
        await turn();
      }
      let isDone = false;
      const done = writing
        .then(() => writer.push())
        .then(() => {
          isDone = true;
        });
      while (!isDone) {
        output.take();
        await turn();
      }
      await done;
      const all = Buffer.concat(output.taken);
      assert.deepEqual(all, Buffer.from(Array.from({ length: next }, (_, i) => i % 256)));
    }),
  );
});

test('while one buffer is under way the other is filled, and no more than those two wait', async () => {
  const output = new Slow();
  const writer = new GatheringWriter(output, 16, true);
  let written = 0;
  const writing = (async () => {
    for (; written < 100; written++) await writer.write(Buffer.of(written));
  })();
  await turn();
  assert.equal(written, 32);
  output.take();
  await turn();
  assert.equal(written, 48, 'the first is filled again while the second is under way');
  while (written < 100) {
    output.take();
    await turn();
  }
  await writing;
});

test('who waits for room is told when nobody takes any more', async () => {
  const output = new Slow();
  const writer = new GatheringWriter(output, 16, true);
  const writing = writer.write(Buffer.alloc(100));
  await turn();
  writer.giveUp(new Error('gone'));
  await assert.rejects(writing, /gone/);
  await assert.rejects(writer.write(Buffer.alloc(1)), /gone/);
  await assert.rejects(writer.push(), /gone/);
});
