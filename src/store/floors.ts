/**
 * `floors.json`: the oldest version of each image name that its makers still call safe (Minimum-Version), as trusted
 * commits have told it. It only ever goes up, whatever becomes of the images that told it.
 */
import { readFileSync } from 'node:fs';
import { PassItOnError, toPassItOnError } from '../core/errors';
import { compareVersions, isImageName } from '../core/versions';
import { replaceFile } from './atomic';
import { failedWith } from './disk';
import { Turns } from './pace';

export class Floors {
  readonly #writes = new Turns();
  #versions: ReadonlyMap<string, string> = new Map();

  constructor(
    private readonly file: string,
    private readonly temporaryDir: string,
  ) {}

  /** Throws 'damaged' for a file that we did not write. */
  load(): void {
    this.#versions = read(this.file);
  }

  get(name: string): string | null {
    return this.#versions.get(name) ?? null;
  }

  /** Lower versions than the known one do nothing. Throws 'no-space' and the like; then nothing has changed. */
  async raise(name: string, version: string): Promise<void> {
    await this.#writes.run(async () => {
      const known = this.get(name);
      if (known !== null && compareVersions(version, known) <= 0) return;
      const versions = new Map([...this.#versions, [name, version]]);
      const text = `${JSON.stringify(Object.fromEntries(versions), null, 2)}\n`;
      try {
        await replaceFile(this.file, text, this.temporaryDir, 0o600);
      } catch (error) {
        throw toPassItOnError(error);
      }
      this.#versions = versions;
    });
  }

  async idle(): Promise<void> {
    await this.#writes.idle();
  }
}

function read(file: string): Map<string, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (failedWith(error, 'ENOENT')) return new Map();
    throw error;
  }
  try {
    const entries = Object.entries(JSON.parse(text) as Record<string, string>);
    if (entries.every(words => words.every(isImageName))) return new Map(entries);
  } catch (cause) {
    throw damaged(file, cause);
  }
  throw damaged(file, new Error(text));
}

function damaged(file: string, cause: unknown): PassItOnError {
  const message = 'The note of which versions are too old cannot be read.';
  return new PassItOnError('damaged', message, `Remove ${file}; the next image tells it again.`, { cause });
}
