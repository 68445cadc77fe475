/**
 * `POST /objects`: the body names blobs (request.ts); the answer has a frame for each, in that order.
 * Bases are an offer ("I hold these"), which a source is free not to take up: it may always send the whole blob. Where it
 * holds the base too, a delta is made then and there.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import type { Store } from '../store/store';
import type { Form } from './effort';
import type { Content } from './encoding';
import { DELTA_HEAD_BYTES, encodeDeltaHead, encodeHeader, encodeRestHead, KIND, REST_HEAD_BYTES } from './frames';
import { type Holdings, holdingsOf } from './holdings';
import { arePacked } from './packed';
import type { RateLimit } from './rate-limit';
import { MAX_REQUEST_BYTES, parseRequest } from './request';
import { Room } from './room';
import type { DeltaContent, Deltas } from './server-deltas';
import { sendFrames } from './server-stream';
import type { AskedBlob } from './source';

export async function serveObjects(
  store: Store,
  request: IncomingMessage,
  response: ServerResponse,
  deltas: Deltas,
  limit: RateLimit | null,
  turns: Room,
): Promise<void> {
  const asked = parseRequest(await readBody(request));
  const form = formWanted(request);
  const holdings = holdingsOf(store);
  const send = (source: Deltas | null, as: Form, content: Content) =>
    sendFrames(response, objectFrames(holdings, asked, source, turns), limit, as, content);
  if (form === 'raw') return send(null, 'raw', 'whole');
  if (await makesDeltas(deltas, asked)) return send(deltas, form, 'deltas');
  const oids = asked.map(({ oid }) => oid);
  return (await arePacked(holdings, oids)) ? send(null, 'raw', 'whole') : send(deltas, form, 'whole');
}

/** Whether deltas will be made: a few tell for all, which come from one image. */
async function makesDeltas(deltas: Deltas, asked: readonly AskedBlob[]): Promise<boolean> {
  if (asked.some(({ outline }) => outline && outline.count > 0)) return true;
  const some = asked.filter(({ bases }) => bases.length > 0).slice(0, 8);
  return (await Promise.all(some.map(({ bases }) => deltas.base(bases)))).some(base => base !== null);
}

/** What the asker wants, in HTTP's own words where it has them. */
function formWanted({ url = '', headers }: IncomingMessage): Form {
  if (!/\bbr\b/.test(headers['accept-encoding']?.toString() ?? '')) return 'raw';
  return url.endsWith('?effort=bytes') ? 'small' : 'delta';
}

/** How many deltas are in the making while earlier ones are sent. */
const AHEAD = 4;

/** A frame for each of the blobs, in their order. Without `deltas` all of them whole; else these are made in their turns. */
export async function* objectFrames(
  holdings: Holdings,
  asked: readonly AskedBlob[],
  deltas: Deltas | null = null,
  turns: Room = new Room(AHEAD),
): AsyncGenerator<Buffer> {
  const coming: Promise<DeltaContent | null>[] = [];
  const begin = (one: AskedBlob | undefined) => {
    if (one)
      coming.push(deltas ? turns.run(() => deltas.open(one.bases, one.oid, one.outline)) : Promise.resolve(null));
  };
  try {
    for (const one of asked.slice(0, AHEAD)) begin(one);
    for (const [at, { oid, offset = 0 }] of asked.entries()) {
      begin(asked[at + AHEAD]);
      const delta = await coming.shift();
      // What is not packed any more is longer, and shorter once all is compressed.
      if (delta && (delta.length < delta.size - offset || (delta.base === null && offset === 0)))
        yield* deltaFrame(oid, delta);
      else {
        await delta?.close();
        yield* blobFrame(holdings, oid, offset);
      }
    }
  } finally {
    // Who asked went away: what is in the making is closed when it is done.
    for (const one of coming) void one.then(delta => delta?.close());
  }
}

async function* deltaFrame(oid: Oid, delta: DeltaContent): AsyncGenerator<Buffer> {
  try {
    if (delta.base === null) yield encodeHeader(KIND.outlined, oid, delta.length);
    else {
      yield encodeHeader(KIND.delta, oid, DELTA_HEAD_BYTES + delta.length);
      yield encodeDeltaHead(delta.base, delta.size);
    }
    yield* delta.chunks();
  } finally {
    await delta.close();
  }
}

async function* blobFrame(holdings: Holdings, oid: Oid, offset: number): AsyncGenerator<Buffer> {
  const blob = await holdings.openBlob(oid);
  if (!blob) {
    yield encodeHeader(KIND.missing, oid, 0);
    return;
  }
  try {
    if (offset > 0 && offset < blob.size) {
      yield encodeHeader(KIND.rest, oid, REST_HEAD_BYTES + blob.size - offset);
      yield encodeRestHead(offset);
      yield* blob.chunks(offset);
    } else {
      yield encodeHeader(KIND.whole, oid, blob.size);
      yield* blob.chunks(0);
    }
  } finally {
    await blob.close();
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_REQUEST_BYTES) {
      throw new PassItOnError(
        'bad-data',
        'A request is too long.',
        `Ask for at most ${MAX_REQUEST_BYTES} bytes of oids.`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
