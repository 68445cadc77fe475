/**
 * Where a source can be asked: `host:port`, `host`, `[v6%zone]:port`, or the URL of an exported folder on a web server.
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

/** A folder of plain files on a web server. */
export interface WebFolder extends Address {
  secure: boolean;
  /** With a slash at both ends. */
  path: string;
}

/**
 * `https://school.example/images`, `http://10.0.0.2/`: where plain files are; null for anything else. A URL with a port
 * and no path is an address like any other: what answers there may be a laptop.
 */
export function parseWebFolder(text: string): WebFolder | null {
  const match = /^(https?):\/\/([^/?#@]+)((?:\/[^?#\s]*)?)$/.exec(text);
  if (match === null) return null;
  const [, scheme, at = '', path = ''] = match;
  const secure = scheme === 'https';
  const hasPort = /^(?:\[.*\]|[^:]*):\d+$/.test(at);
  const folder = `${path.replace(/\/+$/, '')}/`;
  if (hasPort && !secure && folder === '/') return null;
  return { ...parseAddress(hasPort ? at : `${at}:${secure ? 443 : 80}`), secure, path: folder };
}

export function formatWebFolder(folder: WebFolder): string {
  const usual = folder.port === (folder.secure ? 443 : 80);
  const at = formatAddress(folder);
  return `http${folder.secure ? 's' : ''}://${usual ? at.replace(/:\d+$/, '') : at}${folder.path}`;
}

/** Is that IP address (with its zone) the host of an address that formatAddress wrote? */
export function isAt(address: string, host: string): boolean {
  return address.startsWith(`${host}:`) || address.startsWith(`[${host}]:`);
}
