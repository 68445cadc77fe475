/**
 * `POST /objects`: the body names blobs, a line each, `oid base-oid*`; the answer has a frame for each, in that order.
 * Bases are an offer ("I hold these"), which a source is free not to take up: it may always send the whole blob.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassItOnError } from '../core/errors';
import { isOid, type Oid } from '../core/object';
import type { Store } from '../store/store';
import { encodeHeader, KIND } from './frames';
import type { RateLimit } from './rate-limit';
import { sendFrames } from './server-stream';

/** Some 10,000 lines; asking for more takes another request. */
export const MAX_REQUEST_BYTES = 1 << 20;
const READ_BYTES = 256 * 1024;

export async function serveObjects(
  store: Store,
  request: IncomingMessage,
  response: ServerResponse,
  limit: RateLimit | null,
): Promise<void> {
  await sendFrames(response, objectFrames(store, parseRequest(await readBody(request))), limit);
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

async function* objectFrames(store: Store, oids: Oid[]): AsyncGenerator<Buffer> {
  for (const oid of oids) {
    const blob = await store.openBlob(oid);
    if (!blob) {
      yield encodeHeader(KIND.missing, oid, 0);
      continue;
    }
    try {
      yield encodeHeader(KIND.whole, oid, blob.size);
      for (let left = blob.size; left > 0; ) {
        const { bytesRead, buffer } = await blob.handle.read(Buffer.allocUnsafe(Math.min(READ_BYTES, left)));
        // The length is promised already: a file that shrank can only be answered by breaking off.
        if (bytesRead === 0) throw new PassItOnError('damaged', `Blob ${oid} is cut off.`, 'Repair it with verify.');
        left -= bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await blob.handle.close();
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
