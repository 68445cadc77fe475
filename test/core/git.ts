/** Real git as the judge, with nobody's configuration, in a repository of its own. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { looseObject, type ObjectType, type Oid, objectOid } from '../../src/core/object';

const NOBODY = {
  ...process.env,
  GIT_AUTHOR_NAME: 'A Tester',
  GIT_AUTHOR_EMAIL: 'tester@localhost',
  GIT_COMMITTER_NAME: 'A Tester',
  GIT_COMMITTER_EMAIL: 'tester@localhost',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  LC_ALL: 'C',
};

export class GitRepository {
  readonly dir = mkdtempSync(join(tmpdir(), 'pass-it-on-core-'));
  readonly #written = new Set<Oid>();

  readonly #objects: string;

  constructor(kind: 'bare' | 'with files' = 'bare') {
    this.git(kind === 'bare' ? ['init', '-q', '--bare', '.'] : ['init', '-q', '.']);
    this.#objects = kind === 'bare' ? join(this.dir, 'objects') : join(this.dir, '.git', 'objects');
  }

  /** What git says on stdout. Throws when it fails. */
  git(args: string[], options: { input?: Buffer; env?: Record<string, string> } = {}): Buffer {
    return execFileSync('git', args, {
      cwd: this.dir,
      input: options.input,
      env: { ...NOBODY, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      maxBuffer: 1 << 28,
    });
  }

  /** For what git finds wrong: all that it says, and with which status it ended. */
  complaints(args: string[]): { status: number | null; text: string } {
    const { status, stdout, stderr } = spawnSync('git', args, { cwd: this.dir, env: NOBODY, maxBuffer: 1 << 28 });
    return { status, text: `${stdout}${stderr}` };
  }

  /** By our own hands: what we write, git must read. */
  write(type: ObjectType, data: Buffer): Oid {
    const oid = objectOid(type, data);
    if (this.#written.has(oid)) return oid;
    const folder = join(this.#objects, oid.slice(0, 2));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'new'), looseObject(type, data));
    renameSync(join(folder, 'new'), join(folder, oid.slice(2)));
    this.#written.add(oid);
    return oid;
  }

  read(oid: Oid, type: ObjectType): Buffer {
    return this.git(['cat-file', type, oid]);
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
