/**
 * The bare repository `git/`. Refs go through isomorphic-git over an fs whose writes are atomic; commits, trees and attributes
 * through our own codec, because isomorphic-git refuses names that Linux allows, and because they come from a quarantine, where
 * they were made durable together. Real git reads all of it (only file contents are elsewhere, in `blobs/`).
 */
import { readdirSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import git from 'isomorphic-git';
import { PassItOnError } from '../core/errors';
import type { Oid } from '../core/object';
import { atomicFs, type GitFs, syncDirectory } from './atomic';
import { failedWith } from './disk';
import { LooseObjects } from './objects';

/** The branch that HEAD names: the image that runs. */
const CURRENT = 'refs/heads/current';

export interface Tag {
  /** Image name: the first part below refs/tags/. */
  name: string;
  /** `<version>`, or `<version>+<oid7>` where two commits claim one version. */
  label: string;
  commit: Oid;
}

export class Git {
  readonly objects: LooseObjects;
  readonly #fs: GitFs;

  constructor(
    private readonly gitdir: string,
    temporaryDir: string,
  ) {
    this.#fs = atomicFs(temporaryDir);
    this.objects = new LooseObjects(join(gitdir, 'objects'), temporaryDir);
  }

  get #repository(): { fs: GitFs; gitdir: string } {
    return { fs: this.#fs, gitdir: this.gitdir };
  }

  /** Creates what is missing; harmless on a whole repository. */
  async init(): Promise<void> {
    await git.init({ ...this.#repository, bare: true, defaultBranch: 'current' });
    // init writes HEAD last and does nothing where there is a config: a crash between the two leaves none.
    await git.writeRef({ ...this.#repository, ref: 'HEAD', value: CURRENT, symbolic: true, force: true });
  }

  async tags(): Promise<Tag[]> {
    const tags: Tag[] = [];
    // isomorphic-git lists nothing where it cannot read; to us that would mean that there are no images.
    readdirSync(join(this.gitdir, 'refs', 'tags'), { recursive: true });
    for (const ref of await git.listTags(this.#repository)) {
      const slash = ref.indexOf('/');
      // Somebody else's tag; images have a name and a version.
      if (slash < 0) continue;
      const commit = await git.resolveRef({ ...this.#repository, ref: `refs/tags/${ref}` });
      tags.push({ name: ref.slice(0, slash), label: ref.slice(slash + 1), commit });
    }
    return tags;
  }

  /** The commit's own bytes, or null when it is not there or has rotted. */
  readCommit(oid: Oid): Buffer | null {
    const object = this.objects.read(oid);
    return object?.type === 'commit' ? object.data : null;
  }

  /** Tags a commit as an image. */
  async tag(name: string, version: string, commit: Oid): Promise<Tag> {
    const taken = new Map((await this.tags()).filter(tag => tag.name === name).map(tag => [tag.label, tag.commit]));
    for (const label of [version, `${version}+${commit.slice(0, 7)}`, `${version}+${commit}`]) {
      const holder = taken.get(label);
      if (holder === commit) return { name, label, commit };
      if (holder !== undefined) continue;
      await git.writeRef({ ...this.#repository, ref: `refs/tags/${name}/${label}`, value: commit, force: true });
      return { name, label, commit };
    }
    throw new PassItOnError('exists', `Other images hold every name for ${name} ${version}.`, 'Remove one of them.');
  }

  async untag(tag: Tag): Promise<void> {
    const ref = `refs/tags/${tag.name}/${tag.label}`;
    await git.deleteRef({ ...this.#repository, ref });
    const folder = dirname(join(this.gitdir, ref));
    try {
      rmdirSync(folder);
    } catch (error) {
      if (!failedWith(error, 'ENOTEMPTY', 'ENOENT')) throw error;
      if (failedWith(error, 'ENOTEMPTY')) return syncDirectory(folder);
    }
    await syncDirectory(dirname(folder));
  }

  /** What `git clone` of this laptop checks out: the current image, or nothing. */
  async setCurrent(commit: Oid | null): Promise<void> {
    if (commit === null) return git.deleteRef({ ...this.#repository, ref: CURRENT });
    await git.writeRef({ ...this.#repository, ref: CURRENT, value: commit, force: true });
  }
}
