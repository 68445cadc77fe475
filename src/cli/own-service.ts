/**
 * All that runs a service: for `serve`, and for commands that find none. A program file of its own (scripts/build.mjs), because most
 * commands find one, and reading all this would take them longer than their work.
 */
import '../service/lean';
import '../service/jit';
import { connectService } from '../service/client';
import type { ServiceClient } from '../service/contract';
import { logOnlyDefects } from '../service/log';
import { RpcServer } from '../service/rpc-server';
import { Service } from '../service/service';

export { SERVE_OPTIONS, serve } from './serve';

/** Inside this process, for as long as the command needs it; neither announces nor serves. Rejects with 'busy' where the store is in use. */
export async function startOwn(store: string): Promise<{ client: ServiceClient; close(): Promise<void> }> {
  logOnlyDefects();
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
