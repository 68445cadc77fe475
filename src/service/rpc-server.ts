/** Puts a service on the store's Unix socket, or on one for guests: JSON-RPC 2.0, one connection a client. */
import { createServer, type Server, type Socket } from 'node:net';
import {
  createMessageConnection,
  type MessageConnection,
  ResponseError,
  SocketMessageReader,
  SocketMessageWriter,
} from 'vscode-jsonrpc/node';
import { type ErrorReport, toPassItOnError } from '../core/errors';
import { EVENT_NAMES } from './client';
import type { EventName, Events, MethodName, Params } from './contract';
import { checkGuest, GUEST_MAY } from './guests';
import { logError } from './log';
import type { Service } from './service';
import { listenSocket, removeSocket } from './socket';

/** JSON-RPC 2.0, section 5.1: -32000 to -32099 are for the server's own errors; ours are told apart by `data.code`. */
const SERVER_ERROR = -32000;

const METHODS = Object.keys(GUEST_MAY) as MethodName[];

/** Throws where a client that came in by this socket may not ask that. */
type Check = (method: MethodName, params: unknown) => void;

export class RpcServer {
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;

  private constructor(
    private readonly service: Service,
    /** null: the socket is somebody else's. */
    private readonly store: string | null,
    private readonly check: Check,
    private readonly onIdle: () => void,
  ) {
    this.server = createServer(socket => this.accept(socket));
  }

  /** `onIdle` is called whenever the last client has left. */
  static async listen(service: Service, store: string, onIdle: () => void = () => {}): Promise<RpcServer> {
    const rpc = new RpcServer(service, store, () => {}, onIdle);
    await listenSocket(store, rpc.server);
    return rpc;
  }

  /** For guests, on a listening socket that this process was given. fd: its file descriptor. */
  static async listenForGuests(service: Service, fd: number): Promise<RpcServer> {
    const rpc = new RpcServer(service, null, checkGuest, () => {});
    await new Promise<void>((resolve, reject) => {
      rpc.server.once('error', reject);
      rpc.server.listen({ fd }, () => {
        rpc.server.off('error', reject);
        resolve();
      });
    });
    return rpc;
  }

  get clients(): number {
    return this.sockets.size;
  }

  /** Ends at once, whoever is still connected. */
  async close(): Promise<void> {
    const closed = this.stopListening();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  /** Lets no new client in, and resolves when the last one has left by itself. */
  async drain(): Promise<void> {
    await this.stopListening();
  }

  private async stopListening(): Promise<void> {
    // First, so that who comes now does not find a socket that nobody listens at.
    if (this.store !== null) removeSocket(this.store);
    if (!this.server.listening) return;
    await new Promise<void>(resolve => this.server.close(() => resolve()));
  }

  private accept(socket: Socket): void {
    this.sockets.add(socket);
    const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
    const client = new Client(this.service, connection, this.check);
    socket.once('close', () => {
      client.leave();
      connection.dispose();
      this.sockets.delete(socket);
      if (this.sockets.size === 0) this.onIdle();
    });
    socket.on('error', () => socket.destroy());
    connection.onError(() => socket.destroy());
    connection.listen();
  }
}

/** One connection: passes on its requests, and the service's events to it. */
class Client {
  private watching = false;
  private readonly listeners: [EventName, (payload: Events[EventName]) => void][] = [];

  constructor(
    private readonly service: Service,
    private readonly connection: MessageConnection,
    private readonly check: Check,
  ) {
    for (const method of METHODS) connection.onRequest(method, (params: unknown) => this.answer(method, params));
    for (const event of EVENT_NAMES) {
      const listener = (payload: Events[EventName]) => this.tell(event, payload);
      service.on(event, listener);
      this.listeners.push([event, listener]);
    }
  }

  leave(): void {
    for (const [event, listener] of this.listeners) this.service.off(event, listener);
    this.watch({ on: false });
  }

  private async answer(method: MethodName, params: unknown): Promise<unknown> {
    try {
      this.check(method, params);
      if (method === 'watchNeighbours') this.watch(params as Params<'watchNeighbours'>);
      return await this.service.call(method, params as never);
    } catch (thrown) {
      const error = toPassItOnError(thrown);
      if (error.code === 'internal') logError(method, thrown);
      return new ResponseError<ErrorReport>(SERVER_ERROR, error.message, error.toJSON());
    }
  }

  private watch({ on, from }: Params<'watchNeighbours'>): void {
    if (on && from) this.service.lookAt(from);
    if (on === this.watching) return;
    this.watching = on;
    if (on) this.service.watchNeighbours();
    else this.service.unwatchNeighbours();
  }

  private tell(event: EventName, payload: Events[EventName]): void {
    if (event === 'neighbour' && !this.watching) return;
    this.connection.sendNotification(event, payload).catch(() => {
      // The connection is going; its close event tidies up.
    });
  }
}
