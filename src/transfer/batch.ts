/**
 * One batch from one source, blob by blob into the store. The same in the service's own thread and in the one that receives
 * (receive-worker.ts).
 */
import type { Oid } from '../core/object';
import { ANSWER } from './answers';
import type { Form } from './effort';
import {
  Doubtful,
  fits,
  type Like,
  otherwise,
  type PassOn,
  type Request,
  receiveAnswer,
  requestsFor,
} from './incoming';
import type { PatchMemory } from './patch-memory';
import { type BlobEvent, RawAnswers, type RawTaking } from './raw-answers';
import type { Wanted } from './scheduler';
import type { How, Source } from './source';
import type { Spare } from './spare';

export interface Batch {
  wanted: readonly Wanted[];
  form: Form;
  /** What to say of what is here, and of which blobs not even so. */
  like: Like;
  plain: ReadonlySet<Oid>;
  /** See `How`. */
  byWholeName: boolean;
}

/** What happens meanwhile. */
export type BatchEvent =
  | BlobEvent
  /** An outline did not make it. What follows in the batch may be as good. */
  | { kind: 'doubtful'; oid: Oid }
  /** For how much of the time its link was busy, from 0 to 1: at the end, if the source says so. */
  | { kind: 'busy'; share: number }
  /** How long it took since asking, in seconds: at the end. */
  | { kind: 'lasted'; seconds: number };

export interface Taking extends RawTaking {
  source: Source;
  signal: AbortSignal;
  spare: Spare;
  memory: PatchMemory;
  passOn: PassOn | undefined;
  tell(event: BatchEvent): void;
}

/**
 * Resolves when all of it has come that the source has.
 * @throws Doubtful; PassItOnError 'source-lied', 'source-gone', 'no-source', and what the store throws
 */
export async function takeBatch({ wanted, form, like, plain, byWholeName }: Batch, taking: Taking): Promise<void> {
  const { receiver, spare, tell } = taking;
  const requests = await requestsFor(receiver, wanted, like, plain, spare);
  const how: How = { form, byWholeName, onBusy: share => tell({ kind: 'busy', share }) };
  const asked = performance.now();
  if (form !== 'raw' || !(await takeRaw(requests, taking, how))) await takeAnswers(requests, taking, how);
  tell({ kind: 'lasted', seconds: (performance.now() - asked) / 1000 });
}

/** False, and nothing is taken, where the source gives nothing so. */
async function takeRaw(requests: readonly Request[], taking: Taking, how: How): Promise<boolean> {
  const { source, signal } = taking;
  const answers = new RawAnswers(requests, taking);
  try {
    if (!(await source.raw?.(requests, part => answers.take(part), signal, how))) return false;
    answers.end();
    return true;
  } catch (cause) {
    throw answers.breakOff(cause);
  }
}

async function takeAnswers(requests: readonly Request[], taking: Taking, how: How): Promise<void> {
  const { receiver, source, signal, memory, passOn, isDone, tell } = taking;
  const left = requests.values();
  for await (const answer of source.objects(requests, signal, how)) {
    const request = left.next().value;
    if (!request) throw otherwise();
    const { kind } = answer;
    const { oid } = request;
    if (kind === ANSWER.missing) {
      tell({ kind: 'missing', oid });
      continue;
    }
    if (!fits(answer, request)) throw otherwise();
    if (isDone(oid)) continue;
    try {
      await receiveAnswer(receiver, request, answer, bytes => tell({ kind: 'bytes', bytes }), memory, passOn);
    } catch (cause) {
      // Now and then one block looks like another: that blob is asked for again, and those behind it are as good.
      if (!(cause instanceof Doubtful) || cause.kind !== ANSWER.outlined) throw cause;
      tell({ kind: 'doubtful', oid });
      continue;
    }
    tell({ kind: 'came', oid, outlined: kind === ANSWER.outlined });
  }
  if (!left.next().done) throw otherwise();
}
