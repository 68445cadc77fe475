/**
 * Between the service and the screen: keeps `ScreenState` up to date and turns what a person does into requests.
 * Knows nothing of GTK, so it runs in tests as it runs on a laptop. All work is done in the service's process.
 */
import { type ErrorReport, PassItOnError, toPassItOnError } from '../core/errors';
import type {
  MethodName,
  Neighbour,
  NeighbourEvent,
  Params,
  Result,
  ServiceClient,
  Status,
  UpgradeState,
} from '../service/contract';
import { NO_MORE_ROOM } from './problems';
import {
  initialState,
  type LaptopKey,
  NOTHING_CHOSEN,
  neighbourId,
  type Pending,
  type ScreenState,
  selectedNeighbour,
  stagedImage,
  trouble,
  unfinishedUpgrade,
  withNeighbours,
  withStatus,
  withUpgrade,
} from './state';
import type { Action } from './view';

/** First and longest pause, in ms, before trying to reach a lost service again. */
const RETRY_FIRST = 500;
const RETRY_MOST = 10_000;

export class Controller {
  state: ScreenState;
  private client: ServiceClient | null = null;
  private listeners = new Set<() => void>();
  private closed = false;
  private connecting = false;
  private retryDelay = RETRY_FIRST;
  private retryTimer: NodeJS.Timeout | null = null;
  /** Counts comparisons, so that a late answer to an earlier tap is not shown for a later one. */
  private asked = 0;
  /** Addresses that a person has typed; asked for as long as this screen is open. */
  private readonly typed = new Set<string>();

  private readonly actions: Record<Action, () => void> = {
    upgrade: () => this.wantUpgrade(),
    'go-back': () => this.set({ ...NOTHING_CHOSEN, selected: 'kept', confirming: true }),
    confirm: () => this.confirmed(),
    cancel: () => this.set({ confirming: false, sacrificing: false }),
    stop: () => void this.ask('stop', client => client.call('stopUpgrade', null)),
    forget: () => void this.ask('forget', client => client.call('forgetUpgrade', null)),
    restart: () => void this.ask('activate', client => client.call('activate', { restart: true })),
    done: () => this.set({ ...NOTHING_CHOSEN, acknowledged: stagedImage(this.state)?.commit ?? null }),
    'compare-again': () => this.compareAgain(),
    'look-again': () => this.lookAgain(),
    'ask-teacher': () => this.askTeacher(),
    'make-room': () => void this.makeRoom(),
    'plugged-in': () => this.goOn(),
    fix: () => void this.fix(),
    thanks: () => void this.ask('thanks', client => client.call('arrivalSeen', null)),
    reconnect: () => this.reconnect(),
    dismiss: () => this.dismiss(),
  };

  /** `connect` finds the service or starts it; rejects with PassItOnError. */
  constructor(
    private readonly connect: () => Promise<ServiceClient>,
    profile: ScreenState['profile'],
  ) {
    this.state = initialState(profile);
  }

  /** Calls `listener` after each change of `state`, until the answer is called. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  start(): void {
    void this.link();
  }

  /** Leaves the service alone: an upgrade goes on when the screen closes. */
  close(): void {
    this.closed = true;
    if (this.retryTimer) clearTimeout(this.retryTimer);
    this.client?.close();
    this.client = null;
  }

  tap(key: LaptopKey): void {
    if (this.state.upgrade?.state === 'running') return;
    const cleared = { ...NOTHING_CHOSEN, selected: key, error: null, forTeacher: null, recalled: null } as const;
    if (this.state.selected === key && this.state.comparison?.state !== 'failed') {
      this.set({ ...cleared, selected: null });
      return;
    }
    this.set(cleared);
    if (key.startsWith('near:')) void this.compare(neighbourId(key));
  }

  /** Tells what was, until something is tapped. */
  recall(recalled: ScreenState['recalled']): void {
    this.set({ recalled });
  }

  /** Nothing chosen. */
  unselect(): void {
    if (this.state.selected) this.set(NOTHING_CHOSEN);
  }

  act(action: Action): void {
    this.actions[action]();
  }

  /** Makes the staged image current without a restart: what a helper does where no hook is installed. */
  activate(): Promise<void> {
    return this.ask('activate', client => client.call('activate', { restart: false }));
  }

  /** Nothing chosen, nothing asked, nothing told. */
  clear(): void {
    this.set({ ...NOTHING_CHOSEN, error: null, failureSeen: true, forTeacher: null, recalled: null });
  }

  /** Asks the service directly, for helpers that show no buttons. Rejects with PassItOnError. */
  call<M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>> {
    return this.client
      ? this.client.call(method, params)
      : Promise.reject(new PassItOnError('service', 'The service is not there.', 'Wait a moment and try again.'));
  }

  /** From now on what answers there is a neighbour, too. Rejects with PassItOnError. */
  async lookAt(address: string): Promise<void> {
    const near = await this.call('watchNeighbours', { on: true, from: [address] });
    this.typed.add(address);
    this.replace(withNeighbours(this.state, new Map(near.map(n => [n.id, n]))));
  }

  private set(change: Partial<ScreenState>): void {
    this.replace({ ...this.state, ...change });
  }

  private replace(state: ScreenState): void {
    this.state = state;
    for (const listener of this.listeners) listener();
  }

  private dismiss(): void {
    if (this.state.forTeacher) this.set({ forTeacher: null });
    else if (this.state.error) this.set({ error: null });
    else if (this.state.comparison?.state === 'failed') this.set({ comparison: null, selected: null });
    else this.set({ failureSeen: true });
  }

  /** What is wrong has been read; what is chosen stays chosen. */
  private answered(): void {
    this.set({ error: null, failureSeen: true, forTeacher: null });
  }

  private askTeacher(): void {
    const { comparison } = this.state;
    const refused = comparison?.state === 'done' ? comparison.plan.trustProblem : null;
    this.set({ forTeacher: trouble(this.state)?.error ?? refused });
  }

  /** Drops what nobody needs; where that is nothing, asks for the image kept to go back to. */
  private async makeRoom(): Promise<void> {
    this.answered();
    let freed = 0;
    await this.ask('clean', async client => {
      freed = (await client.call('collectGarbage', null)).bytesFreed;
    });
    if (this.state.error) return;
    if (freed > 0) this.roomWasMade();
    else if (this.state.status?.previous) this.set({ sacrificing: true });
    else this.set({ error: NO_MORE_ROOM });
  }

  private async sacrifice(): Promise<void> {
    const version = this.state.status?.previous?.commit;
    this.set({ sacrificing: false });
    if (version === undefined) return;
    await this.ask('clean', client => client.call('remove', { version, previous: true }));
    if (!this.state.error) this.roomWasMade();
  }

  /** What did not fit may fit now: a plan is made anew, an upgrade goes on. */
  private roomWasMade(): void {
    if (this.unfinished()) this.goOn();
    else this.compareAgain();
  }

  /** The copy here is mended from others; then what failed for it goes on. */
  private async fix(): Promise<void> {
    this.answered();
    if (this.state.status?.current) await this.ask('fix', client => client.call('verify', { repair: true }));
    if (!this.state.error && this.unfinished()) this.goOn();
  }

  /** What was begun, or asked for and confirmed, goes on. */
  private goOn(): void {
    this.answered();
    const unfinished = this.unfinished();
    const neighbour = selectedNeighbour(this.state);
    if (neighbour && unfinished?.to.commit !== neighbour.commit) this.upgradeFrom(neighbour);
    else if (unfinished) void this.upgrade(unfinished.to.commit, []);
  }

  private wantUpgrade(): void {
    const neighbour = selectedNeighbour(this.state);
    const unfinished = this.unfinished();
    if (!neighbour || unfinished?.to.commit === neighbour.commit) {
      if (unfinished) void this.upgrade(unfinished.to.commit, []);
      return;
    }
    // What the signed commit says counts, not what was announced.
    const { comparison } = this.state;
    const relation = comparison?.state === 'done' ? comparison.plan.relation : neighbour.relation;
    if (relation === 'newer') this.upgradeFrom(neighbour);
    else this.set({ confirming: true });
  }

  private unfinished(): UpgradeState | null {
    return unfinishedUpgrade(this.state);
  }

  private confirmed(): void {
    if (this.state.sacrificing) return void this.sacrifice();
    this.set({ confirming: false });
    if (this.state.selected === 'kept') {
      const restart = this.state.status?.canRestart ?? false;
      void this.ask('go-back', client => client.call('goBack', { restart }));
      return;
    }
    const neighbour = selectedNeighbour(this.state);
    if (neighbour) this.upgradeFrom(neighbour);
  }

  private upgradeFrom(neighbour: Neighbour): void {
    void this.upgrade(neighbour.commit, [neighbour.address]);
  }

  private async upgrade(version: string, from: string[]): Promise<void> {
    this.set({ acknowledged: null, failureSeen: false });
    await this.ask('upgrade', async client => {
      try {
        await client.call('upgrade', { version, from });
      } catch (error) {
        // Stopping is no failure, and a failure of the upgrade itself is told by its own state.
        const told = this.state.upgrade?.state;
        if (told === 'failed' || toPassItOnError(error).code === 'stopped') return;
        throw error;
      }
    });
  }

  private async compare(id: string): Promise<void> {
    const neighbour = this.state.neighbours.get(id);
    if (!neighbour) return;
    const mine = ++this.asked;
    this.set({ comparison: { state: 'asking' } });
    const current = () => mine === this.asked && this.state.selected === `near:${id}`;
    try {
      const plan = await this.need().call('compare', { target: neighbour.commit, from: [neighbour.address] });
      if (current()) this.set({ comparison: { state: 'done', plan } });
    } catch (error) {
      if (current()) this.set({ comparison: { state: 'failed', error: toPassItOnError(error).toJSON() } });
    }
  }

  /** One request to the service; its failure is shown unless the service itself is gone, which is shown anyway. */
  private async ask(pending: Pending, request: (client: ServiceClient) => Promise<unknown>): Promise<void> {
    this.set({ pending, error: null });
    let error: ErrorReport | null = null;
    try {
      await request(this.need());
    } catch (thrown) {
      const known = toPassItOnError(thrown);
      if (known.code === 'internal') process.stderr.write(`${pending}: ${known.message}\n`);
      if (known.code !== 'service') error = known.toJSON();
    }
    if (this.closed) return;
    // A stop that was asked for while an upgrade runs must not take its place.
    if (this.state.pending === pending) this.set({ pending: null });
    if (error) this.set({ error });
  }

  private need(): ServiceClient {
    if (this.client) return this.client;
    throw new PassItOnError('service', 'The service is not there.', 'Wait a moment and try again.');
  }

  private compareAgain(): void {
    const neighbour = selectedNeighbour(this.state);
    if (neighbour) void this.compare(neighbour.id);
  }

  private lookAgain(): void {
    this.set({ ...NOTHING_CHOSEN, error: null, failureSeen: true });
    void this.look().catch(error => this.set({ error: toPassItOnError(error).toJSON() }));
  }

  private reconnect(): void {
    this.retryDelay = RETRY_FIRST;
    void this.link();
  }

  private async link(): Promise<void> {
    if (this.closed || this.client || this.connecting) return;
    if (this.retryTimer) clearTimeout(this.retryTimer);
    this.retryTimer = null;
    this.connecting = true;
    try {
      const client = await this.connect();
      if (this.closed) return client.close();
      this.client = client;
      this.listen(client);
      this.replace(withStatus(this.state, await client.call('status', null)));
      await this.look();
      if (this.client !== client) return;
      this.retryDelay = RETRY_FIRST;
      this.set({ link: 'connected', linkError: null });
    } catch (error) {
      this.client?.close();
      this.lost(toPassItOnError(error).toJSON());
    } finally {
      this.connecting = false;
    }
  }

  private listen(client: ServiceClient): void {
    client.on('status', (status: Status) => this.replace(withStatus(this.state, status)));
    client.on('progress', (upgrade: UpgradeState) => this.replace(withUpgrade(this.state, upgrade)));
    client.on('neighbour', (event: NeighbourEvent) => this.neighbour(event));
    client.onClose(() => {
      if (this.client === client) this.lost(null);
    });
  }

  private lost(error: ErrorReport | null): void {
    this.client = null;
    if (this.closed) return;
    const alone = withNeighbours(this.state, new Map());
    this.replace({ ...alone, ...NOTHING_CHOSEN, pending: null, link: 'lost', linkError: error });
    if (this.retryTimer) clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => void this.link(), this.retryDelay);
    this.retryDelay = Math.min(this.retryDelay * 2, RETRY_MOST);
  }

  private async look(): Promise<void> {
    const client = this.need();
    await client.call('watchNeighbours', { on: false });
    const near = await client.call('watchNeighbours', { on: true, from: [...this.typed] });
    this.replace(withNeighbours(this.state, new Map(near.map(n => [n.id, n]))));
  }

  private neighbour({ event, ...neighbour }: NeighbourEvent): void {
    const neighbours = new Map(this.state.neighbours);
    if (event === 'removed') neighbours.delete(neighbour.id);
    else neighbours.set(neighbour.id, neighbour);
    this.replace(withNeighbours(this.state, neighbours));
  }
}
