/** What is said where nobody is near, or somebody who should be is not: on a simulated network and its time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SILENT } from '../../src/service/claim';
import { around, holds, seenAs, silent, textsOf } from './around';

const OTHER = 'f'.repeat(40);

describe('a hint', () => {
  it('names a source set here that is silent, until it answers', async t => {
    const { clock, answers, hints, look, events } = await around(t, { hasGateway: false });
    const near = look(['10.77.0.9']);
    const source = () => seenAs(near, '10.77.0.9:20707');
    near.watch();
    await clock.run(20_000);
    assert.deepEqual(near.list(), []);
    const sentence = `10.77.0.9:20707, which is set here as a source, cannot be used now. ${SILENT.text}`;
    assert.deepEqual(textsOf(near), [sentence]);
    const before = hints.changes;
    answers.set('10.77.0.9:20707', holds(OTHER, '408'));
    await clock.run(80_000);
    assert.ok(hints.changes > before);
    assert.deepEqual(textsOf(near), []);
    assert.deepEqual([source()?.kind, source()?.problem], ['server', null]);
    answers.delete('10.77.0.9:20707');
    await clock.run(90_000);
    assert.deepEqual([source()?.confirmed, source()?.problem], [false, SILENT.text]);
    assert.deepEqual(textsOf(near), [sentence]);
    answers.set('10.77.0.9:20707', holds(OTHER, '408'));
    await clock.run(90_000);
    assert.equal(source()?.confirmed, true);
    assert.deepEqual(textsOf(near), []);
    assert.ok(!events('10.77.0.9:20707').includes('removed'));
  });

  it('is given where nobody is heard, or nobody answers, and taken back', async t => {
    const { clock, answers, hints, look, arrive } = await around(t);
    const near = look();
    near.watch();
    await clock.run(20_000);
    assert.deepEqual(textsOf(near), []);
    await clock.run(30_000);
    assert.match(textsOf(near)[0]!, /^No other laptop is heard here/);
    await arrive('Ana', 1, silent);
    await arrive('Ben', 2, silent);
    await clock.run(30_000);
    assert.match(textsOf(near)[0]!, /^2 laptops are seen here, but none of them answers/);
    answers.set('10.77.0.1:20707', holds());
    await clock.run(120_000);
    assert.deepEqual(textsOf(near), []);
    assert.ok(hints.changes >= 3);
  });

  it('is not given where there is no way out of the network anyway', async t => {
    const { clock, look } = await around(t, { hasGateway: false });
    const near = look();
    near.watch();
    await clock.run(300_000);
    assert.deepEqual(textsOf(near), []);
  });
});
