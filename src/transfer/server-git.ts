/**
 * Git's dumb HTTP protocol (gitprotocol-http(5)), so that the stock `git clone http://laptop:port/` works: refs, loose
 * objects, and a small pack for each commit (git-layout.ts says why). Blobs live uncompressed in the store, so their
 * loose form is made as it is sent.
 */
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { constants, createDeflate } from 'node:zlib';
import { looseObject, type Oid } from '../core/object';
import type { Pack } from '../core/pack';
import type { Store } from '../store/store';
import { copied } from './chunks';
import { ALWAYS_LOOSE, CURRENT_REF, HEAD_TEXT, packOfCommit, packsText, refsText } from './git-layout';
import { holdingsOf } from './holdings';

/** Answers a path of git's; false when it is none. */
export async function serveGit(store: Store, path: string, response: ServerResponse): Promise<boolean> {
  if (path === '/HEAD') return text(response, HEAD_TEXT);
  if (path === '/info/refs') return text(response, refsText(refs(store)));
  if (path === '/objects/info/packs') return text(response, packsText(packs(store).map(({ name }) => name)));
  const packed = /^\/objects\/pack\/pack-([0-9a-f]{40})\.(pack|idx)$/.exec(path);
  if (packed !== null) return sendPack(store, packed[1]!, packed[2]!, response);
  const loose = /^\/objects\/([0-9a-f]{2})\/([0-9a-f]{38})$/.exec(path);
  return loose !== null && (await sendLoose(store, loose[1]! + loose[2]!, response));
}

function refs(store: Store): Map<string, Oid> {
  const all = new Map(store.refs().map(({ ref, commit }) => [ref, commit]));
  const current = store.state.current;
  if (current) all.set(CURRENT_REF, current.commit);
  return all;
}

/** One for each image: held images come and go, and what a client has listed must stay what it was. */
function packs(store: Store): Pack[] {
  return store.images().flatMap(({ commit }) => {
    const data = store.commitData(commit);
    return data === null ? [] : [packOfCommit(data)];
  });
}

function sendPack(store: Store, name: string, ending: string, response: ServerResponse): boolean {
  const found = packs(store).find(pack => pack.name === name);
  if (found === undefined) return false;
  send(response, 'application/x-git-packed-objects', ending === 'pack' ? found.pack : found.index);
  return true;
}

async function sendLoose(store: Store, oid: Oid, response: ServerResponse): Promise<boolean> {
  if (store.image(oid) !== null) return false;
  const object = oid === ALWAYS_LOOSE ? EMPTY : await store.readObject(oid);
  if (object) {
    send(response, 'application/x-git-loose-object', looseObject(object.type, object.data));
    return true;
  }
  const blob = await holdingsOf(store).openBlob(oid);
  if (!blob) return false;
  response.writeHead(200, { 'Content-Type': 'application/x-git-loose-object' });
  const contents = async function* () {
    yield Buffer.from(`blob ${blob.size}\0`, 'latin1');
    yield* copied(blob.chunks(0));
  };
  try {
    await pipeline(contents, createDeflate({ level: constants.Z_BEST_SPEED }), response);
  } finally {
    await blob.close();
  }
  return true;
}

const EMPTY = { type: 'tree', data: Buffer.alloc(0) } as const;

function send(response: ServerResponse, type: string, body: Buffer): void {
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': body.length });
  response.end(body);
}

function text(response: ServerResponse, body: string): true {
  response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' });
  response.end(body);
  return true;
}
