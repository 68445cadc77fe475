/** Who is near, as the screen and the command line see it: sightings compared with this laptop's own image. */
import { compareVersions, relation } from '../core/versions';
import type { Neighbours, Sighting } from '../neighbours/neighbours';
import type { Store } from '../store/store';
import { formatAddress } from '../transfer/address';
import type { Neighbour, NeighbourEvent } from './contract';

export class Near {
  private watchers = 0;

  constructor(
    private readonly neighbours: Neighbours,
    private readonly store: Store,
    private readonly emit: (event: NeighbourEvent) => void,
  ) {
    for (const event of ['added', 'changed', 'removed'] as const) {
      neighbours.on(event, sighting => emit({ event, ...this.describe(sighting) }));
    }
  }

  /** Browsing costs everybody's radio time: it happens only while somebody watches. */
  watch(): void {
    if (this.watchers++ === 0) this.neighbours.watch();
  }

  unwatch(): void {
    if (--this.watchers === 0) this.neighbours.unwatch();
  }

  /** Newest first. */
  list(): Neighbour[] {
    return this.neighbours
      .list()
      .map(sighting => this.describe(sighting))
      .sort((a, b) => compareVersions(b.version, a.version));
  }

  /** This laptop's own image has changed, so every relation may have. */
  retell(): void {
    for (const neighbour of this.list()) this.emit({ event: 'changed', ...neighbour });
  }

  private describe(sighting: Sighting): Neighbour {
    const { id, nick, colors, image, version, commit, addresses, lastSeen } = sighting;
    const theirs = { name: image, version, commit };
    return {
      id,
      nick,
      colors,
      address: addresses[0] ? formatAddress(addresses[0]) : '',
      image,
      version,
      commit,
      relation: relation(this.store.state.current, theirs),
      lastSeen: new Date(lastSeen).toISOString(),
    };
  }
}
