/**
 * A machine's own service, as its units for systemd have it: people of a group upgrade the machine by a socket that was
 * passed to it, and its owner's business is not theirs. As root with three users; as an ordinary user all three are this one.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { ErrorReport } from '../../src/core/errors';
import type { Status, UpgradeResult } from '../../src/service/contract';
import { Laptop } from '../lan/laptop';
import { isRoot, TreeBuilder } from '../store/support';
import { closersOf } from '../support/closers';
import { tempFolder } from '../support/temp';

const run = promisify(execFile);

/** What systemd does with pass-it-on.socket: it listens, and becomes the service with that socket as the first one. */
const LISTEN = `
import os, socket, sys
path, mode, group, *command = sys.argv[1:]
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
os.chown(path, -1, int(group))
os.chmod(path, int(mode, 8))
listener.listen()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1')
os.execvp(command[0], command)
`;

const GROUP = isRoot ? 61_234 : process.getgid!();
const user = (id: number, groups: string) => (isRoot ? ['setpriv', `--reuid=${id}`, `--regid=${id}`, groups] : []);
const GUEST = user(61_001, `--groups=${GROUP}`);
const STRANGER = user(61_002, '--clear-groups');

test('people of the group upgrade the machine and go back, its owner does the rest, and others have stores of their own', async t => {
  const closers = closersOf(t);
  const folder = tempFolder(t);
  chmodSync(folder, 0o711);
  // Where these users can read it, wherever the sources are.
  const program = join(folder, 'dist/pass-it-on');
  cpSync('dist', join(folder, 'dist'), { recursive: true });
  const [one, two] = ['1', '2'].map(n => new TreeBuilder(join(folder, `tree${n}`)).file('etc/version', n).dir) as [
    string,
    string,
  ];
  const [giver, owner] = ['giver', 'owner'].map(name => new Laptop(name, [], join(folder, name))) as [Laptop, Laptop];
  closers.push(() => giver.stop());
  await giver.flash(two, 'guest-os', '2');
  await giver.serve('--interface', 'lo', '--port', '0');
  const address = `127.0.0.1:${(await giver.status()).port}`;
  await owner.flash(one, 'guest-os', '1');

  const socket = join(folder, 'machine.sock');
  const serve = [program, 'serve', '--store', owner.store, '--interface', 'lo', '--port', '0'];
  const machine = spawn('python3', ['-c', LISTEN, socket, '660', String(GROUP), ...serve], {
    env: { ...process.env, PASS_IT_ON_ALLOW_UNSIGNED: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  closers.push(async () => {
    machine.kill('SIGTERM');
    if (machine.exitCode === null && machine.signalCode === null) await once(machine, 'exit');
  });
  await once(createInterface({ input: machine.stdout }), 'line');

  /** The last line of its answer, or of what it said when it failed. */
  const ask = async <T>(who: readonly string[], ...words: string[]): Promise<T> => {
    const home = join(folder, `home${[GUEST, STRANGER].indexOf(who as string[])}`);
    mkdirSync(home, { recursive: true });
    chmodSync(home, 0o777);
    const { PASS_IT_ON_STORE: _none, ...rest } = process.env;
    const env = { ...rest, HOME: home, XDG_DATA_HOME: join(home, 'data'), PASS_IT_ON_SOCKET: socket };
    const [first, ...args] = [...who, process.execPath, program, ...words, '--json'];
    const { stdout } = await run(first!, args, { env, cwd: '/' }).catch((failed: { stderr: string }) => ({
      stdout: failed.stderr,
    }));
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as T;
  };
  const version = async () => (await ask<Status>(GUEST, 'status')).current?.version;

  assert.equal((await ask<Status>(GUEST, 'status')).store, owner.store);
  assert.equal((await ask<UpgradeResult>(GUEST, 'upgrade', '2', '--from', address)).result, 'staged');
  await ask(GUEST, 'activate');
  assert.equal(await version(), '2');
  await ask(GUEST, 'go-back');
  assert.equal(await version(), '1');

  for (const words of [
    ['publish', two, '--name', 'guest-os', '--version', '3'],
    ['use', '2'],
    ['export', join(folder, 'out')],
    ['adopt', '2', '--root', '/'],
    // Nor does the machine look into folders for a guest, which may be one that only it can read.
    ['compare', resolve('/etc')],
    ['compare', '2', '--from', '/media/../root'],
    ['upgrade', '2', '--from', folder],
  ]) {
    assert.equal((await ask<ErrorReport>(GUEST, ...words)).code, 'no-permission', words.join(' '));
  }
  // A stick is looked into: here there is none.
  assert.notEqual((await ask<ErrorReport>(GUEST, 'compare', '/media/nobody/images')).code, 'no-permission');

  // Its owner says which store, or is root: then it is the machine's.
  const named = isRoot ? [] : ['--store', owner.store];
  await ask([], 'publish', two, '--name', 'guest-os', '--version', '3', ...named);
  assert.ok((await ask<Status>(GUEST, 'status')).images.some(image => image.version === '3'));

  if (!isRoot) chmodSync(socket, 0);
  const other = await ask<Status>(STRANGER, 'status');
  assert.notEqual(other.store, owner.store);
  assert.equal(other.current, null);
});
