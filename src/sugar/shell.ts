/**
 * An activity's side of the Sugar shell: the window properties by which the shell knows its window, and the D-Bus
 * object it calls (sugar3.activity.activityservice).
 */
import { interface as dbusInterface } from '@particle/dbus-next';
import { type Gtk3, loadSugarExt, on, windowId } from '../screen/gtk';
import type { Session } from './session';

export interface ActivityHandlers {
  /** The shell has put the activity in front, or away. */
  setActive(active: boolean): void;
  /** The path of a copy of what is shown, whose source a child may look at; '' where there is none. */
  document(): Promise<string>;
}

class ActivityInterface extends dbusInterface.Interface {
  constructor(private readonly handlers: ActivityHandlers) {
    super('org.laptop.Activity');
  }

  SetActive(active: boolean): void {
    this.handlers.setActive(active);
  }

  /** Nothing here is shared by invitation. */
  InviteContact(_account: string, _contact: string): void {}

  /** No source view of its own: the shell then shows the bundle. */
  HandleViewSource(): void {}

  GetDocumentPath(): Promise<string> {
    return this.handlers.document();
  }
}

ActivityInterface.configureMembers({
  methods: {
    SetActive: { inSignature: 'b', outSignature: '' },
    InviteContact: { inSignature: 'ss', outSignature: '' },
    HandleViewSource: { inSignature: '', outSignature: '' },
    GetDocumentPath: { inSignature: '', outSignature: 's' },
  },
});

/** Must be called before the window is realized; without these properties the launch counts as failed after 90 s. */
export function markWindow(window: Gtk3.Window, activityId: string, bundleId: string): void {
  const sugarExt = loadSugarExt();
  on(window, 'realize', () => {
    const id = windowId(window);
    if (id === null) return;
    sugarExt.wmSetActivityId(id, activityId);
    sugarExt.wmSetBundleId(id, bundleId);
  });
}

/** Puts `org.laptop.Activity` on the session bus. */
export async function serveActivity(session: Session, activityId: string, handlers: ActivityHandlers): Promise<void> {
  session.bus.export(`/org/laptop/Activity/${activityId}`, new ActivityInterface(handlers));
  await session.bus.requestName(`org.laptop.Activity${activityId}`, 0);
}

const SHELL = {
  destination: 'org.laptop.Shell',
  path: '/org/laptop/Shell',
  interface: 'org.laptop.Shell',
} as const;

/** Brings an activity to the front, as a tap on its icon does. */
export async function activateActivity(session: Session, activityId: string): Promise<void> {
  await session.call(SHELL, 'ActivateActivity', 's', [activityId]);
}

/** Tells the shell that this launch shows no window of its own, so that it waits for none. */
export async function withdrawLaunch(session: Session, activityId: string): Promise<void> {
  await session.call(SHELL, 'NotifyLaunchFailure', 's', [activityId]);
}
