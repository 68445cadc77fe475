/** Which form is chosen on links and laptops of all kinds, on simulated time. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { Effort, type Form } from '../../src/transfer/effort';
import { queued, WireWatch } from '../../src/transfer/wire-watch';

const MB = 1e6;

/** A source behind a link; rates in bytes a second. */
interface Link {
  wire: number;
  /** How fast the sender makes deltas, in bytes of content. */
  deltas: number;
  /** Content a byte on the wire stands for, with deltas. */
  ratio: number;
}

/** How long a batch takes, and for how much of that the link is busy; sending and making go on side by side. */
function carry({ wire, deltas, ratio }: Link, form: Form, bytes: number): { seconds: number; busy: number } {
  const sending = bytes / (form === 'raw' ? 1 : ratio) / wire;
  const making = form === 'raw' ? 0 : bytes / deltas;
  const seconds = Math.max(sending, making) + 0.002;
  return { seconds, busy: Math.min(1, sending / seconds) };
}

const BATCH = 4 << 20;
const TRIAL = 512 << 10;

interface Run {
  /** Bytes of content by form; those on the wire; and how long it took in all. */
  content: Record<Form, number>;
  onWire: number;
  seconds: number;
}

/** Two requests at a time, as the fetch has them; `link` may change with time. */
function run(effort: Effort, total: number, link: (at: number) => Link, opening = false): Run {
  const done: Run = { content: { delta: 0, small: 0, raw: 0 }, onWire: 0, seconds: 0 };
  for (let left = total; left > 0; ) {
    for (let lane = 0; lane < 2 && left > 0; lane++) {
      const { form, most } = effort.choose(left, { opens: opening && left === total });
      const bytes = Math.min(left, BATCH, most);
      effort.begun(form);
      const now = link(done.seconds);
      const { seconds, busy } = carry(now, form, bytes);
      effort.learn({ form, bytes, seconds, busy });
      done.content[form] += bytes;
      done.onWire += form === 'raw' ? bytes : bytes / now.ratio;
      done.seconds += seconds;
      left -= bytes;
    }
  }
  return done;
}

const RADIO: Link = { wire: 2.5 * MB, deltas: 40 * MB, ratio: 12 };
const GIGABIT: Link = { wire: 110 * MB, deltas: 40 * MB, ratio: 12 };
const LOOPBACK: Link = { wire: 800 * MB, deltas: 30 * MB, ratio: 8 };

test('on a slow radio everything comes as deltas, and nothing is tried', () => {
  const { content } = run(new Effort('auto'), 500 * MB, () => RADIO);
  assert.equal(content.raw, 0);
});

test('on a fast wire nearly everything comes raw', () => {
  for (const link of [GIGABIT, LOOPBACK]) {
    const { content } = run(new Effort('auto'), 500 * MB, () => link);
    assert.ok(content.raw > 480 * MB, JSON.stringify(content));
  }
});

test('a fast wire is known by what opens, and then nothing comes as deltas but one trial', () => {
  const { content } = run(new Effort('auto'), 500 * MB, () => ({ ...GIGABIT, wire: 40 * MB, deltas: 20 * MB }), true);
  assert.ok(content.delta > 0 && content.delta <= TRIAL, JSON.stringify(content));
  assert.equal(run(new Effort('auto'), 500 * MB, () => LOOPBACK, true).content.delta, 0);
});

test('what opens shows it also where programs have never run before', () => {
  const effort = new Effort('auto');
  assert.equal(effort.choose(500 * MB, { opens: true }).form, 'raw');
  effort.begun('raw');
  effort.learn({ form: 'raw', bytes: TRIAL, seconds: 0.3, busy: null });
  assert.equal(effort.choose(500 * MB).form, 'raw');
  effort.begun('raw');
  effort.learn({ form: 'raw', bytes: TRIAL, seconds: 0.02, busy: null });
  assert.equal(effort.usual, 'raw');
});

test('where a wire is fast and deltas are faster, opening with raw is given up for them', () => {
  const { content } = run(new Effort('auto'), 500 * MB, () => ({ wire: 20 * MB, deltas: 60 * MB, ratio: 12 }), true);
  assert.ok(content.raw < 30 * MB, JSON.stringify(content));
});

test('on a radio what opens costs little', () => {
  const { content } = run(new Effort('auto'), 500 * MB, () => RADIO, true);
  assert.ok(content.raw > 0 && content.raw <= 2 * TRIAL, JSON.stringify(content));
  assert.equal(run(new Effort('auto'), 17 * MB, () => RADIO, true).content.raw, 0);
});

test('a radio is spared also where the sender is too busy to make deltas fast', () => {
  const { content } = run(new Effort('auto'), 500 * MB, () => ({ wire: 6 * MB, deltas: 0.8 * MB, ratio: 12 }));
  assert.ok(content.raw < 0.02 * 500 * MB, JSON.stringify(content));
});

test('on a slow link with a busy processor few bytes are spent on trials', () => {
  const total = 550 * MB;
  const slow = fc.record({
    wire: fc.double({ min: 0.3 * MB, max: 6 * MB, noNaN: true }),
    deltas: fc.double({ min: 0.5 * MB, max: 40 * MB, noNaN: true }),
    ratio: fc.double({ min: 2, max: 200, noNaN: true }),
  });
  fc.assert(
    fc.property(slow, link => {
      const { content } = run(new Effort('auto'), total, () => link);
      assert.ok(content.raw <= 2 * MB, JSON.stringify({ link, content }));
    }),
    { numRuns: 300 },
  );
});

test('a trial that the link held up is not repeated for long; one that a processor held up, soon', () => {
  const batchesUntilNext = (busy: number) => {
    const effort = new Effort('auto');
    effort.learn({ form: 'delta', bytes: BATCH, seconds: 0.2, busy: 0 });
    effort.begun('raw');
    effort.learn({ form: 'raw', bytes: 500_000, seconds: 0.2, busy });
    for (let batches = 0; ; batches++) {
      const { form, most } = effort.choose(500 * MB);
      if (form === 'raw') return { batches, most };
      effort.learn({ form: 'delta', bytes: BATCH, seconds: 0.2, busy: 0 });
    }
  };
  assert.ok(batchesUntilNext(0.1).batches < 5);
  assert.ok(batchesUntilNext(0.9).batches > 50);
  assert.ok(batchesUntilNext(0.9).most <= 1 << 20);
});

test('for little nothing is tried', () => {
  assert.equal(run(new Effort('auto'), 17 * MB, () => LOOPBACK).content.raw, 0);
});

test('what was asked for is kept to, whatever is measured', () => {
  assert.deepEqual(run(new Effort('bytes'), 9 * MB, () => LOOPBACK).content, { delta: 0, small: 9 * MB, raw: 0 });
  assert.deepEqual(run(new Effort('speed'), 9 * MB, () => RADIO).content, { delta: 0, small: 0, raw: 9 * MB });
});

test('a wire that becomes slow is noticed, and one that becomes fast again', () => {
  const link = (at: number) => (at > 1 && at < 20 ? RADIO : GIGABIT);
  const effort = new Effort('auto');
  const forms: string[] = [];
  for (let at = 0; at < 60; ) {
    const { form, most } = effort.choose(500 * MB);
    effort.begun(form);
    const bytes = Math.min(BATCH, most);
    const { seconds, busy } = carry(link(at), form, bytes);
    effort.learn({ form, bytes, seconds, busy });
    if (at > 0.9 && at < 1) forms.push(`before ${form}`);
    if (at > 10 && at < 20) forms.push(`slow ${form}`);
    if (at > 50) forms.push(`after ${form}`);
    at += seconds;
  }
  assert.deepEqual([...new Set(forms)], ['before raw', 'slow delta', 'after raw']);
});

test('a source that does not say how busy its link is gives deltas', () => {
  const effort = new Effort('auto');
  for (let batch = 0; batch < 100; batch++) {
    assert.equal(effort.choose(500 * MB).form, 'delta');
    effort.learn({ form: 'delta', bytes: BATCH, seconds: 0.2, busy: null });
  }
});

test('on any link it takes at most a tenth longer than the better of both forms, but for the trials', () => {
  const link = fc.record({
    wire: fc.double({ min: 0.1 * MB, max: 2000 * MB, noNaN: true }),
    deltas: fc.double({ min: 1 * MB, max: 80 * MB, noNaN: true }),
    ratio: fc.double({ min: 1.1, max: 30, noNaN: true }),
  });
  fc.assert(
    fc.property(link, fc.boolean(), (one, opens) => {
      const total = 2000 * MB;
      const { seconds } = run(new Effort('auto'), total, () => one, opens);
      const best = Math.min(...(['delta', 'raw'] as const).map(form => carry(one, form, BATCH).seconds));
      // Where raw is not much better, or the link is busy for a quarter of the time with deltas, deltas stay.
      const delta = carry(one, 'delta', BATCH);
      // So they do where raw bytes come no faster than over a good radio.
      const slow = one.wire < 16 * MB;
      // And where a trial, in which the way there and back weighs more than in a batch, does not show it.
      const trial = TRIAL / carry(one, 'raw', TRIAL).seconds;
      const hidden = trial < (1.25 * BATCH) / delta.seconds;
      const bound = delta.busy >= 0.2 || slow || hidden ? delta.seconds : best * 1.3;
      assert.ok(
        seconds < (bound * 1.15 * total) / BATCH + 4 * delta.seconds + 1,
        JSON.stringify({ one, seconds, bound }),
      );
    }),
    { numRuns: 500 },
  );
});

test('batches that fail change nothing, and a trial that fails is not tried again at once', () => {
  const effort = new Effort('auto');
  effort.learn({ form: 'delta', bytes: BATCH, seconds: 0.2, busy: 0 });
  assert.equal(effort.choose(500 * MB).form, 'raw');
  effort.begun('raw');
  assert.equal(effort.choose(500 * MB).form, 'delta', 'two trials at once');
  effort.learn({ form: 'raw', bytes: 0, seconds: 5, busy: null });
  assert.equal(effort.choose(500 * MB).form, 'delta');
});

test('what was found out at one source is tried at the others at once, once', () => {
  const other = new Effort('auto');
  assert.equal(other.choose(10 * MB).form, 'delta');
  assert.equal(other.choose(10 * MB, { elsewhere: true }).form, 'raw');
  other.begun('raw');
  assert.equal(other.choose(10 * MB, { elsewhere: true }).form, 'delta', 'two trials at once');
  other.learn({ form: 'raw', bytes: 500_000, seconds: 0.5, busy: 1 });
  assert.equal(other.choose(10 * MB, { elsewhere: true }).form, 'delta', 'its own link is slow');
  assert.equal(new Effort('bytes').choose(10 * MB, { elsewhere: true }).form, 'small');
  assert.equal(new Effort('speed').choose(10 * MB, { elsewhere: true }).form, 'raw');
  const fast = new Effort('auto');
  assert.equal(fast.choose(10 * MB, { elsewhere: true }).form, 'raw');
  fast.begun('raw');
  fast.learn({ form: 'raw', bytes: 500_000, seconds: 0.01, busy: 0 });
  assert.equal(fast.usual, 'raw');
});

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:50E3 0100007F:9C40 01 00001F40:00000000 01:00000014 00000000     0        0 1 2 0000000000000000
   1: 0100007F:9C40 0100007F:50E3 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0000000000000000`;

test('the kernel’s list of connections is read for the one that is meant', () => {
  const queues = queued(TABLE);
  assert.equal(queues.get('50E3 9C40'), 8000);
  assert.equal(queues.get('9C40 50E3'), 0);
  assert.equal(queues.has('9C40 50E4'), false);
  assert.equal(queued('').size, 0);
});

test('a link is busy while its reader is slow, and idle while nothing is sent', async t => {
  assert.match(readFileSync('/proc/net/tcp', 'latin1'), /tx_queue/);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  // Another process, which reads nothing.
  const reader = spawn('bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${port}; sleep 60`]);
  t.after(() => {
    reader.kill('SIGKILL');
    server.close();
  });
  const [socket] = (await once(server, 'connection')) as [Socket];
  t.after(() => socket.destroy());
  const idle = new WireWatch(socket);
  await sleep(1000);
  assert.equal(idle.end(), 0);
  socket.on('error', () => {});
  socket.write(Buffer.alloc(20 << 20));
  await sleep(100);
  // However many watch, and whoever stops first.
  const [first, busy] = [new WireWatch(socket), new WireWatch(socket)];
  await sleep(1000);
  assert.equal(first.end(), 1);
  await sleep(1000);
  assert.equal(busy.end(), 1);
  const short = new WireWatch(socket);
  assert.equal(short.end(), null, 'nothing was seen yet');
});
