/** Everything that makes the screen an activity of Sugar's: shell, Journal, notices. Outside Sugar none of it runs. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Controller } from '../screen/controller';
import { _, fill } from '../screen/i18n';
import { stagedImage } from '../screen/state';
import type { ScreenWindow } from '../screen/window';
import { Datastore } from './datastore';
import { recall } from './diary';
import { Journal } from './journal';
import type { SugarLaunch } from './launch';
import { notify } from './notice';
import { Session } from './session';
import { activateActivity, markWindow, serveActivity } from './shell';

/** Longest time, in ms, that closing waits for the Journal. */
const LAST_WRITES_MS = 3000;
/** As long as Sugar's Frame takes to leave, and some more. */
const SLIDE_MS = 1500;
const PREVIEW = { width: 300, height: 225 };

export class Activity {
  private readonly session = Session.open();
  private readonly journal: Journal;
  private active = true;
  /** The staged commit that was told, or was there when the screen opened. */
  private told: string | null | undefined;

  /** Must be made before the window is shown. */
  constructor(
    private readonly launch: SugarLaunch,
    private readonly controller: Controller,
    private readonly window: ScreenWindow,
  ) {
    markWindow(window.window, launch.activityId, launch.bundleId);
    this.journal = new Journal(new Datastore(this.session), {
      activityId: launch.activityId,
      bundleId: launch.bundleId,
      objectId: launch.objectId,
      root: launch.root,
      name: _('Pass It On'),
      preview: file => this.preview(file),
    });
  }

  /** Rejects when the session bus is not there: the shell could not know the activity then. */
  async start(): Promise<void> {
    const { journal, window, controller } = this;
    window.toolbar.onRename(title => journal.rename(title));
    journal.onChange(() => window.toolbar.setTitle(journal.title));
    await serveActivity(this.session, this.launch.activityId, {
      setActive: active => this.setActive(active),
      document: () => journal.document(),
    });
    await journal.resume();
    const memory = recall(journal.deeds);
    if (memory) controller.recall(memory);
    controller.onChange(() => this.look());
    this.look();
  }

  /** Puts the activity in front, as the shell does when its icon is tapped. */
  raise(): void {
    activateActivity(this.session, this.launch.activityId).catch(complain('Shell'));
  }

  /** Resolves when the Journal has everything, or takes too long. */
  async close(): Promise<void> {
    const patience = new Promise<void>(resolve => setTimeout(resolve, LAST_WRITES_MS).unref());
    await Promise.race([this.journal.close(), patience]);
    this.session.close();
  }

  /** An entry of its own in the Journal: a person finds nothing in the folders of an activity. @returns where it is */
  async save(name: string, text: string): Promise<string> {
    const file = join(this.launch.root, 'instance', name);
    await writeFile(file, text);
    const properties = { title: name, title_set_by_user: '1', mime_type: 'text/csv', activity: '', keep: '0' };
    await new Datastore(this.session).create(properties, file);
    return fill(_('{name}, in the Journal'), { name });
  }

  private setActive(active: boolean): void {
    this.active = active;
    this.window.setActive(active);
    // Not before the Frame, from which it may have been called, has slid away.
    if (active) setTimeout(() => this.active && this.journal.seen(), SLIDE_MS).unref();
  }

  private look(): void {
    const { state } = this.controller;
    if (!state.status) return;
    this.journal.observe(state);
    const staged = stagedImage(state);
    const commit = staged?.commit ?? null;
    const isNews = commit !== null && this.told !== undefined && commit !== this.told;
    this.told = commit;
    if (!isNews || !staged || this.active) return;
    notify(this.session, {
      activityId: this.launch.activityId,
      title: fill(_('{version} is ready'), { version: staged.version }),
      line: _('Restart when you like. Your work stays.'),
      icon: join(this.launch.bundlePath, 'activity', 'activity-passiton.svg'),
    }).catch(complain('Notice'));
  }

  private async preview(file: string): Promise<boolean> {
    return this.active && (await this.window.preview(file, PREVIEW));
  }
}

function complain(what: string): (error: unknown) => void {
  return error => {
    process.stderr.write(`${what}: ${error instanceof Error ? error.message : String(error)}\n`);
  };
}
