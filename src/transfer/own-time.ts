/** Timeouts for what others must do, on a machine that may be starved itself. */

/** How fine the time that this process had is told, in ms. */
const TICK_MS = 500;

/**
 * Calls `action` after `ms` milliseconds that this process had. Where it is starved, or was stopped, what it waits for may lie
 * here unread long since: a tick that comes late counts as one tick, and what came meanwhile is read before `action` is called.
 * @returns what takes it back
 */
export function ownTimeout(ms: number, action: () => void): () => void {
  let ticks = Math.ceil(ms / TICK_MS);
  let immediate: NodeJS.Immediate | undefined;
  const timer = setInterval(() => {
    if (--ticks > 0) return;
    clearInterval(timer);
    // Timers run before what came in is read, immediates after it (libuv's loop).
    immediate = setImmediate(action);
  }, ms / ticks);
  return () => {
    clearInterval(timer);
    clearImmediate(immediate);
  };
}
