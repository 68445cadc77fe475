/**
 * The service a command talks to: the one that owns the store, or, where none runs, one inside this process for as
 * long as the command needs it, which neither announces nor serves.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PassItOnError } from '../core/errors';
import { connectService } from '../service/client';
import type { ServiceClient } from '../service/contract';
import { RpcServer } from '../service/rpc-server';
import { Service } from '../service/service';

export interface Session {
  client: ServiceClient;
  close(): Promise<void>;
}

/** Another command may be opening or closing the store at this moment: worth a short wait. */
const BUSY_PATIENCE_MS = 10_000;

export async function openSession(store: string): Promise<Session> {
  const deadline = performance.now() + BUSY_PATIENCE_MS;
  for (;;) {
    const client = await connectService(store).catch(() => null);
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

async function ownSession(store: string): Promise<Session> {
  const service = await Service.start({ store, share: null });
  const rpc = await RpcServer.listen(service, store);
  const client = await connectService(store);
  return {
    client,
    close: async () => {
      client.close();
      await rpc.close();
      await service.close();
    },
  };
}
