/**
 * How busy the link to a client is while something is sent to it: for how much of the time the kernel still had bytes of
 * that connection in its queue (tx_queue in /proc/net/tcp, proc(5)). Node cannot tell: the kernel takes far more than the
 * link carries. Where there is no such file nothing is said.
 *
 * To write that list the kernel walks a table that is large where memory is: 5 ms with 262,144 places. So one look does for
 * all connections, and the next waits the longer the longer the last one took.
 */
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

const EVERY_MS = 20;
/** Of all the time, looking takes at most one part in so many. */
const MOST_SHARE = 25;
/** However long it took: an answer that lasts a second must be seen. In ms. */
const LONGEST_PAUSE = 250;
/** A machine with more connections than this has better things to do than to read the list. Bytes. */
const MAX_TABLE_BYTES = 256 << 10;

/** One of the kernel's lists, read while somebody watches. */
class Table {
  private readonly watched = new Set<WireWatch>();
  private timer: NodeJS.Timeout | null = null;
  /** When to look next, at the earliest, in ms. */
  private next = 0;

  constructor(private readonly file: string) {}

  watch(one: WireWatch): void {
    this.watched.add(one);
    this.plan();
  }

  unwatch(one: WireWatch): void {
    this.watched.delete(one);
  }

  private plan(): void {
    if (this.timer !== null || this.watched.size === 0) return;
    const pause = Math.max(EVERY_MS, this.next - performance.now());
    this.timer = setTimeout(() => void this.look(), pause).unref();
  }

  private async look(): Promise<void> {
    const begun = performance.now();
    const there = [...this.watched];
    const table = there.length === 0 ? '' : await readFile(this.file, 'latin1').catch(() => '');
    const now = performance.now();
    this.next = now + Math.min((now - begun) * MOST_SHARE, LONGEST_PAUSE);
    if (table.length <= MAX_TABLE_BYTES) {
      const queues = queued(table);
      for (const one of there) one.see(queues);
    }
    this.timer = null;
    this.plan();
  }
}

const TABLES = { IPv4: new Table('/proc/net/tcp'), IPv6: new Table('/proc/net/tcp6') };

export class WireWatch {
  private looks = 0;
  private busy = 0;
  private readonly ports: string;
  private readonly table: Table;

  constructor(socket: Socket) {
    const hex = (port: number | undefined) => (port ?? 0).toString(16).toUpperCase().padStart(4, '0');
    this.ports = `${hex(socket.localPort)} ${hex(socket.remotePort)}`;
    this.table = TABLES[socket.localFamily === 'IPv6' ? 'IPv6' : 'IPv4'];
    this.table.watch(this);
  }

  see(queues: ReadonlyMap<string, number>): void {
    const queue = queues.get(this.ports);
    if (queue === undefined) return;
    this.looks++;
    if (queue > 0) this.busy++;
  }

  /** From 0 to 1; null where nothing could be seen. */
  end(): number | null {
    this.table.unwatch(this);
    return this.looks === 0 ? null : this.busy / this.looks;
  }
}

/** Bytes in the sending queue of each connection, by its two ports (hex, local and remote). */
export function queued(table: string): Map<string, number> {
  const queues = new Map<string, number>();
  for (const line of table.split('\n').slice(1)) {
    const [, local = '', remote = '', , waiting = ''] = line.trim().split(/\s+/);
    queues.set(`${local.slice(-4)} ${remote.slice(-4)}`, Number.parseInt(waiting, 16));
  }
  return queues;
}
