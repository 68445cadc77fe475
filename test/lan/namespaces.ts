/**
 * Laptops on one network, each a network namespace of this machine: real sockets, real multicast, real cables to pull.
 *
 * Importing this makes sure that namespaces can be made (see needNamespaces). A test makes a `Lan` and closes it.
 * Laptops are numbered from 0; each has one interface, `eth0`, with the address 10.77.x.y/16 (and, unless switched
 * off, a link-local IPv6 address), and `lo`.
 */
import { type ChildProcess, execFileSync, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

/** Set in a process that was started again as root of namespaces of its own. */
const INSIDE = 'PASS_IT_ON_INSIDE_NAMESPACES';
const PREFIX = 'pio';

/** Limits of one laptop's port, in both directions; units as in tc-tbf(8): `2mbit`, `16kb`, `300ms`. */
export interface Shape {
  rate: string;
  burst: string;
  latency: string;
}

/**
 * Makes sure that this process may make namespaces. As root it may; anybody else runs the whole program again inside
 * `unshare --user --net --mount`, with the same arguments, and ends with its status. Throws where even that is
 * forbidden: a test of the network that did not run must not look as if it had passed.
 */
function needNamespaces(): void {
  if (process.getuid?.() === 0) return;
  const unshare = ['--user', '--map-root-user', '--net', '--mount'];
  const probe = spawnSync('unshare', [...unshare, 'sh', '-c', 'mount -t tmpfs tmpfs /run && ip link set lo up'], {
    encoding: 'utf8',
  });
  if (process.env[INSIDE] || probe.status !== 0) {
    const reason = (probe.stderr || probe.error?.message || '').trim();
    throw new Error(`This test needs network namespaces: run it as root, or allow user namespaces. (${reason})`);
  }
  // `ip netns` keeps its names in /run/netns, which only root can make: so this process gets a /run of its own.
  const again = ['sh', '-c', 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"', 'sh'];
  const program = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const result = spawnSync('unshare', [...unshare, ...again, ...program], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  });
  process.exit(result.status ?? 1);
}

// Before any test is registered: a program can only be started again while it has not done anything yet.
needNamespaces();

function ip(args: readonly string[], input?: readonly string[]): void {
  execFileSync('ip', args, { input: input ? `${input.join('\n')}\n` : '', stdio: ['pipe', 'ignore', 'pipe'] });
}

/** A limit in the words of tc-tbf(8). */
function tbf({ rate, burst, latency }: Shape): string[] {
  return ['tbf', 'rate', rate, 'burst', burst, 'latency', latency];
}

function namespaces(): string[] {
  try {
    return readdirSync('/run/netns');
  } catch {
    // No namespace was ever made on this machine.
    return [];
  }
}

/** Kills what runs inside a namespace and removes it; its interfaces and their other ends go with it. */
function remove(namespace: string): void {
  const inside = execFileSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' });
  for (const pid of inside.split('\n').filter(line => line !== '')) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
  }
  ip(['netns', 'del', namespace]);
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes what killed test processes left behind: a namespace carries its maker's process number. */
function removeLeftovers(): void {
  for (const namespace of namespaces()) {
    const pid = new RegExp(`^${PREFIX}-(\\d+)-`).exec(namespace)?.[1];
    if (pid === undefined || alive(Number(pid))) continue;
    try {
      remove(namespace);
    } catch {
      // Another test was quicker.
    }
  }
}

/** The first `ip netns add` on a machine also mounts /run/netns; two at once stumble over each other. */
function addNamespaces(names: readonly string[]): void {
  for (let attempt = 1; ; attempt++) {
    const missing = names.filter(name => !namespaces().includes(name));
    try {
      ip(
        ['-batch', '-'],
        missing.map(name => `netns add ${name}`),
      );
      return;
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}

export interface LanOptions {
  ipv6?: boolean;
  shape?: Shape;
  /** All laptops share one medium, as on a radio: what any of them sends takes its time from all. Then `shape` is its limit. */
  radio?: boolean;
}

export interface LanLaptop {
  /** The words before a command that run it on this laptop. */
  readonly inside: readonly string[];
  /** The IPv4 address of its eth0. */
  readonly address: string;
}

export class Lan {
  static #made = 0;
  readonly laptops: readonly LanLaptop[];
  readonly #prefix: string;
  readonly #children = new Set<ChildProcess>();
  #open = true;

  /** A bridge and `count` laptops plugged into it. ipv6 false: IPv4 only. */
  static async create(count: number, options: LanOptions = {}): Promise<Lan> {
    return new Lan(count, options);
  }

  private constructor(count: number, options: LanOptions) {
    removeLeftovers();
    this.#prefix = `${PREFIX}-${process.pid}-${++Lan.#made}`;
    const numbers = Array.from({ length: count }, (_none, i) => i);
    this.laptops = numbers.map(i => ({
      inside: ['ip', 'netns', 'exec', this.namespace(i)],
      address: `10.77.${Math.floor(i / 250)}.${(i % 250) + 1}`,
    }));
    process.once('exit', this.#onExit);
    try {
      addNamespaces([this.bridge, ...numbers.map(i => this.namespace(i))]);
      if (options.ipv6 === false) numbers.forEach(i => void this.#disableIpv6(i));
      const bridge = 'link add br0 type bridge stp_state 0 mcast_snooping 0 forward_delay 0';
      ip(['-n', this.bridge, '-batch', '-'], ['link set lo up', bridge, 'link set br0 up']);
      if (options.radio) this.#makeRadio(options.shape);
      this.#connect(numbers, options.radio);
      for (const i of numbers) {
        ip(['-n', this.namespace(i), 'link', 'set', 'lo', 'up']);
        if (options.shape && !options.radio) this.shape(i, options.shape);
      }
    } catch (error) {
      this.#removeAll();
      throw error;
    }
  }

  /** The namespace of the bridge, where every frame can be seen once (on `br0`). */
  get bridge(): string {
    return `${this.#prefix}-sw`;
  }

  namespace(laptop: number): string {
    return `${this.#prefix}-${laptop}`;
  }

  /** False where we are root of our own namespaces only: no devices, and no owners but ourselves. */
  get asRoot(): boolean {
    return !process.env[INSIDE];
  }

  /** Starts a program on a laptop. close() kills it, and whatever it started, if it still runs then. */
  run(laptop: number, command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return this.#spawn(this.namespace(laptop), command, args, options);
  }

  /** Starts a program beside the bridge, for example tcpdump. */
  runAtBridge(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return this.#spawn(this.bridge, command, args, options);
  }

  /** Runs a program on a laptop to its end and returns what it wrote; rejects unless it ends with status 0. */
  async output(laptop: number, command: string, args: readonly string[], options: SpawnOptions = {}): Promise<string> {
    const child = this.run(laptop, command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const written = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        written[name] += text;
      });
    }
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (status !== 0) throw new Error(`${command} ended with ${status}: ${written.stderr}`);
    return written.stdout;
  }

  /** Plugs a laptop's cable in or pulls it: its eth0 stays configured and gets or loses its carrier. */
  link(laptop: number, state: 'up' | 'down'): void {
    ip(['-n', this.bridge, 'link', 'set', `v${laptop}`, state]);
  }

  /** Takes a laptop's network card out and puts another one in, with the same addresses. */
  replaceCard(laptop: number): void {
    ip(['-n', this.bridge, 'link', 'del', `v${laptop}`]);
    this.#connect([laptop]);
  }

  /** Limits a laptop's port in both directions; null: no limit any more. */
  shape(laptop: number, shape: Shape | null): void {
    const ends = [
      ['-n', this.bridge, 'qdisc', shape ? 'replace' : 'del', 'dev', `v${laptop}`, 'root'],
      ['-n', this.namespace(laptop), 'qdisc', shape ? 'replace' : 'del', 'dev', 'eth0', 'root'],
    ];
    const limit = shape ? tbf(shape) : [];
    for (const end of ends) execFileSync('tc', [...end, ...limit], { stdio: ['ignore', 'ignore', 'pipe'] });
  }

  /** Kills what runs on the laptops and removes all of it. */
  async close(): Promise<void> {
    if (!this.#open) return;
    const gone = Array.from(this.#children, child => new Promise(resolve => child.once('close', resolve)));
    for (const child of this.#children) child.kill('SIGKILL');
    this.#removeAll();
    process.removeListener('exit', this.#onExit);
    await Promise.all(gone);
  }

  readonly #onExit = () => this.#removeAll();

  #removeAll(): void {
    this.#open = false;
    const mine = new RegExp(`^${this.#prefix}-(sw|\\d+)$`);
    for (const namespace of namespaces()) if (mine.test(namespace)) remove(namespace);
  }

  /** One cable to the bridge, which sends back what comes from it: whatever its users say to each other crosses it. */
  #makeRadio(shape: Shape | undefined): void {
    const commands = [
      'link add radio type veth peer name mirror',
      'link set mirror master br0 up',
      'link set mirror type bridge_slave hairpin on',
      'link set radio up',
    ];
    ip(['-n', this.bridge, '-batch', '-'], commands);
    if (shape) execFileSync('tc', ['-n', this.bridge, 'qdisc', 'add', 'dev', 'radio', 'root', ...tbf(shape)]);
  }

  #connect(laptops: readonly number[], radio = false): void {
    const cables = laptops.flatMap(i =>
      radio
        ? [`link add link radio name eth0 netns ${this.namespace(i)} type macvlan mode vepa`]
        : [`link add v${i} type veth peer name eth0 netns ${this.namespace(i)}`, `link set v${i} master br0 up`],
    );
    ip(['-n', this.bridge, '-batch', '-'], cables);
    for (const i of laptops) {
      const commands = [`addr add ${this.laptops[i]!.address}/16 dev eth0`, 'link set eth0 up'];
      ip(['-n', this.namespace(i), '-batch', '-'], commands);
    }
  }

  #disableIpv6(laptop: number): void {
    const set = 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6';
    execFileSync('ip', ['netns', 'exec', this.namespace(laptop), 'sh', '-c', set], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }

  #spawn(namespace: string, command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    // `ip netns exec` becomes the program itself, in a mount namespace whose /sys shows this network.
    const child = spawn('ip', ['netns', 'exec', namespace, command, ...args], options);
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    return child;
  }
}
