/**
 * The HTTP server every laptop runs: a strict allow-list of paths over what the store holds. Everything served is
 * public and signed, so there is no authentication; clients and memory are bounded.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { PassItOnError } from '../core/errors';
import { isOid, type Oid } from '../core/object';
import type { HeldImage, Store } from '../store/store';
import { DEFAULT_PORT } from './address';
import type { Arrivals } from './arrivals';
import { Clients } from './clients';
import { ASKER_HEADER, type Asker, type ImagesAnswer, OUTLINES, parseAsker, type SharedImage } from './images-answer';
import { Leases } from './leases';
import { RateLimit } from './rate-limit';
import type { ReceivedDeltas } from './received-deltas';
import type { Room } from './room';
import { Deltas } from './server-deltas';
import { serveGit } from './server-git';
import { serveObjects } from './server-objects';
import { personPage } from './server-page';
import { serveTrees } from './server-trees';

/** Connections, and streams of objects or trees, at one time; more are told to come back. */
const MAX_CONNECTIONS = 128;
const MAX_STREAMS = 16;
/** Each needs two, and two more while the last end. */
const MAX_STREAMS_EACH = 4;
const RETRY_AFTER_SECONDS = 2;
const IDLE_TIMEOUT_MS = 60_000;
/** Longer than other laptops keep a connection that they do not use (http-client.ts): they know best when they are done. */
const KEEP_ALIVE_MS = 30_000;
/** How long a classmate may wait for news. */
const MOST_WAIT_SECONDS = 30;

export interface ServerOptions {
  /** undefined: 20707, or any when that is taken. */
  port?: number;
  /** Serve only on this interface. */
  interface?: string;
  nick: string;
  /** As what this laptop announces itself now. */
  announced?(): ImagesAnswer['announced'];
  /** A laptop asked for the images here, from this IP address (with its zone), and says who it is. */
  onAsked?(host: string, asker: Asker): void;
  /** Most bytes a second to send to all neighbours together; undefined: no ceiling. */
  rate?: number;
  /** The program that makes deltas in a thread of its own (dist/delta-worker.js). */
  deltaWorker: string;
  /** The image that this laptop is fetching now. */
  fetching(): Oid | null;
  /** What has come of it. */
  arrivals?(): Arrivals | null;
  /** A laptop at this IP address (with its zone) asks for that: it fetches the same image. */
  onClassmate?(host: string): void;
  /** Whose trusted signature an image has; others take it for a claim. */
  signedBy(commit: Oid): string | null;
  onError(cause: unknown): void;
}

export class TransferServer {
  private readonly clients = new Clients(MAX_STREAMS, MAX_STREAMS_EACH);
  private readonly leases = new Leases();
  private readonly limit: RateLimit | null;
  private readonly deltas: Deltas;

  private constructor(
    private readonly store: Store,
    private readonly options: ServerOptions,
    private readonly http: Server,
    readonly port: number,
  ) {
    this.limit = options.rate === undefined ? null : new RateLimit(options.rate);
    this.deltas = new Deltas(store, options.deltaWorker);
    http.on('request', (request, response) => this.answer(request, response));
    http.on('error', cause => options.onError(cause));
  }

  /** @throws PassItOnError 'busy' when the port asked for is taken. */
  static async listen(store: Store, options: ServerOptions): Promise<TransferServer> {
    const http = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: 10_000, requestTimeout: 60_000 });
    http.maxConnections = MAX_CONNECTIONS;
    // Who neither reads nor asks must not keep others out.
    http.setTimeout(IDLE_TIMEOUT_MS);
    const port = await listenOnFreePort(http, options);
    return new TransferServer(store, options, http, port);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.http.close(() => resolve()));
    this.http.closeAllConnections();
    await closed;
    await this.deltas.close();
  }

  /** Commits that somebody is fetching from here. */
  inUse(): Set<string> {
    return this.leases.active();
  }

  /** Where to keep the deltas that are fetched, to pass them on. */
  get received(): ReceivedDeltas {
    return this.deltas.received;
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    if (!this.isOurInterface(request)) {
      request.socket.destroy();
      return;
    }
    keepShort(request, response);
    this.route(request, response).catch(cause => this.fail(response, cause));
  }

  private async route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://laptop');
    const path = url.pathname;
    const client = request.socket.remoteAddress ?? '';
    this.leases.renew(client);
    if (request.method === 'POST' && path === '/objects') {
      return this.stream(client, response, turns =>
        serveObjects(this.store, request, response, this.deltas, this.limit, turns),
      );
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405);
    if (path === '/') return send(response, 'text/html; charset=utf-8', personPage(this.options.nick, this.images()));
    if (path === '/images') {
      const asker = parseAsker(request.headers[ASKER_HEADER]);
      if (asker) this.options.onAsked?.(hostOf(client), asker);
      return send(response, 'application/json', JSON.stringify(this.images()));
    }
    const trees = /^\/images\/([0-9a-f]{40})\/trees$/.exec(path);
    if (trees) {
      const image = this.store.image(trees[1]!);
      const have = url.searchParams.get('have');
      if (!image) return refuse(response, 404);
      if (have !== null && !isOid(have)) return refuse(response, 400);
      this.leases.take(client, [image.commit]);
      const asked = { have, patches: url.searchParams.has('patches'), deltas: url.searchParams.has('deltas') };
      return this.stream(client, response, () =>
        serveTrees(this.store, image, asked, response, this.limit, this.deltas),
      );
    }
    const have = /^\/images\/([0-9a-f]{40})\/have$/.exec(path);
    if (have) {
      const arrivals = this.options.arrivals?.() ?? null;
      if (arrivals === null || arrivals.commit !== have[1]) return refuse(response, 404);
      this.options.onClassmate?.(hostOf(client));
      const number = (name: string) => Number(url.searchParams.get(name) ?? 0);
      const known = { log: number('log'), count: number('after'), list: number('list') };
      const gone = new AbortController();
      response.once('close', () => gone.abort());
      await arrivals.news(known, Math.min(number('wait'), MOST_WAIT_SECONDS) * 1000, gone.signal);
      const news = arrivals.since(known);
      // Bytes are what an answer is that does not say (RFC 9110, 8.3), and nobody keeps one without a date.
      response.writeHead(200, { 'Content-Length': news.length });
      response.end(news);
      return;
    }
    // A clone takes whatever the refs name.
    if (path === '/info/refs') {
      this.leases.take(
        client,
        this.store.images().map(({ commit }) => commit),
      );
    }
    if (await serveGit(this.store, path, response)) return;
    refuse(response, 404);
  }

  private images(): ImagesAnswer {
    return {
      current: this.store.state.current?.commit ?? null,
      images: this.store.images().map(image => this.shared(image)),
      fetching: this.options.fetching(),
      nick: this.options.nick,
      takes: [OUTLINES],
      announced: this.options.announced?.() ?? null,
    };
  }

  private shared({ name, version, commit, releaseTime, bytes }: HeldImage): SharedImage {
    return { name, version, commit, releaseTime, signedBy: this.options.signedBy(commit), bytes };
  }

  private async stream(client: string, response: ServerResponse, serve: (turns: Room) => Promise<void>): Promise<void> {
    const served = this.clients.enter(client);
    if (served === null) {
      response.setHeader('Retry-After', RETRY_AFTER_SECONDS);
      return refuse(response, 503);
    }
    try {
      await serve(served.turns);
    } finally {
      served.leave();
    }
  }

  private fail(response: ServerResponse, cause: unknown): void {
    const hungUp = (cause as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE';
    if (!hungUp) this.options.onError(cause);
    if (response.headersSent) response.destroy();
    else refuse(response, cause instanceof PassItOnError && cause.code === 'bad-data' ? 400 : 500);
  }

  /** With --interface, requests that came in by another one are not answered. */
  private isOurInterface(request: IncomingMessage): boolean {
    if (this.options.interface === undefined) return true;
    const local = (request.socket.localAddress ?? '').replace(/^::ffff:/, '').replace(/%.*/, '');
    return (networkInterfaces()[this.options.interface] ?? []).some(({ address }) => address === local);
  }
}

async function listenOnFreePort(http: Server, options: ServerOptions): Promise<number> {
  // A demo on the loopback interface must not even open a port to the network.
  const hosts = options.interface === 'lo' ? ['127.0.0.1'] : ['::', '0.0.0.0'];
  const ports = options.port === undefined ? [DEFAULT_PORT, 0] : [options.port];
  let last: unknown;
  for (const port of ports) {
    for (const host of hosts) {
      try {
        return await listenOn(http, host, port);
      } catch (cause) {
        last = cause;
      }
    }
  }
  throw new PassItOnError('busy', `Port ${options.port} cannot be used.`, 'Choose another port, or leave --port out.', {
    cause: last,
  });
}

function listenOn(http: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen({ host, port }, () => {
      http.off('error', reject);
      resolve((http.address() as AddressInfo).port);
    });
  });
}

/**
 * A small upgrade is hundreds of short answers: what says nothing to anybody is left out. A laptop's clock is not one to rely on, so that it
 * need not tell the time (RFC 9110, 6.6.1); and connections stay open unless somebody says otherwise (RFC 9112, 9.3).
 */
function keepShort(request: IncomingMessage, response: ServerResponse): void {
  response.sendDate = false;
  if (request.httpVersion === '1.1' && response.shouldKeepAlive) response.removeHeader('Connection');
}

function send(response: ServerResponse, type: string, text: string | Buffer): void {
  const body = typeof text === 'string' ? Buffer.from(text) : text;
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': body.length, 'Cache-Control': 'no-store' });
  response.end(body);
}

/** An IPv4 address as it is written where there is no IPv6. */
function hostOf(client: string): string {
  return client.replace(/^::ffff:/, '');
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'Content-Length': 0 });
  response.end();
}
