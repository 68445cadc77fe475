/**
 * Who stands where. A laptop keeps its place while others come and go: one that leaves leaves a hole, which the next
 * one of the same version takes. So nothing moves away under a child's finger.
 */
import { compareVersions } from '../core/versions';
import type { Neighbour } from '../service/contract';

export type Zone = 'newer' | 'mine' | 'older' | 'different';

/** Laptops with one version, side by side; null is a hole. */
export interface Group {
  zone: Zone;
  image: string;
  version: string;
  slots: (string | null)[];
}

/** Groups in the order in which they stand: nearest version first, in every zone. */
export type Places = readonly Group[];

/** `other` images cannot be ordered against ours, so they stand with the `different` ones. */
export function zoneOf(neighbour: Pick<Neighbour, 'relation'>): Zone {
  switch (neighbour.relation) {
    case 'newer':
      return 'newer';
    case 'older':
      return 'older';
    case 'same':
      return 'mine';
    case 'different':
    case 'other':
      return 'different';
  }
}

function compareGroups(a: Group, b: Group): number {
  if (a.zone !== b.zone) return a.zone < b.zone ? -1 : 1;
  if (a.image !== b.image) return a.image < b.image ? -1 : 1;
  const order = compareVersions(a.version, b.version);
  return a.zone === 'older' ? -order : order;
}

/** Trailing holes go; when fewer than half of the places are taken the rest closes up. */
function tidy(slots: (string | null)[]): (string | null)[] {
  const taken = slots.filter(slot => slot !== null);
  if (taken.length * 2 < slots.length) return taken;
  const last = slots.findLastIndex(slot => slot !== null);
  return slots.slice(0, last + 1);
}

/** The places after the neighbours have become `neighbours`. */
export function arrange(before: Places, neighbours: Iterable<Neighbour>): Places {
  const groups = new Map<string, Group>();
  const keyOf = (zone: Zone, image: string, version: string) => `${zone}\n${image}\n${version}`;
  const near = new Map<string, string>();
  const list = [...neighbours];
  for (const n of list) near.set(n.id, keyOf(zoneOf(n), n.image, n.version));

  const placed = new Set<string>();
  for (const group of before) {
    const key = keyOf(group.zone, group.image, group.version);
    const slots = group.slots.map(id => (id !== null && near.get(id) === key ? id : null));
    for (const id of slots) if (id !== null) placed.add(id);
    groups.set(key, { ...group, slots });
  }
  for (const n of list) {
    if (placed.has(n.id)) continue;
    const zone = zoneOf(n);
    const key = keyOf(zone, n.image, n.version);
    const group = groups.get(key) ?? { zone, image: n.image, version: n.version, slots: [] };
    const hole = group.slots.indexOf(null);
    if (hole < 0) group.slots.push(n.id);
    else group.slots[hole] = n.id;
    groups.set(key, group);
  }
  return [...groups.values()]
    .map(group => ({ ...group, slots: tidy(group.slots) }))
    .filter(group => group.slots.length > 0)
    .sort(compareGroups);
}
