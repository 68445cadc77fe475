/** Who takes the batches of one fetch: the thread that receives where it is worth one and can ask the source, else this thread. */

import type { Oid } from '../core/object';
import { type Batch, type BatchEvent, takeBatch } from './batch';
import type { Receiver } from './incoming';
import { PatchMemory } from './patch-memory';
import { ReceiveThread } from './receive-thread';
import type { ReceivedDeltas } from './received-deltas';
import type { Source } from './source';
import type { Spare } from './spare';

/** With less to come a thread of its own takes longer to begin than it saves. Bytes. */
const WORTH_A_THREAD = 32 << 20;

/** The thread that receives, where so many bytes to come are worth one. program: see TakerOptions. */
export function threadFor(bytes: number, program: string | undefined): ReceiveThread | undefined {
  return program !== undefined && bytes >= WORTH_A_THREAD ? new ReceiveThread(program) : undefined;
}

export interface TakerOptions {
  spare: Spare;
  /** Where deltas are kept that others can be given. */
  received: ReceivedDeltas | undefined;
  /** receive-worker, bundled; without it there is no thread. */
  program: string | undefined;
  /** One that has been begun already. */
  thread: ReceiveThread | undefined;
  isDone(oid: Oid): boolean;
}

export class Taker {
  private readonly memory = new PatchMemory();
  private readonly thread: ReceiveThread | undefined;

  /** bytes: how many are to come in all. */
  constructor(
    private readonly receiver: Receiver,
    bytes: number,
    private readonly options: TakerOptions,
  ) {
    const { spare, received, program, thread } = options;
    const { landing } = receiver;
    if (landing === undefined) return;
    this.thread = thread ?? threadFor(bytes, program);
    this.thread?.start({ field: landing, spare, received });
  }

  /** As `takeBatch`. */
  take(batch: Batch, source: Source, signal: AbortSignal, tell: (event: BatchEvent) => void): Promise<void> {
    const { receiver, memory, thread } = this;
    if (thread && source.elsewhere) return thread.take(batch, source.address, source.elsewhere, signal, tell);
    const { spare, received, isDone } = this.options;
    const passOn = received && { received, spare };
    return takeBatch(batch, { receiver, source, signal, spare, memory, passOn, isDone, tell });
  }

  /** Ends what runs. */
  async close(): Promise<void> {
    await this.thread?.close();
  }
}
