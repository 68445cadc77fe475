/** When a classmate need not be asked yet what it has got. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Heard } from './arrivals';

/** What classmates gave it is told no sooner either, in ms: others may then take it from there as well. */
const LONGEST_MS = 10_000;
const LOOK_MS = 500;

/**
 * As long as all that it asked for where the whole image is has come, and been told: what more it has it got from classmates. A
 * question would wait there for nothing. isWanted: something waits here that nobody is known to have or expect.
 */
export async function whileQuiet(heard: Heard, isWanted: () => boolean, signal: AbortSignal): Promise<void> {
  for (let waited = 0; waited < LONGEST_MS && heard.isQuiet && !isWanted(); waited += LOOK_MS) {
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
  }
}
