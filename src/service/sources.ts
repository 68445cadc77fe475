/**
 * Who near can give what: laptops seen and addresses typed, each asked over HTTP what it really holds. Announcements
 * are only claims. One of these lives as long as one comparison or upgrade, and counts its bytes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { compareVersions } from '../core/versions';
import { looksLikeAddress } from '../transfer/address';
import { looksLikeFolder } from '../transfer/folder-source';
import type { ImagesAnswer, SharedImage } from '../transfer/images-answer';
import { normalAddress, openSource } from '../transfer/open-source';
import type { Source } from '../transfer/source';
import type { FoundSource, SourceFinder } from '../upgrade/sources';

/** Everyone who may be asked, best first: `host:port` and the nick they go by. */
export type Candidates = () => { address: string; nick: string }[];

/** An answer is good for so long, and a failure to answer too: nobody is asked all the time. */
const ANSWER_GOOD_MS = 4_000;
const ASK_TIMEOUT_MS = 3_000;
const MAX_CANDIDATES = 64;
const LOOK_EVERY_MS = 300;

interface Asked {
  source: Source;
  nick: string;
  answer: ImagesAnswer | null;
  at: number;
}

export class Sources implements SourceFinder {
  private readonly asked = new Map<string, Asked>();
  /** Addresses that a person named, asked before all others. */
  private readonly typed: Set<string>;

  constructor(
    private readonly near: Candidates,
    from: readonly string[],
  ) {
    this.typed = new Set(from.map(normalAddress));
  }

  async find(commit: Oid, signal: AbortSignal): Promise<FoundSource[]> {
    const found: FoundSource[] = [];
    for (const { source, nick, answer } of await this.askAll(signal)) {
      const whole = answer?.images.some(image => image.commit === commit) ?? false;
      if (whole || answer?.fetching === commit) found.push({ source, nick, partial: !whole });
    }
    return found;
  }

  /**
   * What `target` names among the images near: a version, `name/version`, a commit, or the current image at an address.
   * Looks for as long as `patience` seconds. `ownName` settles a version that several images have.
   * @throws PassItOnError 'no-source' | 'ambiguous'
   */
  async resolve(target: string, ownName: string | null, patience: number, signal: AbortSignal): Promise<SharedImage> {
    if (looksLikeAddress(target) || looksLikeFolder(target)) return this.currentAt(target, signal);
    const deadline = performance.now() + patience * 1000;
    for (;;) {
      const matches = new Map<Oid, SharedImage>();
      for (const { answer } of await this.askAll(signal)) {
        for (const image of answer?.images ?? []) if (names(target, image)) matches.set(image.commit, image);
      }
      if (matches.size > 0) return single(target, [...matches.values()], ownName);
      if (performance.now() > deadline) {
        const remedy = 'Look at who is near with "neighbours", or name an address with --from.';
        throw new PassItOnError('no-source', `Nobody near has ${target}.`, remedy);
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal });
    }
  }

  close(): void {
    for (const { source } of this.asked.values()) source.close();
  }

  private async currentAt(text: string, signal: AbortSignal): Promise<SharedImage> {
    const address = normalAddress(text);
    this.typed.add(address);
    const answer = await this.source(address, '').source.images(signal);
    const image = mainImage(answer);
    if (image) return image;
    throw new PassItOnError('no-source', `${address} has no image yet.`, 'Try another laptop.');
  }

  private async askAll(signal: AbortSignal): Promise<Asked[]> {
    const typed = Array.from(this.typed, address => ({ address, nick: '' }));
    const seen = this.near().filter(({ address }) => !this.typed.has(address));
    const everyone = [...typed, ...seen].slice(0, MAX_CANDIDATES);
    const all = await Promise.all(everyone.map(({ address, nick }) => this.ask(address, nick, signal)));
    signal.throwIfAborted();
    return all;
  }

  private async ask(address: string, nick: string, signal: AbortSignal): Promise<Asked> {
    const one = this.source(address, nick);
    if (one.at !== 0 && performance.now() - one.at < ANSWER_GOOD_MS) return one;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]);
    // Who does not answer, or not sensibly, is not a source now; the reason is no error of the asker's.
    one.answer = await one.source.images(limit).catch(() => null);
    one.nick = nick || one.answer?.nick || '';
    one.at = performance.now();
    return one;
  }

  private source(address: string, nick: string): Asked {
    let one = this.asked.get(address);
    if (!one) {
      one = { source: openSource(address), nick, answer: null, at: 0 };
      this.asked.set(address, one);
    }
    return one;
  }
}

/** The image in use there, or else the newest: a stick or a web server uses none. */
export function mainImage({ images, current }: ImagesAnswer): SharedImage | null {
  const newest = [...images].sort((a, b) => compareVersions(b.version, a.version))[0];
  return images.find(({ commit }) => commit === current) ?? newest ?? null;
}

function names(target: string, { name, version, commit }: SharedImage): boolean {
  return (
    target === version ||
    target === `${name}/${version}` ||
    (/^[0-9a-f]{7,40}$/.test(target) && commit.startsWith(target))
  );
}

function single(target: string, matches: SharedImage[], ownName: string | null): SharedImage {
  const own = matches.filter(({ name }) => name === ownName);
  const candidates = own.length > 0 ? own : matches;
  if (candidates.length === 1) return candidates[0]!;
  const list = candidates.map(({ name, version, commit }) => `${name}/${version} ${commit.slice(0, 7)}`).join(', ');
  throw new PassItOnError('ambiguous', `${target} may mean: ${list}.`, 'Name the one you want by its commit.');
}
