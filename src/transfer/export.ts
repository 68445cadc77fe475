/**
 * Writes images as an ordinary bare git repository: any static web server can hold it, any git can clone it, and a
 * laptop can be filled from the folder itself. Loose objects, so that a second version adds only what changed.
 */
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createBrotliCompress, createDeflate } from 'node:zlib';
import { PassItOnError, toPassItOnError } from '../core/errors';
import { EMPTY_TREE, isOid, looseObject, type ObjectType, type Oid } from '../core/object';
import { MODE } from '../core/tree';
import { mapOrdered } from '../store/pace';
import type { HeldImage, Store } from '../store/store';
import { copied } from './chunks';
import { IMAGES_FILE, treesFile } from './export-layout';
import { frameStream } from './frames';
import { CURRENT_REF, HEAD_TEXT, packedRefsText, packOfCommit, packsText, refsText } from './git-layout';
import { type Holdings, holdingsOf } from './holdings';
import { type ImagesAnswer, parseImagesAnswer, type SharedImage } from './images-answer';
import { treeFrames } from './server-trees';

export interface Exported {
  /** Written now; what was there already is not written again. */
  objects: number;
  bytes: number;
}

const NOTHING: ImagesAnswer = parseImagesAnswer('{"images":[]}');
/** Files written at once: compressing is the slow part, and happens in the thread pool. */
const PARALLEL = 4;
const CONFIG = '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n';

/**
 * dir: is made; or empty; or an earlier export, to which the images are added. `synced` makes all that is on that disk
 * durable. Throws 'usage' for other folders, 'damaged' when an object of an image is missing, 'no-space', 'stopped'.
 */
export async function exportImages(
  store: Store,
  dir: string,
  images: readonly HeldImage[],
  synced: (dir: string) => Promise<void>,
  signal?: AbortSignal,
): Promise<Exported> {
  try {
    const before = prepare(dir);
    const writer = new Writer(dir, holdingsOf(store));
    for (const image of images) await writer.writeImage(store, image, signal);
    await synced(dir);
    // From here on the images can be seen.
    await publishNames(store, dir, images, before);
    await synced(dir);
    return { objects: writer.objects, bytes: writer.bytes };
  } catch (error) {
    throw toPassItOnError(error);
  }
}

/** What an export that was cut off has written. */
const OURS_UNFINISHED: ReadonlySet<string> = new Set(['objects', 'images', 'refs', 'info']);

/** What is there already. */
function prepare(dir: string): ImagesAnswer {
  const file = join(dir, IMAGES_FILE);
  if (existsSync(file)) return parseImagesAnswer(readFileSync(file, 'utf8'));
  mkdirSync(dir, { recursive: true });
  // A repository without that file is an export that was cut off, or not ours.
  const foreign = readdirSync(dir).filter(name => !OURS_UNFINISHED.has(name));
  if (foreign.length > 0) {
    const message = `${dir} holds other things (${foreign.slice(0, 3).join(', ')}).`;
    throw new PassItOnError('usage', message, 'Name an empty folder, one that does not exist, or an earlier export.');
  }
  return NOTHING;
}

class Writer {
  objects = 0;
  bytes = 0;

  constructor(
    private readonly dir: string,
    private readonly holdings: Holdings,
  ) {
    for (const below of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags', 'info']) {
      mkdirSync(join(dir, below), { recursive: true });
    }
    // What an export that was cut off left.
    for (const name of readdirSync(join(dir, 'objects'))) {
      if (name.startsWith(TEMPORARY)) rmSync(join(dir, 'objects', name));
    }
  }

  /** The commit goes into its pack, all else into loose objects; children before the trees that name them. */
  async writeImage(store: Store, image: HeldImage, signal: AbortSignal | undefined): Promise<void> {
    const commit = store.commitData(image.commit);
    const top = /^tree ([0-9a-f]{40})\n/.exec(commit?.toString('latin1') ?? '')?.[1];
    if (commit === null || top === undefined) throw missing(image.commit);
    await this.writeTree(image.root, signal);
    for (const oid of [image.attributes, top]) await this.writeObject(oid);
    await this.write(EMPTY_TREE, async () => looseObject('tree', Buffer.alloc(0)));
    const { name, pack, index } = packOfCommit(commit);
    // Git looks for the index first: the pack must be there by then.
    await replace(join(this.dir, 'objects/pack', `pack-${name}.pack`), pack);
    await replace(join(this.dir, 'objects/pack', `pack-${name}.idx`), index);
    await this.writeTrees(image);
  }

  /** All that a plan needs in one file: a web server cannot gather it from five thousand. */
  private async writeTrees(image: HeldImage): Promise<void> {
    const to = join(this.dir, treesFile(image.commit));
    if (existsSync(to)) return;
    mkdirSync(dirname(to), { recursive: true });
    const holdings = this.holdings;
    const frames = frameStream(treeFrames(holdings, image, { have: null, patches: false }));
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: TREES_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    };
    await pipeline(frames, createBrotliCompress({ params }), createWriteStream(`${to}.new`));
    this.objects += 1;
    this.bytes += statSync(`${to}.new`).size;
    renameSync(`${to}.new`, to);
  }

  private async writeTree(root: Oid, signal: AbortSignal | undefined): Promise<void> {
    const stack: { oid: Oid; entered: boolean }[] = [{ oid: root, entered: false }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      if (signal?.aborted) throw signal.reason;
      if (top.entered || this.has(top.oid)) {
        await this.writeObject(top.oid);
        stack.pop();
        continue;
      }
      top.entered = true;
      // Several files of a folder may have one content.
      const blobs = new Set<Oid>();
      for (const { oid, mode } of await this.holdings.readTree(top.oid)) {
        if (mode === MODE.dir) stack.push({ oid, entered: false });
        else blobs.add(oid);
      }
      for await (const _ of mapOrdered(Readable.from(blobs), PARALLEL, oid => this.writeBlob(oid)));
    }
  }

  private async writeObject(oid: Oid): Promise<void> {
    await this.write(oid, async () => {
      const object = oid === EMPTY_TREE ? EMPTY : await this.holdings.readObject(oid);
      if (object === null) throw missing(oid);
      return looseObject(object.type, object.data);
    });
  }

  private async writeBlob(oid: Oid): Promise<void> {
    await this.write(oid, async temporary => {
      const blob = await this.holdings.openBlob(oid);
      if (blob === null) throw missing(oid);
      const content = async function* () {
        yield Buffer.from(`blob ${blob.size}\0`, 'latin1');
        yield* copied(blob.chunks(0));
      };
      try {
        const deflate = createDeflate();
        await pipeline(content, deflate, createWriteStream(temporary, { flags: 'wx' }));
        return deflate.bytesWritten;
      } finally {
        await blob.close();
      }
    });
  }

  /** Whole or not there; but only durable once the disk has been synced. */
  private async write(oid: Oid, make: (temporary: string) => Promise<Buffer | number>): Promise<void> {
    if (this.has(oid)) return;
    const temporary = join(this.dir, 'objects', `${TEMPORARY}${oid}`);
    try {
      const made = await make(temporary);
      if (typeof made !== 'number') await writeFile(temporary, made, { flag: 'wx' });
      const to = pathOf(this.dir, oid);
      mkdirSync(dirname(to), { recursive: true });
      await rename(temporary, to);
      this.objects += 1;
      this.bytes += typeof made === 'number' ? made : made.length;
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  private has(oid: Oid): boolean {
    return existsSync(pathOf(this.dir, oid));
  }
}

/** Written once and read by a whole school. */
const TREES_QUALITY = 9;
/** As git's own unfinished files are called, which its `gc` clears away. */
const TEMPORARY = 'tmp_obj_';
const EMPTY: { type: ObjectType; data: Buffer } = { type: 'tree', data: Buffer.alloc(0) };

function pathOf(dir: string, oid: Oid): string {
  return join(dir, 'objects', oid.slice(0, 2), oid.slice(2));
}

async function publishNames(
  store: Store,
  dir: string,
  images: readonly HeldImage[],
  before: ImagesAnswer,
): Promise<void> {
  const refs = readRefs(dir);
  for (const { ref, commit } of store.refs()) {
    if (!images.some(image => image.commit === commit)) continue;
    const taken = refs.get(ref);
    refs.set(taken === undefined || taken === commit ? ref : `${ref}+${commit.slice(0, 7)}`, commit);
  }
  const all = new Map<Oid, SharedImage>(before.images.map(image => [image.commit, image]));
  for (const { name, version, commit, releaseTime, signedBy, bytes } of images) {
    all.set(commit, { name, version, commit, releaseTime, signedBy, bytes });
  }
  // A clone checks out what this laptop uses, else the newest.
  const current = images.find(({ commit }) => commit === store.state.current?.commit) ?? images[0];
  if (current !== undefined) refs.set(CURRENT_REF, current.commit);
  const packs = readdirSync(join(dir, 'objects/pack')).flatMap(
    name => /^pack-([0-9a-f]{40})\.idx$/.exec(name)?.[1] ?? [],
  );
  const answer: ImagesAnswer = { ...before, current: current?.commit ?? before.current, images: [...all.values()] };
  await replace(join(dir, 'objects/info/packs'), packsText(packs.sort()));
  await replace(join(dir, 'config'), CONFIG);
  await replace(join(dir, 'HEAD'), HEAD_TEXT);
  await replace(join(dir, 'packed-refs'), packedRefsText(refs));
  await replace(join(dir, 'info/refs'), refsText(refs));
  await replace(join(dir, IMAGES_FILE), `${JSON.stringify(answer, null, 2)}\n`);
}

function readRefs(dir: string): Map<string, Oid> {
  const file = join(dir, 'packed-refs');
  const refs = new Map<string, Oid>();
  for (const line of existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []) {
    const [oid = '', ref = ''] = line.split(' ');
    if (isOid(oid) && ref.startsWith('refs/')) refs.set(ref, oid);
  }
  return refs;
}

async function replace(path: string, data: string | Buffer): Promise<void> {
  await writeFile(`${path}.new`, data);
  renameSync(`${path}.new`, path);
}

function missing(oid: Oid): PassItOnError {
  const message = `Object ${oid.slice(0, 12)} of the image is missing or damaged here.`;
  return new PassItOnError('damaged', message, 'Repair the image (verify --repair), and export it again.');
}
