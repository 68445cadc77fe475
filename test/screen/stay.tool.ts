/**
 * Shows one state of the screen after the other, until the next one is written to it: stay.tool.js STATE
 * `table:STATE` is the table. Prints `shown STATE`; each line of input is the next one.
 */
import { createInterface } from 'node:readline';
import { GLib, Gtk } from '../../src/screen/gtk';
import { STATES } from './states';
import { controllerAlone, windowOf } from './tool-window';

GLib.setPrgname('stay');
Gtk.init([]);

const controller = controllerAlone();
const window = windowOf(controller, 1200, 900, process.env.SUGAR_SCALING);

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
