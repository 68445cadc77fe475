/** One laptop of a measured class as its own process: it waits for a line, then begins, and tells what it sees. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Service } from '../../src/service/service';
import { announcement } from '../../test/neighbours/simulation';

/** What a laptop tells: it is loaded; it has begun; somebody was added, confirmed, or removed. */
export type Told = 'loaded' | 'begun' | `+${string}` | `!${string}` | `-${string}`;

function tell(line: Told): void {
  console.log(line);
}

/** The whole product, as `serve` runs it, and somebody who watches. */
export async function ours(nick: string, store: string): Promise<void> {
  tell('loaded');
  await once(createInterface(process.stdin), 'line');
  const service = await Service.start({ store, share: { nick, colors: ['#FF2B34', '#008009'] }, interface: 'eth0' });
  service.on('neighbour', ({ event, id, confirmed }) => {
    if (event === 'added') tell(`+${id}`);
    if (event === 'removed') tell(`-${id}`);
    else if (confirmed) tell(`!${id}`);
  });
  service.watchNeighbours();
  tell('begun');
}

interface Bonjour {
  publish(options: object): void;
  find(options: object, found: (service: { name: string }) => void): void;
}

/** The usual library for node doing the same job: IPv4 only, as it is. */
export async function bonjour(nick: string, library: string, address: string): Promise<void> {
  const { Bonjour } = require(library) as { Bonjour: new (options: object) => Bonjour };
  tell('loaded');
  await once(createInterface(process.stdin), 'line');
  // Without these two it neither hears nor says anything where there is no route for multicast.
  const network = new Bonjour({ interface: address, bind: '0.0.0.0' });
  const { image, version, commit, port, colors } = announcement(nick);
  const txt = { txtvers: '1', image, version, commit, nick, colors: colors?.join(',') };
  network.publish({ name: nick, type: 'xo-image', port, txt });
  network.find({ type: 'xo-image' }, ({ name }) => {
    if (name !== nick) tell(`+${name}`);
  });
  tell('begun');
}
