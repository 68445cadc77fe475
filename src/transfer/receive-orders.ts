/** What the service's own thread and the one that receives tell each other: plain data. */
import type { ErrorReport } from '../core/errors';
import type { Oid } from '../core/object';
import type { Landed, LandingPlan } from '../store/landing';
import type { Address } from './address';
import type { AnswerKind } from './answers';
import type { Batch, BatchEvent } from './batch';
import type { CachedDelta } from './delta-cache';

/** What the thread needs to know before it takes anything. */
export interface ReceiveStart {
  /** Where to keep deltas that others can be given; null: nowhere. */
  received: string | null;
  /** How much room there is for what only saves work, in bytes. */
  spare: number;
}

export type ReceiveOrder =
  /** The first one, or `close`. */
  | { kind: 'start'; start: ReceiveStart }
  | { kind: 'take'; id: number; at: Address; batch: Batch; landing: LandingPlan }
  | { kind: 'abort'; id: number }
  /** Ends all that runs, and then itself. */
  | { kind: 'close' };

export interface ReceiveNews {
  /** In the order in which they happened, but for bytes, which are told first. */
  events: readonly ReceiveEvent[];
  /** Deltas that others can be given now. */
  kept: readonly (readonly [key: string, delta: CachedDelta])[];
  /** Bytes over the network since the last news, by address. */
  received: readonly (readonly [address: string, bytes: number])[];
}

export type ReceiveEvent = { id: number } & (
  | BatchEvent
  | { kind: 'landed'; landed: Landed }
  /** Nothing more comes of it. */
  | { kind: 'ended'; failure: ReceiveFailure | null }
);

/** What was thrown: an error, or `Doubtful`. */
export type ReceiveFailure =
  | { kind: 'error'; report: ErrorReport; cause: string }
  | { kind: 'doubtful'; answer: AnswerKind; oid: Oid; cause: string };
