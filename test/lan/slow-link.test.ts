/** `auto` over a link of 20 Mbit/s that mostly waits for processors: what is tried raw costs little, and the rest comes as deltas. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Laptop } from './laptop';
import { Lan } from './namespaces';
import { differences } from './same-tree';

const NAME = 'made-up';
const PORT = 20707;
/** Together well over what is worth a trial; one is far larger than a trial may be. */
const SIZES = [...Array.from({ length: 300 }, (_none, index) => 60_000 + 300 * index), 12 << 20, 10 << 20];

const dir = mkdtempSync(join(tmpdir(), 'pass-it-on-slow-'));
after(() => rmSync(dir, { recursive: true, force: true }));

/** Files that nothing compresses, and the same with a word changed here and there. */
function writeTrees(first: string, second: string): number {
  mkdirSync(first);
  mkdirSync(second);
  for (const [index, size] of SIZES.entries()) {
    const content = randomBytes(size);
    writeFileSync(join(first, `file${index}`), content);
    for (let at = 5000; at < size; at += 20_000) content[at]! ^= 1;
    writeFileSync(join(second, `file${index}`), content);
  }
  return SIZES.reduce((sum, size) => sum + size, 0);
}

test('over 20 Mbit/s with deltas that leave it idle, hardly anything comes raw', async t => {
  const [first, second] = [join(dir, 'first'), join(dir, 'second')];
  const total = writeTrees(first, second);
  const lan = await Lan.create(2, { shape: { rate: '20mbit', burst: '64kb', latency: '100ms' } });
  const [ana, ben] = lan.laptops.map(({ inside }, index) => {
    return new Laptop(['Ana', 'Ben'][index]!, inside, join(dir, String(index)));
  }) as [Laptop, Laptop];
  t.after(async () => {
    await ana.stop();
    await lan.close();
  });
  await ana.run('publish', first, '--name', NAME, '--version', '1');
  await ana.flash(second, NAME, '2');
  await ben.flash(first, NAME, '1');
  await ana.serve('--port', String(PORT));
  const { bytesReceived } = await ben.upgrade('2', '--from', `${lan.laptops[0]!.address}:${PORT}`);
  t.diagnostic(`${bytesReceived} of ${total} bytes`);
  assert.deepEqual(differences(second, ben.stagedTree), []);
  assert.ok(bytesReceived < 2_500_000, `${bytesReceived} bytes travelled`);
});
