/** Drives prober.tool.ts: packet scripts against a laptop. dns-packet writes and reads, so that nothing here is ours. */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, type DecodedPacket, decode, encode, type Packet } from 'dns-packet';
import type { Lan } from './namespaces';

const TOOL = join(__dirname, 'prober.tool.js');
/** What takes longer than this never comes. */
const PATIENCE_MS = 30_000;

export interface Heard {
  /** ms of the prober's clock. */
  at: number;
  /** The local port it came to: 5353, or 0 for the legacy asker's. */
  socket: number;
  address: string;
  port: number;
  packet: DecodedPacket;
  bytes: number;
}

type Line =
  | { event: 'ready' }
  | { event: 'sent'; number: number; at: number }
  | { event: 'heard'; at: number; socket: number; address: string; port: number; packet: string };

export interface SendOptions {
  /** From another port than 5353, as plain resolvers do. */
  legacy?: boolean;
  /** From another address of this laptop. */
  source?: string;
  /** Leaves out so many bytes at the end. */
  cut?: number;
  /** Sets the QU bit of the only question. */
  unicast?: boolean;
}

export class Prober {
  readonly heard: Heard[] = [];
  readonly #child: ChildProcess;
  readonly #ready: Promise<void>;
  readonly #sent = new Map<number, (at: number) => void>();
  #number = 0;

  constructor(lan: Lan, laptop: number) {
    const { address } = lan.laptops[laptop]!;
    this.#child = lan.run(laptop, process.execPath, [TOOL, address], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#ready = new Promise(resolve => {
      createInterface({ input: this.#child.stdout! }).on('line', text => {
        const line = JSON.parse(text) as Line;
        if (line.event === 'ready') resolve();
        else if (line.event === 'sent') this.#sent.get(line.number)?.(line.at);
        else {
          const bytes = Buffer.from(line.packet, 'base64');
          this.heard.push({ ...line, packet: decode(bytes), bytes: bytes.length });
        }
      });
    });
  }

  /** Sends to the group; resolves with the time on the prober's clock. */
  send(packet: Packet, options: SendOptions = {}): Promise<number> {
    const whole = encode(packet);
    const bytes = whole.subarray(0, whole.length - (options.cut ?? 0));
    if (options.unicast) bytes[bytes.length - 2]! |= 0x80;
    return this.sendBytes(bytes, options);
  }

  /** Sends whatever it is to the group. */
  async sendBytes(bytes: Buffer, options: SendOptions = {}): Promise<number> {
    await this.#ready;
    const number = this.#number++;
    const sent = new Promise<number>(resolve => this.#sent.set(number, resolve));
    const order = { number, packet: bytes.toString('base64'), port: options.legacy ? 0 : 5353, source: options.source };
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`);
    return sent;
  }

  /** Resolves when it listens. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** The first packet from number `from` on that is so; rejects if it never comes. */
  async until(so: (heard: Heard) => boolean, from = 0): Promise<Heard> {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = this.heard.slice(from).find(so);
      if (found) return found;
      if (performance.now() > end) {
        throw new Error(`it never came, only: ${JSON.stringify(this.heard.slice(from).map(({ packet }) => packet))}`);
      }
      await sleep(5);
    }
  }

  /** Everything heard from now on for `ms`. */
  async during(ms: number): Promise<Heard[]> {
    const from = this.heard.length;
    await sleep(ms);
    return this.heard.slice(from);
  }

  /** Sends a query and returns the answers that came within `ms`, with their delay since it was sent. */
  async ask(
    query: Omit<Packet, 'type'>,
    ms: number,
    options: SendOptions = {},
  ): Promise<(Heard & { delay: number })[]> {
    const from = this.heard.length;
    const at = await this.send({ ...query, type: 'query' }, options);
    await sleep(ms);
    const answers = this.heard.slice(from).filter(({ packet }) => packet.type === 'response');
    return answers.map(heard => ({ ...heard, delay: heard.at - at }));
  }
}

export const isProbe = ({ packet }: Heard) => packet.type === 'query' && (packet.authorities ?? []).length > 0;
export const isResponse = ({ packet }: Heard) => packet.type === 'response';

/** The records of a section, without OPT. */
export function records(section: readonly Answer[] | undefined): Exclude<Answer, { type: 'OPT' }>[] {
  return (section ?? []).filter((record): record is Exclude<Answer, { type: 'OPT' }> => record.type !== 'OPT');
}

/** The types of all answers, in order, for example `SRV TXT`. */
export function types(
  heard: Heard | undefined,
  section: 'answers' | 'additionals' | 'authorities' = 'answers',
): string {
  return records(heard?.packet[section])
    .map(({ type }) => type)
    .join(' ');
}
