/**
 * Who is near, as the screen and the command line see it: sightings compared with this laptop's own image, and what they
 * answered when they were asked. A word on the radio, also a goodbye, can be anybody's: an answer counts for more.
 */
import { type Sentence, sentence } from '../core/sentences';
import { compareVersions, relation } from '../core/versions';
import { type Clock, type Random, realClock } from '../neighbours/clock';
import type { Neighbours, Sighting } from '../neighbours/neighbours';
import type { Store } from '../store/store';
import { formatAddress } from '../transfer/address';
import type { Asker, ImagesAnswer } from '../transfer/images-answer';
import { normalAddress } from '../transfer/open-source';
import { Asking, UNTOLD } from './asking';
import { contradiction, problemFields } from './claim';
import { closeness, Rates } from './closeness';
import type { Neighbour, NeighbourEvent } from './contract';
import { FixedAddresses } from './fixed';
import { hasGateway, isolationHint, LOOK_MS } from './isolation';
import { Media } from './media';
import { askSource } from './question';
import type { Nearby } from './sources';

export interface NearOptions {
  /** Addresses from the settings: school servers. Asked while somebody watches, and shown while they answer. */
  addresses?: readonly string[];
  /** There is something new in hints(). */
  onHint?(): void;
  clock?: Clock;
  random?: Random;
  ask?(address: string): Promise<ImagesAnswer | 'late'>;
  hasGateway?(): boolean;
  /** The text of /proc/self/mountinfo. */
  mounts?(): string;
}

/** What the commit itself says, and who signed it. */
interface Truth {
  name: string;
  version: string;
  signedBy?: string | null;
}

/** Truths about commits that are remembered. */
const MAX_TRUTHS = 256;

export class Near implements Nearby {
  private watchers = 0;
  private watchedSince = 0;
  private readonly clock: Clock;
  private readonly asking: Asking;
  private readonly rates = new Rates();
  /** Who is seen now, by id. */
  private readonly seen = new Map<string, Sighting>();
  /** Said goodbye, as somebody claimed, and still answer. */
  private readonly kept = new Map<string, Sighting>();
  /** Known by their address alone. */
  private readonly fixed: FixedAddresses;
  private readonly media: Media;
  /** What commits say that were read here. */
  private readonly truths = new Map<string, Truth>();
  private hint: Sentence | null = null;
  private readonly mistakes: Sentence[] = [];

  constructor(
    private readonly neighbours: Neighbours,
    private readonly store: Store,
    private readonly emit: (event: NeighbourEvent) => void,
    private readonly options: NearOptions = {},
  ) {
    this.clock = options.clock ?? realClock;
    this.asking = new Asking({
      clock: this.clock,
      random: options.random ?? Math.random,
      ask: options.ask ?? (address => askSource(address, this.asker())),
      onChange: id => this.onStanding(id),
      onVouched: id => this.neighbours.vouch(id),
      onSilent: id => {
        if (!this.kept.has(id)) this.neighbours.doubt(id);
      },
    });
    neighbours.on('added', sighting => this.onSeen('added', sighting));
    neighbours.on('changed', sighting => this.onSeen('changed', sighting));
    neighbours.on('removed', sighting => void this.onGone(sighting));
    this.fixed = new FixedAddresses({
      asking: this.asking,
      isSeenAt: address => this.isSeenAt(address),
      relation: image => relation(this.store.state.current, image),
      emit: (event, neighbour) => this.emit({ event, ...neighbour }),
      onProblem: () => this.options.onHint?.(),
    });
    this.media = new Media({
      clock: this.clock,
      mounts: options.mounts,
      onPlugged: ({ folder, label }) => this.fixed.add(folder, 'stick', label),
      onPulled: folder => this.fixed.remove(folder),
    });
    for (const text of options.addresses ?? []) {
      try {
        this.fixed.add(normalAddress(text), 'settings');
      } catch {
        this.mistakes.push(sentence('source-is-no-address', { text }));
      }
    }
  }

  /** Browsing and asking cost everybody's radio time: they happen only while somebody watches. */
  watch(): void {
    if (this.watchers++ > 0) return;
    this.watchedSince = this.clock.now();
    this.neighbours.watch();
    this.asking.start();
    this.fixed.start();
    this.media.watch();
    this.clock.after(LOOK_MS, () => this.lookForIsolation());
  }

  unwatch(): void {
    if (--this.watchers > 0) return;
    this.neighbours.unwatch();
    this.asking.stop();
    for (const id of [...this.kept.keys()]) this.drop(id);
    this.media.unwatch();
    this.fixed.stop();
  }

  /**
   * Asks at these addresses besides, until nobody watches any more.
   * @throws PassItOnError 'usage' for what is no address
   */
  lookAt(addresses: readonly string[]): void {
    for (const address of addresses.map(normalAddress)) this.fixed.add(address, 'typed');
  }

  /**
   * Somebody asked what we hold, from this IP address: a sign of life as good as an answer to us, if it says all that a
   * neighbour at that address announces.
   */
  askedBy(host: string, { current, ...announced }: Asker): void {
    for (const { id, host: name, addresses } of this.seen.values()) {
      const here = name === announced.host && addresses.some(address => address.host === host);
      if (here) this.asking.asksUs(id, announced, current);
    }
  }

  /** As whom we introduce ourselves; nobody, unless we announce ourselves. */
  asker(): Asker | undefined {
    const { name } = this.neighbours;
    const current = this.store.state.current?.commit;
    return name && current ? { ...name, current } : undefined;
  }

  /** An upgrade asks what is held there: to be called with the answer, or null, so that it need not be asked from here, too. */
  asks(address: string): (answer: ImagesAnswer | null) => void {
    return this.asking.askedElsewhere(address);
  }

  /** Newest first. */
  list(): Neighbour[] {
    const seen = [...this.neighbours.list(), ...this.kept.values()].map(sighting => this.describe(sighting));
    return [...seen, ...this.fixed.list()].sort((a, b) => compareVersions(b.version, a.version));
  }

  /** Whom to ask for an image: who answered, the closest first; then who was not asked yet; liars last. */
  candidates(): { address: string; nick: string }[] {
    const trust = ({ confirmed, problem }: Neighbour) => (problem !== null ? 2 : confirmed ? 0 : 1);
    const far = ({ id, address }: Neighbour) =>
      closeness(this.asking.standing(id)?.roundTrip ?? null, this.rates.of(address));
    const near = this.list()
      .map(neighbour => ({ neighbour, trust: trust(neighbour), far: far(neighbour) }))
      .sort((a, b) => a.trust - b.trust || a.far - b.far)
      .map(({ neighbour: { address, nick } }) => ({ address, nick }));
    const addresses = new Set(near.map(({ address }) => address));
    // A school server may be slow to show itself, but is always worth a question.
    const fixed = this.fixed.addresses().filter(address => !addresses.has(address));
    return [...fixed.map(address => ({ address, nick: '' })), ...near];
  }

  /** Bytes a second that each of them gave when it gave last; null where that was not measured. */
  ratesOf(addresses: readonly string[]): (number | null)[] {
    return addresses.map(address => this.rates.of(address));
  }

  /** How much each source gave in so many seconds of one upgrade, in bytes: the fast are asked first next time. */
  gave(sources: readonly { address: string; bytes: number }[], seconds: number): void {
    for (const { address, bytes } of sources) this.rates.note(address, bytes / seconds);
  }

  /** This laptop's own image has changed, so every relation may have. */
  retell(): void {
    for (const neighbour of this.list()) this.emit({ event: 'changed', ...neighbour });
  }

  /** A commit was read, and says this. Who announces it as something else is told so. */
  learn(commit: string, { name, version, signedBy }: Truth): void {
    const known = this.truths.get(commit);
    if (known && known.signedBy === signedBy) return;
    if (this.truths.size >= MAX_TRUTHS) this.truths.delete(this.truths.keys().next().value ?? '');
    this.truths.set(commit, { name, version, signedBy });
    for (const neighbour of this.list()) {
      if (neighbour.commit === commit) this.emit({ event: 'changed', ...neighbour });
    }
  }

  /** What seems to be wrong with this network. */
  hints(): Sentence[] {
    return [...this.mistakes, ...this.fixed.problems(), ...(this.hint === null ? [] : [this.hint])];
  }

  // Sightings

  private onSeen(event: 'added' | 'changed', sighting: Sighting): void {
    const { id, image: name, version, commit, instance, host } = sighting;
    const addresses = sighting.addresses.map(formatAddress);
    const known = this.kept.delete(id);
    this.seen.set(id, sighting);
    this.asking.take(id, { addresses, image: { name, version, commit }, announced: { instance, host } });
    for (const address of addresses) this.fixed.look(address);
    this.emit({ event: known ? 'changed' : event, ...this.describe(sighting) });
    // Under its new name it is the same laptop: the old one need not be kept.
    for (const other of [...this.kept.keys()]) {
      if (addresses.includes(this.asking.standing(other)?.address ?? '')) this.drop(other);
    }
  }

  private async onGone(sighting: Sighting): Promise<void> {
    const { id } = sighting;
    this.seen.delete(id);
    for (const address of sighting.addresses) this.fixed.look(formatAddress(address));
    const standing = this.asking.standing(id);
    if (this.watchers > 0 && standing?.confirmed && !this.isSeenAt(standing.address)) {
      this.kept.set(id, sighting);
      const answers = await this.asking.probe(id);
      // Meanwhile it may have come back.
      if (this.kept.get(id) !== sighting) return;
      if (answers) this.neighbours.askAgain();
      else this.drop(id);
      return;
    }
    this.asking.forget(id);
    this.emit({ event: 'removed', ...this.describe(sighting) });
  }

  private drop(id: string): void {
    const sighting = this.kept.get(id);
    if (!sighting) return;
    this.kept.delete(id);
    this.asking.forget(id);
    this.emit({ event: 'removed', ...this.describe(sighting) });
  }

  private onStanding(id: string): void {
    const confirmed = this.asking.standing(id)?.confirmed ?? false;
    if (this.fixed.has(id)) this.fixed.look(id);
    else if (this.kept.has(id) && !confirmed) this.drop(id);
    const sighting = this.seen.get(id) ?? this.kept.get(id);
    if (sighting) this.emit({ event: 'changed', ...this.describe(sighting) });
  }

  private isSeenAt(address: string | null): boolean {
    for (const { addresses } of this.seen.values()) {
      if (addresses.some(one => formatAddress(one) === address)) return true;
    }
    return false;
  }

  private describe(sighting: Sighting): Neighbour {
    const { id, nick, colors, commit, addresses, lastSeen } = sighting;
    const claimed = { name: sighting.image, version: sighting.version };
    const truth = this.store.image(commit) ?? this.truths.get(commit) ?? claimed;
    const { confirmed, problem, address } = this.asking.standing(id) ?? UNTOLD;
    const lie = contradiction(claimed, truth);
    // What the commit says counts: nobody is newer by saying so.
    const { name, version } = truth;
    const signedBy = this.truths.get(commit)?.signedBy;
    return {
      id,
      kind: 'laptop',
      nick,
      colors,
      address: address ?? (addresses[0] ? formatAddress(addresses[0]) : ''),
      image: name,
      version,
      commit,
      relation: relation(this.store.state.current, { name, version, commit }),
      lastSeen: new Date(lastSeen).toISOString(),
      confirmed: confirmed && lie === null,
      ...problemFields(lie ?? problem),
      ...(signedBy !== undefined && { signedBy }),
    };
  }

  // The network

  private lookForIsolation(): void {
    if (this.watchers === 0) return;
    const standings = Array.from(this.seen.keys(), id => this.asking.standing(id) ?? UNTOLD);
    const hint = isolationHint({
      watchedMs: this.clock.now() - this.watchedSince,
      heard: this.neighbours.heardOthers,
      gateway: (this.options.hasGateway ?? hasGateway)(),
      standings,
    });
    if (hint?.text !== this.hint?.text) {
      this.hint = hint;
      this.options.onHint?.();
    }
    this.clock.after(LOOK_MS, () => this.lookForIsolation());
  }
}
