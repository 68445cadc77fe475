/** What a person's word for an image means: one that is held here, or one that somebody near has. */
import { PassItOnError } from '../core/errors';
import type { HeldImage, Store } from '../store/store';
import type { SharedImage } from '../transfer/images-answer';
import { type Nearby, type Rank, Sources } from './sources';
import type { Trust } from './trust';

/** How long a version is looked for among the neighbours, in seconds. */
const LOOK_SECONDS = 6;

export class Finding {
  constructor(
    private readonly store: Store,
    private readonly trust: Trust,
    private readonly near: Nearby,
  ) {}

  /** Those near, and those named; to be closed. @throws PassItOnError 'usage' for what is no address */
  sources(from: readonly string[] = []): Sources {
    return new Sources(this.near, from, commit => this.store.image(commit) !== null);
  }

  /** @throws PassItOnError 'no-source' | 'ambiguous' */
  async find(target: string, sources: Sources): Promise<SharedImage> {
    const held = this.held(target);
    if (held) return held;
    const ownName = this.store.state.current?.name ?? null;
    const rank: Rank = (announced, data) => this.trust.rank(announced, data);
    return sources.resolve(target, ownName, LOOK_SECONDS, rank, new AbortController().signal);
  }

  private held(target: string): HeldImage | null {
    try {
      return this.store.resolve(target);
    } catch (cause) {
      // A broken one can be brought here again.
      if (cause instanceof PassItOnError && (cause.code === 'not-found' || cause.code === 'damaged')) return null;
      throw cause;
    }
  }
}
