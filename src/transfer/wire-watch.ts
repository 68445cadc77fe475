/**
 * How busy the link to a client is while something is sent to it: for how much of the time the kernel still had bytes of
 * that connection in its queue (tx_queue in /proc/net/tcp, proc(5)). Node cannot tell: the kernel takes far more than the
 * link carries. Where there is no such file nothing is said.
 */
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

const EVERY_MS = 20;
/** A machine with more connections than this has better things to do than to read the list. Bytes. */
const MAX_TABLE_BYTES = 256 << 10;

export class WireWatch {
  private looks = 0;
  private busy = 0;
  private looking = false;
  private readonly timer: NodeJS.Timeout;
  private readonly file: string;
  private readonly ports: string;

  constructor(socket: Socket) {
    const hex = (port: number | undefined) => (port ?? 0).toString(16).toUpperCase().padStart(4, '0');
    this.file = socket.localFamily === 'IPv6' ? '/proc/net/tcp6' : '/proc/net/tcp';
    this.ports = `${hex(socket.localPort)} ${hex(socket.remotePort)}`;
    this.timer = setInterval(() => void this.look(), EVERY_MS);
    this.timer.unref();
  }

  /** From 0 to 1; null where nothing could be seen. */
  end(): number | null {
    clearInterval(this.timer);
    return this.looks === 0 ? null : this.busy / this.looks;
  }

  private async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    const table = await readFile(this.file, 'latin1').catch(() => '');
    this.looking = false;
    if (table.length > MAX_TABLE_BYTES) return clearInterval(this.timer);
    const queue = queued(table, this.ports);
    if (queue === null) return;
    this.looks++;
    if (queue > 0) this.busy++;
  }
}

/** Bytes in the sending queue of the connection with these two ports (hex, local and remote); null: not listed. */
export function queued(table: string, ports: string): number | null {
  for (const line of table.split('\n').slice(1)) {
    const [, local = '', remote = '', , queues = ''] = line.trim().split(/\s+/);
    if (`${local.slice(-4)} ${remote.slice(-4)}` === ports) return Number.parseInt(queues, 16);
  }
  return null;
}
