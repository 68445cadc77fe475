/** Requests to one server, over connections that stay open. Whatever fails, the caller learns that this source is gone. */
import { Agent, type IncomingMessage, request } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { PassItOnError } from '../core/errors';
import { ownTimeout } from './own-time';

/** A laptop on a shared radio may be slow to answer, but a dead one must not hold up a child. */
export const ANSWER_TIMEOUT_MS = 5_000;
export const STALL_TIMEOUT_MS = 15_000;
/** How long to go on asking somebody who says that he is busy (503). */
const BUSY_TRIES = 30;
const MAX_RETRY_SECONDS = 10;
/**
 * From when on the kernel asks whether a connection that nobody uses still stands: node's second would cost each pair of a class that
 * keeps some open a packet and its answer every second. Who is gone is found out by the patience of what is asked.
 */
export const KEEP_ALIVE_MS = 60_000;

/** How long a connection stands that nobody uses: less than at a laptop's server, which closes it after 30 s. */
export const UNUSED_MS = 25_000;

export interface Place {
  /** Name, IPv4, or IPv6 with zone; without brackets. */
  host: string;
  port: number;
  /** https. */
  secure?: boolean;
}

export interface Asking {
  body?: string | Buffer;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** How long the answer may take to begin, in ms. */
  patience?: number;
  /** A connection stands, so somebody is there. */
  onReached?(): void;
}

export class HttpClient {
  /** Of bodies, over the network. */
  bytesReceived = 0;
  private readonly agent: Agent;

  /** address: what errors call it. connections: open at a time. */
  constructor(
    private readonly at: Place,
    readonly address: string,
    connections: number,
  ) {
    const options = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, maxSockets: connections, timeout: UNUSED_MS };
    this.agent = at.secure ? new SecureAgent(options) : new Agent(options);
  }

  /**
   * One request, answered with 200 or 206. A busy server (503) is asked again when it says.
   * @throws PassItOnError 'no-source' where that is not to be had there, 'source-gone' for everything else
   */
  async ask(method: string, path: string, asking: Asking = {}): Promise<IncomingMessage> {
    for (let tries = 0; ; tries++) {
      const answer = await this.once(method, path, asking).catch(cause => {
        throw gone(this.address, cause);
      });
      const status = answer.statusCode ?? 0;
      if (status === 200 || status === 206) return this.counted(answer);
      answer.resume();
      if (status !== 503 && status < 500) {
        throw new PassItOnError('no-source', `${this.address} does not have it.`, 'Try another laptop.');
      }
      if (status !== 503 || tries >= BUSY_TRIES)
        throw gone(this.address, new Error(`${method} ${path}: status ${status}`));
      const seconds = Math.min(Number(answer.headers['retry-after']) || 1, MAX_RETRY_SECONDS);
      await sleep(seconds * 1000, undefined, { signal: asking.signal });
    }
  }

  /** The whole body. @throws PassItOnError 'source-lied' when it is longer than `limit` bytes, 'source-gone' */
  async whole(answer: IncomingMessage, limit: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of this.unbroken(answer)) {
      length += chunk.length;
      if (length > limit) {
        throw new PassItOnError('source-lied', `${this.address} sent more than was asked for.`, 'Try another one.');
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  /**
   * A body, or what is made of one: whatever breaks it, its reader learns that this source is gone. A reader that stops before its end
   * ends it, and with it the connection, unless it is to stay open.
   */
  async *unbroken(body: Readable, staysOpen = false): AsyncGenerator<Buffer> {
    try {
      yield* body.iterator({ destroyOnReturn: !staysOpen }) as AsyncIterable<Buffer>;
    } catch (cause) {
      throw gone(this.address, cause);
    }
  }

  close(): void {
    this.agent.destroy();
  }

  private counted(answer: IncomingMessage): IncomingMessage {
    answer.prependListener('data', (chunk: Buffer) => {
      this.bytesReceived += chunk.length;
    });
    // Only to count: it flows when somebody reads.
    answer.pause();
    return answer;
  }

  private once(
    method: string,
    path: string,
    { body = '', headers, signal, patience = ANSWER_TIMEOUT_MS, onReached }: Asking,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { host, port, secure } = this.at;
      const all = { ...(method === 'POST' && { 'Content-Length': Buffer.byteLength(body) }), ...headers };
      const options = { host, port, method, path, headers: all, agent: this.agent };
      const asked = (secure ? secureRequest : request)(options, answer => {
        endPatience();
        // A source that stalls in the middle is given up, so that its work can move to another. If its bytes lie here
        // unread, it is not the source that stalls.
        answer.setTimeout(STALL_TIMEOUT_MS, () => {
          if (answer.readableLength === 0) answer.destroy(new Error('stalled'));
        });
        resolve(answer);
      });
      // It stays open unless somebody says otherwise (RFC 9112, 9.3).
      asked.removeHeader('Connection');
      const endPatience = ownTimeout(patience, () => asked.destroy(new Error('no answer')));
      if (onReached) {
        asked.once('socket', socket => {
          if (socket.connecting) socket.once('connect', onReached);
          else onReached();
        });
      }
      // Not by the option `signal`: where it ends a request whose answer has come to its end this very moment, Node no longer
      // listens for the connection's error, which then would end the whole service.
      const stop = () => {
        asked.socket?.once('error', () => {});
        asked.destroy(new DOMException('stopped', 'AbortError'));
      };
      asked.once('close', () => signal?.removeEventListener('abort', stop));
      if (signal?.aborted) stop();
      else signal?.addEventListener('abort', stop);
      asked.on('error', cause => {
        endPatience();
        reject(cause);
      });
      asked.end(body);
    });
  }
}

/** Whatever broke a connection to it: an error of ours, or that of who stopped it, stays what it is. */
export function gone(address: string, cause: unknown): unknown {
  if (cause instanceof PassItOnError || (cause as Error)?.name === 'AbortError') return cause;
  return new PassItOnError('source-gone', `${address} does not answer.`, 'Move closer, or try another laptop.', {
    cause,
  });
}
