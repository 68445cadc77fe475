/**
 * Tells V8 to keep its heap small: by default it lets garbage grow to several times what is in use before it collects it, and a
 * child's laptop has other uses for 100 MB. Costs a few per cent of CPU time (docs/performance.md). To be imported first.
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--optimize-for-size');
// For threads; for this one it had to be said before it began (scripts/build.mjs).
setFlagsFromString('--max-semi-space-size=1');
// In so small a space there is less to copy than it costs to wake others for it.
setFlagsFromString('--no-parallel-scavenge');
