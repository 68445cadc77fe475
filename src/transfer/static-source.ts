/**
 * An exported folder behind a web server or CDN that knows nothing of us: its files, by plain GETs. What it gives is
 * checked like anybody's.
 */
import { setMaxListeners } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import { createBrotliDecompress } from 'node:zlib';
import { PassItOnError } from '../core/errors';
import { type Oid, parseLooseObject } from '../core/object';
import { mapOrdered } from '../store/pace';
import type { PackedPart } from '../store/store';
import { formatWebFolder, type WebFolder } from './address';
import { ANSWER, type Answer, answerStream, encodeAnswerHeader, readAnswers } from './answers';
import { IMAGES_FILE, treesFile } from './export-layout';
import { type Frame, readFrames } from './frames';
import { HttpClient } from './http-client';
import { type ImagesAnswer, MAX_IMAGES_BYTES, parseImagesAnswer } from './images-answer';
import { contentFrom, looseBlob } from './loose-blob';
import type { AskedBlob, Source } from './source';

/** Each of the many small files is a request of its own: enough at a time that the way there and back is hidden. */
const CONNECTIONS = 8;
/** Blobs up to here are fetched ahead, and held in memory until their turn. Bytes. */
const AHEAD_BYTES = 256 << 10;
/** How often a long file that breaks off is gone on with. */
const MOST_BREAKS = 3;

export class StaticSource implements Source {
  readonly address: string;
  private readonly client: HttpClient;

  constructor(private readonly folder: WebFolder) {
    this.address = formatWebFolder(folder);
    this.client = new HttpClient(folder, this.address, CONNECTIONS);
  }

  get bytesReceived(): number {
    return this.client.bytesReceived;
  }

  async images(signal?: AbortSignal): Promise<ImagesAnswer> {
    const answer = await this.get(IMAGES_FILE, { signal });
    return parseImagesAnswer((await this.client.whole(answer, MAX_IMAGES_BYTES)).toString());
  }

  /** All of the image's trees, in one request: a file cannot know what the asker has. */
  async *trees(commit: Oid, _have: Oid | null, signal?: AbortSignal): AsyncGenerator<Frame> {
    const answer = await this.get(treesFile(commit), { signal });
    const body = pipeline(answer, createBrotliDecompress(), () => {});
    try {
      yield* readFrames(this.client.unbroken(body));
    } finally {
      body.destroy();
      answer.destroy();
    }
  }

  objects(asked: readonly AskedBlob[], signal?: AbortSignal): AsyncGenerator<Answer> {
    return readAnswers(answerStream(this.answers(asked, signal)));
  }

  close(): void {
    this.client.close();
  }

  private async *answers(asked: readonly AskedBlob[], signal?: AbortSignal): AsyncGenerator<Buffer> {
    // Many requests at once listen to it, which is no leak.
    if (signal) setMaxListeners(0, signal);
    const inOrder = (async function* () {
      yield* asked;
    })();
    for await (const { one, data } of mapOrdered(inOrder, CONNECTIONS, one => this.ahead(one, signal))) {
      if (data === LATER) yield* this.long(one, signal);
      else if (data === null) yield encodeAnswerHeader(ANSWER.missing, 0);
      else {
        yield encodeAnswerHeader(ANSWER.whole, data.length);
        yield data;
      }
    }
  }

  private async ahead(one: AskedBlob, signal?: AbortSignal): Promise<Ready> {
    const { oid, size } = one;
    if (size === undefined || size > AHEAD_BYTES) return { one, data: LATER };
    const answer = await this.blob(oid, 0, signal);
    if (answer === null) return { one, data: null };
    // Deflate makes nothing much longer than it was.
    const compressed = await this.client.whole(answer, 2 * AHEAD_BYTES);
    return { one, data: this.unpacked(oid, () => parseLooseObject(compressed, AHEAD_BYTES)).data };
  }

  /** One that is read as it comes; where it broke off, now or before a stop, it is gone on with, if the server can. */
  private async *long(asked: AskedBlob, signal?: AbortSignal): AsyncGenerator<Buffer> {
    const part = asked.part?.() ?? null;
    try {
      // What was unpacked and what came are kept together, and judged together.
      if (!asked.offset) part?.clear();
      const rest = part && part.length > 0 ? await this.blob(asked.oid, part.length, signal) : null;
      if (rest?.statusCode === 206 && (yield* this.rest(asked, part!, rest, signal))) return;
      part?.clear();
      // Servers without ranges give all of it.
      const whole = rest?.statusCode === 200 ? rest : await this.blob(asked.oid, 0, signal);
      yield* this.whole(asked, whole, part, signal);
    } finally {
      part?.close();
    }
  }

  private async *whole(
    { oid }: AskedBlob,
    answer: IncomingMessage | null,
    part: PackedPart | null,
    signal?: AbortSignal,
  ): AsyncGenerator<Buffer> {
    if (answer === null) {
      yield encodeAnswerHeader(ANSWER.missing, 0);
      return;
    }
    try {
      for await (const chunk of looseBlob(this.unbroken(oid, answer, part, signal))) {
        yield typeof chunk === 'number' ? encodeAnswerHeader(ANSWER.whole, chunk) : chunk;
      }
      part?.clear();
    } catch (cause) {
      if (cause instanceof PassItOnError && cause.code !== 'bad-data') throw cause;
      part?.clear();
      throw this.lied(oid, cause);
    }
  }

  /**
   * What follows the asker's offset, out of what was kept and what comes now. False, and nothing is given, where what was kept is
   * not of that blob. If the two do not fit together, nobody has lied: the reader gets 'bad-data', and asks for the whole.
   */
  private async *rest(
    { oid, size, offset = 0 }: AskedBlob,
    part: PackedPart,
    answer: IncomingMessage,
    signal?: AbortSignal,
  ): AsyncGenerator<Buffer, boolean> {
    const content = looseBlob(this.unbroken(oid, answer, part, signal));
    let isBegun = false;
    try {
      const first = await content.next();
      if (size === undefined || first.value !== size) return false;
      isBegun = true;
      yield encodeAnswerHeader(ANSWER.rest, size - offset);
      yield* contentFrom(content, offset);
      part.clear();
      return true;
    } catch (cause) {
      if (!(cause instanceof PassItOnError && cause.code === 'bad-data')) throw cause;
      part.clear();
      if (isBegun) throw cause;
      return false;
    } finally {
      await content.return(undefined);
    }
  }

  /** The packed bytes: those that are kept, and those that come, which are kept, too. */
  private async *unbroken(
    oid: Oid,
    first: IncomingMessage,
    part: PackedPart | null,
    signal?: AbortSignal,
  ): AsyncGenerator<Buffer> {
    let answer = first;
    let received = 0;
    try {
      for (const chunk of part?.chunks() ?? []) {
        received += chunk.length;
        yield Buffer.from(chunk);
      }
      for (let breaks = 0; ; breaks++) {
        try {
          for await (const chunk of this.client.unbroken(answer)) {
            received += chunk.length;
            part?.append(chunk);
            yield chunk;
          }
          return;
        } catch (cause) {
          signal?.throwIfAborted();
          const rest = breaks < MOST_BREAKS && received > 0 ? await this.blob(oid, received, signal) : null;
          if (rest === null || rest.statusCode !== 206) {
            rest?.destroy();
            throw cause;
          }
          answer = rest;
        }
      }
    } finally {
      answer.destroy();
    }
  }

  /** Null where it is not there. from: how many bytes of the file are here already. */
  private async blob(oid: Oid, from: number, signal?: AbortSignal) {
    const headers: Record<string, string> = from > 0 ? { Range: `bytes=${from}-` } : {};
    try {
      return await this.get(`objects/${oid.slice(0, 2)}/${oid.slice(2)}`, { signal, headers });
    } catch (cause) {
      if (cause instanceof PassItOnError && cause.code === 'no-source') return null;
      throw cause;
    }
  }

  private get(file: string, asking: { signal?: AbortSignal; headers?: Record<string, string> }) {
    return this.client.ask('GET', `${this.folder.path}${file}`, {
      ...asking,
      headers: { ...asking.headers, Host: this.hostHeader },
    });
  }

  /** One web server has many names. */
  private get hostHeader(): string {
    return new URL(this.address.replace(/%[^\]]*/, '')).host;
  }

  private unpacked<T>(oid: Oid, unpack: () => T): T {
    try {
      return unpack();
    } catch (cause) {
      throw this.lied(oid, cause);
    }
  }

  private lied(oid: Oid, cause: unknown): PassItOnError {
    const message = `${this.address} has something else in place of ${oid.slice(0, 12)}.`;
    return new PassItOnError('source-lied', message, 'Export the images there again.', { cause });
  }
}

const LATER = Symbol('fetched at its turn');

interface Ready {
  one: AskedBlob;
  data: Buffer | null | typeof LATER;
}
