/** What the tests of who is near share: real Neighbours and a real store, on a simulated network and its time. */
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { PassItOnError } from '../../src/core/errors';
import type { NeighbourEvent } from '../../src/service/contract';
import { Near } from '../../src/service/near';
import { Store } from '../../src/store/store';
import type { ImagesAnswer } from '../../src/transfer/images-answer';
import { announcement, COMMIT, SimClock, SimLaptop, SimNetwork, seeded } from '../neighbours/simulation';
import { tempFolder } from '../support/temp';

/** What one who is asked says. */
export type Answer = ImagesAnswer | 'late' | (() => PassItOnError);

export function holds(commit = COMMIT, version = '407'): ImagesAnswer {
  const image = { name: 'olpc-xo', version, commit, releaseTime: '2026-03-01T00:00:00.000Z', signedBy: null, bytes: 9 };
  return { current: commit, images: [image], fetching: null, nick: 'Server', announced: null };
}

export const silent = () => new PassItOnError('source-gone', 'It does not answer.', 'Wait.');
export const stranger = () => new PassItOnError('source-lied', 'Not a laptop.', 'Wait.');

/** This laptop among those around it, and what it is told of them. */
export async function around(t: TestContext, { hasGateway = true } = {}) {
  const store = await Store.open(join(tempFolder(t), 'store'));
  const network = new SimNetwork(new SimClock(), seeded(7));
  const { clock, random } = network;
  const me = new SimLaptop(network, '10.77.0.200');
  t.after(async () => {
    await me.neighbours.close();
    await store.close();
  });
  await me.neighbours.start();
  const told: NeighbourEvent[] = [];
  const asked: { at: number; address: string }[] = [];
  /** What answers where; nothing: silence. */
  const answers = new Map<string, Answer>();
  /** How often hints came or went. */
  const hints = { changes: 0 };
  /** addresses: those of the settings. */
  const look = (addresses: string[] = []) =>
    new Near(me.neighbours, store, event => told.push(event), {
      addresses,
      clock,
      random,
      onHint: () => hints.changes++,
      hasGateway: () => hasGateway,
      ask: async address => {
        asked.push({ at: clock.now(), address });
        const answer = answers.get(address) ?? silent;
        if (typeof answer === 'function') throw answer();
        return answer;
      },
    });
  /** Another laptop, announcing, and answering at its address. */
  const arrive = async (nick: string, number: number, answer: Answer = holds()) => {
    const address = `10.77.0.${number}`;
    answers.set(`${address}:20707`, answer);
    const laptop = new SimLaptop(network, address);
    await laptop.neighbours.start();
    laptop.neighbours.announce(announcement(nick));
    return laptop;
  };
  const events = (id: string) => told.filter(event => event.id === id).map(({ event }) => event);
  return { network, clock, told, asked, answers, hints, look, arrive, events };
}

export const seenAs = (near: Near, id: string) => near.list().find(neighbour => neighbour.id === id);
export const textsOf = (near: Near) => near.hints().map(({ text }) => text);
