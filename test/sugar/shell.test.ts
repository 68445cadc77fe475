/**
 * The bundle in the real Sugar shell, headless: an ordinary user with a home of its own, in a network and a process
 * namespace of its own, so that nothing leaves this machine and nothing is left behind.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Desktop } from '../screen/desktop';

const BUNDLE = resolve('PassItOn-1.xo');
const PICTURES = 'build/screenshots';
const AS_ROOT = process.getuid?.() === 0;
/** A session takes less than a minute; one that hangs would never end by itself. */
const SESSION_TIMEOUT_S = 300;

/** The shell as a child has it after the first start: name, colours, keys; then it runs SUGAR_RUN_TEST and ends. */
const SESSION = `#!/bin/bash
profile="$SUGAR_HOME/default"
mkdir -p "$profile/logs" "$HOME/Activities"
echo 'ssh-dss AAAAB3NzaC1kc3MAAACBAtest test@sugar' > "$profile/owner.key.pub"
printf '%s\\n' '-----BEGIN OPENSSH PRIVATE KEY-----' none '-----END OPENSSH PRIVATE KEY-----' > "$profile/owner.key"
exec dbus-run-session -- bash -c '
gsettings set org.sugarlabs.user nick "Maya"
gsettings set org.sugarlabs.user color "#005FE4,#00A0FF"
gsettings set org.sugarlabs.user group-label "Adult"
gsettings set org.sugarlabs.user resume-activity false
exec sugar'
`;

/**
 * A network of its own with one laptop's address on it; all processes of the session are on it. And a folder of its own
 * for the session manager's sockets: they are called by process numbers, which are the same in each process namespace.
 */
const SURROUNDINGS =
  'ip link set lo up && ip link add eth0 type veth peer name eth1 && ip link set eth1 up && ip link set eth0 up && ' +
  'ip addr add 10.78.0.1/24 dev eth0 && mkdir -p -m 1777 /tmp/.ICE-unix && ' +
  'mount -t tmpfs -o mode=1777 tmpfs /tmp/.ICE-unix';

describe('the bundle in the Sugar shell', () => {
  let folder: string;
  /** The shell refuses root: then a user is made for the test, and removed with it. */
  const user = AS_ROOT ? `pio-sugar-${process.pid}` : userInfo().username;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pass-it-on-sugar-'));
    const home = join(folder, 'home');
    mkdirSync(home);
    for (const [from, to] of [
      [BUNDLE, 'PassItOn-1.xo'],
      [join(__dirname, 'start.tool.js'), 'start.js'],
      [join(__dirname, 'journey.tool.js'), 'journey.js'],
      ['test/sugar/launch.py', 'launch.py'],
    ] as const) {
      copyFileSync(from, join(home, to));
    }
    writeFileSync(join(home, 'session'), SESSION, { mode: 0o755 });
    const command = `${process.execPath} "$SESSION_PROGRAM" $HOME/PassItOn-1.xo $HOME/launch.py $HOME/pictures`;
    writeFileSync(join(home, 'run-test'), `#!/bin/sh\ncd "$HOME" && exec ${command}\n`, { mode: 0o755 });
    // What a laptop does to restart.
    writeFileSync(join(home, 'restart'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    mkdirSync(join(home, 'pictures'));
    if (AS_ROOT) {
      execFileSync('useradd', ['--no-create-home', '--home-dir', home, '--shell', '/bin/bash', user]);
      execFileSync('chown', ['-R', `${user}:`, home]);
      chmodSync(folder, 0o755);
    }
  });

  after(async () => {
    if (AS_ROOT) execFileSync('userdel', [user], { stdio: 'ignore' });
    rmSync(folder, { recursive: true, force: true });
  });

  /** Resolves with the shell's exit status, which is that of the program it ran. */
  async function runSession(
    program: string,
    scaling: string,
  ): Promise<{ status: number | null; log: string; said: string }> {
    const home = join(folder, 'home');
    // One for each session: an X server keeps the address of the first one's accessibility bus.
    const desktop = await Desktop.start(join(folder, `desktop-${program}-${scaling}`));
    const env = {
      HOME: home,
      USER: user,
      LOGNAME: user,
      DISPLAY: desktop.display,
      XDG_RUNTIME_DIR: join(home, 'run'),
      // A Python other than Debian's would break the shell.
      PATH: '/usr/local/bin:/usr/bin:/bin',
      PASS_IT_ON_NODE: process.execPath,
      LANG: 'C.UTF-8',
      GDK_BACKEND: 'x11',
      XDG_SESSION_TYPE: 'x11',
      SUGAR_SCALING: scaling,
      SUGAR_LOGGER_LEVEL: 'debug',
      SUGAR_RUN_TEST: join(home, 'run-test'),
      SUGAR_TEST_LOG: join(home, `${program}-${scaling}.log`),
      SUGAR_HOME: join(home, `${program}-${scaling}`),
      SESSION_PROGRAM: `${program}.js`,
      PASS_IT_ON_ALLOW_UNSIGNED: '1',
      PASS_IT_ON_ACTIVATION_HOOK: join(home, 'restart'),
    };
    const words = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const namespaces = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const own = AS_ROOT ? [] : ['--user', '--map-current-user', '--keep-caps'];
    const become = AS_ROOT ? ['runuser', '-u', user, '--'] : [];
    const up = ['sh', '-c', `${SURROUNDINGS} && exec "$@"`, 'sh'];
    const session = ['env', '-i', ...words, 'sh', '-c', 'mkdir -p -m 700 "$XDG_RUNTIME_DIR" && exec "$HOME/session"'];
    const command = ['timeout', '-k', '5', String(SESSION_TIMEOUT_S), 'unshare', ...own, ...namespaces];
    const [first = '', ...args] = [...command, ...up, ...become, ...session];
    const child = spawn(first, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', text => {
        said += text;
      });
    }
    const [status] = (await once(child, 'close')) as [number | null];
    await desktop.close();
    const file = env.SUGAR_TEST_LOG;
    return { status, log: existsSync(file) ? readFileSync(file, 'utf8') : '', said };
  }

  function keepPictures(prefix: string): void {
    mkdirSync(PICTURES, { recursive: true });
    const taken = join(folder, 'home', 'pictures');
    for (const name of readdirSync(taken)) {
      copyFileSync(join(taken, name), join(PICTURES, `${prefix}-${name}`));
      rmSync(join(taken, name));
    }
  }

  for (const scaling of ['72', '100']) {
    it(`starts from its icon, is found, and closes, at scaling ${scaling}`, async () => {
      const { status, log, said } = await runSession('start', scaling);
      keepPictures(`sugar-${scaling}`);
      assert.equal(status, 0, `${log}\nthe session said:\n${said}`);
      assert.match(log, /^closed$/m);
    });
  }

  it('upgrades from tap to Ready and goes back; the Journal keeps it, the Frame tells it, and it is resumed', async () => {
    const { status, log, said } = await runSession('journey', '72');
    keepPictures('sugar-journey');
    assert.equal(status, 0, `${log}\nthe session said:\n${said}`);
    assert.match(log, /^closed$/m);
  });
});
