/** Somebody who can give objects. Beside laptops there will be school servers and USB sticks, with the same face. */
import { Agent, type IncomingMessage, request } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBrotliDecompress } from 'node:zlib';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { type Address, formatAddress } from './address';
import { type Frame, readFrames } from './frames';
import { type ImagesAnswer, MAX_IMAGES_BYTES, parseImagesAnswer } from './images-answer';

export interface AskedBlob {
  oid: Oid;
  /** The asker holds these, best first. */
  bases: readonly Oid[];
}

export interface Source {
  /** `host:port`; also what tells sources apart. */
  readonly address: string;
  /** Bytes received over the network so far, bodies only. */
  readonly bytesReceived: number;
  images(signal?: AbortSignal): Promise<ImagesAnswer>;
  /** Commit, attributes, trees and sizes of an image, without the trees below `have`. */
  trees(commit: Oid, have: Oid | null, signal?: AbortSignal): AsyncGenerator<Frame>;
  /** A frame for each blob, in the order asked: whole, or as a delta to a base that was named. */
  objects(asked: readonly AskedBlob[], signal?: AbortSignal): AsyncGenerator<Frame>;
  close(): void;
}

/** A laptop on a shared radio may be slow to answer, but a dead one must not hold up a child. */
const ANSWER_TIMEOUT_MS = 5_000;
const STALL_TIMEOUT_MS = 15_000;
/** How long to go on asking a laptop that says it is busy (503). */
const BUSY_TRIES = 30;
const MAX_RETRY_SECONDS = 10;

export class HttpSource implements Source {
  readonly address: string;
  bytesReceived = 0;
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 4 });

  constructor(private readonly at: Address) {
    this.address = formatAddress(at);
  }

  async images(signal?: AbortSignal): Promise<ImagesAnswer> {
    const answer = await this.ask('GET', '/images', '', signal);
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of this.unbroken(answer)) {
      length += chunk.length;
      this.bytesReceived += chunk.length;
      if (length > MAX_IMAGES_BYTES) break;
      chunks.push(chunk);
    }
    return parseImagesAnswer(Buffer.concat(chunks).toString());
  }

  async *trees(commit: Oid, have: Oid | null, signal?: AbortSignal): AsyncGenerator<Frame> {
    const query = have === null ? '' : `?have=${have}`;
    yield* this.frames(await this.ask('GET', `/images/${commit}/trees${query}`, '', signal));
  }

  async *objects(asked: readonly AskedBlob[], signal?: AbortSignal): AsyncGenerator<Frame> {
    const lines = asked.map(({ oid, bases }) => `${[oid, ...bases].join(' ')}\n`);
    yield* this.frames(await this.ask('POST', '/objects', lines.join(''), signal));
  }

  close(): void {
    this.agent.destroy();
  }

  private async *frames(answer: IncomingMessage): AsyncGenerator<Frame> {
    answer.on('data', (chunk: Buffer) => {
      this.bytesReceived += chunk.length;
    });
    const packed = answer.headers['content-encoding'] === 'br';
    const body: Readable = packed ? pipeline(answer, createBrotliDecompress(), () => {}) : answer;
    try {
      yield* readFrames(this.unbroken(body));
    } finally {
      body.destroy();
      answer.destroy();
    }
  }

  /** Whatever breaks the stream, whoever reads it learns that this source is gone. */
  private async *unbroken(body: Readable): AsyncGenerator<Buffer> {
    try {
      yield* body as AsyncIterable<Buffer>;
    } catch (cause) {
      throw this.gone(cause);
    }
  }

  /** One request; answers other than 200 become errors, 503 is asked again when the laptop says. */
  private async ask(method: string, path: string, body: string, signal?: AbortSignal): Promise<IncomingMessage> {
    for (let tries = 0; ; tries++) {
      const answer = await this.once(method, path, body, signal).catch(cause => {
        throw this.gone(cause);
      });
      if (answer.statusCode === 200) return answer;
      answer.resume();
      if (answer.statusCode === 404) {
        throw new PassItOnError('no-source', `${this.address} does not have it.`, 'Try another laptop.');
      }
      if (answer.statusCode !== 503 || tries >= BUSY_TRIES) {
        throw this.gone(new Error(`${method} ${path}: status ${answer.statusCode}`));
      }
      const seconds = Math.min(Number(answer.headers['retry-after']) || 1, MAX_RETRY_SECONDS);
      await sleep(seconds * 1000, undefined, { signal });
    }
  }

  private once(method: string, path: string, body: string, signal?: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { host, port } = this.at;
      const headers = { 'Content-Length': Buffer.byteLength(body), 'Accept-Encoding': 'br' };
      const asked = request({ host, port, method, path, headers, agent: this.agent, signal }, answer => {
        clearTimeout(patience);
        // A source that stalls in the middle is given up, so that its work can move to another.
        answer.setTimeout(STALL_TIMEOUT_MS, () => answer.destroy(new Error('stalled')));
        resolve(answer);
      });
      const patience = setTimeout(() => asked.destroy(new Error('no answer')), ANSWER_TIMEOUT_MS);
      asked.on('error', cause => {
        clearTimeout(patience);
        reject(cause);
      });
      asked.end(body);
    });
  }

  private gone(cause: unknown): unknown {
    if (cause instanceof PassItOnError || (cause as Error)?.name === 'AbortError') return cause;
    return new PassItOnError('source-gone', `${this.address} does not answer.`, 'Move closer, or try another laptop.', {
      cause,
    });
  }
}
