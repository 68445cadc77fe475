/** A small file of an administrator's that is read again whenever it has changed, without restarting anything. */
import { readFileSync, statSync } from 'node:fs';

export class Reread<T> {
  private stamp = '';
  private value: T | null = null;

  /** parse: gets the contents, or why there are none: 'missing', or the system's own words. */
  constructor(private readonly parse: (data: Buffer | string, path: string) => T) {}

  /** The same object again as long as the file stays as it is. */
  get(path: string): T {
    const stamp = stampOf(path);
    if (this.value === null || stamp !== this.stamp) {
      this.value = this.parse(contentOf(path), path);
      this.stamp = stamp;
    }
    return this.value;
  }
}

export const MISSING = 'missing';

function stampOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [path, dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (cause) {
    return `${path} ${(cause as NodeJS.ErrnoException).code}`;
  }
}

function contentOf(path: string): Buffer | string {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? MISSING : message;
  }
}
