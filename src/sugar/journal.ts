/**
 * This session's entry in the Journal. There is none until something has happened to this laptop's system; then it is
 * kept up to date by itself, as everything in Sugar is.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ScreenState, stagedImage } from '../screen/state';
import type { Datastore, Properties } from './datastore';
import { type Deed, deedsSince, type Memory, memoryOf, sameMemory } from './deeds';
import { deedTitle, describeDeeds, MIME_TYPE, readDiary, writeDiary } from './diary';

export interface JournalOptions {
  activityId: string;
  bundleId: string;
  /** The entry that is resumed. */
  objectId: string | null;
  /** SUGAR_ACTIVITY_ROOT: `data` survives, `instance` is this session's. */
  root: string;
  /** What the activity is called; the title while there is no entry. */
  name: string;
  /** Writes a picture of the window there; false when it cannot be seen now. */
  preview(file: string): Promise<boolean>;
}

/** What the datastore takes for nobody's colours. */
const NO_COLORS = '#000000,#FFFFFF';

export class Journal {
  deeds: Deed[] = [];
  title: string;
  private readonly listeners = new Set<() => void>();
  private userTitle: string | null = null;
  private uid: string | null;
  private memory: Memory | null;
  private previewMissing = false;
  private iconColors = NO_COLORS;
  /** One after the other: two writes at a time would be two entries. */
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly datastore: Datastore,
    private readonly options: JournalOptions,
  ) {
    this.uid = options.objectId;
    this.title = options.name;
    this.memory = readMemory(this.memoryFile);
    for (const folder of ['data', 'instance']) mkdirSync(join(options.root, folder), { recursive: true });
  }

  /** Calls `listener` when the title or what was read has changed. */
  onChange(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** Reads the entry that is resumed, if one is. */
  resume(): Promise<void> {
    return this.inTurn(async () => {
      if (this.uid === null) return;
      const properties = await this.datastore.properties(this.uid);
      if (!properties) {
        this.uid = null;
        return;
      }
      this.adoptTitle(properties);
      const file = await this.datastore.file(this.uid);
      if (file !== '') {
        const text = await readFile(file, 'utf8');
        rmSync(file, { force: true });
        this.deeds = readDiary(text);
      }
      this.changed();
    });
  }

  /** Looks whether something has happened; writes it down if so. */
  observe(state: ScreenState): void {
    const { upgrade, neighbours, profile } = state;
    if (!state.status) return;
    // The upgrade tells first that something is staged.
    const status = { ...state.status, staged: stagedImage(state) };
    this.iconColors = (status.colors ?? profile.colors)?.join(',') ?? NO_COLORS;
    const now = memoryOf(status);
    if (this.memory && sameMemory(this.memory, now)) return;
    const helper = (address: string, nick: string) => {
      const near = [...neighbours.values()].find(neighbour => neighbour.address === address);
      return { nick: near?.nick || nick, colors: near?.colors ?? null };
    };
    const news = deedsSince(this.memory, status, upgrade, helper, new Date().toISOString());
    this.memory = now;
    writeMemory(this.memoryFile, now);
    if (news.length > 0) void this.inTurn(() => this.save(news));
  }

  /** The title as the child wants it; an entry that is not there yet gets it when it is made. */
  rename(title: string): void {
    const wanted = title.trim();
    if (wanted === '' || wanted === this.title) return;
    this.userTitle = wanted;
    this.title = wanted;
    this.changed();
    if (this.uid !== null) void this.inTurn(() => this.save([]));
  }

  /** The window can be seen again: now a picture can be taken. */
  seen(): void {
    if (this.previewMissing) void this.inTurn(() => this.save([]));
  }

  /** A copy of the entry's file, for whoever wants to see the source of what is shown; '' where there is none. */
  document(): Promise<string> {
    const { uid } = this;
    return uid === null ? Promise.resolve('') : this.datastore.file(uid);
  }

  /** Resolves when all is written. */
  close(): Promise<void> {
    return this.writing;
  }

  private get memoryFile(): string {
    return join(this.options.root, 'data', 'journal.json');
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    this.writing = this.writing.then(work).catch(error => {
      process.stderr.write(`Journal: ${error instanceof Error ? error.message : String(error)}\n`);
    });
    return this.writing;
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }

  /** A title that was given in the Journal counts as much as one given here. */
  private adoptTitle(properties: Properties): void {
    const { title } = properties;
    if (typeof title !== 'string' || title === '') return;
    this.title = title;
    if (String(properties.title_set_by_user) === '1') this.userTitle = title;
  }

  private async save(news: readonly Deed[]): Promise<void> {
    this.deeds = [...this.deeds, ...news];
    // The child may have changed or removed the entry in the Journal meanwhile.
    const before = this.uid === null ? null : await this.datastore.properties(this.uid);
    if (before && this.userTitle === null) this.adoptTitle(before);
    const last = this.deeds.at(-1);
    this.title = this.userTitle ?? (last ? deedTitle(last) : this.title);
    const properties: Properties = {
      ...(before ?? this.fresh()),
      ...(await this.preview()),
      title: this.title,
      title_set_by_user: this.userTitle === null ? '0' : '1',
      description: describeDeeds(this.deeds),
      buddies: this.buddies(),
      mime_type: MIME_TYPE,
      mtime: new Date().toISOString(),
      timestamp: Math.floor(Date.now() / 1000),
    };
    const file = join(this.options.root, 'instance', `diary-${process.pid}.json`);
    writeFileSync(file, writeDiary(this.deeds));
    if (before && this.uid !== null) await this.datastore.update(this.uid, properties, file);
    else this.uid = await this.datastore.create(properties, file);
    this.changed();
  }

  /** As Sugar's own toolkit makes an entry (sugar3.activity.activity). */
  private fresh(): Properties {
    return {
      activity: this.options.bundleId,
      activity_id: this.options.activityId,
      keep: '0',
      preview: '',
      'share-scope': 'private',
      'icon-color': this.iconColors,
      'launch-times': String(Math.floor(Date.now() / 1000)),
      'spent-times': '0',
    };
  }

  private async preview(): Promise<Properties> {
    const file = join(this.options.root, 'instance', `preview-${process.pid}.png`);
    this.previewMissing = !(await this.options.preview(file));
    if (this.previewMissing) return {};
    const preview = await readFile(file);
    rmSync(file);
    return { preview };
  }

  /** Who helped, in the form in which the Journal shows with whom something was made. */
  private buddies(): string {
    const helpers = this.deeds.flatMap(deed => deed.helpers);
    const byNick = new Map(helpers.map(({ nick, colors }) => [nick, [nick, colors?.join(',') ?? NO_COLORS]]));
    return JSON.stringify(Object.fromEntries([...byNick.values()].map((buddy, i) => [String(i), buddy])));
  }
}

/** As a whole or not at all: half of it would read as nothing, and news would be missed. */
function writeMemory(file: string, memory: Memory): void {
  writeFileSync(`${file}.new`, JSON.stringify(memory));
  renameSync(`${file}.new`, file);
}

/** null when nothing is remembered; what cannot be read is nothing. */
function readMemory(file: string): Memory | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const { current, previous, staged } = JSON.parse(text) as Memory;
    return { current, previous, staged };
  } catch {
    // Only what was news is lost by that.
    return null;
  }
}
