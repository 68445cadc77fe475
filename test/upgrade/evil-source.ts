/**
 * A laptop that tells what no honest one would: a real HTTP server on the loopback interface that answers from frames
 * put together by hand. Nothing here refuses anything.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { EMPTY_BLOB, type ObjectType, objectOid } from '../../src/core/object';
import { ANSWER, ANSWERS_MAGIC, encodeAnswer, encodeAnswersEnd } from '../../src/transfer/answers';
import { encodeEnd, encodeFrame, encodeSizes, KIND, MAGIC } from '../../src/transfer/frames';
import { parseRequest } from '../../src/transfer/request';

export interface RawEntry {
  mode: string;
  /** latin1: bytes. */
  name: string;
  oid: string;
}

/** A tree as it is told, in that order, with whatever is in it. */
export function rawTree(...entries: RawEntry[]): Buffer {
  const records = entries.flatMap(({ mode, name, oid }) => [
    Buffer.from(`${mode} ${name}\0`, 'latin1'),
    Buffer.from(oid, 'hex'),
  ]);
  return Buffer.concat(records);
}

export function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

export const HELLO = Buffer.from('hello\n');
export const HELLO_OID = objectOid('blob', HELLO);
export const FILE: RawEntry = { mode: '100644', name: 'file', oid: HELLO_OID };

export class EvilImage {
  attributes = Buffer.from('#mtree\n');
  root = rawTree(FILE);
  /** Further trees that are told. */
  trees: Buffer[] = [];
  blobs = new Map<string, Buffer>([[HELLO_OID, HELLO]]);
  /** What is claimed of the blobs' sizes, where it is not the truth. */
  sizes = new Map<string, number>();
  /** What comes instead of the attributes' frame. */
  attributesFrame: Buffer | null = null;
  /** What comes for a blob, instead of it. */
  blobAnswer: Buffer | null = null;
  /** Changes the commit's text. */
  commitText = (text: string): string => text;
  topTree = (honest: Buffer): Buffer => honest;

  /** What an honest publisher would have to sign for this content. */
  manifest = `#mtree\n. type=dir\n./file type=file mode=0644 uid=0 gid=0 size=6 sha256digest=${sha256(HELLO)}\n`;

  get top(): Buffer {
    const entry = (mode: string, name: string, type: ObjectType, data: Buffer): RawEntry => {
      return { mode, name, oid: objectOid(type, data) };
    };
    return this.topTree(
      rawTree(entry('100644', 'attributes', 'blob', this.attributes), entry('40000', 'root', 'tree', this.root)),
    );
  }

  get commit(): Buffer {
    const who = 'Pass It On <pass-it-on@localhost> 1180000000 +0000';
    const headers = `tree ${objectOid('tree', this.top)}\nauthor ${who}\ncommitter ${who}\n`;
    const hashes = `Manifest-SHA256: ${sha256(this.manifest)}\nAttributes-SHA256: ${sha256(this.attributes)}\n`;
    return Buffer.from(this.commitText(`${headers}\nevil 2\n\nImage-Name: evil\nImage-Version: 2\n${hashes}`));
  }

  /** The answer to `GET /images/<commit>/trees`. */
  get treesAnswer(): Buffer {
    const { commit, top, attributes, root, trees } = this;
    const tree = (data: Buffer) => encodeFrame(KIND.tree, objectOid('tree', data), data);
    const sizes = new Map([...this.blobs].map(([oid, data]) => [oid, this.sizes.get(oid) ?? data.length]));
    sizes.set(EMPTY_BLOB, 0);
    return Buffer.concat([
      MAGIC,
      encodeFrame(KIND.commit, objectOid('commit', commit), commit),
      tree(top),
      this.attributesFrame ?? encodeFrame(KIND.attributes, objectOid('blob', attributes), attributes),
      tree(root),
      ...trees.map(tree),
      encodeFrame(KIND.sizes, '0'.repeat(40), encodeSizes(sizes)),
      encodeEnd(),
    ]);
  }

  objectsAnswer(request: Buffer): Buffer {
    const blobs = [...this.blobs, [EMPTY_BLOB, Buffer.alloc(0)] as const];
    const answers = parseRequest(request).map(({ name }) => {
      const [, data] = blobs.find(([oid]) => oid.startsWith(name)) ?? [];
      if (this.blobAnswer) return this.blobAnswer;
      return data ? encodeAnswer(ANSWER.whole, data) : encodeAnswer(ANSWER.missing, Buffer.alloc(0));
    });
    return Buffer.concat([ANSWERS_MAGIC, ...answers, encodeAnswersEnd()]);
  }
}

/** Serves it until the test ends; returns the port. */
export async function serveEvil(t: TestContext, image: EvilImage): Promise<number> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const commit = objectOid('commit', image.commit);
    const shared = {
      name: 'evil',
      version: '2',
      commit,
      releaseTime: '2007-05-24T09:46:40.000Z',
      signedBy: null,
      bytes: 6,
    };
    if (request.url === '/images')
      return response.end(JSON.stringify({ current: commit, images: [shared], nick: 'Eve' }));
    if (request.url?.startsWith(`/images/${commit}/trees`)) return response.end(image.treesAnswer);
    if (request.url === '/objects') return response.end(image.objectsAnswer(Buffer.concat(chunks)));
    response.writeHead(404).end();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
