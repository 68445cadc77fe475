/** More than can be asked each over HTTP: nobody flickers, one who is gone leaves all screens, and that costs the radio little. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Store } from '../../src/store/store';
import { Crowd } from '../neighbours/crowd';
import { tempFolder } from '../support/temp';

const LAPTOPS = 90;

describe('a crowd', { timeout: 300_000 }, () => {
  for (const loss of [0, 0.1]) {
    it(`in which each misses ${loss * 100} % of all packets sees who is there, and in two minutes who is not`, async t => {
      const store = await Store.open(join(tempFolder(t), 'store'));
      t.after(() => store.close());
      const crowd = new Crowd(store, LAPTOPS, loss);
      // Past the time at which those are asked for by multicast whom nobody had time to ask.
      await crowd.clock.run(180_000);
      assert.equal(crowd.flickers, 0);
      assert.ok(crowd.settled !== null && crowd.settled < 10, `${crowd.settled}`);
      const before = crowd.asksFor(0).length;
      const took = await crowd.pull();
      assert.ok(took !== null && took <= 120, `${took}`);
      // Not everybody who notices asks for it, and nobody again and again.
      const asked = crowd.asksFor(0).length - before;
      t.diagnostic(`gone after ${took} s, asked for ${asked} times`);
      assert.ok(asked < LAPTOPS, `${asked}`);
    });
  }
});
