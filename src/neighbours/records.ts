/** The records that make up our own announcement. */
import type { Random } from './clock';
import { compareRecords, encode, message, type ResourceRecord } from './dns';
import { recordKey, setKey } from './keys';
import { cutUtf8, escapeLabel, LABEL_BYTES } from './names';
import { encodeTxt, NICK_BYTES, nickToSend } from './txt';

export const SERVICE = '_xo-image._tcp.local';
/** The list of all service types near (RFC 6763 §9). */
export const SERVICE_TYPES = '_services._dns-sd._udp.local';

/** Seconds, as RFC 6762 §10 recommends: records that name a host are short-lived, because addresses change. */
export const HOST_TTL = 120;
export const OTHER_TTL = 4500;

/** An announcement is one message below this many bytes. */
export const ANNOUNCEMENT_BYTES = 400;
/** Addresses of one interface that are announced. */
const MAX_V4 = 2;
const MAX_V6 = 1;

/** What this laptop says of itself. */
export interface Announcement {
  image: string;
  version: string;
  /** 40 hex digits. */
  commit: string;
  /** TCP port of its HTTP server. */
  port: number;
  /** Only if sharing a name is on. */
  nick?: string;
  /** XO colours [stroke, fill] as #RRGGBB. */
  colors?: [string, string];
}

/** The names we hold on the network; both are single labels. */
export interface Identity {
  /** DNS-SD instance: the nick, or `XO 1a2b3c`; with ` (2)` and so on after a conflict. */
  instance: string;
  /** Host, without `.local`: random, so that it never is the one that avahi-daemon claims for this machine. */
  host: string;
}

function hex(random: Random, digits: number): string {
  return Math.floor(random() * 16 ** digits)
    .toString(16)
    .padStart(digits, '0');
}

export function randomHost(random: Random): string {
  return `xo-${hex(random, 8)}`;
}

/** The instance label of somebody who does not share a name. */
export function randomInstance(random: Random): string {
  return `XO ${hex(random, 6)}`;
}

/** The instance label for the `number`th bearer of a name (RFC 6763 Appendix D), at most 63 bytes. */
export function numbered(base: string, number: number): string {
  const suffix = number > 1 ? ` (${number})` : '';
  return cutUtf8(base, LABEL_BYTES - suffix.length).trimEnd() + suffix;
}

export function instanceName(identity: Identity): string {
  return `${escapeLabel(identity.instance)}.${SERVICE}`;
}

function hostName(identity: Identity): string {
  return `${identity.host}.local`;
}

/** The announcement of one interface: one shared PTR, the rest unique to us. `nick` as sent, '' for none. */
export function buildRecords(
  identity: Identity,
  announcement: Announcement,
  nick: string,
  addresses: { v4: readonly string[]; v6: readonly string[] },
): ResourceRecord[] {
  const instance = instanceName(identity);
  const target = hostName(identity);
  const { image, version, commit, port } = announcement;
  const txt = encodeTxt({ image, version, commit, nick, colors: announcement.colors ?? null });
  const host = { name: target, ttl: HOST_TTL, flush: true };
  return [
    { name: SERVICE, type: 'PTR', ttl: OTHER_TTL, flush: false, data: instance },
    { name: instance, type: 'SRV', ttl: HOST_TTL, flush: true, data: { priority: 0, weight: 0, port, target } },
    { name: instance, type: 'TXT', ttl: OTHER_TTL, flush: true, data: txt },
    ...addresses.v4.slice(0, MAX_V4).map(data => ({ ...host, type: 'A' as const, data })),
    ...addresses.v6.slice(0, MAX_V6).map(data => ({ ...host, type: 'AAAA' as const, data })),
  ];
}

/**
 * The nick, cut until the whole announcement stays below 400 bytes: it stands there twice, as instance name and in
 * TXT, and an image with a very long name leaves less room for it.
 */
export function fittingNick(announcement: Announcement): string {
  const addresses = { v4: ['10.0.0.1', '10.0.0.2'], v6: ['fe80::1'] };
  for (let bytes = NICK_BYTES; bytes > 0; bytes--) {
    const nick = nickToSend(announcement.nick, bytes);
    const identity = { instance: numbered(nick || 'XO 000000', 1000), host: 'xo-00000000' };
    const answers = buildRecords(identity, announcement, nick, addresses);
    if (encode(message('response', { answers })).length < ANNOUNCEMENT_BYTES || nick === '') return nick;
  }
  return '';
}

/** The unique records of one set that differ between two announcements. */
export function changedSets(before: readonly ResourceRecord[], after: readonly ResourceRecord[]): ResourceRecord[] {
  const old = new Set(before.map(recordKey));
  const stay = new Set(after.map(recordKey));
  const changed = new Set<string>();
  for (const record of after) if (!old.has(recordKey(record))) changed.add(setKey(record));
  for (const record of before) if (!stay.has(recordKey(record))) changed.add(setKey(record));
  return after.filter(record => changed.has(setKey(record)));
}

/** The order of RFC 6762 §8.2.1 between two sets of records for one name: below 0 if `ours` loses. */
export function compareSets(ours: readonly ResourceRecord[], theirs: readonly ResourceRecord[]): number {
  const a = [...ours].sort(compareRecords);
  const b = [...theirs].sort(compareRecords);
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareRecords(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/**
 * Everything we have said lately, on all interfaces. Our own packets come back to us, also through other interfaces
 * and after we changed our mind, and on `lo` everybody has the same address: only the contents tell them apart.
 */
export class Said {
  readonly #until = new Map<string, number>();
  #current = new Set<string>();

  constructor(
    private readonly now: () => number,
    /** How long what we no longer say may still come back, in ms. */
    private readonly linger = 10_000,
  ) {}

  /** From now on we say exactly these, on all interfaces together. */
  replace(records: Iterable<ResourceRecord>): void {
    const now = this.now();
    for (const [key, until] of this.#until) if (until <= now) this.#until.delete(key);
    for (const key of this.#current) this.#until.set(key, now + this.linger);
    this.#current = new Set(Array.from(records, recordKey));
  }

  has(record: ResourceRecord): boolean {
    const key = recordKey(record);
    return this.#current.has(key) || (this.#until.get(key) ?? 0) > this.now();
  }
}
