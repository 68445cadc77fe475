/**
 * Messages of multicast DNS and their encoding (RFC 1035 §4.1, RFC 6762 §18). dns-packet, which decodes for us, never
 * compresses names, and thirty known answers of it would not fit one packet: so we encode ourselves.
 */
import { LABEL_BYTES, labelsOf } from './names';

interface Common {
  /** In the form of names.ts. */
  name: string;
  /** Seconds. */
  ttl: number;
  /** The cache-flush bit (RFC 6762 §10.2): this is the whole record set. */
  flush: boolean;
}

export interface Service {
  priority: number;
  weight: number;
  port: number;
  target: string;
}

interface Data {
  A: string;
  AAAA: string;
  PTR: string;
  SRV: Service;
  TXT: readonly Buffer[];
  /** The types that exist under this name; all others do not (RFC 6762 §6.1). */
  NSEC: readonly RecordType[];
}

export type RecordType = keyof Data;
export type RecordOf<T extends RecordType> = { [K in T]: Common & { type: K; data: Data[K] } }[T];
export type ResourceRecord = RecordOf<RecordType>;

export interface Question {
  name: string;
  /** OTHER: one that nobody here has a record of. */
  type: RecordType | 'ANY' | 'OTHER';
  /** The QU bit (RFC 6762 §5.4): the asker would like a unicast answer. */
  unicast: boolean;
}

export interface Message {
  kind: 'query' | 'response';
  /** 0 but for legacy queries, whose id the answer repeats. */
  id: number;
  /** The TC bit: in a query, more known answers follow in another packet. */
  truncated: boolean;
  questions: readonly Question[];
  answers: readonly ResourceRecord[];
  authorities: readonly ResourceRecord[];
  additionals: readonly ResourceRecord[];
}

/** A message from its parts; what is not given is empty. */
export function message(kind: Message['kind'], parts: Partial<Message>): Message {
  const empty = { id: 0, truncated: false, questions: [], answers: [], authorities: [], additionals: [] };
  return { ...empty, ...parts, kind };
}

const TYPE_CODES: Record<Question['type'], number> = {
  A: 1,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NSEC: 47,
  ANY: 255,
  // Never sent: in the range for private use (RFC 6895 §3.1).
  OTHER: 65280,
};

/** The largest message of multicast DNS (RFC 6762 §17), bytes without IP and UDP headers. */
export const MAX_MESSAGE = 8952;
/** What fits one Ethernet frame over IPv6 with room to spare: we never send more at once. */
export const MAX_PACKET = 1400;

const CLASS_IN = 1;
const TOP_BIT = 0x8000;
const POINTER = 0xc000;

class Writer {
  readonly #buffer = Buffer.alloc(MAX_MESSAGE);
  #at = 0;
  readonly #seen = new Map<string, number>();

  constructor(readonly compress: boolean) {}

  u8(value: number): void {
    this.#at = this.#buffer.writeUInt8(value, this.#at);
  }

  u16(value: number): void {
    this.#at = this.#buffer.writeUInt16BE(value, this.#at);
  }

  u32(value: number): void {
    this.#at = this.#buffer.writeUInt32BE(value, this.#at);
  }

  bytes(data: Buffer): void {
    if (this.#at + data.length > this.#buffer.length) throw new RangeError('a DNS message over 8952 bytes');
    this.#at += data.copy(this.#buffer, this.#at);
  }

  /** A string of at most 255 bytes (63 in a name) behind its length. */
  string(data: Buffer, max: number): void {
    if (data.length > max) throw new RangeError(`a DNS string over ${max} bytes`);
    this.u8(data.length);
    this.bytes(data);
  }

  name(name: string): void {
    const labels = labelsOf(name);
    for (let i = 0; i < labels.length; i++) {
      // As they are spelled: pointing at another spelling would change ours.
      const rest = labels.slice(i).join('\0');
      const pointer = this.compress ? this.#seen.get(rest) : undefined;
      if (pointer !== undefined) {
        this.u16(POINTER | pointer);
        return;
      }
      if (this.#at < POINTER >> 2) this.#seen.set(rest, this.#at);
      this.string(Buffer.from(labels[i]!), LABEL_BYTES);
    }
    this.u8(0);
  }

  /** Writes what `body` writes behind its length in 16 bits. */
  counted(body: () => void): void {
    const start = this.#at;
    this.u16(0);
    body();
    this.#buffer.writeUInt16BE(this.#at - start - 2, start);
  }

  done(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#at));
  }
}

/** Wire bytes of an IPv6 address without zone, as in RFC 4291 §2.2 (`::` once, the last 32 bits may be dotted). */
export function ipv6Bytes(address: string): Buffer {
  const dotted = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...parts) => {
    const [a, b, c, d] = parts.slice(0, 4).map(Number) as [number, number, number, number];
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head = '', tail] = dotted.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16)));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const bytes = Buffer.alloc(16);
  before.forEach((group, i) => {
    bytes.writeUInt16BE(group, 2 * i);
  });
  after.forEach((group, i) => {
    bytes.writeUInt16BE(group, 16 - 2 * (after.length - i));
  });
  return bytes;
}

/** A bit for each type, from the left, without empty bytes at the end. */
function bitmap(types: readonly RecordType[]): Buffer {
  const codes = types.map(type => TYPE_CODES[type]);
  const bits = Buffer.alloc(Math.floor(Math.max(...codes) / 8) + 1);
  for (const code of codes) bits[code >> 3]! |= 0x80 >> (code & 7);
  return bits;
}

function writeData(out: Writer, record: ResourceRecord): void {
  switch (record.type) {
    case 'A':
      for (const part of record.data.split('.')) out.u8(Number(part));
      return;
    case 'AAAA':
      out.bytes(ipv6Bytes(record.data));
      return;
    case 'PTR':
      out.name(record.data);
      return;
    case 'SRV':
      out.u16(record.data.priority);
      out.u16(record.data.weight);
      out.u16(record.data.port);
      out.name(record.data.target);
      return;
    case 'TXT':
      // An empty TXT is one empty string (RFC 6763 §6.1).
      for (const part of record.data.length > 0 ? record.data : [Buffer.alloc(0)]) out.string(part, 255);
      return;
    case 'NSEC':
      // The next name is the name itself, and one bitmap tells all types below 256 (RFC 6762 §6.1, RFC 4034 §4.1.2).
      out.name(record.name);
      if (record.data.length === 0) return;
      out.u8(0);
      out.string(bitmap(record.data), 32);
      return;
  }
}

function writeRecord(out: Writer, record: ResourceRecord): void {
  out.name(record.name);
  out.u16(TYPE_CODES[record.type]);
  out.u16(CLASS_IN | (record.flush ? TOP_BIT : 0));
  out.u32(record.ttl);
  out.counted(() => writeData(out, record));
}

/** The wire form of a message, names compressed. Throws RangeError for labels and messages that are too long. */
export function encode(m: Message): Buffer {
  const out = new Writer(true);
  out.u16(m.id);
  // QR and AA are set in every response, all other flags are zero (RFC 6762 §18).
  out.u16((m.kind === 'response' ? 0x8400 : 0) | (m.truncated ? 0x0200 : 0));
  for (const section of [m.questions, m.answers, m.authorities, m.additionals]) out.u16(section.length);
  for (const question of m.questions) {
    out.name(question.name);
    out.u16(TYPE_CODES[question.type]);
    out.u16(CLASS_IN | (question.unicast ? TOP_BIT : 0));
  }
  for (const section of [m.answers, m.authorities, m.additionals]) {
    for (const record of section) writeRecord(out, record);
  }
  return out.done();
}

/** The order of probe tie-breaking (RFC 6762 §8.2): type, then the uncompressed data as bytes. */
export function compareRecords(a: ResourceRecord, b: ResourceRecord): number {
  const data = (record: ResourceRecord) => {
    const out = new Writer(false);
    writeData(out, record);
    return out.done();
  };
  return TYPE_CODES[a.type] - TYPE_CODES[b.type] || Buffer.compare(data(a), data(b));
}
