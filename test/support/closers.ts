/** What a test opens, closed at its end: the last one first, each before the next. */
import type { TestContext } from 'node:test';

/** Whatever is pushed to it is called when the test has ended; before the folders that it made go, if it was asked first. */
export function closersOf(t: TestContext): (() => unknown)[] {
  const closers: (() => unknown)[] = [];
  // Hooks run in the order in which they are told.
  t.after(async () => {
    for (const close of closers.reverse()) await close();
  });
  return closers;
}
