/** For what presses the buttons by itself: waiting until the screen has come so far. */
import { PassItOnError } from '../core/errors';
import { compareVersions } from '../core/versions';
import type { Neighbour } from '../service/contract';
import type { Controller } from './controller';
import type { ScreenState } from './state';

/** Neighbours come within a few seconds of each other. */
const SETTLE_MS = 2_500;

/** The neighbour with the newest version that is newer than this laptop's; one that answers before one that does not. */
export function newest(state: ScreenState): Neighbour | null {
  const newer = [...state.neighbours.values()].filter(n => n.relation === 'newer');
  newer.sort(
    (a, b) => Number(b.problem === null) - Number(a.problem === null) || compareVersions(b.version, a.version),
  );
  return newer[0] ?? null;
}

/** Resolves when nobody has come or gone for a while. */
export function settled(controller: Controller, milliseconds = SETTLE_MS): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      forget();
      resolve();
    };
    let timer = setTimeout(done, milliseconds);
    const forget = controller.onChange(() => {
      clearTimeout(timer);
      timer = setTimeout(done, milliseconds);
    });
  });
}

/**
 * Resolves when `reached` says so of the state.
 * @throws PassItOnError 'no-source' after so many milliseconds, or the signal's reason
 */
export function until(
  controller: Controller,
  reached: (state: ScreenState) => boolean,
  milliseconds: number,
  otherwise: string,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = () => {
      clearTimeout(timer);
      forget();
      signal?.removeEventListener('abort', aborted);
    };
    const aborted = () => {
      finish();
      reject(signal?.reason);
    };
    const check = () => {
      if (!reached(controller.state)) return;
      finish();
      resolve();
    };
    const timer = setTimeout(() => {
      finish();
      reject(new PassItOnError('no-source', `It did not work: ${otherwise}.`, 'Look whether other laptops are on.'));
    }, milliseconds);
    const forget = controller.onChange(check);
    signal?.addEventListener('abort', aborted);
    if (signal?.aborted) aborted();
    else check();
  });
}
