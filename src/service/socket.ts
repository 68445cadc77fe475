/** Where a service is reached: a Unix socket inside the store's own folder; a machine's own at a place that all know. */
import { closeSync, openSync, rmSync } from 'node:fs';
import { createConnection, type Server, type Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';

const NAME = 'service.sock';
/** activity/systemd/system/pass-it-on.socket */
const MACHINE_SOCKET = '/run/pass-it-on/service.sock';
/** sun_path holds 108 bytes with its NUL, unix(7). */
const MAX_PATH_BYTES = 107;

/** Runs `use` with a path short enough for a socket; long ones go through an open folder's /proc entry. */
export async function withSocketPath<T>(path: string, use: (path: string) => Promise<T>): Promise<T> {
  if (Buffer.byteLength(path) <= MAX_PATH_BYTES) return use(path);
  const folder = openSync(dirname(path), 'r');
  try {
    return await use(`/proc/self/fd/${folder}/${basename(path)}`);
  } finally {
    closeSync(folder);
  }
}

/** @throws the system's error: ENOENT and ECONNREFUSED mean that no service runs. */
export function connectSocket(store: string): Promise<Socket> {
  return withSocketPath(join(store, NAME), connect);
}

/** @throws the system's error: EACCES for who may not ask it. */
export function connectMachineSocket(): Promise<Socket> {
  return connect(process.env.PASS_IT_ON_SOCKET || MACHINE_SOCKET);
}

function connect(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** Only the owner of the store's lock may call this: a socket left by a crash is replaced. */
export function listenSocket(store: string, server: Server): Promise<void> {
  rmSync(join(store, NAME), { force: true });
  return withSocketPath(
    join(store, NAME),
    path =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(path, () => {
          server.off('error', reject);
          resolve();
        });
      }),
  );
}

export function removeSocket(store: string): void {
  rmSync(join(store, NAME), { force: true });
}
