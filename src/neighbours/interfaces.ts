/** The network interfaces on which neighbours can be, as they are now. */
import { readFileSync } from 'node:fs';
import { BlockList } from 'node:net';
import { networkInterfaces } from 'node:os';

export interface NetworkInterface {
  name: string;
  /** The kernel's number: an interface that was removed and made again has another one. -1 if not known. */
  index: number;
  /** Its IPv4 addresses. */
  v4: string[];
  /** Its link-local IPv6 addresses, without zone. */
  v6: string[];
  /** The networks that are directly on it. */
  subnets: BlockList;
  /** How often its cable or radio link came or went; -1 if not known. */
  flaps: number;
}

/** Made by container and machine tools for themselves: no child is behind them. */
const VIRTUAL = /^(docker|br-[0-9a-f]{12}$|veth|virbr|vnet|lxcbr|lxdbr|podman|cni|flannel|cali|tap|tun|wg|ifb)/;
/** linux/if.h */
const IFF_POINTOPOINT = 0x10;
const IFF_MULTICAST = 0x1000;

function sysfs(name: string, file: string): number | null {
  try {
    const value = Number(readFileSync(`/sys/class/net/${name}/${file}`, 'latin1').trim());
    return Number.isSafeInteger(value) ? value : null;
  } catch {
    // Inside a network namespace /sys may show another one's interfaces: then we do not know.
    return null;
  }
}

function suitable(name: string): boolean {
  if (VIRTUAL.test(name)) return false;
  const flags = sysfs(name, 'flags');
  return flags === null || ((flags & IFF_MULTICAST) !== 0 && (flags & IFF_POINTOPOINT) === 0);
}

/**
 * The interfaces that are up, have a carrier and an address: those named in `wanted`, else all that can multicast,
 * without the bridges of container tools, and with loopback only if asked for.
 */
export function currentInterfaces(wanted: readonly string[] | null, loopback: boolean): NetworkInterface[] {
  const found: NetworkInterface[] = [];
  for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
    const internal = addresses.some(address => address.internal);
    const fits = wanted ? wanted.includes(name) : internal ? loopback : suitable(name);
    if (!fits) continue;
    const subnets = new BlockList();
    for (const { cidr, family } of addresses) {
      const [net, prefix] = cidr?.split('/') ?? [];
      if (net && prefix) subnets.addSubnet(net, Number(prefix), family === 'IPv4' ? 'ipv4' : 'ipv6');
    }
    const v4 = addresses.filter(({ family }) => family === 'IPv4').map(({ address }) => address);
    const v6 = addresses.filter(({ address }) => isLinkLocal6(address)).map(({ address }) => address);
    if (v4.length + v6.length === 0) continue;
    const index = sysfs(name, 'ifindex') ?? -1;
    found.push({ name, index, v4, v6, subnets, flaps: sysfs(name, 'carrier_changes') ?? -1 });
  }
  return found;
}

/**
 * An address as it can be asked at through this interface, with its zone; null if it is not on it. 169.254/16 is on
 * every link and behind no router (RFC 3927 §2.6.2), so laptops that got no address are near to those that got one.
 */
export function reachable(on: NetworkInterface, address: string): string | null {
  if (!address.includes(':')) return isLinkLocal4(address) || on.subnets.check(address, 'ipv4') ? address : null;
  if (isLinkLocal6(address)) return `${address}%${on.name}`;
  return on.subnets.check(address, 'ipv6') ? address : null;
}

/**
 * Whether a packet came from the link of this interface (RFC 6762 §11). The kernel gives each IPv4 socket the packets
 * of all networks, and tells neither the interface nor whether they were multicast. So one from another subnet on the
 * same link cannot be told from one that a router let in, and is not taken, though §11 would let it; laptops that are
 * so apart have each other's IPv6 link-local packets.
 */
export function isOnLink(on: NetworkInterface, source: string): boolean {
  if (!source.includes(':')) return reachable(on, source) !== null;
  const [address = '', zone = ''] = source.split('%');
  if (isLinkLocal6(address)) return zone.toLowerCase() === on.name.toLowerCase();
  return on.subnets.check(address, 'ipv6');
}

function isLinkLocal4(address: string): boolean {
  return address.startsWith('169.254.');
}

function isLinkLocal6(address: string): boolean {
  return /^fe[89ab]/i.test(address);
}
