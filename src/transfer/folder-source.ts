/** A folder that `export` wrote, on a stick or a shared disk, as a source: what it gives is checked like anybody's. */
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { constants, inflateSync } from 'node:zlib';
import { MAX_COMMIT_BYTES, parseCommit } from '../core/commit';
import { PassItOnError } from '../core/errors';
import { imageTree } from '../core/image-tree';
import { EMPTY_TREE, MAX_OBJECT_BYTES, type ObjectType, type Oid, objectOid, parseLooseObject } from '../core/object';
import { parsePack } from '../core/pack';
import { parseTree, type TreeEntry } from '../core/tree';
import { type Answer, answerStream, readAnswers } from './answers';
import { IMAGES_FILE } from './export-layout';
import { type Frame, frameStream, readFrames } from './frames';
import type { BlobContent, Holdings } from './holdings';
import { type ImagesAnswer, MAX_IMAGES_BYTES, parseImagesAnswer } from './images-answer';
import { contentFrom, looseBlob, sizeIn } from './loose-blob';
import { answersTo } from './server-objects';
import { treeFrames } from './server-trees';
import type { AskedBlob, Source } from './source';

/** A pack with one commit and the empty tree is far smaller; others are not ours to read. */
const MAX_PACK_BYTES = 2 * MAX_COMMIT_BYTES;

/** `/media/stick/images`; relative ones are made absolute before they reach the service. */
export function looksLikeFolder(address: string): boolean {
  return isAbsolute(address);
}

export class FolderSource implements Source {
  bytesReceived = 0;
  private readonly repository: Repository;

  /** address: absolute path of the folder. */
  constructor(readonly address: string) {
    this.repository = new Repository(address);
  }

  async images(): Promise<ImagesAnswer> {
    const file = join(this.address, IMAGES_FILE);
    const { size } = await stat(file).catch(cause => {
      throw new PassItOnError('no-source', `${this.address} holds no exported images.`, 'Check the folder.', { cause });
    });
    return parseImagesAnswer(size > MAX_IMAGES_BYTES ? '' : await readFile(file, 'utf8'));
  }

  async *trees(commit: Oid, have: Oid | null): AsyncGenerator<Frame> {
    const data = (await this.repository.readObject(commit))?.data;
    if (data === undefined)
      throw new PassItOnError('no-source', `${this.address} does not have it.`, 'Try another one.');
    const { attributes, root } = imageTree(await this.repository.readTree(parseCommit(data).tree));
    const frames = treeFrames(this.repository, { commit, attributes, root }, { have, patches: true });
    yield* readFrames(this.counted(frameStream(frames)));
  }

  async *objects(asked: readonly AskedBlob[]): AsyncGenerator<Answer> {
    yield* readAnswers(this.counted(answerStream(answersTo(this.repository, asked))));
  }

  close(): void {}

  private async *counted(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of stream) {
        this.bytesReceived += chunk.length;
        yield chunk;
      }
    } catch (cause) {
      // A stick that was pulled out, or a file that is damaged: nothing of this laptop's own.
      throw new PassItOnError('source-gone', `${this.address} cannot be read.`, 'Try another source.', { cause });
    }
  }
}

/** Objects of a bare git repository as `export` lays it out: loose ones, and small packs of whole ones. */
class Repository implements Holdings {
  private packed: Promise<Map<Oid, { type: ObjectType; data: Buffer }>> | null = null;

  constructor(private readonly dir: string) {}

  async readObject(oid: Oid): Promise<{ type: ObjectType; data: Buffer } | null> {
    if (oid === EMPTY_TREE) return { type: 'tree', data: Buffer.alloc(0) };
    const compressed = await readFile(this.path(oid)).catch(() => null);
    if (compressed !== null) {
      const object = parseLooseObject(compressed, MAX_OBJECT_BYTES);
      if (objectOid(object.type, object.data) === oid) return object;
    }
    this.packed ??= this.readPacks();
    return (await this.packed).get(oid) ?? null;
  }

  async readTree(oid: Oid): Promise<TreeEntry[]> {
    const object = await this.readObject(oid);
    if (object?.type === 'tree') return parseTree(object.data);
    throw new PassItOnError('damaged', `Object ${oid} is missing from ${this.dir}.`, 'Export the image again.');
  }

  /** From the object's own header; nothing more is read. */
  async blobSize(oid: Oid): Promise<number | null> {
    const handle = await open(this.path(oid)).catch(() => null);
    if (handle === null) return null;
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_READ), 0, HEADER_READ, 0);
      const begun = inflateSync(buffer.subarray(0, bytesRead), { finishFlush: constants.Z_SYNC_FLUSH });
      return sizeIn(begun);
    } catch {
      // Not what git would have written: as if it were not there.
      return null;
    } finally {
      await handle.close();
    }
  }

  async openBlob(oid: Oid): Promise<BlobContent | null> {
    const size = await this.blobSize(oid);
    if (size === null) return null;
    const handle = await open(this.path(oid));
    return {
      size,
      chunks: from =>
        contentFrom(looseBlob(handle.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>), from),
      close: () => handle.close(),
    };
  }

  private path(oid: Oid): string {
    return join(this.dir, 'objects', oid.slice(0, 2), oid.slice(2));
  }

  private async readPacks(): Promise<Map<Oid, { type: ObjectType; data: Buffer }>> {
    const objects = new Map<Oid, { type: ObjectType; data: Buffer }>();
    const folder = join(this.dir, 'objects/pack');
    for (const name of (await readdir(folder).catch(() => [])).filter(name => name.endsWith('.pack'))) {
      if ((await stat(join(folder, name))).size > MAX_PACK_BYTES) continue;
      for (const object of parsePack(await readFile(join(folder, name)), MAX_COMMIT_BYTES)) {
        objects.set(objectOid(object.type, object.data), object);
      }
    }
    return objects;
  }
}

/** More than the code tables of a deflated block and a header take. Bytes. */
const HEADER_READ = 2048;
