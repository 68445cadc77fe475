/** A whole class of real services in one process, on the loopback interface, for pictures and measurements. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RpcServer } from '../../src/service/rpc-server';
import { Service } from '../../src/service/service';
import { Store } from '../../src/store/store';

const NAMES = ['Ana', 'Ben', 'Carla', 'Teacher', 'Dina', 'Emil', 'Fatima', 'Gabo', 'Hugo', 'Ines', 'Juan', 'Karen'];
const COLORS = [
  '#A700FF,#FF2B34',
  '#E6000A,#FFC169',
  '#008009,#00EA11',
  '#5E008C,#BCCDFF',
  '#FF8F00,#9A5200',
  '#807500,#FFFA00',
  '#C97E00,#FF8F00',
  '#9900E6,#AC32FF',
];
/** Who has what, in turn. */
const VERSIONS = ['410', '410', '407', '410', '406', '406', '405', '402', '410', '407'];
const MINE = '406';
const PROGRAMS = resolve('dist');
const FILES = 60;
const FILE_BYTES = 50_000;

interface Classmate {
  nick: string;
  version: string;
  service: Service | null;
}

export class Classroom {
  readonly classmates: Classmate[] = [];
  private mine: { service: Service; rpc: RpcServer } | null = null;

  private constructor(
    private readonly folder: string,
    private readonly rate: number | undefined,
    private readonly files: number,
  ) {}

  /** rate: bytes a second that each of them gives; without it as much as it can. files: of 50 kB, in each image. */
  static async open(folder: string, count: number, rate?: number, files = FILES): Promise<Classroom> {
    const room = new Classroom(folder, rate, files);
    const needed = new Set([MINE, ...VERSIONS.slice(0, count)]);
    for (const version of needed) await room.publish(version);
    for (let i = 0; i < count; i++) {
      const letter = i < NAMES.length ? '' : ` ${String.fromCharCode(65 + ((i - NAMES.length) % 26))}.`;
      const nick = `${NAMES[i % NAMES.length]}${letter}`;
      const version = VERSIONS[i % VERSIONS.length] ?? MINE;
      room.copy(version, String(i));
      room.classmates.push({ nick, version, service: null });
    }
    room.copy(MINE, 'mine');
    await room.come();
    await room.startMine();
    return room;
  }

  get store(): string {
    return join(this.folder, 'laptops', 'mine');
  }

  /** Those with that version leave, all of them. */
  async leave(version: string): Promise<void> {
    for (const classmate of this.classmates) {
      if (classmate.version !== version) continue;
      await classmate.service?.close();
      classmate.service = null;
    }
  }

  /** Everybody who is not there comes; at most so many. */
  async come(most = Number.POSITIVE_INFINITY): Promise<void> {
    let left = most;
    for (const [i, classmate] of this.classmates.entries()) {
      if (classmate.service || left-- <= 0) continue;
      const [stroke = '', fill = ''] = (COLORS[i % COLORS.length] ?? '').split(',');
      const share = { port: 0, nick: classmate.nick, colors: [stroke, fill] as [string, string], rate: this.rate };
      const store = join(this.folder, 'laptops', String(i));
      classmate.service = await Service.start({ store, share, interface: 'lo', programs: PROGRAMS });
    }
  }

  /** This laptop's own service ends and begins anew. */
  async restartMine(): Promise<void> {
    await this.stopMine();
    await this.startMine();
  }

  async close(): Promise<void> {
    await this.stopMine();
    for (const version of new Set(VERSIONS)) await this.leave(version);
  }

  private async startMine(): Promise<void> {
    const share = { port: 0, nick: 'Maya', colors: ['#005FE4', '#00A0FF'] as [string, string] };
    const service = await Service.start({ store: this.store, share, interface: 'lo', programs: PROGRAMS });
    this.mine = { service, rpc: await RpcServer.listen(service, this.store) };
  }

  private async stopMine(): Promise<void> {
    const { mine } = this;
    this.mine = null;
    await mine?.service.close();
    await mine?.rpc.close();
  }

  private async publish(version: string): Promise<void> {
    const tree = join(this.folder, 'trees', version);
    mkdirSync(tree, { recursive: true });
    for (let i = 0; i < this.files; i++) writeFileSync(join(tree, `file${i}`), noise(`${version} ${i}`));
    const dir = join(this.folder, 'stores', version);
    const store = await Store.open(dir);
    const facts = { name: 'olpc-xo', version, time: 1_767_225_600 + Number(version), ownerRoot: true };
    const { image } = await store.publish(tree, { ...facts, releaseNotes: version > MINE ? 'A new game.' : undefined });
    await store.use(image.commit);
    await store.close();
  }

  private copy(version: string, to: string): void {
    mkdirSync(join(this.folder, 'laptops'), { recursive: true });
    const target = join(this.folder, 'laptops', to);
    rmSync(target, { recursive: true, force: true });
    execFileSync('cp', ['-a', join(this.folder, 'stores', version), target]);
  }
}

/** Bytes that neither compress nor resemble those of another version. */
function noise(seed: string): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i * 32 < FILE_BYTES; i++) parts.push(createHash('sha256').update(`${seed} ${i}`).digest());
  return Buffer.concat(parts);
}
