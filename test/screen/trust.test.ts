/** What the screen says of signatures, of versions that are too old, and of images that cannot be compared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { view } from '../../src/screen/model';
import { problem } from '../../src/screen/problems';
import type { Plan } from '../../src/service/contract';
import { ANA, base, CLASS, image, near, neighbour, plan, report, status } from './states';

function planned(more: Partial<Plan>) {
  return view(base(CLASS, { selected: 'near:Ana', comparison: { state: 'done', plan: plan('407', more) } })).bar;
}

const SIGNED = { to: image('407', { signedBy: 'Colegio Roble' }), signedBy: 'Colegio Roble' };
const UNSIGNED = { warnings: ['Nobody has signed this image.'] };
const TOO_OLD = 'olpc-xo 407 is not safe any more: its makers want 410 or newer.';

test('who signed it stands in the plan, or that nobody did', () => {
  const { lines, button } = planned(SIGNED);
  assert.ok(lines[0]?.endsWith(' · Signed by Colegio Roble ✓'));
  assert.deepEqual([lines[1], button?.action, button?.enabled], ['Your work stays.', 'upgrade', true]);
  const unsigned = planned(UNSIGNED);
  assert.ok(unsigned.lines[0]?.endsWith(' · Not signed'));
  assert.deepEqual([unsigned.lines[1], unsigned.button?.enabled], ['Your work stays.', true]);
});

test('what is not trusted has its reason, and a way to somebody who can help', () => {
  for (const code of ['unsigned', 'untrusted', 'below-floor', 'source-lied'] as const) {
    const bar = planned({ trustProblem: report(code, 'It is not to be trusted.', 'Take another one.') });
    const { title, line, remedy } = problem({ code }, 'compare');
    assert.deepEqual([bar.button?.action, bar.lines], [remedy.action, [title, line]]);
    assert.equal(bar.headline, 'Ana has 407.');
  }
});

test('what speaks against it takes the place of what does not', () => {
  const journalWarning = 'Newer Journal entries may not show after going back.';
  assert.equal(planned({ ...SIGNED, journalWarning, releaseNotes: 'A new game.' }).lines[1], journalWarning);
  assert.equal(planned({ ...SIGNED, warnings: [TOO_OLD] }).lines[1], TOO_OLD);
  const both = { warnings: [...UNSIGNED.warnings, TOO_OLD] };
  assert.equal(planned(both).lines[1], TOO_OLD);
});

test('going back asks with what speaks against it', () => {
  const kept = status({ previous: image('405'), goBackWarnings: [TOO_OLD] });
  const { alert } = view(base(CLASS, { status: kept, selected: 'kept', confirming: true }));
  assert.equal(alert?.kind, 'question');
  assert.ok(alert?.line.endsWith(` again, and keeps 406 as well. ${TOO_OLD}`), alert?.line);
});

test('an image of another name is never newer or older, neither near nor kept', () => {
  const other = neighbour('Pia', '9999', 'other', { image: 'classmate', commit: 'e'.repeat(40) });
  const kept = status({ previous: image('9998', { name: 'classmate' }) });
  const { newer, older, different } = view(near({ ...base([]), status: kept }, [ANA, other]));
  const titles = (band: typeof newer) => band.groups.flat().map(laptop => `${laptop?.title} ${laptop?.subtitle}`);
  assert.deepEqual(titles(newer), ['Ana 407']);
  assert.deepEqual(titles(older), []);
  assert.deepEqual(titles(different), ['On my laptop classmate 9998', 'Pia classmate 9999']);
});
