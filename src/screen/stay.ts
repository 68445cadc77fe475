/**
 * Keeps a kiosk's window where it is: on the whole screen, in front, with the keyboard. Window managers have keys of
 * their own that put windows away (Super+H, Alt+Tab…); while we hold the keyboard they do not get to see them.
 */
import { Gdk, type Gtk3, guard, on } from './gtk';

/** How often, in ms, the keyboard is asked for while somebody else holds it. */
const AGAIN_MS = 1000;
/** Gdk.SeatCapabilities, Gdk.GrabStatus, Gdk.WindowState. */
const KEYBOARD = 8;
const SUCCESS = 0;
const ICONIFIED = 2;

export function stayInFront(window: Gtk3.Window): void {
  window.setKeepAbove(true);
  window.fullscreen();
  let held = false;
  const hold = guard('keyboard', undefined, () => {
    const surface = window.getWindow();
    if (held || !surface || !window.getMapped()) return;
    const seat = Gdk.Display.getDefault()?.getDefaultSeat();
    held = seat?.grab(surface, KEYBOARD, true, null, null, null) === SUCCESS;
  });
  on(window, 'window-state-event', ({ newWindowState }) => {
    if ((newWindowState & ICONIFIED) !== 0) {
      held = false;
      window.deiconify();
      window.present();
    }
    return false;
  });
  // Whoever takes the keyboard away takes it for a moment only.
  on(window, 'grab-broken-event', () => {
    held = false;
    return false;
  });
  setInterval(hold, AGAIN_MS).unref();
}
