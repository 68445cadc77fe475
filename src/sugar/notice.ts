/** A notice in Sugar's Frame (org.freedesktop.Notifications as jarabe.model.notifications serves it). */
import { Variant } from '@particle/dbus-next';
import type { Session } from './session';

const SERVER = {
  destination: 'org.freedesktop.Notifications',
  path: '/org/freedesktop/Notifications',
  interface: 'org.freedesktop.Notifications',
} as const;

export interface Notice {
  /** Whose it is: the Frame marks the button of that activity. */
  activityId: string;
  title: string;
  line: string;
  /** SVG file with Sugar's entities; the shell draws it in this child's colours. */
  icon: string;
}

export async function notify(session: Session, { activityId, title, line, icon }: Notice): Promise<void> {
  // No colours: where some are given as text the shell of Sugar 0.120 fails to draw them.
  const hints = { 'x-sugar-icon-file-name': new Variant('s', icon) };
  await session.call(SERVER, 'Notify', 'susssasa{sv}i', [activityId, 0, icon, title, line, [], hints, -1]);
}
