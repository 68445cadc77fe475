/**
 * The process that owns a store: it knows who is near, serves what it holds, and brings upgrades. Screen and command
 * line are its clients. A command that finds no service runs one that neither announces nor serves.
 */
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { Neighbours } from '../neighbours/neighbours';
import { Store } from '../store/store';
import { TransferServer } from '../transfer/server';
import { activationHook, runHook } from './activation';
import { Arrival } from './arrival';
import { checkBattery } from './battery';
import { Comparing } from './comparing';
import type { EventName, Events, MethodName, Params, PublishResult, Result, Status } from './contract';
import { Finding } from './finding';
import { Keeping } from './keeping';
import { logError, logLine } from './log';
import { Near } from './near';
import { keepPace, type Pace, recallPace } from './pace';
import { readSettings } from './settings';
import { signerFor } from './signing';
import { Trust } from './trust';
import { Upgrades } from './upgrades';

export interface ServiceOptions {
  store: string;
  /** Announce and serve to neighbours; null: only work for local clients. */
  share: { port?: number; nick: string; colors: [string, string] | null; rate?: number } | null;
  /** Only this network interface. */
  interface?: string;
  /** The folder of the programs for threads (dist/); that of this one unless told. */
  programs?: string;
}

const DEFAULT_PATIENCE_SECONDS = 60;

function programIn({ programs = __dirname }: ServiceOptions, name: string): string {
  return join(programs, `${name}.js`);
}

type Handlers = { [M in MethodName]: (params: Params<M>) => Promise<Result<M>> | Result<M> };

export class Service {
  private readonly events = new EventEmitter();
  private readonly near: Near;
  private readonly trust: Trust;
  private readonly upgrades: Upgrades;
  private readonly finding: Finding;
  private readonly comparing: Comparing;
  private readonly keeping: Keeping;
  private readonly arrival: Arrival;
  private server: TransferServer | null = null;

  private constructor(
    private readonly options: ServiceOptions,
    private readonly store: Store,
    private readonly neighbours: Neighbours,
    private readonly pace: Pace,
  ) {
    this.trust = new Trust(store);
    this.arrival = new Arrival(store);
    this.near = new Near(neighbours, store, event => this.emit('neighbour', event), {
      addresses: readSettings().sources,
      onHint: () => this.emit('status', this.status()),
    });
    const receiveWorker = programIn(options, 'receive-worker');
    this.upgrades = new Upgrades(store, this.trust, state => this.emit('progress', state), receiveWorker);
    this.finding = new Finding(store, this.trust, this.near);
    this.comparing = new Comparing(store, {
      near: this.near,
      trust: this.trust,
      finding: this.finding,
      pace: this.pace,
      isWanted: commit => this.upgrades.state?.to.commit === commit,
    });
    this.keeping = new Keeping(store, this.upgrades, this.finding, {
      inUse: () => new Set([...this.comparing.commits, ...(this.server?.inUse() ?? [])]),
      describe: image => this.trust.describe(image),
    });
    neighbours.on('warning', ({ text }) => {
      logLine(`warning: ${text}`);
      this.emit('status', this.status());
    });
  }

  /** @throws PassItOnError 'busy' when another process owns the store or the port. */
  static async start(options: ServiceOptions): Promise<Service> {
    const store = await Store.open(options.store, { intakeWorker: programIn(options, 'intake-worker') });
    // What only looks may look on this very machine too; who shares says so to other laptops only.
    const where = options.interface === undefined ? { loopback: !options.share } : { interfaces: [options.interface] };
    const neighbours = new Neighbours(where);
    const service = new Service(options, store, neighbours, await recallPace(store.dir));
    try {
      // On a full disk it cannot be written down, but everything else must go on.
      await service.trust.learnFromHeld().catch(cause => logError('minimum versions', cause));
      await service.upgrades.recall();
      await service.arrival.recall();
      if (options.share) await service.share(options.share);
      await neighbours.start();
      service.announce();
    } catch (cause) {
      await service.close();
      throw cause;
    }
    return service;
  }

  get port(): number | null {
    return this.server?.port ?? null;
  }

  get isBusy(): boolean {
    return this.upgrades.isRunning;
  }

  on<E extends EventName>(event: E, listener: (payload: Events[E]) => void): void {
    this.events.on(event, listener);
  }

  off<E extends EventName>(event: E, listener: (payload: Events[E]) => void): void {
    this.events.off(event, listener);
  }

  watchNeighbours(): void {
    this.near.watch();
  }

  /** Asks at these addresses, too, while anybody watches. @throws PassItOnError 'usage' for what is no address */
  lookAt(addresses: readonly string[]): void {
    this.near.lookAt(addresses);
  }

  unwatchNeighbours(): void {
    this.near.unwatch();
  }

  call<M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>> | Result<M> {
    return (this.handlers as Handlers)[method](params);
  }

  /** Says goodbye to the neighbours and stops a running upgrade; it goes on at the next start. */
  async close(): Promise<void> {
    await this.upgrades.stop();
    await this.neighbours.close();
    await this.server?.close();
    await this.store.close();
  }

  private readonly handlers: Handlers = {
    status: () => this.status(),
    // Counted for each connection by the RPC server, which calls watchNeighbours itself.
    watchNeighbours: () => this.near.list(),
    compare: params => this.comparing.compare(params),
    upgrade: async ({ version, from, patience, effort }) => {
      const sources = this.finding.sources(from);
      // Watched all the while, so that late-comers can help.
      this.near.watch();
      try {
        const to = await this.finding.find(version, sources);
        checkBattery();
        const result = await this.upgrades.start(to, sources, {
          patience: patience ?? DEFAULT_PATIENCE_SECONDS,
          effort: effort ?? readSettings().effort,
          received: this.server?.received,
        });
        const { measured } = this.upgrades;
        if (measured) {
          this.pace.note(measured);
          // On a full disk it is learnt anew after the next start.
          await keepPace(this.store.dir, this.pace).catch(cause => logError('pace', cause));
          this.near.gave(this.upgrades.state?.progress.sources ?? [], measured.fetchSeconds);
        }
        return result;
      } finally {
        this.near.unwatch();
      }
    },
    stopUpgrade: async () => {
      await this.upgrades.stop();
      return null;
    },
    forgetUpgrade: async () => {
      await this.upgrades.forget();
      this.changed();
      return null;
    },
    publish: params => this.publish(params),
    use: async ({ version }) => {
      await this.store.use(this.store.resolve(version).commit);
      return this.changed();
    },
    activate: async ({ restart }) => {
      await this.mayActivate();
      const before = this.store.state.current;
      await this.store.activate();
      await this.arrival.became(before, false);
      await this.upgrades.finished();
      return this.activated(restart ?? false);
    },
    goBack: async ({ restart }) => {
      const before = this.store.state.current;
      await this.store.goBack();
      await this.arrival.became(before, true);
      return this.activated(restart ?? false);
    },
    arrivalSeen: async () => {
      await this.arrival.seen();
      return this.changed();
    },
    verify: params => this.watching(() => this.keeping.verify(params)),
    remove: async params => {
      const result = await this.keeping.remove(params);
      this.changed();
      return result;
    },
    collectGarbage: async () => {
      const result = await this.keeping.collectGarbage();
      this.changed();
      return result;
    },
    export: params => this.keeping.export(params),
    manifest: params => this.keeping.manifest(params),
    adopt: async params => {
      const result = await this.watching(() => this.keeping.adopt(params, DEFAULT_PATIENCE_SECONDS));
      this.changed();
      return result;
    },
  };

  private async share(share: NonNullable<ServiceOptions['share']>): Promise<void> {
    this.server = await TransferServer.listen(this.store, {
      port: share.port,
      interface: this.options.interface,
      nick: share.nick,
      announced: () => this.neighbours.name,
      onAsked: (host, asker) => this.near.askedBy(host, asker),
      rate: share.rate,
      deltaWorker: programIn(this.options, 'delta-worker'),
      fetching: () => this.upgrades.fetching,
      arrivals: () => this.upgrades.arrivals,
      onClassmate: host => this.upgrades.meet(host),
      signedBy: commit => this.trust.signedBy(commit),
      onError: cause => logError('serving', cause),
    });
  }

  /** Says to the neighbours which image is in use here. */
  private announce(): void {
    const current = this.store.state.current;
    if (!this.server || !this.options.share || !current) return;
    const { nick, colors } = this.options.share;
    this.neighbours.announce({
      image: current.name,
      version: current.version,
      commit: current.commit,
      port: this.server.port,
      nick: nick || undefined,
      colors: colors ?? undefined,
    });
  }

  private status(): Status {
    const { current, previous, staged } = this.store.state;
    const { neighbours, near, trust, store } = this;
    const warnings = [...neighbours.warnings(), ...near.hints(), ...trust.warnings(), ...store.warnings()];
    const goBackWarnings = trust.goBackWarnings();
    return {
      current: current && this.trust.describe(current),
      previous: previous && this.trust.describe(previous),
      staged: staged && this.trust.describe(staged),
      images: this.store.images().map(image => this.trust.describe(image)),
      upgrade: this.upgrades.state,
      nick: this.options.share?.nick ?? '',
      colors: this.options.share?.colors ?? null,
      store: this.store.dir,
      diskFree: this.store.diskFree(),
      serving: this.server !== null,
      port: this.port,
      canRestart: activationHook() !== null,
      warnings: warnings.map(({ text }) => text),
      warningsSaid: warnings,
      goBackWarnings: goBackWarnings.map(({ text }) => text),
      goBackWarningsSaid: goBackWarnings,
      arrived: this.arrival.news,
    };
  }

  /** After current, previous or staged changed: tells neighbours and clients. */
  private changed(): Status {
    this.announce();
    this.near.retell();
    const status = this.status();
    this.emit('status', status);
    return status;
  }

  /** The floor may have risen since it was staged. Throws 'below-floor'. */
  private async mayActivate(): Promise<void> {
    const { staged } = this.store.state;
    const data = staged && this.store.commitData(staged.commit);
    const examined = data && (await this.trust.examine(staged.commit, data));
    if (examined?.problem) throw examined.problem;
  }

  private async activated(restart: boolean): Promise<Status> {
    const status = this.changed();
    const current = this.store.state.current;
    if (restart && current) await runHook(current.dir, current.version);
    return status;
  }

  /** With an eye on who is near, so that late-comers can help. */
  private async watching<T>(work: () => Promise<T>): Promise<T> {
    this.near.watch();
    try {
      return await work();
    } finally {
      this.near.unwatch();
    }
  }

  private async publish({ dir, rootOwned, signWith, agent, ...facts }: Params<'publish'>): Promise<PublishResult> {
    const sign = signWith === undefined ? undefined : await signerFor(signWith, agent);
    const { image, ...counts } = await this.store.publish(dir, { ...facts, ownerRoot: rootOwned, sign });
    const verdict = this.trust.verdict(image.commit, this.store.commitData(image.commit)!);
    // That this laptop does not know the key is no news to its owner; that it does and refuses it is.
    const refused = !verdict.trusted && ['not-yet', 'expired', 'not-for-images'].includes(verdict.refusal);
    if (refused) counts.warnings.push(verdict.said.text);
    await this.trust.learnFromHeld();
    this.changed();
    return { ...counts, image: this.trust.describe(image), signedWith: verdict.fingerprint };
  }

  private emit<E extends EventName>(event: E, payload: Events[E]): void {
    this.events.emit(event, payload);
  }
}
