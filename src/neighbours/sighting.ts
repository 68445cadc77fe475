/** A neighbour as the rest of the program sees it, put together from what each link shows of it. */
import { isIPv4 } from 'node:net';
import type { LinkSighting } from './browser';

export interface Sighting {
  /** Instance name on the network: unique among those near, not meant for display. */
  id: string;
  /** The labels of its instance and of its host: which laptop it is on the network. */
  instance: string;
  host: string;
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

export interface SightingEvent {
  event: 'added' | 'changed' | 'removed';
  sighting: Sighting;
}

/** Who is near, over all links. */
export class Roster {
  /** By instance key; each of another host: two hosts may hold one name on two networks that do not know of each other. */
  readonly #near = new Map<string, readonly Sighting[]>();
  /** Instance key by id. */
  readonly #keys = new Map<string, string>();

  list(): Sighting[] {
    return [...this.#near.values()].flat();
  }

  keys(): string[] {
    return [...this.#near.keys()];
  }

  /** The instance key under which a sighting's id is known. */
  keyOf(id: string): string | null {
    return this.#keys.get(id) ?? null;
  }

  /** What the links show of one instance now, and what to add to clock times for ms since 1970; tells what is new. */
  update(key: string, seen: readonly LinkSighting[], epoch: number): SightingEvent[] {
    const before = this.#near.get(key) ?? [];
    const hosts = [...new Set(seen.map(({ host }) => host))];
    const lost = before.filter(old => !hosts.some(host => old.host === hostLabel(host)));
    const ids = new Set(before.map(({ id }) => id));
    const events: SightingEvent[] = [];
    const after = hosts.map(host => {
      // A laptop that started anew has a new host name: it is still the same neighbour.
      const old = before.find(sighting => sighting.host === hostLabel(host)) ?? lost.shift();
      const shown = seen.filter(sighting => sighting.host === host);
      const { instance } = shown[0]!;
      const id = old?.id ?? (ids.has(instance) ? `${instance} [${host}]` : instance);
      ids.add(id);
      const sighting = merge(id, shown, epoch);
      if (!old) events.push({ event: 'added', sighting });
      else if (!same(old, sighting)) events.push({ event: 'changed', sighting });
      return sighting;
    });
    const removed = lost.map(sighting => ({ event: 'removed' as const, sighting }));
    for (const { id } of before) this.#keys.delete(id);
    for (const { id } of after) this.#keys.set(id, key);
    if (after.length > 0) this.#near.set(key, after);
    else this.#near.delete(key);
    return [...removed, ...events];
  }
}

function hostLabel(name: string): string {
  return name.replace(/\.local$/, '');
}

/** One sighting from what several links show of one host; the one heard last counts. */
function merge(id: string, seen: readonly LinkSighting[], epoch: number): Sighting {
  const latest = seen.reduce((a, b) => (b.heard > a.heard ? b : a));
  const addresses = new Map<string, { host: string; port: number }>();
  for (const { addresses: hosts, port } of seen) {
    for (const host of hosts) addresses.set(`${host} ${port}`, { host, port });
  }
  const all = [...addresses.values()];
  const v4 = all.filter(({ host }) => isIPv4(host));
  const v6 = all.filter(({ host }) => !isIPv4(host));
  const { instance, host } = latest;
  return {
    id,
    instance,
    host: hostLabel(host),
    ...latest.claims,
    addresses: [...v4, ...v6],
    lastSeen: Math.round(epoch + latest.heard),
  };
}

/** Whether two sightings say the same, but for when. Addresses may have been heard in another order. */
function same(a: Sighting, b: Sighting): boolean {
  return (
    a.id === b.id &&
    a.instance === b.instance &&
    a.host === b.host &&
    a.nick === b.nick &&
    a.image === b.image &&
    a.version === b.version &&
    a.commit === b.commit &&
    a.colors?.join() === b.colors?.join() &&
    a.addresses.length === b.addresses.length &&
    a.addresses.every(({ host, port }) => b.addresses.some(one => one.host === host && one.port === port))
  );
}
