/** How the screen and the command line reach the service. */
import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { mkdirSync, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { getPriority, setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMessageConnection, ResponseError, SocketMessageReader, SocketMessageWriter } from 'vscode-jsonrpc/node';
import { type ErrorReport, PassItOnError, reportedError } from '../core/errors';
import type { EventName, Events, MethodName, Params, Result, ServiceClient } from './contract';
import { connectMachineSocket, connectSocket } from './socket';

export const EVENT_NAMES: readonly EventName[] = ['status', 'neighbour', 'progress'];

/** @throws PassItOnError 'service' when none runs for this store. */
export async function connectService(store: string): Promise<ServiceClient> {
  const socket = await connectSocket(store).catch(cause => {
    throw new PassItOnError('service', 'The service is not running.', 'Start it with "pass-it-on serve".', { cause });
  });
  return clientOn(socket);
}

/**
 * The machine's own service (a systemd unit, docs/operations.md), with the rights of a guest, and for root with all;
 * null where none runs that this user may ask.
 */
export async function connectMachine(): Promise<ServiceClient | null> {
  const socket = await connectMachineSocket().catch(() => null);
  if (!socket) return null;
  const guest = clientOn(socket);
  if (process.getuid?.() !== 0) return guest;
  try {
    const { store } = await guest.call('status', null);
    return await connectService(store);
  } finally {
    guest.close();
  }
}

function clientOn(socket: Socket): ServiceClient {
  const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
  const events = new EventEmitter();
  for (const name of EVENT_NAMES) connection.onNotification(name, payload => void events.emit(name, payload));
  let closed = false;
  connection.onClose(() => {
    closed = true;
    // Rejects what is still waiting for an answer.
    connection.dispose();
    events.emit('close');
  });
  connection.onError(() => socket.destroy());
  connection.listen();

  return {
    async call<M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>> {
      if (closed) throw connectionLost();
      try {
        return await connection.sendRequest<Result<M>>(method, params);
      } catch (cause) {
        const report = cause instanceof ResponseError ? (cause.data as ErrorReport | undefined) : undefined;
        if (report?.code) throw reportedError(report, cause);
        throw cause instanceof PassItOnError ? cause : connectionLost(cause);
      }
    },
    on: <E extends EventName>(event: E, listener: (payload: Events[E]) => void) => void events.on(event, listener),
    off: <E extends EventName>(event: E, listener: (payload: Events[E]) => void) => void events.off(event, listener),
    onClose: listener => void events.once('close', listener),
    close: () => void socket.destroy(),
  };
}

export interface EnsureOptions {
  store: string;
  /** The executable and its first arguments, for example [process.execPath, '…/pass-it-on']. */
  command: string[];
  /** Arguments of `serve` beside --store. */
  serveArgs?: string[];
  /** Where its log goes; default: service.log beside the store. */
  log?: string;
}

/** As the executable's first line has it (scripts/build.mjs): malloc and V8 keep 50 MB less that nobody uses. */
export function serviceEnv(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    MALLOC_ARENA_MAX: '1',
    MALLOC_MMAP_THRESHOLD_: '131072',
    MALLOC_TRIM_THRESHOLD_: '262144',
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --max-semi-space-size=2`.trim(),
  };
}

const START_PATIENCE_MS = 20_000;
/** How much a service gives way to whatever a person looks at: a little, so that it is never starved. As nice(1) counts. */
const NICE = 5;

/**
 * Connects to the store's service, starting one when none runs. It is a process of its own: when the screen crashes or
 * closes, a running upgrade goes on.
 */
export async function ensureService({ store, command, serveArgs = [], log }: EnsureOptions): Promise<ServiceClient> {
  const running = await connectService(store).catch(() => null);
  if (running) return running;
  mkdirSync(store, { recursive: true, mode: 0o700 });
  const output = openSync(log ?? join(store, '..', 'service.log'), 'a');
  const [program, ...first] = command;
  const child = spawn(program!, [...first, 'serve', '--store', store, ...serveArgs], {
    detached: true,
    env: serviceEnv(),
    stdio: ['ignore', output, output],
  });
  let ended: string | null = null;
  child.once('error', cause => {
    ended = cause.message;
  });
  child.once('exit', (code, signal) => {
    ended = `exit ${code ?? signal}`;
  });
  child.unref();
  if (child.pid !== undefined) giveWay(child.pid);
  const deadline = performance.now() + START_PATIENCE_MS;
  for (;;) {
    const client = await connectService(store).catch(() => null);
    if (client) return client;
    if (ended !== null || performance.now() > deadline) {
      const cause = ended ?? 'no answer';
      throw new PassItOnError('service', 'The service did not start.', 'Look into service.log beside the store.', {
        cause,
      });
    }
    await sleep(50);
  }
}

/** Upgrades and serves may take a moment longer; what moves on the screen may not. Its threads follow its example. */
function giveWay(pid: number): void {
  try {
    setPriority(pid, Math.max(NICE, getPriority()));
  } catch {
    // It has ended already, and says so itself.
  }
}

function connectionLost(cause?: unknown): PassItOnError {
  return new PassItOnError('service', 'The service has ended.', 'Start it again.', { cause });
}
