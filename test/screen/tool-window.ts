/** A program that shows the real window by itself, for pictures and measurements: its window, and GTK's loop around its work. */
import { Controller } from '../../src/screen/controller';
import { Gtk } from '../../src/screen/gtk';
import { isRightToLeft } from '../../src/screen/i18n';
import { ScreenWindow } from '../../src/screen/window';
import { base } from './states';

/** One that has no service: its state is set from outside. */
export function controllerAlone(): Controller {
  return new Controller(() => Promise.reject(new Error('nothing is asked here')), base().profile);
}

/** Not shown yet. */
export function windowOf(controller: Controller, width = 1200, height = 900, scaling?: string): ScreenWindow {
  return new ScreenWindow(controller, {
    width,
    height,
    scaling,
    sugar: false,
    close: () => {},
    save: () => Promise.reject(new Error('nothing is saved here')),
  });
}

/** To be called at the top level, as src/screen/main.ts calls Gtk.main(). The program ends with the work, with 1 where that failed. */
export function loop(work: () => Promise<void>): void {
  Gtk.init([]);
  Gtk.Widget.setDefaultDirection(isRightToLeft() ? 2 : 1);
  setTimeout(() => {
    work().then(
      () => process.exit(0),
      error => {
        process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
        process.exit(1);
      },
    );
  }, 0);
  Gtk.main();
}
