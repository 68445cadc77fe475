/** One screen for each store: a second one would show the same, and asks the first to come to the front instead. */
import { createHash } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { withSocketPath } from '../service/socket';

/** Where the screens of this person and this store meet. @param folder the person's own, as XDG_RUNTIME_DIR */
export function meetingPlace(folder: string, store: string): string {
  const name = createHash('sha256').update(`${userInfo().uid} ${store}`).digest('hex').slice(0, 12);
  return join(folder, `pass-it-on-${name}.sock`);
}

/**
 * Resolves with true when this is the only screen; from then on `raise` is called when another one is started.
 * Where no meeting place can be made, everybody is the only one.
 */
export async function beTheOnly(place: string, raise: () => void): Promise<boolean> {
  if (await withSocketPath(place, knock).catch(() => false)) return false;
  // Left by a screen that was killed.
  rmSync(place, { force: true });
  const server = createServer(socket => {
    socket.on('error', () => {});
    socket.end();
    raise();
  });
  process.once('exit', () => rmSync(place, { force: true }));
  const listening = withSocketPath(
    place,
    path =>
      new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(path, () => resolve());
        server.unref();
      }),
  );
  try {
    await listening;
    chmodSync(place, 0o600);
  } catch (error) {
    process.stderr.write(
      `A second screen would not find this one: ${error instanceof Error ? error.message : error}\n`,
    );
  }
  return true;
}

/** Whether somebody answers. */
function knock(place: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createConnection(place);
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
