/** One multicast socket: one interface, one IP family. multicast-dns joins the group and decodes; we encode and send. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { DecodedPacket } from 'dns-packet';
import makeMdns, { type MulticastDNS } from 'multicast-dns';
import { sentence } from '../core/sentences';
import { type Endpoint, MDNS_PORT } from './answering';
import { toMessage } from './decode';
import { encode, type Message } from './dns';
import type { Wire, WireListener } from './environment';
import { isOnLink, type NetworkInterface } from './interfaces';

export type Family = 'v4' | 'v6';

const GROUP = { v4: '224.0.0.251', v6: 'ff02::fb' };

export class Link implements Wire {
  readonly #socket: Socket;
  readonly #mdns: MulticastDNS;
  readonly #told = new Set<string>();
  #sending = 0;
  #onSent: (() => void)[] = [];
  #state: 'opening' | 'open' | 'failed' | 'closed' = 'opening';
  #settle: () => void = () => {};
  /** Resolves when it can send, or never will. */
  readonly ready: Promise<void>;

  constructor(
    private on: NetworkInterface,
    private readonly family: Family,
    private readonly listener: WireListener,
  ) {
    const v4 = family === 'v4';
    this.ready = new Promise(resolve => {
      this.#settle = resolve;
    });
    this.#socket = createSocket({ type: v4 ? 'udp4' : 'udp6', reuseAddr: true, ipv6Only: !v4 });
    // Bound to any address: bound to its own, a socket hears no multicast; and this needs no multicast route.
    this.#mdns = makeMdns({
      socket: this.#socket,
      type: v4 ? 'udp4' : 'udp6',
      ip: GROUP[family],
      interface: v4 ? on.v4[0] : `::%${on.name}`,
      bind: v4 ? '0.0.0.0' : '::',
    });
    this.#mdns.on('ready', () => this.#onReady());
    this.#mdns.on('packet', (packet: DecodedPacket, from: RemoteInfo) => this.#onPacket(packet, from));
    this.#mdns.on('error', error => this.#onError(error));
    this.#mdns.on('warning', error => this.#onError(error));
  }

  /** True while it can send. */
  get open(): boolean {
    return this.#state === 'open';
  }

  /** True once it never will work: make a new one. */
  get failed(): boolean {
    return this.#state === 'failed';
  }

  /** Addresses were added to the interface or removed from it. */
  renew(on: NetworkInterface): void {
    this.on = on;
  }

  /** To the whole link, or to one address on it. What goes wrong is told to the listener. */
  send(m: Message, to: Endpoint = { address: GROUP[this.family], port: MDNS_PORT }): void {
    if (this.#state !== 'open') return;
    this.#sending++;
    this.#socket.send(encode(m), to.port, to.address, error => {
      this.#sending--;
      if (error) this.#onError(error);
      if (this.#sending === 0) for (const done of this.#onSent.splice(0)) done();
    });
  }

  /** Resolves when all that was sent has left. */
  flush(): Promise<void> {
    return this.#sending === 0 ? Promise.resolve() : new Promise(resolve => this.#onSent.push(resolve));
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    await this.flush();
    this.#state = 'closed';
    this.#settle();
    await new Promise<void>(resolve => this.#mdns.destroy(resolve));
  }

  #onReady(): void {
    if (this.#state !== 'opening') return;
    try {
      // multicast-dns does this only when joining works at the first attempt.
      this.#socket.setMulticastInterface(this.family === 'v4' ? this.on.v4[0]! : `::%${this.on.name}`);
      // Also what goes to one asker says by its TTL that no router was between (RFC 6762 §11).
      this.#socket.setTTL(255);
      this.#state = 'open';
    } catch (error) {
      this.#onError(error as NodeJS.ErrnoException);
      this.#state = 'failed';
    }
    this.#settle();
  }

  #onPacket(packet: DecodedPacket, from: RemoteInfo): void {
    const m = isOnLink(this.on, from.address) ? toMessage(packet) : null;
    if (m) this.listener.onMessage(m, { address: from.address, port: from.port });
  }

  #onError(error: NodeJS.ErrnoException): void {
    // Without a system call it was a packet that cannot be decoded: a stranger's fault, and not news to anybody.
    if (!error.syscall || this.#state === 'closed') return;
    if (this.#state === 'opening' && error.syscall === 'bind') {
      this.#state = 'failed';
      this.#settle();
    }
    const { name } = this.on;
    const problem =
      error.code === 'EADDRINUSE'
        ? sentence('multicast-port-taken')
        : sentence('multicast-refused', { name, reason: error.code ?? error.syscall });
    if (this.#told.has(problem.text)) return;
    this.#told.add(problem.text);
    this.listener.onProblem(problem);
  }
}
