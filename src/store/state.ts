/** Which image is current, previous and staged: `state.json`, the one truth, replaced by atomic rename. */
import { readFileSync } from 'node:fs';
import { PassItOnError } from '../core/errors';
import { isOid, type Oid } from '../core/object';
import { failedWith } from './disk';

export interface State {
  readonly current: Oid | null;
  readonly previous: Oid | null;
  readonly staged: Oid | null;
}

export const ROLES = ['current', 'previous', 'staged'] as const;
export const NO_STATE: State = { current: null, previous: null, staged: null };

function noImage(message: string, remedy: string): PassItOnError {
  return new PassItOnError('no-image', message, remedy);
}

/** That image is what runs now, as on a laptop flashed with it. */
export function used(state: State, commit: Oid): State {
  const other = (role: Oid | null): Oid | null => (role === commit ? null : role);
  return { current: commit, previous: other(state.previous), staged: other(state.staged) };
}

/** The staged image becomes current, and the current one previous. Throws 'no-image'. */
export function activated({ current, previous, staged }: State): State {
  if (staged === null) throw noImage('No image is ready to start.', 'Upgrade first.');
  return { current: staged, previous: current === staged ? previous : current, staged: null };
}

/** Current and previous change places. Throws 'no-image'. */
export function wentBack({ current, previous, staged }: State): State {
  if (previous === null) throw noImage('There is no image to go back to.', 'Get one from a neighbour.');
  return { current: previous, previous: current, staged: staged === previous ? null : staged };
}

/** Throws 'damaged' for a file that we did not write. */
export function readState(file: string): State {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (failedWith(error, 'ENOENT')) return NO_STATE;
    throw error;
  }
  try {
    const parsed: unknown = JSON.parse(text);
    const roles = ROLES.map(role => [role, (parsed as Record<string, unknown>)[role] ?? null] as const);
    if (roles.every(([, oid]) => oid === null || (typeof oid === 'string' && isOid(oid)))) {
      return Object.fromEntries(roles) as unknown as State;
    }
  } catch (cause) {
    throw damagedState(file, cause);
  }
  throw damagedState(file, new Error(text));
}

function damagedState(file: string, cause: unknown): PassItOnError {
  const message = 'The note of which image is current cannot be read.';
  return new PassItOnError('damaged', message, `Remove ${file} and choose the image again (use).`, { cause });
}

export function encodeState(state: State): string {
  return `${JSON.stringify(state, ROLES as unknown as string[], 2)}\n`;
}
