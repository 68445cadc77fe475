/**
 * The thread that receives: it asks laptops for blobs, unpacks and patches them, hashes them, and writes them into files that the
 * service's own thread gives their names. Half a gigabyte that comes in 64 kB pieces is garbage as soon as it is written; V8 collects
 * that in a heap with next to nothing else in it, and nobody else waits for it (docs/performance.md).
 */
import { parentPort } from 'node:worker_threads';
import { toPassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { Landing } from '../store/landing';
import { type Address, formatAddress } from './address';
import { takeBatch } from './batch';
import type { CachedDelta } from './delta-cache';
import { Doubtful, type PassOn } from './incoming';
import { PatchMemory } from './patch-memory';
import type { ReceiveEvent, ReceiveFailure, ReceiveNews, ReceiveOrder, ReceiveStart } from './receive-orders';
import { ReceivedDeltas } from './received-deltas';
import { HttpSource } from './source';
import { Spare } from './spare';

type TakeOrder = Extract<ReceiveOrder, { kind: 'take' }>;

/** A message costs as much as a small file: what happens within so many ms is told together. */
const GATHER_MS = 8;

const port = parentPort!;
let spare = new Spare(0);
let passOn: PassOn | undefined;
const memory = new PatchMemory();
const sources = new Map<string, HttpSource>();
const running = new Map<number, { stop: AbortController; ended: Promise<void> }>();
const done = new Set<Oid>();
/** What has not been told yet; of how many bytes there are, for each batch, only the sum. */
let events: ReceiveEvent[] = [];
const arrived = new Map<number, number>();
let kept: [string, CachedDelta][] = [];
const counted = new Map<string, number>();
let telling: NodeJS.Timeout | null = null;

function tell(event: ReceiveEvent): void {
  if (event.kind === 'bytes') arrived.set(event.id, (arrived.get(event.id) ?? 0) + event.bytes);
  else events.push(event);
  telling ??= setTimeout(flush, GATHER_MS);
  if (event.kind === 'ended') flush();
}

function tellKept(key: string, delta: CachedDelta): void {
  kept.push([key, delta]);
}

function flush(): void {
  if (telling) clearTimeout(telling);
  telling = null;
  const received: [string, number][] = [];
  for (const [address, { bytesReceived }] of sources) {
    const bytes = bytesReceived - (counted.get(address) ?? 0);
    counted.set(address, bytesReceived);
    if (bytes > 0) received.push([address, bytes]);
  }
  const sums = [...arrived].map(([id, bytes]): ReceiveEvent => ({ id, kind: 'bytes', bytes }));
  const news: ReceiveNews = { events: [...sums, ...events], kept, received };
  arrived.clear();
  events = [];
  kept = [];
  port.postMessage(news);
}

function sourceAt(at: Address): HttpSource {
  const address = formatAddress(at);
  const source = sources.get(address) ?? new HttpSource(at);
  sources.set(address, source);
  return source;
}

async function take({ id, at, batch, landing }: TakeOrder, signal: AbortSignal): Promise<void> {
  let failure: ReceiveFailure | null = null;
  try {
    await takeBatch(batch, {
      receiver: new Landing(landing, landed => tell({ id, kind: 'landed', landed })),
      source: sourceAt(at),
      signal,
      spare,
      memory,
      passOn,
      isDone: oid => done.has(oid),
      tell: event => {
        if (event.kind === 'came') done.add(event.oid);
        tell({ id, ...event });
      },
    });
  } catch (cause) {
    failure = failureOf(cause);
  }
  running.delete(id);
  tell({ id, kind: 'ended', failure });
}

function failureOf(cause: unknown): ReceiveFailure {
  const text =
    cause instanceof Error ? `${cause.stack}${cause.cause ? `\ncaused by ${cause.cause}` : ''}` : String(cause);
  if (cause instanceof Doubtful) return { kind: 'doubtful', answer: cause.kind, oid: cause.oid, cause: text };
  return { kind: 'error', report: toPassItOnError(cause).toJSON(), cause: text };
}

async function close(): Promise<void> {
  for (const { stop } of running.values()) stop.abort();
  await Promise.all([...running.values()].map(({ ended }) => ended));
  for (const source of sources.values()) source.close();
  port.close();
}

function begin(start: ReceiveStart): void {
  spare = new Spare(start.spare);
  if (start.received !== null) passOn = { received: new ReceivedDeltas(start.received, tellKept), spare };
}

port.on('message', (order: ReceiveOrder) => {
  if (order.kind === 'start') return begin(order.start);
  if (order.kind === 'close') return void close();
  if (order.kind === 'abort') return running.get(order.id)?.stop.abort();
  const stop = new AbortController();
  // After it is known to be running.
  const ended = Promise.resolve().then(() => take(order, stop.signal));
  running.set(order.id, { stop, ended });
});
