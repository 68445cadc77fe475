/** What a screen reader says of itself when the screen has changed: a pure function of two views. */
import { percent } from './format';
import { _, fill } from './i18n';
import type { View } from './view';

/** Progress is said at every tenth. */
const TENTHS = 10;

/** Null: nothing that a person who does not look must hear. The most important thing only. */
export function announcement(before: View | null, { alert, bar, ring }: View): string | null {
  if (alert && alert.title !== before?.alert?.title) return joined([alert.title, alert.line]);
  const said = before?.bar;
  const step = doing(bar.steps);
  // Who helps changes all the time; which step it is does not.
  const isNew = step === null ? bar.headline !== said?.headline : step !== doing(said?.steps ?? null);
  if (isNew && bar.headline !== '') return joined([bar.headline, ...bar.lines]);
  const tenth = Math.floor((ring ?? 0) * TENTHS);
  if (step === null || tenth === 0 || tenth === Math.floor((before?.ring ?? 0) * TENTHS)) return null;
  return fill(_('{percent} done'), { percent: percent(tenth / TENTHS) });
}

function doing(steps: View['bar']['steps']): string | null {
  return steps?.find(({ state }) => state === 'doing')?.label ?? null;
}

function joined(texts: readonly string[]): string {
  return texts.filter(Boolean).join(' ');
}
