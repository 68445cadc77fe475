/** A store on the loopback interface, given to whoever asks, as a laptop's service gives it. */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import type { Store } from '../../src/store/store';
import { type ServerOptions, TransferServer } from '../../src/transfer/server';

export function serveStore(store: Store, more: Partial<ServerOptions> = {}): Promise<TransferServer> {
  return TransferServer.listen(store, {
    port: 0,
    interface: 'lo',
    nick: '',
    deltaWorker: resolve('dist/delta-worker.js'),
    fetching: () => null,
    signedBy: () => null,
    onError: cause => assert.fail(String(cause)),
    ...more,
  });
}

/** For `onError`, where clients are killed: those hang up. */
export function hangingUp(cause: unknown): void {
  assert.match(String(cause), /ECONNRESET|EPIPE/);
}
