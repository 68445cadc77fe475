/**
 * Who near can give what: laptops seen and addresses typed, each asked over HTTP what it really holds. Announcements
 * are only claims. One of these lives as long as one comparison or upgrade, and counts its bytes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_COMMIT_BYTES } from '../core/commit';
import { PassItOnError } from '../core/errors';
import { type Oid, objectOid } from '../core/object';
import { compareVersions } from '../core/versions';
import { isAt, looksLikeAddress } from '../transfer/address';
import { NOTHING_KNOWN } from '../transfer/arrivals';
import { looksLikeFolder } from '../transfer/folder-source';
import { KIND } from '../transfer/frames';
import type { Asker, ImagesAnswer, SharedImage } from '../transfer/images-answer';
import { normalAddress, openSource } from '../transfer/open-source';
import type { Source } from '../transfer/source';
import type { FoundSource, SourceFinder } from '../upgrade/sources';

/** Who is near, as is known without this. */
export interface Nearby {
  /** Everyone who may be asked, best first: `host:port` and the nick they go by. */
  candidates(): { address: string; nick: string }[];
  /** As whom to introduce ourselves. */
  asker(): Asker | undefined;
  /** It is asked there now; to be called with what it said, or null. */
  asks(address: string): (answer: ImagesAnswer | null) => void;
}

/** An answer is good for so long, and a failure to answer too: nobody is asked all the time. */
const ANSWER_GOOD_MS = 900;
/** Of those who give already, and would say so themselves if they did not. */
const KNOWN_GOOD_MS = 10_000;
const ASK_TIMEOUT_MS = 3_000;
/** Who we are is told with the first question, which spares the other side one, and again after so long. */
const INTRODUCED_MS = 60_000;
const MAX_CANDIDATES = 64;
/** Of those who have other versions of an image, some are enough. */
const MAX_OTHERS = 4;
const LOOK_EVERY_MS = 300;

/** How much a commit is to be preferred among those that go by one version; data: its bytes. */
export type Rank = (announced: SharedImage, data: Buffer) => Promise<number>;

interface Asked {
  source: Source;
  nick: string;
  answer: ImagesAnswer | null;
  /** When it was asked, and told who asks, in ms; 0: never. */
  at: number;
  introduced: number;
  /** What it said of what has come there of an image that is being fetched; nobody has learnt it yet. */
  said: Buffer | null;
}

export class Sources implements SourceFinder {
  private readonly asked = new Map<string, Asked>();
  /** Addresses that a person named, asked before all others. */
  private readonly typed: Set<string>;

  constructor(
    private readonly near: Nearby,
    from: readonly string[],
    private readonly isHeld: (commit: Oid) => boolean = () => false,
  ) {
    this.typed = new Set(from.map(normalAddress));
  }

  async find(commit: Oid, signal: AbortSignal, isKnown = (_address: string) => false): Promise<FoundSource[]> {
    return this.of(commit, await this.askAll(signal, isKnown));
  }

  async begin(commit: Oid, signal: AbortSignal): Promise<FoundSource[]> {
    const all = await this.askAll(signal, () => true);
    await Promise.all(all.map(one => this.greet(one, commit, signal)));
    return this.of(commit, all);
  }

  meet(host: string, commit: Oid): void {
    for (const one of this.asked.values()) if (isAt(one.source.address, host)) becomesClassmate(one, commit);
  }

  /** Asks one that may have begun to fetch this image, after it was asked what it holds, what has come of it there. */
  private async greet(one: Asked, commit: Oid, signal: AbortSignal): Promise<void> {
    const { source, answer } = one;
    if (!answer?.announced || answer.fetching === commit || holds(answer, commit) || !source.have) return;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]);
    // Who does not say does not fetch it; once it does it greets this one.
    const said = await source.have(commit, NOTHING_KNOWN, limit).catch(() => null);
    if (said === null) return;
    one.said = said;
    becomesClassmate(one, commit);
  }

  private of(commit: Oid, all: readonly Asked[]): FoundSource[] {
    // What is missing of an image that is here may be in another one that is here, too.
    const isNew = (image: Oid) => this.isHeld(commit) || !this.isHeld(image);
    const name = all.flatMap(({ answer }) => answer?.images ?? []).find(image => image.commit === commit)?.name;
    const found: FoundSource[] = [];
    let others = 0;
    for (const one of all) {
      const { source, nick, answer, said } = one;
      if (!answer) continue;
      if (holds(answer, commit)) found.push({ source, nick, holds: 'all' });
      else if (answer.fetching === commit) {
        found.push({ source, nick, holds: 'some', ...(said && { said }) });
        one.said = null;
      }
      // Of an image that is here as well nothing is missing here.
      else if (answer.images.some(image => image.name === name && isNew(image.commit)) && ++others <= MAX_OTHERS) {
        found.push({ source, nick, holds: 'other' });
      }
    }
    return found;
  }

  /**
   * What `target` names among the images near: a version, `name/version`, a commit, or the current image at an address.
   * Looks for as long as `patience` seconds. Of several images that go by it those called `ownName` come first, and of
   * these the ones that `rank` likes best: anybody can announce any version.
   * @throws PassItOnError 'no-source' | 'ambiguous'
   */
  async resolve(
    target: string,
    ownName: string | null,
    patience: number,
    rank: Rank,
    signal: AbortSignal,
  ): Promise<SharedImage> {
    if (looksLikeAddress(target) || looksLikeFolder(target)) return this.currentAt(target, signal);
    const deadline = performance.now() + patience * 1000;
    for (;;) {
      const matches = new Map<Oid, SharedImage>();
      for (const { answer } of await this.askAll(signal)) {
        for (const image of answer?.images ?? []) if (names(target, image)) matches.set(image.commit, image);
      }
      if (matches.size > 0) return this.choose(target, [...matches.values()], ownName, rank, signal);
      if (performance.now() > deadline) {
        const remedy = 'Look at who is near with "neighbours", or name an address with --from.';
        throw new PassItOnError('no-source', `Nobody near has ${target}.`, remedy);
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal });
    }
  }

  private async choose(
    target: string,
    matches: SharedImage[],
    ownName: string | null,
    rank: Rank,
    signal: AbortSignal,
  ): Promise<SharedImage> {
    const own = matches.filter(({ name }) => name === ownName);
    const candidates = (own.length > 0 ? own : matches).slice(0, MAX_CANDIDATES);
    if (candidates.length === 1) return candidates[0]!;
    const ranked = await Promise.all(
      candidates.map(async image => {
        const data = await this.commit(image.commit, signal);
        // Who cannot be understood is no better than who is not there.
        return { image, rank: data === null ? -1 : await rank(image, data).catch(() => -1) };
      }),
    );
    signal.throwIfAborted();
    const highest = Math.max(...ranked.map(one => one.rank));
    const [best, ...rivals] = ranked.filter(one => one.rank === highest).map(one => one.image);
    if (rivals.length === 0) return best!;
    const list = [best!, ...rivals].map(({ name, version, commit }) => `${name}/${version} ${commit.slice(0, 7)}`);
    const remedy = 'Name the one you want by its commit.';
    throw new PassItOnError('ambiguous', `${target} may mean: ${list.join(', ')}.`, remedy);
  }

  /** The commit itself, from whoever gives it; null when nobody does. */
  private async commit(commit: Oid, signal: AbortSignal): Promise<Buffer | null> {
    for (const { source, holds } of await this.find(commit, signal)) {
      if (holds !== 'all') continue;
      const limit = AbortSignal.any([signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]);
      // Who does not give it may have lied or gone; the next one is asked, and what comes of it is the answer.
      const data = await commitFrom(source, commit, limit).catch(() => null);
      if (data !== null) return data;
    }
    return null;
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

  private async askAll(signal: AbortSignal, isKnown = (_address: string) => false): Promise<Asked[]> {
    const typed = Array.from(this.typed, address => ({ address, nick: '' }));
    const seen = this.near.candidates().filter(({ address }) => !this.typed.has(address));
    const everyone = [...typed, ...seen].slice(0, MAX_CANDIDATES);
    const all = await Promise.all(
      everyone.map(({ address, nick }) => this.ask(address, nick, signal, isKnown(address))),
    );
    signal.throwIfAborted();
    return all;
  }

  private async ask(address: string, nick: string, signal: AbortSignal, isKnown: boolean): Promise<Asked> {
    const one = this.source(address, nick);
    const good = isKnown && one.answer !== null ? KNOWN_GOOD_MS : ANSWER_GOOD_MS;
    if (one.at !== 0 && performance.now() - one.at < good) return one;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]);
    const now = performance.now();
    const asker = one.introduced === 0 || now - one.introduced > INTRODUCED_MS ? this.near.asker() : undefined;
    if (asker) one.introduced = now;
    const answered = this.near.asks(address);
    // Who does not answer, or not sensibly, is not a source now; the reason is no error of the asker's.
    one.answer = await one.source.images(limit, asker).catch(() => null);
    answered(one.answer);
    one.nick = nick || one.answer?.nick || '';
    one.at = performance.now();
    return one;
  }

  private source(address: string, nick: string): Asked {
    let one = this.asked.get(address);
    if (!one) {
      one = { source: openSource(address), nick, answer: null, at: 0, introduced: 0, said: null };
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

function holds({ images }: ImagesAnswer, commit: Oid): boolean {
  return images.some(image => image.commit === commit);
}

/** It has shown itself that it fetches this image, as good as by an answer. */
function becomesClassmate(one: Asked, commit: Oid): void {
  if (!one.answer || holds(one.answer, commit)) return;
  one.answer = { ...one.answer, fetching: commit };
  one.at = performance.now();
}

function names(target: string, { name, version, commit }: SharedImage): boolean {
  return (
    target === version ||
    target === `${name}/${version}` ||
    (/^[0-9a-f]{7,40}$/.test(target) && commit.startsWith(target))
  );
}

/** Only as much of what the source tells of the image as it takes to see its commit, which comes first. */
async function commitFrom(source: Source, commit: Oid, signal: AbortSignal): Promise<Buffer | null> {
  for await (const frame of source.trees(commit, null, signal)) {
    if (frame.kind !== KIND.commit) return null;
    const data = await frame.whole(MAX_COMMIT_BYTES);
    return objectOid('commit', data) === commit ? data : null;
  }
  return null;
}
