/**
 * Git's dumb HTTP protocol (gitprotocol-http(5)), so that the stock `git clone http://laptop:port/` works: refs and
 * loose objects. Blobs live uncompressed in the store, so their loose form is made as it is sent.
 */
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { constants, createDeflate } from 'node:zlib';
import { looseObject } from '../core/object';
import type { Store } from '../store/store';

/** Answers a path of git's; false when it is none. */
export async function serveGit(store: Store, path: string, response: ServerResponse): Promise<boolean> {
  if (path === '/HEAD') return text(response, 'ref: refs/heads/current\n');
  if (path === '/info/refs') return text(response, refs(store));
  // There are no packs and no alternates: an empty list is what git expects then.
  if (path === '/objects/info/packs') return text(response, '\n');
  const loose = /^\/objects\/([0-9a-f]{2})\/([0-9a-f]{38})$/.exec(path);
  return loose !== null && (await sendLoose(store, loose[1]! + loose[2]!, response));
}

/** `oid TAB ref` lines in the order of the refs' names. */
function refs(store: Store): string {
  const lines = store.refs().map(({ commit, ref }) => `${commit}\t${ref}\n`);
  const current = store.state.current;
  if (current) lines.push(`${current.commit}\trefs/heads/current\n`);
  const name = (line: string) => line.slice(41);
  return lines.sort((a, b) => (name(a) < name(b) ? -1 : 1)).join('');
}

async function sendLoose(store: Store, oid: string, response: ServerResponse): Promise<boolean> {
  const object = await store.readObject(oid);
  if (object) {
    const body = looseObject(object.type, object.data);
    response.writeHead(200, { 'Content-Type': 'application/x-git-loose-object', 'Content-Length': body.length });
    response.end(body);
    return true;
  }
  const blob = await store.openBlob(oid);
  if (!blob) return false;
  response.writeHead(200, { 'Content-Type': 'application/x-git-loose-object' });
  const contents = async function* () {
    yield Buffer.from(`blob ${blob.size}\0`, 'latin1');
    yield* blob.handle.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>;
  };
  try {
    await pipeline(contents, createDeflate({ level: constants.Z_BEST_SPEED }), response);
  } finally {
    await blob.handle.close();
  }
  return true;
}

function text(response: ServerResponse, body: string): true {
  response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' });
  response.end(body);
  return true;
}
