/** What a volunteer types as an address, and what is said of it. test/screen/table-view.test.ts asks a real service. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PassItOnError } from '../../src/core/errors';
import { type Connection, connectTo, typedAddress } from '../../src/screen/connect';
import { plan } from './states';

describe('a typed address', () => {
  it('may be a folder of mine, or a file URL', () => {
    assert.equal(typedAddress(' 10.0.0.7:20707 ', '/home/maya'), '10.0.0.7:20707');
    assert.equal(typedAddress('~/stick', '/home/maya'), '/home/maya/stick');
    assert.equal(typedAddress('~', '/home/maya'), '/home/maya');
    assert.equal(typedAddress('file:///media/my%20stick', '/home/maya'), '/media/my stick');
    assert.equal(typedAddress('[fe80::1%wlan0]:20707', '/'), '[fe80::1%wlan0]:20707');
  });

  function connection(outcome: () => ReturnType<Connection['call']>): Connection & { asked: string[] } {
    const asked: string[] = [];
    return {
      asked,
      call: (_method, { target }) => {
        asked.push(target);
        return outcome();
      },
      lookAt: address => {
        asked.push(`look at ${address}`);
        return Promise.resolve();
      },
    };
  }

  it('is asked, then shown; a bare host has the usual port', async () => {
    const there = connection(() => Promise.resolve(plan('407')));
    assert.deepEqual(await connectTo('school.local', there), { ok: true, sentence: 'school.local has olpc-xo 407.' });
    assert.deepEqual(there.asked, ['school.local:20707', 'look at school.local:20707']);
    const nothing = connection(() => Promise.resolve(plan('407')));
    assert.deepEqual(await connectTo('  ', nothing), { ok: false, sentence: 'Type an address first.' });
    assert.deepEqual(nothing.asked, []);
  });

  it('that leads nowhere is told by what is wrong with it', async () => {
    const cases = [
      ['usage', 'a b:c', /not an address.*10\.0\.0\.7:20707/],
      ['no-source', '10.0.0.9', /No laptop with an image answers at 10\.0\.0\.9/],
      ['not-found', '/media/stick', /no image in \/media\/stick/],
      ['source-lied', 'example.org:80', /Something else than Pass It On answers at example\.org:80/],
      ['service', '10.0.0.9', /being started again/],
      ['internal', '10.0.0.9', /cannot be used now/],
    ] as const;
    for (const [code, text, sentence] of cases) {
      const { asked, ...fails } = connection(() => Promise.reject(new PassItOnError(code, 'In English.', 'Do.')));
      const told = await connectTo(text, fails);
      assert.equal(told.ok, false);
      assert.match(told.sentence, sentence);
      assert.ok(!asked.some(one => one.startsWith('look at')));
    }
  });
});
