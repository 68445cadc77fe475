/**
 * The resolver of systemd with mDNS on, inside one laptop of a Lan, with a D-Bus of its own and without systemd. The package
 * systemd-resolved is unpacked and not installed: installing it would take over /etc/resolv.conf of this machine.
 */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lan } from './namespaces';

const PACKAGE = 'systemd-resolved';
const PATIENCE_MS = 30_000;

/** It wants /run, its user, and /etc/systemd/resolved.conf: it gets its own of each, and nothing outside is touched. */
const START = `set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/resolve /run/dbus /etc/systemd
for file in passwd group; do
  printf "root:x:0:0::/:/bin/sh\\nsystemd-resolve:x:0:0::/:/bin/sh\\n" > "$1/$file"
  mount --bind "$1/$file" "/etc/$file"
done
mount -t tmpfs tmpfs /etc/systemd
cp "$1/resolved.conf" /etc/systemd/
dbus-daemon --config-file="$1/dbus.conf" --fork --nopidfile
exec "$1/package/lib/systemd/systemd-resolved"
`;

const BUS = '/run/dbus/system_bus_socket';

const DBUS = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=${BUS}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>
`;

const CONFIG = `[Resolve]
MulticastDNS=yes
LLMNR=no
DNSSEC=no
DNSStubListener=no
`;

export class Resolved {
  readonly #dir = mkdtempSync(join(tmpdir(), 'pass-it-on-resolved-'));
  #child: ChildProcess | null = null;

  private constructor(
    private readonly lan: Lan,
    private readonly laptop: number,
  ) {}

  /** Starts it on a laptop; resolves when mDNS is on. The Lan ends it; call close() for its folder. */
  static async start(lan: Lan, laptop: number): Promise<Resolved> {
    const resolved = new Resolved(lan, laptop);
    const dir = resolved.#dir;
    unpack(dir);
    writeFileSync(join(dir, 'dbus.conf'), DBUS);
    writeFileSync(join(dir, 'resolved.conf'), CONFIG);
    const child = lan.run(laptop, 'sh', ['-c', START, 'sh', dir], { stdio: ['ignore', 'ignore', 'pipe'] });
    resolved.#child = child;
    let log = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      if (child.exitCode !== null || performance.now() > end)
        throw new Error(`systemd-resolved does not start: ${log}`);
      const state = await resolved.ctl('mdns', 'eth0', 'yes').then(
        () => resolved.ctl('mdns', 'eth0'),
        () => '',
      );
      if (/eth0\): yes/.test(state)) return resolved;
      await sleep(200);
    }
  }

  /** Runs resolvectl beside it and returns what it says; rejects where that fails. */
  ctl(...args: string[]): Promise<string> {
    // In its mount namespace, where its bus is.
    const inside = ['-t', String(this.#child!.pid), '-m', join(this.#dir, 'package/usr/bin/resolvectl'), ...args];
    const env = { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${BUS}`, LC_ALL: 'C.UTF-8' };
    return this.lan.output(this.laptop, 'nsenter', inside, { env });
  }

  close(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

/** As `npm test` has fetched it: here may be no network but that of the test. */
function unpack(dir: string): void {
  const packages = resolve('build/packages');
  const here = existsSync(packages) ? readdirSync(packages) : [];
  const fetched = here.find(name => name.startsWith(`${PACKAGE}_`) && name.endsWith('.deb'));
  if (fetched === undefined)
    throw new Error(`${PACKAGE} is not in ${packages}: \`npm test -- lan/resolved\` fetches it.`);
  execFileSync('dpkg-deb', ['-x', join(packages, fetched), join(dir, 'package')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (!existsSync(join(dir, 'package/lib/systemd/systemd-resolved'))) throw new Error(`${PACKAGE} has no resolver`);
}
