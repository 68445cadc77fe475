/**
 * `POST /objects`: the body names blobs (request.ts), and there is an answer for each, in that order (answers.ts).
 * Bases are an offer ("I hold these"), which a source is free not to take up: it may always send the whole blob. Where it
 * holds the base too, a delta is made then and there.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import type { Store } from '../store/store';
import { ANSWER, answerStream, encodeAnswerHeader } from './answers';
import { turnFor } from './clients';
import type { Form } from './effort';
import type { Content } from './encoding';
import { type Holdings, holdingsOf } from './holdings';
import { arePacked } from './packed';
import type { RateLimit } from './rate-limit';
import { MAX_REQUEST_BYTES, type NamedBlob, parseRequest } from './request';
import type { Room } from './room';
import type { DeltaContent, Deltas } from './server-deltas';
import { blobAnswer, giveRaw } from './server-raw';
import { drain, sendFrames } from './server-stream';
import type { AskedBlob } from './source';

export async function serveObjects(
  store: Store,
  request: IncomingMessage,
  response: ServerResponse,
  deltas: Deltas,
  limit: RateLimit | null,
  turns: Room,
): Promise<void> {
  const asked = await meant(store, parseRequest(await readBody(request)));
  const form = formWanted(request);
  const holdings = holdingsOf(store);
  const making = { deltas, turns };
  const raw = () => sendFrames(response, sink => giveRaw(holdings, asked, sink), limit, 'raw', 'whole');
  const send = (content: Content) =>
    sendFrames(response, drain(answerStream(answersTo(holdings, asked, making))), limit, form, content);
  if (form === 'raw') return raw();
  if (await makesDeltas(deltas, asked)) return send('deltas');
  const oids = asked.flatMap(({ oid }) => oid ?? []);
  return (await arePacked(holdings, oids)) ? raw() : send('whole');
}

/** A blob that was asked for. What is null is not here, or nobody can tell what was meant. */
export interface Meant extends Omit<AskedBlob, 'oid' | 'bases'> {
  oid: Oid | null;
  bases: readonly (Oid | null)[];
}

async function meant(store: Store, named: readonly NamedBlob[]): Promise<Meant[]> {
  const asked: Meant[] = [];
  for (const { name, bases: names, ...how } of named) {
    const bases: (Oid | null)[] = [];
    for (const base of names) bases.push(await store.blobNamed(base));
    const oid = await store.blobNamed(name);
    asked.push({ oid, bases, size: oid === null ? undefined : (store.recordedSize(oid) ?? undefined), ...how });
  }
  return asked;
}

/** Whether deltas will be made: a few tell for all, which come from one image. */
async function makesDeltas(deltas: Deltas, asked: readonly Meant[]): Promise<boolean> {
  if (asked.some(({ outline }) => outline && outline.count > 0)) return true;
  const some = asked.filter(({ bases }) => bases.length > 0).slice(0, 8);
  return (await Promise.all(some.map(({ bases }) => deltas.base(known(bases))))).some(base => base !== null);
}

/** What the asker wants, in HTTP's own words where it has them. */
function formWanted({ url = '', headers }: IncomingMessage): Form {
  if (!/\bbr\b/.test(headers['accept-encoding']?.toString() ?? '')) return 'raw';
  return url.endsWith('?effort=bytes') ? 'small' : 'delta';
}

/** How many deltas are in the making while earlier ones are sent; what is made already of small ones is in memory. */
const AHEAD = 16;

/** Who makes deltas, and when those that somebody asked for have their turn. */
interface Making {
  deltas: Deltas;
  turns: Room;
}

/** An answer for each of the blobs, in their order: whole, or as a delta where somebody makes them. */
export async function* answersTo(
  holdings: Holdings,
  asked: readonly Meant[],
  making: Making | null = null,
): AsyncGenerator<Buffer> {
  if (making) yield* deltaAnswers(holdings, asked, making);
  else for (const { oid, offset = 0 } of asked) yield* blobAnswer(holdings, oid, offset);
}

async function* deltaAnswers(
  holdings: Holdings,
  asked: readonly Meant[],
  { deltas, turns }: Making,
): AsyncGenerator<Buffer> {
  const coming: Promise<DeltaContent | null>[] = [];
  const begin = (one: Meant | undefined) => {
    if (one) coming.push(turns.run(() => deltaFor(one, deltas), turnFor(one.size ?? 0)));
  };
  try {
    for (const one of asked.slice(0, AHEAD)) begin(one);
    for (const [at, { oid, bases, offset = 0 }] of asked.entries()) {
      begin(asked[at + AHEAD]);
      const delta = await coming.shift();
      // What is not packed any more is longer, and shorter once all is compressed.
      if (delta && (delta.length < delta.size - offset || (delta.base === null && offset === 0)))
        yield* deltaAnswer(delta, bases);
      else {
        await delta?.close();
        yield* blobAnswer(holdings, oid, offset);
      }
    }
  } finally {
    // Who asked went away: what is in the making is closed when it is done.
    for (const one of coming) void one.then(delta => delta?.close());
  }
}

async function deltaFor({ oid, bases, outline }: Meant, deltas: Deltas): Promise<DeltaContent | null> {
  return oid === null ? null : deltas.open(known(bases), oid, outline);
}

function known(bases: readonly (Oid | null)[]): Oid[] {
  return bases.flatMap(base => base ?? []);
}

async function* deltaAnswer(delta: DeltaContent, bases: readonly (Oid | null)[]): AsyncGenerator<Buffer> {
  try {
    if (delta.base === null) yield encodeAnswerHeader(ANSWER.outlined, delta.length);
    else yield encodeAnswerHeader(ANSWER.delta, delta.length, bases.indexOf(delta.base));
    yield* delta.chunks();
  } finally {
    await delta.close();
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_REQUEST_BYTES) {
      throw new PassItOnError('bad-data', 'A request is too long.', `Ask with at most ${MAX_REQUEST_BYTES} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
