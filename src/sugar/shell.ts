/**
 * An activity's side of the Sugar shell: the window properties by which the shell knows its window, and the D-Bus
 * object it calls (sugar3.activity.activityservice).
 */
import { interface as dbusInterface, type MessageBus, sessionBus } from '@particle/dbus-next';
import { type Gtk3, loadSugarExt, on, windowId } from '../screen/gtk';

export interface ActivityHandlers {
  /** The shell has put the activity in front, or away. */
  setActive(active: boolean): void;
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

  /** No document: there is nothing in the Journal to show the source of. */
  GetDocumentPath(): string {
    return '';
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

/** Puts `org.laptop.Activity` on the session bus; the answer takes it off again. */
export async function serveActivity(activityId: string, handlers: ActivityHandlers): Promise<() => void> {
  const bus: MessageBus = sessionBus();
  bus.on('error', (error: Error) => process.stderr.write(`D-Bus: ${error.message}\n`));
  bus.export(`/org/laptop/Activity/${activityId}`, new ActivityInterface(handlers));
  await bus.requestName(`org.laptop.Activity${activityId}`, 0);
  return () => bus.disconnect();
}
