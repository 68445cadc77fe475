/** Which blob is meant by the beginning of its oid, as others ask for it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isOid, type Oid } from '../core/object';
import type { HashCache } from './hashcache';
import { breathe } from './pace';

export class BlobNames {
  /** Folders of `blobs/` that may hold something without a record; null until it is looked for. */
  #strays: Promise<Set<string>> | null = null;

  /** dir: `blobs/`. */
  constructor(
    private readonly dir: string,
    private readonly records: HashCache,
  ) {}

  /**
   * The only blob here whose oid begins with these hex digits, an even number from eight on; null where there is none, or more than
   * one. Whether its file is still whole is for others to say. A whole oid is given back as it is.
   */
  async named(beginning: string): Promise<Oid | null> {
    if (isOid(beginning)) return beginning;
    await breathe();
    const strays = await this.#folders();
    const folder = beginning.slice(0, 2);
    if (!strays.has(folder)) return this.records.only(beginning);
    // The records were lost, or the power failed: rare, and each blob that is given gets its record again.
    const oids = this.#oidsIn(folder);
    if (oids.every(oid => this.records.has(oid))) strays.delete(folder);
    const found = oids.filter(oid => oid.startsWith(beginning));
    return found.length === 1 ? found[0]! : null;
  }

  /** Looks now for what `named` needs to know, before somebody waits for it. */
  async prepare(): Promise<void> {
    await this.#folders();
  }

  /** Blobs may have lost their records. */
  doubt(): void {
    this.#strays = null;
  }

  #folders(): Promise<Set<string>> {
    this.#strays ??= this.#findStrays().catch(cause => {
      this.#strays = null;
      throw cause;
    });
    return this.#strays;
  }

  async #findStrays(): Promise<Set<string>> {
    const strays = new Set<string>();
    for (const folder of readdirSync(this.dir)) {
      await breathe();
      if (!this.#oidsIn(folder).every(oid => this.records.has(oid))) strays.add(folder);
    }
    return strays;
  }

  #oidsIn(folder: string): Oid[] {
    return readdirSync(join(this.dir, folder)).flatMap(rest => (isOid(folder + rest) ? folder + rest : []));
  }
}
