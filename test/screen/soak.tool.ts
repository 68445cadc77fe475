/** Lets laptops come and go and an upgrade run, again and again: soak.tool.js ROUNDS; prints memory in MB as it goes. */
// First, as the screen does.
import '../../src/service/lean';
import { base, crowd, near, STATES, status, upgrade } from './states';
import { controllerAlone, loop, windowOf } from './tool-window';

const rounds = Number(process.argv[2] ?? 200);

async function soak(): Promise<void> {
  const controller = controllerAlone();
  const window = windowOf(controller, 1024, 768, '72');
  window.show();
  const class40 = crowd(40);
  const scenes = ['choose', 'confirm-older', 'fetching', 'ready', 'failed', 'nobody'].map(
    name => STATES[name] ?? base(),
  );
  for (let round = 0; round < rounds; round++) {
    for (const count of [40, 7, 23, 0]) {
      const some = class40.slice(round % 7, (round % 7) + count);
      controller.state = near({ ...controller.state, link: 'connected', status: status() }, some);
      window.update();
      await frame();
    }
    // The table: rows come, go, change and are sorted anew.
    window.showTable(true);
    for (const count of [40, 7, 23, 0, 31]) {
      const some = class40.slice(round % 7, (round % 7) + count).map(one => ({ ...one, version: `4${round % 100}` }));
      controller.state = near({ ...controller.state, link: 'connected', status: status() }, some);
      window.update();
      await frame();
    }
    window.showTable(false);
    for (const scene of scenes) {
      controller.state = scene;
      window.update();
      await frame();
    }
    for (let step = 0; step < 5; step++) {
      controller.state = base(class40, {
        upgrade: upgrade('running', { bytesDone: step * 4e6 + round, secondsLeft: step }),
      });
      window.update();
      await frame();
    }
    if (round % 20 === 19) {
      (globalThis.gc as (() => void) | undefined)?.();
      process.stdout.write(`${Math.round(process.memoryUsage.rss() / 1e6)}\n`);
    }
  }
}

function frame(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 5));
}

loop(soak);
