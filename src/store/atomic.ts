/**
 * Durable writing. Two ways: one small file at a time (temporary file, fsync, rename), and many files at once (write
 * them all, `sync -f`, and only then let them count).
 */
import { spawn } from 'node:child_process';
import { promises, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PassItOnError } from '../core/errors';

/** sync(1) -f: everything written so far to the file system that holds `dir` reaches the disk. */
export async function syncFileSystem(dir: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const child = spawn('sync', ['-f', dir], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', chunk => {
      said += chunk;
    });
    child.on('error', reject);
    child.on('close', status => {
      if (status === 0) return resolve();
      const cause = new Error(`sync: status ${status}: ${said.trim()}`);
      const message = 'The disk did not take what was written to it.';
      reject(new PassItOnError('no-space', message, 'Check the disk and its free space, and try again.', { cause }));
    });
  });
}

/** Makes the names in a directory (renames, removals) durable. */
export async function syncDirectory(dir: string): Promise<void> {
  const handle = await promises.open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

let temporaries = 0;

/** A name for a temporary file that nobody else in this process uses; the owner lock keeps other processes away. */
export function temporaryName(dir: string, kind: string): string {
  temporaries += 1;
  return join(dir, `${kind}-${temporaries}`);
}

/** Replaces a file as a whole: at any moment, power cut or not, it has the old contents or the new. */
export async function replaceFile(
  path: string,
  data: string | Uint8Array,
  temporaryDir: string,
  mode = 0o644,
): Promise<void> {
  const temporary = temporaryName(temporaryDir, 'file');
  try {
    const handle = await promises.open(temporary, 'wx', mode);
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await promises.rename(temporary, path);
  } catch (error) {
    await promises.rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** The same for a file that can be made again: whole for whoever looks, but power failure may leave it cut off, or the old one. */
export function replaceLosable(path: string, data: string, temporaryDir: string): void {
  const temporary = temporaryName(temporaryDir, 'file');
  writeFileSync(temporary, data, { flag: 'wx' });
  renameSync(temporary, path);
}

/** What isomorphic-git asks of a file system (its docs/fs.md). */
export interface GitFs {
  promises: Pick<
    typeof promises,
    'readFile' | 'mkdir' | 'rmdir' | 'unlink' | 'stat' | 'lstat' | 'readdir' | 'readlink' | 'symlink'
  > & { writeFile(path: string, data: string | Uint8Array): Promise<void> };
}

/**
 * Node's file system, but each write is `replaceFile`: isomorphic-git by itself writes straight to the final path and
 * never rewrites an object that exists, so that a torn write would stay for ever.
 * @param temporaryDir on the same file system; not inside the repository, where a leftover would look like a ref.
 */
export function atomicFs(temporaryDir: string): GitFs {
  const { readFile, mkdir, rmdir, unlink, stat, lstat, readdir, readlink, symlink } = promises;
  const writeFile = (path: string, data: string | Uint8Array) => replaceFile(path, data, temporaryDir);
  return { promises: { readFile, writeFile, mkdir, rmdir, unlink, stat, lstat, readdir, readlink, symlink } };
}
