/** Some networks keep their laptops apart. They never say so; this tells from what can be seen, and says no more. */
import { readFileSync } from 'node:fs';
import { type Sentence, sentence } from '../core/sentences';
import type { Standing } from './asking';
import { SILENT } from './claim';

/** How often to look, in ms. */
export const LOOK_MS = 5_000;
/** Whoever is there is heard, and has been asked twice, by then. */
const LONG_ENOUGH_MS = 30_000;

export interface Seen {
  /** How long somebody has watched. */
  watchedMs: number;
  /** Anybody else was ever heard by multicast. */
  heard: boolean;
  /** The network leads on to other networks. */
  gateway: boolean;
  /** Those who are seen now. */
  standings: readonly Standing[];
}

/** Null while nothing speaks for it. */
export function isolationHint({ watchedMs, heard, gateway, standings }: Seen): Sentence | null {
  if (watchedMs < LONG_ENOUGH_MS) return null;
  const silent = standings.filter(({ problem }) => problem === SILENT).length;
  // One that does not answer may be broken itself.
  if (silent >= 2 && silent === standings.length) {
    return sentence('network-keeps-apart', { n: silent });
  }
  // Without a gateway there may be no network at all behind the cable.
  if (!heard && gateway && standings.length === 0) {
    return sentence('network-is-quiet');
  }
  return null;
}

/** linux/route.h */
const RTF_UP_AND_GATEWAY = 0x3;

/** Whether a default route leads to a gateway (proc(5), /proc/net/route). */
export function hasGateway(): boolean {
  let table: string;
  try {
    table = readFileSync('/proc/net/route', 'latin1');
  } catch {
    // A kernel without IPv4: then we do not know, and say nothing.
    return false;
  }
  return table.split('\n').some(line => {
    const [, destination, , flags] = line.split('\t');
    return (
      destination === '00000000' && (Number.parseInt(flags ?? '0', 16) & RTF_UP_AND_GATEWAY) === RTF_UP_AND_GATEWAY
    );
  });
}
