/** Somebody who can give objects: a laptop (here), a folder, a web server with plain files; all with the same face. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress } from 'node:zlib';
import type { Outline } from '../core/delta/outline';
import type { Oid } from '../core/object';
import type { PackedPart } from '../store/store';
import { type Address, formatAddress } from './address';
import { type Answer, readAnswers } from './answers';
import { type Known, MAX_HAVE_BYTES } from './arrivals';
import type { Form } from './effort';
import { CHUNK_BYTES } from './encoding';
import { type Frame, readFrames } from './frames';
import { HttpClient } from './http-client';
import {
  ASKER_HEADER,
  type Asker,
  formatAsker,
  type ImagesAnswer,
  MAX_IMAGES_BYTES,
  OUTLINES,
  parseImagesAnswer,
} from './images-answer';
import { RawClient, type TakePart } from './raw-client';
import { encodeRequest, SHORT_NAME_BYTES, WHOLE_NAME_BYTES } from './request';

export interface AskedBlob {
  oid: Oid;
  /** The asker holds these, best first. */
  bases: readonly Oid[];
  /** Of the first base, or of nothing: for a source that takes outlines. */
  outline?: Outline;
  /** In bytes, where the asker was told. */
  size?: number;
  /** The asker has so many bytes of it already. */
  offset?: number;
  /** Of a large one: where a source that packs it may keep what came, to go on with after a stop. Null: nowhere. To be closed. */
  part?(): PackedPart | null;
}

/** How blobs are asked for; sources that cannot do so give them as they can. */
export interface How {
  form: Form;
  /** By their whole oids, for one who may hold others whose oids begin alike. */
  byWholeName?: boolean;
  /** At the end: for how much of the time, from 0 to 1, its link was busy, if the source says so. */
  onBusy?(share: number): void;
}

/** For another thread that asks the same laptop. */
export interface Elsewhere {
  at: Address;
  /** It received so many bytes there. */
  received(bytes: number): void;
}

export interface Source {
  /** `host:port`, a URL, or a folder; also what tells sources apart. */
  readonly address: string;
  /** Bytes received over the network so far, bodies only. */
  readonly bytesReceived: number;
  /** asker: as whom to introduce ourselves, to a laptop; onReached: somebody took the connection. */
  images(signal?: AbortSignal, asker?: Asker, onReached?: () => void): Promise<ImagesAnswer>;
  /**
   * Commit, attributes, trees and sizes of an image, without the trees below `have`; of others perhaps only what differs.
   * deltas: those are what it will be asked for next.
   */
  trees(commit: Oid, have: Oid | null, signal?: AbortSignal, deltas?: boolean): AsyncGenerator<Frame>;
  /** An answer for each blob, in the order asked: whole, or as a delta to a base that was named. */
  objects(asked: readonly AskedBlob[], signal?: AbortSignal, how?: How): AsyncGenerator<Answer>;
  /**
   * The same raw, as the bytes of a stream of answers (answers.ts), each part valid until it is taken. False, and nothing is taken, where
   * only `objects` has them.
   */
  raw?(asked: readonly AskedBlob[], take: TakePart, signal?: AbortSignal, how?: How): Promise<boolean>;
  /** Whether outlines are to be sent to it: it takes them, and does not have the image with that commit, which bases are of; null: there is none. */
  needsOutlines?(from: Oid | null): boolean;
  /** Of somebody who may be fetching that image, what it has got, once there is news: see arrivals.ts. 'no-source' where it does not say. */
  have?(commit: Oid, known: Known, signal?: AbortSignal): Promise<Buffer>;
  /** Where another thread can ask it for blobs, too. */
  readonly elsewhere?: Elsewhere;
  close(): void;
}

const DELTAS: How = { form: 'delta' };
const RAW: How = { form: 'raw' };
/** After the end of the frames: the share of the time in which the link was busy. */
export const BUSY_TRAILER = 'pass-it-on-busy';

const CONNECTIONS = 4;
/** How long a classmate may wait for news until it answers. */
const HAVE_SECONDS = 20;

export class HttpSource implements Source {
  readonly address: string;
  readonly elsewhere: Elsewhere;
  private readonly client: HttpClient;
  private readonly rawClient: RawClient;
  /** What it said last. */
  private said: ImagesAnswer | null = null;

  constructor(at: Address) {
    this.address = formatAddress(at);
    this.client = new HttpClient(at, this.address, CONNECTIONS);
    this.rawClient = new RawClient(at, this.address);
    this.elsewhere = {
      at,
      received: bytes => {
        this.client.bytesReceived += bytes;
      },
    };
  }

  get bytesReceived(): number {
    return this.client.bytesReceived;
  }

  async images(signal?: AbortSignal, asker?: Asker, onReached?: () => void): Promise<ImagesAnswer> {
    const headers = asker && { [ASKER_HEADER]: formatAsker(asker) };
    const answer = await this.client.ask('GET', '/images', { headers, signal, onReached });
    this.said = parseImagesAnswer((await this.client.whole(answer, MAX_IMAGES_BYTES)).toString());
    return this.said;
  }

  needsOutlines(from: Oid | null): boolean {
    const { takes = [], images = [] } = this.said ?? {};
    return takes.includes(OUTLINES) && !images.some(({ commit }) => commit === from);
  }

  async *trees(commit: Oid, have: Oid | null, signal?: AbortSignal, deltas = false): AsyncGenerator<Frame> {
    const query = have === null ? '' : `?have=${have}&patches${deltas ? '&deltas' : ''}`;
    const headers = { 'Accept-Encoding': 'br' };
    yield* this.read(await this.client.ask('GET', `/images/${commit}/trees${query}`, { headers, signal }), readFrames);
  }

  async *objects(asked: readonly AskedBlob[], signal?: AbortSignal, how: How = DELTAS): AsyncGenerator<Answer> {
    const raw = how.form === 'raw';
    const headers = { 'Accept-Encoding': raw ? 'identity' : 'br', TE: 'trailers' };
    const path = how.form === 'small' ? '/objects?effort=bytes' : '/objects';
    const body = encodeRequest(asked, { bases: !raw, nameBytes: nameBytes(how) });
    const answer = await this.client.ask('POST', path, { body, headers, signal });
    yield* this.read(answer, readAnswers);
    tellBusy(answer.trailers[BUSY_TRAILER], how);
  }

  async raw(asked: readonly AskedBlob[], take: TakePart, signal?: AbortSignal, how: How = RAW): Promise<boolean> {
    const body = encodeRequest(asked, { bases: false, nameBytes: nameBytes(how) });
    const counted = (part: Buffer) => {
      this.client.bytesReceived += part.length;
      return take(part);
    };
    const trailers = await this.rawClient.post('/objects', body, counted, signal);
    tellBusy(trailers?.get(BUSY_TRAILER), how);
    return trailers !== null;
  }

  async have(commit: Oid, { log, count, list }: Known, signal?: AbortSignal): Promise<Buffer> {
    const path = `/images/${commit}/have?log=${log}&after=${count}&list=${list}&wait=${HAVE_SECONDS}`;
    const answer = await this.client.ask('GET', path, { signal, patience: (HAVE_SECONDS + 5) * 1000 });
    return this.client.whole(answer, MAX_HAVE_BYTES);
  }

  close(): void {
    this.client.close();
    this.rawClient.close();
  }

  private async *read<T>(
    answer: IncomingMessage,
    parts: (stream: AsyncIterable<Buffer>) => AsyncGenerator<T>,
  ): AsyncGenerator<T> {
    const packed = answer.headers['content-encoding'] === 'br';
    const body: Readable = packed
      ? pipeline(answer, createBrotliDecompress({ chunkSize: CHUNK_BYTES }), () => {})
      : answer;
    try {
      yield* parts(this.client.unbroken(body, true));
      // What follows their end, so that the connection can be used again.
      body.resume();
      // Whatever happens to it by now, they are all here.
      if (!answer.readableEnded && !answer.destroyed) await once(answer, 'close').catch(() => {});
    } finally {
      body.destroy();
      answer.destroy();
    }
  }
}

function nameBytes({ byWholeName = false }: How): number {
  return byWholeName ? WHOLE_NAME_BYTES : SHORT_NAME_BYTES;
}

/** trailer: of the answer, if it has one. */
function tellBusy(trailer: string | undefined, { onBusy }: How): void {
  const busy = Number(trailer);
  if (busy >= 0 && busy <= 1) onBusy?.(busy);
}
