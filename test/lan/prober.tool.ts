/**
 * A stranger with the multicast DNS port, for packet scripts: sends what it is told on stdin and tells what it hears on
 * stdout, both as JSON lines, with the times of its own clock. Argument: the address of its interface.
 */
import { createSocket, type Socket } from 'node:dgram';
import { createInterface } from 'node:readline';

const GROUP = '224.0.0.251';
const PORT = 5353;
const me = process.argv[2] ?? '';
/** The addresses it sends from: its own packets come back. */
const mine = new Set([me]);

interface Order {
  number: number;
  /** base64 */
  packet: string;
  /** The local port to send from: 5353, or 0 for another one. */
  port: number;
  /** Another address of this laptop to send from. */
  source?: string;
}

function tell(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function open(port: number, address: string | undefined): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  socket.on('message', (packet, from) => {
    if (mine.has(from.address)) return;
    const told = { address: from.address, port: from.port, packet: packet.toString('base64') };
    tell({ event: 'heard', at: performance.now(), socket: port, ...told });
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, address, () => {
      if (port === PORT && address === undefined) socket.addMembership(GROUP, me);
      socket.setMulticastInterface(address ?? me);
      socket.setMulticastTTL(255);
      resolve(socket);
    });
  });
}

async function main(): Promise<void> {
  const sockets = new Map<string, Promise<Socket>>();
  const socketFor = (port: number, source: string | undefined) => {
    const key = `${port} ${source ?? ''}`;
    const socket = sockets.get(key) ?? open(port, source);
    sockets.set(key, socket);
    return socket;
  };
  await socketFor(PORT, undefined);
  tell({ event: 'ready' });
  let work = Promise.resolve();
  const input = createInterface({ input: process.stdin });
  input.on('line', line => {
    const { number, packet, port, source } = JSON.parse(line) as Order;
    work = work.then(async () => {
      if (source) mine.add(source);
      const socket = await socketFor(port, source);
      const at = performance.now();
      await new Promise<void>((resolve, reject) => {
        socket.send(Buffer.from(packet, 'base64'), PORT, GROUP, error => (error ? reject(error) : resolve()));
      });
      tell({ event: 'sent', number, at });
    });
  });
  input.on('close', () => process.exit());
}

void main();
