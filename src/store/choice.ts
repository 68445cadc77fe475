/** Which images are current, previous and staged, on disk: the state, and what shows it (symlinks, the branch HEAD). */
import { basename, join } from 'node:path';
import type { Oid } from '../core/object';
import { replaceFile } from './atomic';
import type { Git } from './git';
import type { HeldImages } from './held';
import type { Layout } from './layout';
import { Turns } from './pace';
import { encodeState, NO_STATE, ROLES, readState, type State } from './state';

export class Choice {
  #state: State = NO_STATE;
  /** What the branch names; undefined until it was written once. */
  #branch: Oid | null | undefined;
  readonly #turns = new Turns();

  constructor(
    private readonly layout: Layout,
    private readonly git: Git,
    private readonly held: HeldImages,
  ) {}

  get state(): State {
    return this.#state;
  }

  /** Reads the state; what it says of images that are not held any more does not count. Throws 'damaged'. */
  load(): void {
    const { current, previous, staged } = readState(this.layout.state);
    const held = (commit: Oid | null): Oid | null =>
      commit !== null && this.held.dirOf(commit) !== null ? commit : null;
    this.#state = { current: held(current), previous: held(previous), staged: held(staged) };
  }

  /** One atomic change; changes wait for each other. Rejects with what `change` throws. */
  async change(change: (state: State) => State): Promise<void> {
    await this.#turns.run(async () => {
      const state = change(this.#state);
      await replaceFile(this.layout.state, encodeState(state), this.layout.partial, 0o600);
      this.#state = state;
      await this.show();
    });
  }

  /** Symlinks and the branch that HEAD names follow the state; they say nothing of their own. */
  async show(): Promise<void> {
    for (const role of ROLES) {
      const commit = this.#state[role];
      const dir = commit === null ? null : this.held.dirOf(commit);
      this.layout.link(role, dir === null ? null : join('images', basename(dir)));
    }
    if (this.#branch === this.#state.current) return;
    await this.git.setCurrent(this.#state.current);
    this.#branch = this.#state.current;
  }

  async idle(): Promise<void> {
    await this.#turns.idle();
  }
}
