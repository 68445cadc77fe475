/**
 * Shows one state of the screen after the other, until the next one is written to it: stay.tool.js STATE
 * `table:STATE` is the table. Prints `shown STATE`; each line of input is the next one.
 */
import { createInterface } from 'node:readline';
import { Controller } from '../../src/screen/controller';
import { GLib, Gtk } from '../../src/screen/gtk';
import { ScreenWindow } from '../../src/screen/window';
import { base, STATES } from './states';

GLib.setPrgname('stay');
Gtk.init([]);

const controller = new Controller(() => Promise.reject(new Error('nothing is asked here')), base().profile);
const window = new ScreenWindow(controller, {
  width: 1200,
  height: 900,
  scaling: process.env.SUGAR_SCALING,
  sugar: false,
  close: () => {},
  save: () => Promise.reject(new Error('nothing is saved here')),
});

function show(wish: string): void {
  const [name = '', kind] = wish.split(':').reverse();
  const state = STATES[name];
  if (!state) throw new Error(`no state ${name}`);
  controller.state = state;
  if ((kind === 'table') !== window.isTable) window.showTable(kind === 'table');
  window.update();
  process.stdout.write(`shown ${wish}\n`);
}

setTimeout(() => {
  window.show();
  const [width = 1200, height = 900] = (process.env.STAY_SIZE ?? '1200x900').split('x').map(Number);
  window.window.resize(width, height);
  show(process.argv[2] ?? 'choose');
  createInterface({ input: process.stdin }).on('line', line => show(line));
}, 0);
Gtk.main();
