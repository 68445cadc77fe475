/** A store on the loopback interface, given to whoever asks, as a laptop's service gives it; and one that makes its frames by hand. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Store } from '../../src/store/store';
import { ANSWERS_MAGIC, type Answer, readAnswers } from '../../src/transfer/answers';
import type { Frame } from '../../src/transfer/frames';
import { type ServerOptions, TransferServer } from '../../src/transfer/server';
import { type AskedBlob, HttpSource, type Source } from '../../src/transfer/source';

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

type Closers = (() => unknown)[];

/** A store in that folder, with one image of these files. */
export async function storeWith(closers: Closers, folder: string, ...contents: Buffer[]): Promise<Store> {
  const tree = join(folder, 'tree');
  mkdirSync(tree, { recursive: true });
  for (const [at, content] of contents.entries()) writeFileSync(join(tree, `file${at}`), content);
  const store = await Store.open(join(folder, 'store'));
  closers.push(() => store.close());
  await store.publish(tree, { name: 'test-os', version: '1', ownerRoot: true });
  return store;
}

/** It is given to whoever asks; `source` makes one more who does. */
export async function giving(closers: Closers, store: Store, more: Partial<ServerOptions> = {}) {
  const server = await serveStore(store, more);
  closers.push(() => server.close());
  const source = () => {
    const one = new HttpSource({ host: '127.0.0.1', port: server.port });
    closers.push(() => one.close());
    return one;
  };
  return { server, source };
}

/** A source whose answers are made for a test: what comes for each blob that is asked for, and the end only where that makes it. */
export class HandMade implements Source {
  readonly bytesReceived = 0;
  readonly asked: AskedBlob[] = [];

  constructor(
    readonly address: string,
    private readonly answer: (asked: AskedBlob) => Buffer[],
  ) {}

  images(): Promise<never> {
    return Promise.reject(new Error('not asked here'));
  }

  trees(): AsyncGenerator<Frame> {
    throw new Error('not asked here');
  }

  objects(asked: readonly AskedBlob[]): AsyncGenerator<Answer> {
    this.asked.push(...asked);
    const parts = [ANSWERS_MAGIC, ...asked.flatMap(this.answer)];
    return readAnswers(
      (async function* () {
        yield* parts;
      })(),
    );
  }

  close(): void {}
}
