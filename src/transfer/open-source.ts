/** Whom an address means: a folder, a web server with plain files, a laptop. */
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { type Address, formatAddress, formatWebFolder, parseAddress, parseWebFolder } from './address';
import type { Answer } from './answers';
import type { Known } from './arrivals';
import { FolderSource, looksLikeFolder } from './folder-source';
import type { Frame } from './frames';
import type { Asker, ImagesAnswer } from './images-answer';
import type { TakePart } from './raw-client';
import { type AskedBlob, type Elsewhere, type How, HttpSource, type Source } from './source';
import { StaticSource } from './static-source';

/** Somebody to ask: at an address in the form of normalAddress(). */
export function openSource(address: string): Source {
  if (looksLikeFolder(address)) return new FolderSource(address);
  const folder = parseWebFolder(address);
  return folder ? new StaticSource(folder) : new PortSource(parseAddress(address));
}

/**
 * What tells sources apart: `host:port`, the URL of a folder with a slash at its end, or the path of a folder.
 * @throws PassItOnError 'usage'
 */
export function normalAddress(text: string): string {
  if (looksLikeFolder(text)) return text;
  const folder = parseWebFolder(text);
  return folder ? formatWebFolder(folder) : formatAddress(parseAddress(text));
}

/** At `host:port` a laptop answers, or a web server with an export at its top: who it is shows when it is asked. */
class PortSource implements Source {
  readonly address: string;
  private readonly laptop: HttpSource;
  private readonly files: StaticSource;
  private who: Source;

  constructor(at: Address) {
    this.address = formatAddress(at);
    this.laptop = new HttpSource(at);
    this.files = new StaticSource({ ...at, secure: false, path: '/' });
    this.who = this.laptop;
  }

  get bytesReceived(): number {
    return this.laptop.bytesReceived + this.files.bytesReceived;
  }

  async images(signal?: AbortSignal, asker?: Asker, onReached?: () => void): Promise<ImagesAnswer> {
    if (this.who === this.files) return this.files.images(signal);
    try {
      return await this.laptop.images(signal, asker, onReached);
    } catch (cause) {
      // Somebody answers there, but no laptop.
      if (!(cause instanceof PassItOnError) || cause.code === 'source-gone') throw cause;
      const answer = await this.files.images(signal).catch(() => {
        throw cause;
      });
      this.who = this.files;
      return answer;
    }
  }

  trees(commit: Oid, have: Oid | null, signal?: AbortSignal, deltas?: boolean): AsyncGenerator<Frame> {
    return this.who.trees(commit, have, signal, deltas);
  }

  objects(asked: readonly AskedBlob[], signal?: AbortSignal, how?: How): AsyncGenerator<Answer> {
    return this.who.objects(asked, signal, how);
  }

  async raw(asked: readonly AskedBlob[], take: TakePart, signal?: AbortSignal, how?: How): Promise<boolean> {
    return this.who === this.laptop && (await this.laptop.raw(asked, take, signal, how));
  }

  get elsewhere(): Elsewhere | undefined {
    return this.who === this.laptop ? this.laptop.elsewhere : undefined;
  }

  needsOutlines(from: Oid | null): boolean {
    return this.laptop.needsOutlines(from);
  }

  have(commit: Oid, known: Known, signal?: AbortSignal): Promise<Buffer> {
    return this.laptop.have(commit, known, signal);
  }

  close(): void {
    this.laptop.close();
    this.files.close();
  }
}
