/** The mDNS stack that most Linux laptops have, inside one laptop of a Lan, with a D-Bus of its own. */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Lan } from './namespaces';

const PATIENCE_MS = 30_000;

function dbusConfig(socket: string): string {
  return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=${socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>
`;
}

function avahiConfig(host: string): string {
  return `[server]
host-name=${host}
use-ipv4=yes
use-ipv6=yes
allow-interfaces=eth0
disallow-other-stacks=no
[publish]
publish-hinfo=no
publish-workstation=no
`;
}

/**
 * avahi wants /run/avahi-daemon, and to give it to the user avahi: it gets a /run of its own, so that nothing outside is
 * touched, and root under that name, because in a user namespace there is nobody else.
 */
const START = `set -e
mount -t tmpfs tmpfs /run
mkdir /run/avahi-daemon
for file in passwd group; do
  printf "root:x:0:0::/:/bin/sh\\navahi:x:0:0::/:/bin/sh\\n" > "$1/$file"
  mount --bind "$1/$file" "/etc/$file"
done
# In the background once it listens.
dbus-daemon --config-file="$1/dbus.conf" --fork --nopidfile
export DBUS_SYSTEM_BUS_ADDRESS="unix:path=$1/bus"
exec avahi-daemon --no-chroot --no-drop-root --no-rlimits -f "$1/avahi.conf"
`;

/** An instance as avahi-browse -p prints it: escaped as DNS does, \DDD in decimal for each byte. */
export function nameIn(field: string): string {
  const bytes = field.replace(
    /\\(\d{3})|\\(.)/g,
    (_all, code?: string, char?: string) => char ?? String.fromCharCode(Number(code)),
  );
  return Buffer.from(bytes, 'latin1').toString();
}

export class Avahi {
  readonly #dir = mkdtempSync(join(tmpdir(), 'pass-it-on-avahi-'));

  private constructor(
    private readonly lan: Lan,
    private readonly laptop: number,
  ) {}

  /** Starts the daemon on a laptop; resolves when it is ready. The Lan ends it; call close() for its folder. */
  static async start(lan: Lan, laptop: number, host: string): Promise<Avahi> {
    const avahi = new Avahi(lan, laptop);
    const dir = avahi.#dir;
    writeFileSync(join(dir, 'dbus.conf'), dbusConfig(join(dir, 'bus')));
    writeFileSync(join(dir, 'avahi.conf'), avahiConfig(host));
    const child = lan.run(laptop, 'sh', ['-c', START, 'sh', dir], { stdio: ['ignore', 'ignore', 'pipe'] });
    await new Promise<void>((resolve, reject) => {
      let log = '';
      const timer = setTimeout(() => reject(new Error(`avahi-daemon does not start: ${log}`)), PATIENCE_MS);
      child.once('close', status => reject(new Error(`avahi-daemon ended with ${status}: ${log}`)));
      child.stderr!.setEncoding('utf8').on('data', (text: string) => {
        log += text;
        if (!log.includes('startup complete')) return;
        clearTimeout(timer);
        resolve();
      });
    });
    return avahi;
  }

  get #env(): NodeJS.ProcessEnv {
    return { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${join(this.#dir, 'bus')}`, LC_ALL: 'C.UTF-8' };
  }

  /** What `avahi-browse -rpt` prints for a service type, one array of fields for each resolved service. */
  async browse(type: string): Promise<string[][]> {
    const text = await this.lan.output(this.laptop, 'avahi-browse', ['-rpt', type], { env: this.#env });
    return text
      .split('\n')
      .filter(line => line.startsWith('='))
      .map(line => line.split(';'));
  }

  /** Announces a service until the process is killed. */
  publish(name: string, type: string, port: number, txt: readonly string[]): ChildProcess {
    const args = ['-s', name, type, String(port), ...txt];
    return this.lan.run(this.laptop, 'avahi-publish', args, { env: this.#env, stdio: 'ignore' });
  }

  /** Browses and resolves until the process is killed. */
  watch(type: string): ChildProcess {
    return this.lan.run(this.laptop, 'avahi-browse', ['-r', type], { env: this.#env, stdio: 'ignore' });
  }

  close(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
