/** A neighbour as the rest of the program sees it, put together from what each link shows of it. */
import { isIPv4 } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import type { LinkSighting } from './browser';

export interface Sighting {
  /** Instance name on the network: unique, not meant for display. */
  id: string;
  /** Cleaned for display, '' if none is shared. */
  nick: string;
  /** XO colours [stroke, fill] as #RRGGBB. */
  colors: [string, string] | null;
  /** Where it can be asked, best first: IPv4, then IPv6 as `address%zone`. */
  addresses: { host: string; port: number }[];
  image: string;
  version: string;
  /** 40 hex digits. All of image, version and commit are claims. */
  commit: string;
  /** ms since 1970. */
  lastSeen: number;
}

/** One sighting from those of all links; the one heard last counts. `epoch`: what to add to clock times. */
export function mergeSightings(seen: readonly LinkSighting[], epoch: number): Sighting | null {
  const [latest, ...others] = seen.toSorted((a, b) => b.heard - a.heard);
  if (!latest) return null;
  // Two hosts may hold one name on two networks that do not know of each other.
  const same = [latest, ...others.filter(({ host }) => host === latest.host)];
  const addresses = new Map<string, { host: string; port: number }>();
  for (const { addresses: hosts, port } of same)
    for (const host of hosts) addresses.set(`${host} ${port}`, { host, port });
  const all = [...addresses.values()];
  const v4 = all.filter(({ host }) => isIPv4(host));
  const rest = all.filter(({ host }) => !isIPv4(host));
  return {
    id: latest.instance,
    ...latest.claims,
    addresses: [...v4, ...rest],
    lastSeen: Math.round(epoch + latest.heard),
  };
}

/** Whether two sightings say the same, but for when. Addresses may have been heard in another order. */
export function sameSighting(a: Sighting, b: Sighting): boolean {
  const core = ({ lastSeen: _lastSeen, addresses, ...rest }: Sighting) => ({
    ...rest,
    addresses: addresses.map(({ host, port }) => `${host} ${port}`).sort(),
  });
  return isDeepStrictEqual(core(a), core(b));
}
