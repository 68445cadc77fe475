/**
 * The service a command talks to: the one that owns the store, or, where none runs, one inside this process for as
 * long as the command needs it, which neither announces nor serves. Where nobody names a store, the machine's own comes
 * first.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PassItOnError } from '../core/errors';
import { connectMachine, connectService } from '../service/client';
import type { ServiceClient } from '../service/contract';
import { logOnlyDefects } from '../service/log';

export interface Session {
  client: ServiceClient;
  close(): Promise<void>;
}

/** Another command may be opening or closing the store at this moment: worth a short wait. */
const BUSY_PATIENCE_MS = 60_000;

/** isNamed: a person wants this store and no other. */
export async function openSession(store: string, isNamed: boolean): Promise<Session> {
  const machine = isNamed ? null : await connectMachine();
  if (machine) return { client: machine, close: async () => machine.close() };
  const deadline = performance.now() + BUSY_PATIENCE_MS;
  for (;;) {
    const client = await join(store);
    if (client) return { client, close: async () => client.close() };
    try {
      return await ownSession(store);
    } catch (cause) {
      const busy = cause instanceof PassItOnError && cause.code === 'busy';
      if (!busy || performance.now() > deadline) throw cause;
      await sleep(100);
    }
  }
}

/** A service that has answered once goes on until its clients have left; null where none does. */
async function join(store: string): Promise<ServiceClient | null> {
  const client = await connectService(store).catch(() => null);
  try {
    await client?.call('status', null);
    return client;
  } catch {
    // It was just ending: the store will be free in a moment.
    client?.close();
    return null;
  }
}

async function ownSession(store: string): Promise<Session> {
  logOnlyDefects();
  // Most commands find a service and need none of their own: reading all of it would take them longer than their work.
  const [{ Service }, { RpcServer }] = await Promise.all([
    import('../service/service'),
    import('../service/rpc-server'),
  ]);
  const service = await Service.start({ store, share: null });
  try {
    const rpc = await RpcServer.listen(service, store);
    const client = await connectService(store);
    return {
      client,
      close: async () => {
        client.close();
        // Other commands may have joined meanwhile: they must not lose their answers.
        await rpc.drain();
        await service.close();
      },
    };
  } catch (cause) {
    await service.close();
    throw cause;
  }
}
