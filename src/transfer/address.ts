/**
 * Where a source can be asked: `host:port`, `host`, `[v6%zone]:port` or an http URL.
 * URLs and `fetch` refuse IPv6 zone ids, so addresses stay host and port.
 */
import { PassItOnError } from '../core/errors';

/** Unassigned by IANA; used unless taken. */
export const DEFAULT_PORT = 20707;

export interface Address {
  /** Name, IPv4, or IPv6 with zone; without brackets. */
  host: string;
  port: number;
}

/** True for words that can only be an address, never an image version (versions have no colon). */
export function looksLikeAddress(word: string): boolean {
  return word.includes(':');
}

/** @throws PassItOnError 'usage' */
export function parseAddress(text: string): Address {
  const bare = text.replace(/^http:\/\//, '').replace(/\/$/, '');
  const match = /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(bare);
  const host = match?.[1] ?? match?.[2];
  const port = match?.[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  if (host === undefined || port < 1 || port > 65535) {
    throw new PassItOnError(
      'usage',
      `"${text}" is not an address.`,
      'Write it as 10.0.0.7:20707 or [fe80::1%wlan0]:20707.',
    );
  }
  return { host, port };
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
