/**
 * The service a command talks to: the one that owns the store, or, where none runs, one inside this process for as
 * long as the command needs it, which neither announces nor serves. Where nobody names a store, the machine's own comes
 * first.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PassItOnError } from '../core/errors';
import { connectMachine, connectService } from '../service/client';
import type { ServiceClient } from '../service/contract';

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
      const { startOwn } = await import('./own-service');
      return await startOwn(store);
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
