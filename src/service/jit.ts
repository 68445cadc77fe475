/**
 * Tells V8 to wait before it compiles for speed: an upgrade runs many functions for some milliseconds each, and optimising them all
 * took a third of its processor time (docs/performance.md). What runs long, such as packing and comparing bytes, still gets
 * there soon. To be imported before all that works.
 */
import { setFlagsFromString } from 'node:v8';

/** Bytes of bytecode that a function runs before it is looked at; V8's own 66 KiB suit a program that goes on for minutes. */
const INTERRUPT_BUDGET = 500_000;

setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`);
