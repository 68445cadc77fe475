/** What went over the bridge, as tshark sees it. */
import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import type { Lan } from './namespaces';

const run = promisify(execFile);
const FIELDS = ['frame.time_epoch', 'frame.len', 'eth.src', 'ip.src', 'ipv6.src', 'udp.srcport', 'udp.dstport'];

export class Capture {
  private constructor(
    readonly file: string,
    private readonly child: ChildProcess,
  ) {}

  /** Begins to write down frames on the bridge: those of multicast DNS, or as pcap-filter(7) says; resolves once it does. */
  static async start(lan: Lan, file: string, filter = 'udp port 5353'): Promise<Capture> {
    const args = ['-q', '-i', 'br0', '-f', filter, '-w', file];
    const child = lan.runAtBridge('dumpcap', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    await new Promise<void>((resolve, reject) => {
      child.once('close', status => reject(new Error(`dumpcap ended with ${status}: ${log}`)));
      child.stderr!.setEncoding('utf8').on('data', (text: string) => {
        log += text;
        if (log.includes('File:')) resolve();
      });
    });
    return new Capture(file, child);
  }

  /** Ends it; all is written then. */
  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const closed = once(this.child, 'close');
    this.child.kill('SIGINT');
    await closed;
  }

  /**
   * The frames so far that fit a display filter (wireshark-filter(4)), one line each: time in s, bytes, Ethernet, IPv4 and
   * IPv6 source, and both UDP ports, between tabs.
   */
  async read(filter: string): Promise<string[]> {
    const args = ['-r', this.file, '-Y', filter, '-T', 'fields', ...FIELDS.flatMap(field => ['-e', field])];
    const { stdout } = await run('tshark', args, { maxBuffer: 256 << 20 });
    return stdout.split('\n').filter(line => line !== '');
  }

  /** The Ethernet address that an IPv4 address sends from. */
  async macOf(address: string): Promise<string> {
    const [line] = await this.read(`ip.src == ${address}`);
    const mac = line?.split('\t')[2];
    if (!mac) throw new Error(`${address} sent nothing`);
    return mac;
  }
}
