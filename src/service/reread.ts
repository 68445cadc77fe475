/** A small file of an administrator's that is read again whenever it has changed, without restarting anything. */
import { readFileSync, statSync } from 'node:fs';
import { type Sentence, sentence, withDetail } from '../core/sentences';

export class Reread<T> {
  private stamp = '';
  private value: T | null = null;

  /** parse: gets the contents, or why there are none, as the end of a sentence; MISSING where there is no such file. */
  constructor(private readonly parse: (data: Buffer | Sentence, path: string) => T) {}

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

export const MISSING = sentence('reason-missing');

function stampOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [path, dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (cause) {
    return `${path} ${(cause as NodeJS.ErrnoException).code}`;
  }
}

function contentOf(path: string): Buffer | Sentence {
  try {
    return readFileSync(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return MISSING;
    const denied = code === 'EACCES' || code === 'EPERM';
    return withDetail(sentence(denied ? 'reason-not-permitted' : 'reason-unreadable'), message);
  }
}
