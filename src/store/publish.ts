/** From a root tree on disk to a commit whose objects lie in a quarantine and whose contents are blobs. */
import { createHash } from 'node:crypto';
import { promises } from 'node:fs';
import { encodeAttributes } from '../core/attributes';
import { encodeCommit, encodeSignedCommit } from '../core/commit';
import { PassItOnError } from '../core/errors';
import { encodeImageTree } from '../core/image-tree';
import { EMPTY_TREE, type Oid } from '../core/object';
import { compareVersions, isImageName } from '../core/versions';
import type { Blobs } from './blobs';
import { asBytes } from './disk';
import { computeManifest, imageLists, readHead } from './image';
import { importTree } from './import';
import type { Quarantine } from './quarantine';
import type { WorkOptions } from './types';

export interface PublishOptions extends WorkOptions {
  name: string;
  version: string;
  /** Release time, whole seconds since 1970; else SOURCE_DATE_EPOCH, else the newest modification time in the tree. */
  time?: number;
  /** Record 0:0 as the owner of everything: for trees made by an ordinary user. */
  ownerRoot?: boolean;
  /** Keep extended attributes (default). Without, nobody needs the programs to read them. */
  xattrs?: boolean;
  /** As in ImageCommit. */
  minimumVersion?: string;
  journalFormat?: string;
  releaseNotes?: string;
  /** Makes the armoured signature of a commit's bytes; without it the image is not signed. */
  sign?: (commit: Buffer) => Promise<string>;
}

export interface Prepared {
  commit: Oid;
  paths: number;
  bytes: number;
  newObjects: number;
  newBytes: number;
  warnings: string[];
}

function checkName(what: string, name: string): void {
  if (isImageName(name)) return;
  const message = `${JSON.stringify(name)} cannot be the ${what} of an image.`;
  const remedy = 'Use up to 63 letters, digits and . _ + -, beginning with a letter or digit.';
  throw new PassItOnError('bad-name', message, remedy);
}

const NO_SHA256 = '0'.repeat(64);

/** Refuses before the long work what no commit can say. Throws 'bad-name', 'usage'. */
function checkFacts(options: PublishOptions): void {
  const { name, version, time, minimumVersion, journalFormat, releaseNotes } = options;
  checkName('name', name);
  checkName('version', version);
  if (minimumVersion !== undefined) {
    checkName('minimum version', minimumVersion);
    if (compareVersions(version, minimumVersion) < 0) {
      const message = `${version} would be below its own minimum version ${minimumVersion}: nobody could take it.`;
      throw new PassItOnError('usage', message, 'Give a minimum version that is not above its own.');
    }
  }
  const facts = { name, version, releaseTime: time ?? 0, minimumVersion, journalFormat, releaseNotes };
  try {
    encodeCommit({ ...facts, tree: EMPTY_TREE, manifestSha256: NO_SHA256, attributesSha256: NO_SHA256 });
  } catch (cause) {
    if (!(cause instanceof PassItOnError && cause.code === 'bad-data')) throw cause;
    throw new PassItOnError('usage', cause.message, 'See docs/formats.md for what a commit can say.', { cause });
  }
}

/** https://reproducible-builds.org/specs/source-date-epoch/ */
function epochFromEnvironment(): number | undefined {
  const text = process.env.SOURCE_DATE_EPOCH;
  if (text === undefined || text === '') return undefined;
  if (/^[0-9]{1,12}$/.test(text)) return Number(text);
  throw new PassItOnError('usage', 'SOURCE_DATE_EPOCH is not a number of seconds.', 'Set it right, or unset it.');
}

/** The tree's real path; throws 'not-found', or 'usage' when the store lies in it: it would import itself. */
async function treeAt(dir: string, storeDir: string): Promise<string> {
  const tree = await promises.realpath(dir);
  if (!(await promises.stat(tree)).isDirectory()) {
    throw new PassItOnError('not-found', `${dir} is not a folder.`, 'Name the folder that holds the root tree.');
  }
  if (`${await promises.realpath(storeDir)}/`.startsWith(tree === '/' ? '/' : `${tree}/`)) {
    const message = 'The store lies in the tree to publish.';
    throw new PassItOnError('usage', message, 'Use a --store elsewhere, or publish another folder.');
  }
  return tree;
}

/** See Store.publish. */
export async function prepare(
  dir: string,
  storeDir: string,
  blobs: Blobs,
  quarantine: Quarantine,
  intakeWorker: string | null,
  options: PublishOptions,
): Promise<Prepared> {
  checkFacts(options);
  const time = options.time ?? epochFromEnvironment();
  const base = asBytes(await treeAt(dir, storeDir));
  const { onProgress, signal, ownerRoot = false, xattrs = true } = options;
  const importOptions = { onProgress, signal, ownerRoot, xattrs, intakeWorker };
  const imported = await importTree(base, blobs, quarantine, importOptions);
  const { root, attributes, newest, ...counts } = imported;

  const attributesData = encodeAttributes(attributes);
  const parts = { attributes: await quarantine.putObject('blob', attributesData), root };
  const tree = await quarantine.putObject('tree', encodeImageTree(parts));
  const facts = {
    tree,
    name: options.name,
    version: options.version,
    minimumVersion: options.minimumVersion,
    journalFormat: options.journalFormat,
    releaseNotes: options.releaseNotes,
    releaseTime: time ?? newest,
    attributesSha256: createHash('sha256').update(attributesData).digest('hex'),
  };
  // The manifest is read back from the objects, as everybody else will derive it.
  const draft = encodeCommit({ ...facts, manifestSha256: NO_SHA256 });
  const head = readHead('', draft, quarantine.reader);
  const manifest = await computeManifest(imageLists(head, attributes, quarantine.reader), blobs, { signal });
  const unsigned = encodeCommit({ ...facts, manifestSha256: manifest.sha256 });
  const commit = options.sign ? encodeSignedCommit(unsigned, await options.sign(unsigned)) : unsigned;
  return { commit: await quarantine.putObject('commit', commit), ...counts };
}
