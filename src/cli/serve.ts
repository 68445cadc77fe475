/** `pass-it-on serve`: the service itself, until somebody ends it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PassItOnError } from '../core/errors';
import { passedSocket } from '../service/passed-socket';
import { RpcServer } from '../service/rpc-server';
import { Service, type ServiceOptions } from '../service/service';
import { colors, expectWords, number, type Options, storeFolder, text } from './args';
import { imageTitle } from './format';
import type { Output } from './output';

export const SERVE_OPTIONS = {
  port: { type: 'string' },
  interface: { type: 'string' },
  nick: { type: 'string' },
  colors: { type: 'string' },
  linger: { type: 'string' },
  rate: { type: 'string' },
} as const;

/** A command may hold the store for a moment. */
const BUSY_TRIES = 100;
const BUSY_TRIES_IN_SILENCE = 5;

export async function serve(words: string[], options: Options, output: Output): Promise<void> {
  expectWords(words, []);
  const port = number(options, 'port', 0, 65535);
  const linger = number(options, 'linger', 0, 1e9);
  const share = {
    port,
    nick: text(options, 'nick') ?? '',
    colors: colors(options),
    rate: number(options, 'rate', 1000, 1e12),
  };
  const store = storeFolder(options);
  const service = await startWhenFree({ store, share, interface: text(options, 'interface') }, output);

  const ended = new Promise<void>(resolve => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
    if (linger !== undefined) endWhenIdle(linger * 1000, () => clients() > 0 || service.isBusy, resolve);
  });
  const doors = [await RpcServer.listen(service, store)];
  const guests = passedSocket();
  if (guests !== null) doors.push(await RpcServer.listenForGuests(service, guests));
  const clients = () => doors.reduce((sum, door) => sum + door.clients, 0);
  const status = await service.call('status', null);
  const what = status.current ? imageTitle(status.current) : 'no image yet';
  output.say(`${share.nick || 'This laptop'} shares ${what} on port ${service.port}.`);
  output.tell({ port: service.port, store: status.store, current: status.current });
  await ended;
  await Promise.all(doors.map(door => door.close()));
  await service.close();
}

async function startWhenFree(options: ServiceOptions, output: Output): Promise<Service> {
  for (let tries = 0; ; tries++) {
    try {
      return await Service.start(options);
    } catch (cause) {
      if (!(cause instanceof PassItOnError && cause.code === 'busy') || tries >= BUSY_TRIES) throw cause;
      if (tries === BUSY_TRIES_IN_SILENCE) output.warn(`${cause.message} Waiting for a moment…`);
      await sleep(100);
    }
  }
}

/** Calls `end` once nobody has needed the service for so long. */
function endWhenIdle(lingerMs: number, isNeeded: () => boolean, end: () => void): void {
  let neededAt = performance.now();
  const timer = setInterval(() => {
    if (isNeeded()) neededAt = performance.now();
    else if (performance.now() - neededAt >= lingerMs) {
      clearInterval(timer);
      end();
    }
  }, 1000);
  timer.unref();
}
