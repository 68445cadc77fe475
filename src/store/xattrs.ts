/**
 * Extended attributes (xattr(7)): POSIX ACLs, file capabilities, users' own. Node has no system calls for them, so
 * getfattr and setfattr (Debian package `attr`) do it in bulk: one stream of paths in, one stream of attributes out.
 * Arguments of programs are text in Node and paths are bytes; so xargs hands the paths on.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { accessSync, chmodSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { FullAttributes } from '../core/attributes';
import { type ByteString, toBuffer } from '../core/bytes';
import { PassItOnError } from '../core/errors';
import { diskPath } from './disk';
import { modeOnDisk, privileged } from './inode';
import { shown } from './scan';

/** Full names (`security.capability`) and values. */
export type Xattrs = Readonly<Record<string, Buffer>>;

/** Bytes of what a program said that are worth keeping for the log. */
const MAX_SAID = 4000;
const PATHS_A_WRITE = 500;

/**
 * Whether an image keeps an attribute. SELinux labels come from the policy of the machine that looks, EVM's hashes from
 * its key, and what is in `system.` beside ACLs belongs to one kind of file system: none of them could be passed on.
 */
function isKept(name: string): boolean {
  if (name.startsWith('system.')) return name === 'system.posix_acl_access' || name === 'system.posix_acl_default';
  return name !== 'security.selinux' && name !== 'security.evm';
}

/** Whether the one who runs this process may set it. */
export function maySet(name: string): boolean {
  return privileged || name.startsWith('user.') || name.startsWith('system.posix_acl_');
}

let found = false;

/** Whether both programs are installed. Not by running them: a start of each takes longer than many an upgrade's staging. */
export function haveXattrTools(): boolean {
  found ||= ['getfattr', 'setfattr'].every(isProgram);
  return found;
}

/** Whether execvp(3) would find it. */
function isProgram(name: string): boolean {
  return (process.env.PATH ?? '/bin:/usr/bin').split(':').some(folder => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** attr's own escapes: a backslash and three octal digits, for the backslash itself, line ends, and `=` in names. */
function quote(text: ByteString): ByteString {
  return text.replace(/[\\\n\r=]/g, char => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function unquote(text: string): ByteString {
  return text.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Gathers what getfattr says: `# file: PATH`, then `NAME=0xHEX` lines, then an empty line. */
class Dump {
  readonly found = new Map<ByteString, Record<string, Buffer>>();
  #rest = '';
  #current: Record<string, Buffer> = {};

  add(chunk: Buffer): void {
    const lines = (this.#rest + chunk.toString('latin1')).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (line === '') return;
    if (line.startsWith('# file: ')) {
      this.#current = {};
      this.found.set(unquote(line.slice('# file: '.length)).replace(/^\.\/?/, ''), this.#current);
      return;
    }
    const [name = '', value = ''] = line.split('=', 2);
    this.#current[unquote(name)] = Buffer.from(value.replace(/^0x/, ''), 'hex');
  }
}

type Program = ChildProcessByStdio<Writable, Readable, Readable>;

/** A program at work in `dir`; resolves with what it complained of when it has ended. */
class Running {
  readonly #child: Program;
  readonly #ended: Promise<{ status: number | null; said: string }>;
  #drained: Promise<void> | null = null;

  constructor(dir: string, program: string, args: string[], onOutput: (chunk: Buffer) => void) {
    const env = { ...process.env, LC_ALL: 'C' };
    this.#child = spawn(program, args, { cwd: dir, env, stdio: ['pipe', 'pipe', 'pipe'] });
    let said = '';
    this.#child.stdout.on('data', onOutput);
    this.#child.stderr.on('data', (chunk: Buffer) => {
      if (said.length < MAX_SAID) said += chunk.toString('latin1');
    });
    // It ended before it had read everything: its status says why.
    this.#child.stdin.on('error', () => {});
    this.#ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', status => resolve({ status, said: said.trim() }));
    });
    // Awaited in end(); this only keeps an early failure from ending the process.
    this.#ended.catch(() => {});
  }

  async write(data: Buffer): Promise<void> {
    if (this.#child.stdin.destroyed || this.#child.stdin.write(data)) return;
    const { stdin } = this.#child;
    this.#drained ??= new Promise(resolve => {
      // Both listeners go: an image of many thousand paths fills the pipe again and again.
      const done = () => {
        stdin.off('drain', done).off('close', done);
        this.#drained = null;
        resolve();
      };
      stdin.on('drain', done).on('close', done);
    });
    await this.#drained;
  }

  async end(): Promise<{ status: number | null; said: string }> {
    this.#child.stdin.end();
    return this.#ended;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Reads the attributes of many paths below one folder; symlinks are not followed. */
export class XattrReader {
  readonly #dump = new Dump();
  readonly #running: Running;
  /** A write for each path would cost more than getfattr itself. */
  #unsaid: ByteString[] = [];

  /** Absolute path of the folder. */
  constructor(dir: string) {
    const words = ['-h', '--absolute-names', '-d', '-m', '-', '-e', 'hex', '--'];
    this.#running = new Running(dir, 'xargs', ['-0r', 'getfattr', ...words], chunk => this.#dump.add(chunk));
  }

  /** path: below the folder; '' is the folder itself. */
  async add(path: ByteString): Promise<void> {
    this.#unsaid.push(path === '' ? '.\0' : `./${path}\0`);
    if (this.#unsaid.length >= PATHS_A_WRITE) await this.#say();
  }

  async #say(): Promise<void> {
    const paths = this.#unsaid.splice(0).join('');
    if (paths !== '') await this.#running.write(toBuffer(paths));
  }

  /** Those of the paths that have attributes an image keeps. Throws 'unsupported' when one cannot be read. */
  async end(): Promise<Map<ByteString, Xattrs>> {
    await this.#say();
    const { status, said } = await this.#running.end();
    if (status !== 0) {
      const remedy = 'Check that nothing is writing to the files, and that they can be read.';
      const cause = new Error(`getfattr: status ${status}: ${said}`);
      throw new PassItOnError('unsupported', 'Extended attributes of some files cannot be read.', remedy, { cause });
    }
    const kept = new Map<ByteString, Xattrs>();
    for (const [path, all] of this.#dump.found) {
      const names = Object.keys(all).filter(isKept);
      if (names.length > 0) kept.set(path, Object.fromEntries(names.sort().map(name => [name, all[name]!])));
    }
    return kept;
  }

  /** Names of attributes that were found and that no image keeps. */
  get leftOut(): string[] {
    const names = [...this.#dump.found.values()].flatMap(Object.keys).filter(name => !isKept(name));
    return [...new Set(names)].sort();
  }

  kill(): void {
    this.#running.kill();
  }
}

export async function readXattrs(dir: string, paths: Iterable<ByteString>): Promise<Map<ByteString, Xattrs>> {
  const reader = new XattrReader(dir);
  try {
    for (const path of paths) await reader.add(path);
    return await reader.end();
  } catch (error) {
    reader.kill();
    throw error;
  }
}

/**
 * Sets the attributes of paths below `dir` that nothing else links to and that have none yet, as far as the user may.
 * Throws 'unsupported' when root could not set one: an image that lost it would not be whole.
 */
export async function setXattrs(
  dir: string,
  base: ByteString,
  wanted: ReadonlyMap<ByteString, FullAttributes>,
): Promise<void> {
  if (wanted.size === 0 || !haveXattrTools()) return;
  const settable = new Map<ByteString, Record<string, Buffer>>();
  for (const [path, { xattrs = {} }] of wanted) {
    const names = Object.keys(xattrs).filter(maySet);
    if (names.length > 0) settable.set(path, Object.fromEntries(names.map(name => [name, xattrs[name]!])));
  }
  if (settable.size === 0) return;
  // An ordinary user must be able to write a file to give it attributes, whatever mode it is to have.
  const chmod = (mode: (full: FullAttributes) => number): void => {
    if (privileged) return;
    for (const path of settable.keys()) {
      const full = wanted.get(path)!;
      if (full.type !== 'symlink') chmodSync(diskPath(base, path), mode(full));
    }
  };
  chmod(full => modeOnDisk(full) | 0o200);
  const running = new Running(dir, 'setfattr', ['-h', '--restore=-'], () => {});
  for (const [path, xattrs] of settable) await running.write(restoreText(path, xattrs));
  const { status, said } = await running.end();
  chmod(modeOnDisk);
  if (privileged) await checkSet(dir, settable, `setfattr: status ${status}: ${said}`);
}

/** Removes every attribute of these paths that an image would keep, as far as the user may. */
export async function clearXattrs(dir: string, paths: Iterable<ByteString>): Promise<void> {
  if (!haveXattrTools()) return;
  const names = new Map<string, ByteString[]>();
  for (const [path, xattrs] of await readXattrs(dir, paths)) {
    for (const name of Object.keys(xattrs)) names.set(name, [...(names.get(name) ?? []), path]);
  }
  for (const [name, having] of names) {
    // A name that is not text cannot be an argument; verify goes on telling it.
    const text = Buffer.from(name, 'latin1').toString();
    const running = new Running(dir, 'xargs', ['-0r', 'setfattr', '-h', '-x', text, '--'], () => {});
    for (const path of having) await running.write(toBuffer(path === '' ? '.\0' : `./${path}\0`));
    await running.end();
  }
}

/** ACLs last: setting one sets the mode as well, and then it stays. */
function restoreText(path: ByteString, xattrs: Xattrs): Buffer {
  const names = Object.keys(xattrs).sort((a, b) => Number(a.startsWith('system.')) - Number(b.startsWith('system.')));
  const lines = names.map(name => `${quote(name)}=0x${xattrs[name]!.toString('hex')}\n`);
  const file = path === '' ? '.' : `./${path}`;
  // In a path, unlike in a name, `=` stands for itself; escaped it is understood as well.
  return toBuffer(`# file: ${quote(file)}\n${lines.join('')}\n`);
}

async function checkSet(dir: string, wanted: ReadonlyMap<ByteString, Xattrs>, said: string): Promise<void> {
  const actual = await readXattrs(dir, wanted.keys());
  for (const [path, xattrs] of wanted) {
    const now = actual.get(path) ?? {};
    const lost = Object.keys(xattrs).find(name => now[name]?.equals(xattrs[name]!) !== true);
    if (lost === undefined) continue;
    const message = `This disk does not keep the attribute ${lost} of ${shown(path)}.`;
    const remedy = 'Put the store on a disk that keeps extended attributes, such as ext4.';
    throw new PassItOnError('unsupported', message, remedy, { cause: new Error(said) });
  }
}
