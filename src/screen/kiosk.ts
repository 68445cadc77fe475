/**
 * A kiosk at a fair: shows by itself how a laptop is upgraded and goes back, again and again. Whoever touches it drives;
 * when nobody does for a minute it begins anew. It presses the same buttons as a child does.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ImageInfo } from '../service/contract';
import type { Controller } from './controller';
import { _, fill, ngettext } from './i18n';
import { lastWords } from './last-words';
import type { ScreenState } from './state';
import { newest, settled, until } from './waiting';
import { nickOf } from './words';

const QUIET_MS = 60_000;
/** The last part of it, in which it is said that it will begin anew. */
const WARNING_MS = 10_000;
/** For what the laptop does by itself; a real radio is slow. */
const PATIENCE_MS = 5 * 60_000;
/** For an answer of the service. */
const ANSWER_MS = 60_000;
/** After something has gone wrong, before it is tried again. */
const REST_MS = 5_000;
const TICK_MS = 1_000;
/** Time to read a caption, and to see what a tap has done. */
const READ_MS = 5_500;
const LOOK_MS = 2_500;

/** Its time, in ms, of which a test has another. */
export interface Clock {
  now(): number;
  /** Rejects when the signal is aborted before. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

const REAL: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) => sleep(milliseconds, undefined, { signal }),
};

export interface KioskOptions {
  controller: Controller;
  /** inviting: whoever comes by may take over. */
  show(caption: string, inviting: boolean): void;
  /** 1: people can read it; less is faster. */
  pace: number;
  /** The version that every tour begins with; null: the one there is when it starts. */
  home: string | null;
  /** Called after every whole tour with their number. */
  toured(tours: number): void;
}

export class Kiosk {
  private tours = 0;
  private touchedAt = 0;
  private touring: AbortController | null = null;
  private closed = false;

  constructor(
    private readonly options: KioskOptions,
    private readonly clock: Clock = REAL,
  ) {}

  /** Runs until `close`; never rejects: what goes wrong is written to stderr and begun anew. */
  async run(): Promise<void> {
    while (!this.closed) {
      const touring = new AbortController();
      this.touring = touring;
      try {
        const home = await this.startOver();
        await this.tour(home, touring.signal);
        this.tours += 1;
        this.options.toured(this.tours);
      } catch (thrown) {
        this.touring = null;
        if (this.closed) return;
        if (touring.signal.aborted) await this.visit();
        else await this.recover(thrown);
      }
    }
  }

  /** A visitor has touched the screen. */
  touch(): void {
    this.touchedAt = this.clock.now();
    this.touring?.abort();
  }

  close(): void {
    this.closed = true;
    this.touring?.abort();
  }

  private get controller(): Controller {
    return this.options.controller;
  }

  private wait(
    reached: (state: ScreenState) => boolean,
    milliseconds: number,
    otherwise: string,
    signal?: AbortSignal,
  ) {
    return until(this.controller, reached, milliseconds, otherwise, signal);
  }

  /** Says something, and leaves it there as long as it takes to read. */
  private async say(caption: string, signal: AbortSignal, milliseconds = READ_MS): Promise<void> {
    this.options.show(caption, true);
    await this.clock.sleep(milliseconds * this.options.pace, signal);
  }

  /** This laptop as every tour finds it: the first version in use, and nothing else here. */
  private async startOver(): Promise<ImageInfo> {
    const { controller } = this;
    this.options.show(_('Here laptops upgrade each other.'), true);
    await this.wait(({ link, status }) => link === 'connected' && status !== null, PATIENCE_MS, 'no service came');
    controller.clear();
    if (controller.state.upgrade?.state === 'running') {
      await controller.call('stopUpgrade', null);
      await this.wait(({ upgrade }) => upgrade?.state !== 'running', ANSWER_MS, 'the upgrade did not stop');
    }
    const left = controller.state.upgrade?.state;
    if (left === 'stopped' || left === 'failed') await controller.call('forgetUpgrade', null);
    let status = await controller.call('status', null);
    const name = this.options.home ?? status.current?.version ?? '';
    this.options.home = name;
    if (status.staged) status = await controller.call('activate', { restart: false });
    if (!status.images.some(({ version }) => version === name)) {
      await controller.call('upgrade', { version: name });
      status = await controller.call('activate', { restart: false });
    }
    // Using an image takes it out of the other places: at last only the first version has one.
    for (const other of [status.current, status.previous]) {
      if (other && other.version !== name) await controller.call('use', { version: other.commit });
    }
    const { current } = await controller.call('use', { version: name });
    await controller.call('collectGarbage', null);
    if (!current) throw new Error(`${name} is not here`);
    // What the last tour has brought is no news any more.
    await controller.call('arrivalSeen', null);
    await this.wait(
      ({ status: now }) => now?.current?.commit === current.commit && now.images.length === 1,
      ANSWER_MS,
      'it did not begin anew',
    );
    return current;
  }

  private async tour(home: ImageInfo, signal: AbortSignal): Promise<void> {
    const { controller } = this;
    const old = home.version;
    const mine = fill(_('This laptop has version {version}. Every laptop near says which one it has.'), {
      version: old,
    });
    await this.say(mine, signal);
    await this.wait(state => newest(state) !== null, PATIENCE_MS, 'no newer laptop appeared', signal);
    await settled(controller, LOOK_MS * this.options.pace);
    const chosen = newest(controller.state);
    if (!chosen) throw new Error('the newer laptop has left');
    const { version } = chosen;
    const giver = nickOf(chosen);
    await this.say(fill(_('{nick} has something newer. A tap asks what is different.'), { nick: giver }), signal);
    if (controller.state.selected !== `near:${chosen.id}`) controller.tap(`near:${chosen.id}`);
    await this.wait(({ comparison }) => comparison?.state === 'done', ANSWER_MS, 'nobody compared', signal);
    await this.say(_('Only what is different has to come over. No server is needed.'), signal);

    controller.act('upgrade');
    this.options.show(fill(_('Everybody who has {version} sends a part of it.'), { version }), true);
    await this.wait(isOver, PATIENCE_MS, 'the upgrade did not end', signal);
    const { upgrade, error } = controller.state;
    if (upgrade?.state !== 'staged') throw new Error((upgrade?.error ?? error)?.message ?? 'the upgrade has stopped');
    const ready = _('{version} is here, and every file was checked. {old} still runs, untouched.');
    await this.say(fill(ready, { version, old }), signal);
    await this.say(_('Now a restart is all it takes.'), signal, LOOK_MS);
    if (controller.state.status?.canRestart) controller.act('restart');
    else await controller.activate();
    const { commit } = upgrade.to;
    await this.wait(({ status }) => status?.current?.commit === commit, ANSWER_MS, 'it was not put to use', signal);
    await this.say(fill(_('This laptop has {version} now, and can give it to others.'), { version }), signal);

    await this.say(fill(_('{old} is kept here: going back needs nobody else.'), { old }), signal, LOOK_MS);
    controller.tap('kept');
    await this.say(_('One tap, and one question.'), signal, LOOK_MS);
    controller.act('go-back');
    await this.clock.sleep(LOOK_MS * this.options.pace, signal);
    controller.act('confirm');
    const back = (state: ScreenState) => state.status?.current?.commit === home.commit;
    await this.wait(back, ANSWER_MS, 'it did not go back', signal);
    await this.say(fill(_('And {old} is back. Any version can become any other.'), { old }), signal);
  }

  /** Somebody is here: they drive, until nobody has touched anything for a while. */
  private async visit(): Promise<void> {
    for (;;) {
      const left = this.touchedAt + QUIET_MS * this.options.pace - this.clock.now();
      if (left <= 0 || this.closed) return;
      const seconds = Math.ceil(left / 1000);
      const ending = ngettext('Starting over in {n} second.', 'Starting over in {n} seconds.', seconds);
      this.options.show(
        left < WARNING_MS * this.options.pace ? fill(ending, { n: seconds }) : _('Your turn! Tap a laptop.'),
        false,
      );
      await this.clock.sleep(TICK_MS * this.options.pace);
    }
  }

  private async recover(thrown: unknown): Promise<void> {
    process.stderr.write(`kiosk: ${lastWords(thrown)}\n`);
    this.options.show(_('Something went wrong. It starts over now.'), false);
    await this.clock.sleep(REST_MS * this.options.pace);
  }
}

function isOver(state: ScreenState): boolean {
  const told = state.upgrade?.state;
  return state.pending === null && (told !== 'running' || state.error !== null);
}
