/**
 * `POST /objects`: the body names blobs, a line each, `oid base-oid*`; the answer has a frame for each, in that order.
 * Bases are an offer ("I hold these"), which a source is free not to take up: it may always send the whole blob.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassItOnError } from '../core/errors';
import { isOid, type Oid } from '../core/object';
import type { Store } from '../store/store';
import { encodeHeader, KIND } from './frames';
import { type Holdings, holdingsOf } from './holdings';
import type { RateLimit } from './rate-limit';
import { sendFrames } from './server-stream';

/** Some 10,000 lines; asking for more takes another request. */
export const MAX_REQUEST_BYTES = 1 << 20;

export async function serveObjects(
  store: Store,
  request: IncomingMessage,
  response: ServerResponse,
  limit: RateLimit | null,
): Promise<void> {
  await sendFrames(response, objectFrames(holdingsOf(store), parseRequest(await readBody(request))), limit);
}

/** @throws PassItOnError 'bad-data' */
export function parseRequest(body: string): Oid[] {
  return body
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const words = line.split(' ');
      if (!words.every(isOid)) {
        throw new PassItOnError(
          'bad-data',
          'A request names something that is not an object.',
          'Ask with lines of oids.',
        );
      }
      return words[0]!;
    });
}

/** A frame for each of the blobs, in their order. */
export async function* objectFrames(holdings: Holdings, oids: readonly Oid[]): AsyncGenerator<Buffer> {
  for (const oid of oids) {
    const blob = await holdings.openBlob(oid);
    if (!blob) {
      yield encodeHeader(KIND.missing, oid, 0);
      continue;
    }
    try {
      yield encodeHeader(KIND.whole, oid, blob.size);
      yield* blob.chunks();
    } finally {
      await blob.close();
    }
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
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
  return Buffer.concat(chunks).toString('latin1');
}
