/** Time as the pure parts see it, so that tests can run hours of protocol in a moment. */
export interface Clock {
  /** Milliseconds from an arbitrary start; never goes back. */
  now(): number;
  /** Calls `action` once after `ms` milliseconds. */
  after(ms: number, action: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** The machine's own clock. Its timers never keep the process alive: the socket does, until it is closed. */
export const realClock: Clock = {
  now: () => performance.now(),
  after(ms, action) {
    const handle = setTimeout(action, ms);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** A number in [0, 1), as Math.random. */
export type Random = () => number;

/** A random number of milliseconds between two bounds. */
export function between(random: Random, from: number, to: number): number {
  return from + random() * (to - from);
}
