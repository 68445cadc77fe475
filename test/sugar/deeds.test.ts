import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Deed, deedsSince, memoryOf } from '../../src/sugar/deeds';
import { deedTitle, describeDeeds, readDiary, recall, writeDiary } from '../../src/sugar/diary';
import { withCode } from '../core/assert-error';
import { ANA, image, sources, status, upgrade } from '../screen/states';

/** Objects as JSON.parse makes them. */
const PLAIN = { noNullPrototype: true } as const;
const WHEN = '2026-03-03T14:05:00.000Z';
const helper = (_address: string, nick: string) => ({ nick, colors: null });
const V406 = image('406');
const V407 = image('407');
const before = memoryOf(status());

describe('what has happened to this laptop', () => {
  it('nothing: neither at the first start ever, nor when nothing has changed', () => {
    assert.deepEqual(deedsSince(null, status({ staged: V407 }), null, helper, WHEN), []);
    assert.deepEqual(deedsSince(before, status(), null, helper, WHEN), []);
  });

  it('ready: from and to, who gave something, how much came', () => {
    const gave = sources(ANA).map(source => ({ ...source, bytes: 5 }));
    const done = upgrade('staged', { sources: [...gave, ...sources(ANA)], bytesReceived: 5_000_000 });
    const [deed, ...more] = deedsSince(before, status({ staged: V407 }), done, helper, WHEN);
    assert.deepEqual(more, []);
    const helpers = [{ nick: 'Ana', colors: null }];
    const bytes = 5_000_000;
    assert.deepEqual(deed, { what: 'ready', image: 'olpc-xo', from: '406', to: '407', when: WHEN, helpers, bytes });
  });

  it('ready while the screen was closed, and the service has forgotten how', () => {
    const [deed] = deedsSince(before, status({ staged: V407 }), null, helper, WHEN);
    assert.deepEqual([deed?.what, deed?.from, deed?.to, deed?.helpers], ['ready', '406', '407', []]);
  });

  it('in use after the restart, and back again', () => {
    const staged = memoryOf(status({ staged: V407 }));
    const after = status({ current: V407, previous: V406 });
    const [used, ...more] = deedsSince(staged, after, null, helper, WHEN);
    assert.deepEqual([used?.what, used?.from, used?.to, more], ['in-use', '406', '407', []]);
    const [back] = deedsSince(memoryOf(after), status({ current: V406, previous: V407 }), null, helper, WHEN);
    assert.deepEqual([back?.what, back?.from, back?.to], ['went-back', '407', '406']);
  });

  it('an upgrade to the version that was kept is no going back', () => {
    const kept = memoryOf(status({ previous: V407, staged: V407 }));
    const [deed] = deedsSince(kept, status({ current: V407, previous: V406 }), null, helper, WHEN);
    assert.equal(deed?.what, 'in-use');
  });
});

describe("the Journal entry's file and words", () => {
  const color = fc
    .array(fc.integer({ min: 0, max: 15 }), { minLength: 6, maxLength: 6 })
    .map(n => `#${n.map(d => d.toString(16)).join('')}`);
  const deeds = fc.array(
    fc.record<Deed>(
      {
        what: fc.constantFrom('ready', 'in-use', 'went-back'),
        image: fc.string(),
        from: fc.option(fc.string()),
        to: fc.string(),
        when: fc
          .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
          .map(date => date.toISOString()),
        helpers: fc.array(fc.record({ nick: fc.string(), colors: fc.option(fc.tuple(color, color)) }, PLAIN)),
        bytes: fc.nat(),
      },
      PLAIN,
    ),
    { maxLength: 100 },
  );

  it('reads what it has written', () => {
    fc.assert(fc.property(deeds, list => assert.deepEqual(readDiary(writeDiary(list)), list)));
  });

  it('keeps the last hundred', () => {
    const deed: Deed = { what: 'ready', image: 'olpc-xo', from: null, to: '1', when: WHEN, helpers: [], bytes: 0 };
    const many = Array.from({ length: 130 }, (_, i) => ({ ...deed, to: String(i) }));
    assert.deepEqual(readDiary(writeDiary(many)), many.slice(30));
  });

  it('refuses what is none of its files, and never throws anything else', () => {
    const strange = [
      '',
      '{}',
      '[]',
      'null',
      '{"format":2,"deeds":[]}',
      '{"format":1,"deeds":[{}]}',
      '{"format":1,"deeds":3}',
    ];
    for (const text of strange) assert.throws(() => readDiary(text), withCode('bad-data'));
    fc.assert(
      fc.property(fc.json(), text => {
        try {
          readDiary(text);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'bad-data');
        }
      }),
    );
  });

  it('tells it in a few words', () => {
    const ready: Deed = {
      what: 'ready',
      image: 'olpc-xo',
      from: '406',
      to: '407',
      when: WHEN,
      helpers: [{ nick: 'Ana', colors: null }],
      bytes: 3_400_000,
    };
    const used: Deed = { ...ready, what: 'in-use', helpers: [], bytes: 0 };
    assert.equal(deedTitle(ready), '407 is ready');
    assert.equal(deedTitle(used), 'From 406 to 407');
    const [first, second] = describeDeeds([ready, used]).split('\n');
    assert.match(first ?? '', /: From 406 to 407\.$/);
    assert.match(second ?? '', /: 407 is ready, before: 406\. Ana helped\. 3\.4 MB came over the network\.$/);
    const told = recall([ready, used]);
    assert.match(told?.headline ?? '', /^From 406 to 407 · .*2026/);
    assert.deepEqual(told?.lines, ['Ana helped. 3.4 MB came over the network.']);
    assert.equal(recall([]), null);
  });
});
