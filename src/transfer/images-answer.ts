/** `GET /images`: what a laptop holds and can give, as JSON. Claims, until the signed commit has been read. */
import { PassItOnError } from '../core/errors';
import { isOid, type Oid } from '../core/object';
import { isImageName } from '../core/versions';

export interface SharedImage {
  name: string;
  version: string;
  commit: Oid;
  /** ISO 8601, UTC. */
  releaseTime: string;
  signedBy: string | null;
  bytes: number;
}

export interface ImagesAnswer {
  /** Commit of the image in use there. */
  current: Oid | null;
  images: SharedImage[];
  /** Commit of an image that is being fetched there, of which it gives what it has. */
  fetching: Oid | null;
  nick: string;
  /** What may be sent to it that not every laptop understands. Left out: nothing. */
  takes?: string[];
  /**
   * As what it announces itself now: instance and host label. It tells one laptop from another that has its address by
   * now. null: it does not announce, or cannot know (a web server).
   */
  announced: { instance: string; host: string } | null;
}

/** Who asks, as it announces itself, and its image in use. */
export interface Asker {
  instance: string;
  host: string;
  current: Oid;
}

/** The request header of `GET /images` in which an asker says who it is: host, image and instance between spaces. */
export const ASKER_HEADER = 'pass-it-on-asker';

export function formatAsker({ instance, host, current }: Asker): string {
  return `${host} ${current} ${encodeURIComponent(instance)}`;
}

/** The asker of a request; null where it does not say, or makes no sense. */
export function parseAsker(header: string | string[] | undefined): Asker | null {
  if (typeof header !== 'string') return null;
  const [host = '', current = '', instance = '', ...more] = header.split(' ');
  if (host === '' || instance === '' || !isOid(current) || more.length > 0) return null;
  try {
    return { host, current, instance: decodeURIComponent(instance) };
  } catch {
    return null;
  }
}

export const MAX_IMAGES_BYTES = 1 << 20;
const MAX_IMAGES = 1000;
/** Of `takes`: it makes deltas from outlines. */
export const OUTLINES = 'outlines-2';

/**
 * Reads another laptop's answer and believes nothing about its form.
 * @throws PassItOnError 'source-lied'
 */
export function parseImagesAnswer(text: string): ImagesAnswer {
  try {
    const answer = JSON.parse(text) as Partial<ImagesAnswer>;
    const images = answer.images;
    if (!Array.isArray(images) || images.length > MAX_IMAGES) throw new Error('no list of images');
    return {
      current: typeof answer.current === 'string' && isOid(answer.current) ? answer.current : null,
      images: images.map(sharedImage),
      fetching: typeof answer.fetching === 'string' && isOid(answer.fetching) ? answer.fetching : null,
      nick: typeof answer.nick === 'string' ? answer.nick : '',
      takes: Array.isArray(answer.takes) ? answer.takes.filter(word => typeof word === 'string') : [],
      announced: announced(answer.announced),
    };
  } catch (cause) {
    const remedy = 'Check the address, or try another laptop.';
    throw new PassItOnError('source-lied', 'That is not a laptop with Pass It On.', remedy, { cause });
  }
}

function announced(value: unknown): ImagesAnswer['announced'] {
  const { instance, host } = (value ?? {}) as Record<string, unknown>;
  return typeof instance === 'string' && typeof host === 'string' ? { instance, host } : null;
}

function sharedImage({ name, version, commit, releaseTime, signedBy, bytes }: Partial<SharedImage>): SharedImage {
  if (typeof name !== 'string' || !isImageName(name)) throw new Error('image name');
  if (typeof version !== 'string' || !isImageName(version)) throw new Error('image version');
  if (typeof commit !== 'string' || !isOid(commit)) throw new Error('commit');
  if (typeof releaseTime !== 'string' || Number.isNaN(Date.parse(releaseTime))) throw new Error('release time');
  if (!Number.isSafeInteger(bytes) || bytes! < 0) throw new Error('bytes');
  return {
    name,
    version,
    commit,
    releaseTime,
    signedBy: typeof signedBy === 'string' ? signedBy : null,
    bytes: bytes!,
  };
}
