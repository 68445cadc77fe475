/**
 * What an upgrade at full speed costs a program of node's at least: one process sends the files that differ, another receives, hashes
 * (SHA-1 and SHA-256) and writes them in one thread, and in another makes all folders, looks at every file that is the same and links
 * it. No plan, no HTTP, no check, no signature, nothing that survives a failure.
 * Usage: npm run bench -- floor [small|full [DIR]]; DIR: where all copies are made, as in memory; else beside the images.
 */
import { execFileSync, fork } from 'node:child_process';
import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  fstatSync,
  futimesSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { end, workFolder } from './end';

/** Paths below the trees. */
interface Work {
  from: string;
  to: string;
  target: string;
  folders: string[];
  same: string[];
  different: { path: string; size: number }[];
}

/** A file that comes in. */
interface Coming {
  name: string;
  fd: number;
  /** Bytes. */
  left: number;
  hashes: Hash[];
}

/** Seconds. */
interface Cost {
  wall: number;
  processor: number;
}

const RUNS = 5;
/** As much as is read at once. */
const READ_BYTES = 256 << 10;

function processor(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function divide(from: string, to: string, target: string): Work {
  const work: Work = { from, to, target, folders: [], same: [], different: [] };
  for (const entry of readdirSync(to, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name).slice(to.length + 1);
    if (entry.isDirectory()) work.folders.push(path);
    if (!entry.isFile()) continue;
    const { size } = lstatSync(join(to, path));
    const old = lstatSync(join(from, path), { throwIfNoEntry: false });
    const isSame =
      old?.isFile() && old.size === size && readFileSync(join(from, path)).equals(readFileSync(join(to, path)));
    if (isSame) work.same.push(path);
    else work.different.push({ path, size });
  }
  return work;
}

/** The donor: answers with all that differs, one file after the other. */
function serve({ to, different }: Work): void {
  const server = createServer(async socket => {
    const before = processor();
    for (const { path } of different) {
      if (!socket.write(readFileSync(join(to, path)))) await once(socket, 'drain');
    }
    socket.end();
    await once(socket, 'close');
    process.send!(processor() - before);
  });
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
}

/** The laptop's thread that receives. */
async function receive({ target, different }: Work, port: number): Promise<void> {
  const files = different.entries();
  let file: Coming | null = null;
  const next = () => {
    for (let one = files.next(); !one.done; one = files.next()) {
      const [number, { size }] = one.value;
      const name = join(target, `.${number}`);
      file = { name, fd: openSync(name, 'wx'), left: size, hashes: ['sha1', 'sha256'].map(how => createHash(how)) };
      if (size > 0) return;
      finish(file);
    }
    file = null;
  };
  const finish = ({ name, fd, hashes }: Coming) => {
    for (const hash of hashes) hash.digest('hex');
    futimesSync(fd, 1, 1);
    fstatSync(fd);
    closeSync(fd);
    renameSync(name, `${name}.whole`);
  };
  const take = (chunk: Buffer) => {
    for (let at = 0; at < chunk.length && file !== null; ) {
      const current: Coming = file;
      const part = chunk.subarray(at, at + current.left);
      for (const hash of current.hashes) hash.update(part);
      writeSync(current.fd, part);
      at += part.length;
      current.left -= part.length;
      if (current.left > 0) continue;
      finish(current);
      next();
    }
    return true;
  };
  next();
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  const callback = (bytes: number) => take(buffer.subarray(0, bytes));
  await once(connect({ port, host: '127.0.0.1', onread: { buffer, callback } }), 'close');
}

/** The laptop: in this thread what is the same, in another what differs. */
async function upgrade(work: Work, port: number): Promise<void> {
  const began = performance.now();
  const before = processor();
  mkdirSync(work.target);
  const receiving = once(new Worker(__filename, { workerData: { work, port } }), 'exit');
  for (const path of work.folders) mkdirSync(join(work.target, path), { recursive: true });
  for (const path of work.same) {
    lstatSync(join(work.from, path));
    linkSync(join(work.from, path), join(work.target, path));
  }
  await receiving;
  const cost: Cost = { wall: (performance.now() - began) / 1000, processor: processor() - before };
  process.send!(cost, () => process.exit());
}

function median(numbers: number[]): string {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!.toFixed(1);
}

async function measure(size: string, parent: string): Promise<void> {
  const folder = workFolder('floor', parent);
  for (const version of ['v1', 'v2']) execFileSync('cp', ['-a', resolve('build/images', size, version), folder]);
  const work = divide(join(folder, 'v1'), join(folder, 'v2'), join(folder, 'new'));
  const file = join(folder, 'work.json');
  writeFileSync(file, JSON.stringify(work));
  const costs: (Cost & { donor: number })[] = [];
  for (let run = 0; run < RUNS; run++) {
    const donor = fork(__filename, ['serve', file]);
    const [port] = await once(donor, 'message');
    const given = once(donor, 'message');
    const [cost] = await once(fork(__filename, ['upgrade', file, String(port)]), 'message');
    const [processorOfDonor] = await given;
    costs.push({ ...(cost as Cost), donor: processorOfDonor as number });
    donor.kill();
    rmSync(work.target, { recursive: true });
  }
  const bytes = work.different.reduce((sum, one) => sum + one.size, 0);
  console.log(
    `\n${size}: ${work.different.length} files differ (${(bytes / 1e6).toFixed(0)} MB), ${work.same.length} are the same\n`,
  );
  console.log('| | seconds | CPU s laptop | donor |\n| --- | ---: | ---: | ---: |');
  const row = [costs.map(one => one.wall), costs.map(one => one.processor), costs.map(one => one.donor)].map(median);
  console.log(`| the least, median of ${RUNS} | ${row.join(' | ')} |`);
}

const [role = 'full', where, port] = process.argv.slice(2);
if (!isMainThread) void receive(workerData.work, workerData.port).then(() => process.exit());
else if (role === 'serve') serve(JSON.parse(readFileSync(where!, 'utf8')));
else if (role === 'upgrade') void upgrade(JSON.parse(readFileSync(where!, 'utf8')), Number(port));
else end(measure(role, where ?? resolve('build/images', role)));
