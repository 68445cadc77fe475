/** Files that a person asked for, where people keep theirs: the documents folder, else the home folder. */
import { mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { toPassItOnError } from '../core/errors';
import { GLib } from './gtk';

/** Never over another file: `laptops (2).csv`. @returns where it is; rejects with PassItOnError */
export async function saveForPerson(name: string, text: string): Promise<string> {
  const folder = GLib.getUserSpecialDir(1) ?? homedir();
  const [, stem = name, ending = ''] = /^(.*)(\.\w+)$/.exec(name) ?? [];
  try {
    await mkdir(folder, { recursive: true });
    for (let n = 1; ; n++) {
      const file = join(folder, n === 1 ? name : `${stem} (${n})${ending}`);
      try {
        await writeFile(file, text, { flag: 'wx' });
        return file;
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      }
    }
  } catch (cause) {
    throw toPassItOnError(cause);
  }
}
