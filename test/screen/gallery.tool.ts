/** Draws the states of the screen at several sizes, in the language of LANGUAGE: gallery.tool.js FOLDER [WIDTHxHEIGHT,… [STATE,…]]. `table:STATE` is the table. */
import { mkdirSync } from 'node:fs';
import { plan, STATES } from './states';
import { controllerAlone, loop, windowOf } from './tool-window';

const [folder = 'build/screenshots/gallery', sizes = '1200x900', names = ''] = process.argv.slice(2);

async function draw(): Promise<void> {
  const controller = controllerAlone();
  const [width = 1200, height = 900] = (sizes.split(',')[0] ?? '').split('x').map(Number);
  const window = windowOf(controller, width, height, process.env.SUGAR_SCALING);
  // What the table asks of the service, told from here.
  const costs = (_method: string, { target }: { target: string }) =>
    Promise.resolve(
      plan('407', { bytesRaw: Number.parseInt(target.slice(4, 6), 16) * 400_000, signedBy: 'Colegio Roble' }),
    );
  Object.assign(controller, { call: costs });
  window.show();
  window.parkPointer();
  mkdirSync(folder, { recursive: true });
  for (const size of sizes.split(',')) {
    const [w = 0, h = 0] = size.split('x').map(Number);
    window.window.resize(w, h);
    const wanted = names ? names.split(',') : Object.keys(STATES);
    for (const wish of wanted) {
      const [name = '', kind] = wish.split(':').reverse();
      const state = STATES[name];
      if (!state) throw new Error(`no state ${name}`);
      controller.state = state;
      if ((kind === 'table') !== window.isTable) window.showTable(kind === 'table');
      process.stdout.write(`${await window.screenshot(folder, `${kind ?? ''}${name}-${size}`)}\n`);
    }
  }
}

loop(draw);
