/** Draws the states of the screen at several sizes: gallery.tool.js FOLDER [WIDTHxHEIGHT,… [STATE,… [rtl]]]. */
import { mkdirSync } from 'node:fs';
import { Controller } from '../../src/screen/controller';
import { Gtk } from '../../src/screen/gtk';
import { ScreenWindow } from '../../src/screen/window';
import { base, STATES } from './states';

const [folder = 'build/screenshots/gallery', sizes = '1200x900', names = '', direction = ''] = process.argv.slice(2);

async function draw(): Promise<void> {
  const controller = new Controller(() => Promise.reject(new Error('nothing is asked here')), base().profile);
  const [width = 1200, height = 900] = (sizes.split(',')[0] ?? '').split('x').map(Number);
  const window = new ScreenWindow(controller, {
    width,
    height,
    scaling: process.env.SUGAR_SCALING,
    sugar: false,
    close: () => {},
  });
  window.show();
  window.parkPointer();
  mkdirSync(folder, { recursive: true });
  for (const size of sizes.split(',')) {
    const [w = 0, h = 0] = size.split('x').map(Number);
    window.window.resize(w, h);
    const wanted = names ? names.split(',') : Object.keys(STATES);
    for (const name of wanted) {
      const state = STATES[name];
      if (!state) throw new Error(`no state ${name}`);
      controller.state = state;
      process.stdout.write(`${await window.screenshot(folder, `${name}-${size}`)}\n`);
    }
  }
}

Gtk.init([]);
if (direction === 'rtl') Gtk.Widget.setDefaultDirection(2);
setTimeout(() => {
  draw().then(
    () => process.exit(0),
    error => {
      process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
      process.exit(1);
    },
  );
}, 0);
Gtk.main();
